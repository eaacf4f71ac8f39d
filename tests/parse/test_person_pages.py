"""Every recorded page of a person against its golden, and the parser on the pages that IMDb really served."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from golden_pages import PAGES, GoldenTests, as_page
from golden_pages import captured as recorded

from trr_crawl.items import Credit, payload
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import person
from trr_crawl.parse.imdb.person import PersonPage

FOLDER = PAGES / "person"


class TestGoldens(GoldenTests):
    kind = "person"
    parsers = (person,)

    def read(self, page: Path, about: str) -> PersonPage:
        if page.suffix == ".html":
            return person.parse_page(page.read_bytes(), about)
        asked = ("director",) if page.name.startswith("answer-director") else ()
        return person.parse_answer(page.read_bytes(), about, country="US", language="en-US", asked=asked)

    def describe(self, page: PersonPage) -> dict[str, Any]:
        return {
            "about": page.person.id,
            "count": page.count,
            "total": page.total,
            "groups": [[group.name, group.count, group.total] for group in page.groups],
            "next_cursor": page.next_cursor,
        }


def test_all_layouts_tell_the_same() -> None:
    older, current, answer = (
        sorted(json.dumps(item) for item in json.loads((FOLDER / f"{name}.items.json").read_bytes())["items"])
        for name in ("older-layout", "current-layout", "answer-full")
    )
    assert older == current == answer


def test_the_query_names_its_operation_and_cursor() -> None:
    query = person.query("nm99000001", after="c")
    assert query["variables"] == {"id": "nm99000001", "first": 250, "after": "c"}
    assert f"query {query['operationName']}(" in query["query"]
    assert query["query"].count("{") == query["query"].count("}")


def test_a_question_about_some_trades_uses_imdbs_ids_of_them() -> None:
    query = person.query("nm99000001", roles=("director", "additional_crew", "cast"))
    assert query["variables"]["categories"][:3] == ["director", "miscellaneous", "actor"]
    assert f"query {query['operationName']}(" in query["query"]
    assert query["query"].count("{") == query["query"].count("}")


def test_credits_in_one_of_several_trades_must_name_it() -> None:
    body = (FOLDER / "answer-director-bare.json").read_bytes()
    with pytest.raises(PageError, match=r"node\.category is missing"):
        person.parse_answer(body, "nm99000001", country="US", language="en-US", asked=("director", "writer"))


def test_a_page_gives_the_wanted_trades_alone() -> None:
    body = (FOLDER / "partial-current.html").read_bytes()
    page = person.parse_page(body, "nm99000001", wanted=("producer",))
    assert {role.category for role in page.roles} == {"producer"}
    assert [group.name for group in page.groups] == ["Producer"]
    assert page.count == page.total


@cache
def captured(date: str) -> tuple[dict[str, Any], PersonPage]:
    """A page that IMDb served on a date, and what the parser makes of it."""
    raw = recorded(f"person/*{date}.json")
    props: dict[str, Any] = json.loads(raw)["props"]["pageProps"]
    return props, person.parse_page(as_page(raw), props["nmconst"])


OLDER, CURRENT = "2025-07-02", "2025-10-13"
COUNTS = {OLDER: (44, 480), CURRENT: (108, 488)}
CHANGES = {"biography", "credits_total", "images_total", "image"}
"""Facts that changed between the dates; the picture's caption is in another language."""


@pytest.mark.parametrize("date", [OLDER, CURRENT])
def test_a_real_page_is_read_in_full(date: str) -> None:
    props, page = captured(date)
    assert page.drift == []
    assert (page.count, page.total) == COUNTS[date]
    assert page.total == page.person.credits_total
    assert page.person.images_total == props["mainColumnData"]["images"]["total"]
    assert page.person.name == props["aboveTheFold"]["nameText"]["text"]
    assert page.person.biography == props["aboveTheFold"]["bio"]["text"]["plainText"]
    assert payload(page.person).keys() == set(
        "id name also_known_as biography birth_date birth_year birth_place death_date death_year death_place "
        "death_cause height_centimetres professions known_for_ids credits_total images_total image".split()
    )
    keys = [(item.kind, item.key) for item in page.items()]
    assert len(set(keys)) == len(keys)
    assert {credit.show_id for credit in page.roles} <= page.titles.keys()


def test_both_real_layouts_give_the_same_facts() -> None:
    older, current = (payload(captured(date)[1].person) for date in (OLDER, CURRENT))
    assert older.keys() == current.keys()
    assert {name for name in older if older[name] != current[name]} == CHANGES
    assert older["image"].url == current["image"].url
    assert older["height_centimetres"] == 185.0
    assert str(older["birth_date"]) == captured(OLDER)[0]["aboveTheFold"]["birthDate"]["date"]


def test_both_real_layouts_give_the_same_credits() -> None:
    older, current = (
        {item.key: payload(item) for item in captured(date)[1].items() if isinstance(item, Credit)}
        for date in (OLDER, CURRENT)
    )
    both = older.keys() & current.keys()
    assert len(both) >= 40
    assert [key for key in both if older[key] != current[key]] == []


def test_one_title_can_hold_appearances_old_and_new() -> None:
    _, page = captured(CURRENT)
    [credit] = (
        item for item in page.items() if isinstance(item, Credit) and item.key == f"tt0081857/{page.person.id}/cast"
    )
    assert (credit.as_self, credit.archive_footage) == (True, False)
    assert (credit.episode_count, credit.start_year, credit.end_year) == (123, 1990, 2025)
    assert isinstance(credit.characters, list)
    assert len(credit.characters) == 4
