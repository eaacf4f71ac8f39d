"""Every recorded page of credits against its golden, and its layouts against each other.

An answer of GraphQL is `answer-<name>.json` of a title, `episodes-<name>.json` of a show's episodes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from golden_pages import PAGES, GoldenTests, as_page, captured

from trr_crawl.items import UNSET, Credit, EpisodeCredit, Item, Person, payload
from trr_crawl.parse.imdb import credits as parser
from trr_crawl.parse.imdb import roles
from trr_crawl.parse.imdb.categories import TRADES, trade
from trr_crawl.parse.imdb.credits import CreditsPage, EpisodesCreditsPage, Ledger

FOLDER = PAGES / "credits"
LAYOUTS = ("rows-of-2025.html", "rows-of-2026.html", "nodes-of-2025.html", "nodes-of-2026.html", "answer-all.json")
SHOW_ID = "tt99003000"


def read(page: Path, title_id: str) -> CreditsPage | EpisodesCreditsPage:
    body = page.read_bytes()
    if page.suffix == ".html":
        return parser.parse_page(body, title_id)
    if page.name.startswith("episodes-"):
        return parser.parse_episodes_answer(body, title_id)
    return parser.parse_answer(body, title_id)


class TestGoldens(GoldenTests):
    kind = "credits"
    parsers = (parser, roles)
    named = "title_id"

    def read(self, page: Path, about: str) -> CreditsPage | EpisodesCreditsPage:
        return read(page, about)

    def describe(self, page: CreditsPage | EpisodesCreditsPage) -> dict[str, Any]:
        told: dict[str, Any] = {"count": page.count, "total": page.total, "next_cursor": page.next_cursor}
        if isinstance(page, EpisodesCreditsPage):
            episodes = [
                f"{episode.title_id}: {episode.count} of {episode.total}, then {episode.next_cursor}"
                for episode in page.episodes
            ]
            return {**told, "episodes": episodes}
        if page.promised is not None:
            told["promised"] = page.promised
        return {**told, "groups": [f"{group.category}: {group.count} of {group.total}" for group in page.groups]}


def items_of(name: str) -> list[Item]:
    return list(read(FOLDER / name, SHOW_ID).items())


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_credits(name: str) -> None:
    assert items_of(name) == items_of("nodes-of-2026.html")


@pytest.mark.parametrize("name", ["reference-of-2025-08.html", "reference-of-2025-10.html"])
def test_what_a_reference_page_shows_is_the_same_too(name: str) -> None:
    page = read(FOLDER / name, SHOW_ID)
    by_key = {item.key: item for item in page.items()}
    assert by_key == {item.key: item for item in items_of("nodes-of-2026.html")}
    assert isinstance(page, CreditsPage)
    assert [(group.count, group.total) for group in page.groups if group.category == "cast"] == [(5, 23)]


def test_hosts_judges_narrators_and_old_footage_are_all_cast() -> None:
    cast = [item for item in items_of("rows-of-2025.html") if isinstance(item, Credit) and item.category == "cast"]
    assert [(item.characters, item.as_self, item.archive_footage, item.uncredited) for item in cast] == [
        (["Self - Host"], True, False, False),
        (["Self - Judge", "Self"], True, False, False),
        (["Lighthouse Ghost"], False, False, True),
        (["Self"], True, True, False),
        (["Narrator"], False, False, False),
    ]


class TestLedger:
    def page(self, *roles: Credit) -> CreditsPage:
        people = {role.person_id: Person(source="imdb", id=role.person_id, name="N.") for role in roles}
        return CreditsPage(title_id=SHOW_ID, roles=list(roles), people=people)

    def role(self, person_id: str, category: str = "cast", **facts: Any) -> Credit:
        return Credit(source="imdb", show_id=SHOW_ID, person_id=person_id, category=category, **facts)

    def kept(self, *pages: CreditsPage, categories: tuple[str, ...] = ()) -> tuple[Ledger, list[Item]]:
        ledger = Ledger(categories)
        for page in pages:
            ledger.add(page)
        return ledger, list(ledger.items())

    def test_places_go_on_over_pages(self) -> None:
        first = self.page(self.role("nm1"), self.role("nm2"), self.role("nm1", "director"))
        ledger, items = self.kept(first, self.page(self.role("nm3")))
        places = [(item.person_id, item.category, item.billing_order) for item in items if isinstance(item, Credit)]
        assert places == [("nm1", "cast", 1), ("nm2", "cast", 2), ("nm1", "director", 1), ("nm3", "cast", 3)]
        assert [item.key for item in items if isinstance(item, Person)] == ["nm1", "nm2", "nm3"]
        assert ledger.keys == {item.key for item in items if isinstance(item, Credit)}

    def test_a_later_page_adds_to_a_credit(self) -> None:
        first = self.role("nm1", characters=["Host"], uncredited=True, archive_footage=True)
        again = self.role("nm1", characters=["Judge"], uncredited=False, archive_footage=True, episode_count=4)
        _, [_, credit] = self.kept(self.page(first), self.page(again))
        assert isinstance(credit, Credit)
        assert (credit.characters, credit.billing_order, credit.episode_count) == (["Host", "Judge"], 1, 4)
        assert (credit.uncredited, credit.archive_footage) == (False, True)

    def test_a_page_that_comes_again_adds_nothing_and_has_the_same_marks(self) -> None:
        page = self.page(self.role("nm1", characters=["Host"]), self.role("nm1", "producer", jobs=["Host"]))
        assert self.kept(page, page)[1] == self.kept(page)[1]
        assert len(page.marks) == 2

    def test_other_categories_are_left_out_and_counted(self) -> None:
        page = self.page(self.role("nm1"), self.role("nm1"), self.role("nm2", "director"))
        ledger, items = self.kept(page, categories=("director",))
        assert [item.key for item in items] == ["nm2", f"{SHOW_ID}/nm2/director"]
        assert ledger.left_out == {f"{SHOW_ID}/nm1/cast"}

    @pytest.mark.parametrize(
        ("one", "other", "together"),
        [
            ({"as_self": UNSET}, {"as_self": True}, {"as_self": True}),
            ({"as_self": False}, {"as_self": True}, {"as_self": True}),
            ({"as_self": False}, {"as_self": UNSET}, {"as_self": False}),
            ({"episode_count": None}, {"episode_count": UNSET}, {"episode_count": None}),
            ({"episode_count": 3}, {"episode_count": 8}, {"episode_count": 8}),
            ({"start_year": 2021}, {"start_year": 2019}, {"start_year": 2019}),
            ({"end_year": 2021}, {"end_year": None}, {"end_year": 2021}),
            ({"jobs": None}, {"jobs": ["editor"]}, {"jobs": ["editor"]}),
            ({"jobs": UNSET}, {"jobs": None}, {"jobs": None}),
            ({"jobs": None}, {"jobs": UNSET}, {"jobs": None}),
            ({"attributes": ["a", "b"]}, {"attributes": ["b", "c"]}, {"attributes": ["a", "b", "c"]}),
            ({"credited_as": None}, {"credited_as": "N. N."}, {"credited_as": "N. N."}),
        ],
    )
    def test_roles_are_joined(self, one: dict[str, Any], other: dict[str, Any], together: dict[str, Any]) -> None:
        joined = parser.joined(self.role("nm1", **one), self.role("nm1", **other))
        assert {name: getattr(joined, name) for name in together} == together


class TestTrades:
    @pytest.mark.parametrize(
        ("words", "slug"),
        [
            (("sound_department",), "sound_department"),
            (("Sound Department",), "sound_department"),
            (("amzn1.imdb.concept.name_credit_category.ce258419-131b-41f0-b2c5-227f5d9b719f",), "sound_department"),
            (("Directors",), "director"),
            (("Casting",), "casting_director"),
            (("Second Unit Directors or Assistant Directors",), "assistant_director"),
            (("make_up_department",), "makeup_department"),
            (("Make-Up Artist",), "make_up_artist"),
            (("actress",), "cast"),
            (("Self",), "cast"),
            (("Archive Footage",), "cast"),
            (("Top Cast",), "cast"),
        ],
    )
    def test_many_words_lead_to_one_trade(self, words: tuple[str, ...], slug: str) -> None:
        assert trade(*words) == TRADES[slug]

    def test_an_unknown_one_has_its_own_words(self) -> None:
        unknown = trade("amzn1.imdb.concept.name_credit_category.0", "Rope Tying & Knots")
        assert (unknown.slug, unknown.name, unknown.known) == ("rope_tying_knots", "Rope Tying & Knots", False)

    def test_a_text_in_another_alphabet_has_a_slug(self) -> None:
        assert trade("Режиссёры").slug == "режиссёры"


def test_the_queries_ask_for_what_is_wanted() -> None:
    every, some = parser.query(SHOW_ID), parser.query(SHOW_ID, after="x", categories=["cast"])
    assert every["variables"] == {"id": SHOW_ID, "first": 250, "after": None}
    assert "filter" not in every["query"]
    assert some["variables"] == {"id": SHOW_ID, "first": 250, "after": "x", "categories": ["cast"]}
    assert "filter: { categories: $categories }" in some["query"]


class TestCaptured:
    """The /reference pages that IMDb really served, in both layouts. They are not ours to publish."""

    def page(self, title_id: str) -> CreditsPage:
        return parser.parse_page(as_page(captured(f"title_reference/*{title_id}*.json")), title_id)

    def test_the_cast_of_a_series_is_not_all_of_it(self) -> None:
        page = self.page("tt1520211")
        cast = [group for group in page.groups if group.category == "cast" and group.total]
        assert [(group.count, group.total) for group in cast] == [(50, 993)]
        assert len([item for item in page.items() if isinstance(item, Credit) and item.category == "cast"]) == 50

    @pytest.mark.parametrize("title_id", ["tt1520211", "tt0133093"])
    def test_nothing_in_it_is_new_and_all_rows_are_credits(self, title_id: str) -> None:
        page = self.page(title_id)
        found = [item for item in page.items() if isinstance(item, Credit)]
        assert page.drift == []
        assert len(found) == page.count
        assert {credit.category for credit in found} <= TRADES.keys()
        places: dict[str, list[Any]] = {}
        for credit in found:
            places.setdefault(credit.category, []).append(credit.billing_order)
        assert all(order == list(range(1, len(order) + 1)) for order in places.values())

    def test_both_layouts_give_the_same_shape(self) -> None:
        shapes = [
            {
                (item.category == "cast", *(name.removeprefix("main_") for name in payload(item)))
                for item in self.page(title_id).items()
                if isinstance(item, Credit)
            }
            for title_id in ("tt1520211", "tt0133093")
        ]
        assert shapes[0] == shapes[1]
        assert len(shapes[0]) == 2

    def test_names_on_screen_and_the_uncredited(self) -> None:
        found = [item for item in self.page("tt0133093").items() if isinstance(item, Credit)]
        assert len([credit for credit in found if credit.credited_as]) > 10
        assert all(f"as {credit.credited_as}" in (credit.attributes or []) for credit in found if credit.credited_as)
        assert len([credit for credit in found if credit.uncredited]) > 5


def test_an_episode_has_episode_credits() -> None:
    page = parser.parse_answer((FOLDER / "answer-of-an-episode.json").read_bytes(), "tt99003101")
    found = [item for item in page.items() if not isinstance(item, Person)]
    assert all(isinstance(item, EpisodeCredit) and item.show_id == SHOW_ID for item in found)
    assert len(found) == 2
