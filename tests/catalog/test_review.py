"""Editors: why a field is what it is, where sources disagree, overrides and proposals; by function and by command."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from in_process import scrapy
from psycopg import Connection

from trr_crawl.catalog import review, write
from trr_crawl.catalog.review import ReviewError
from trr_crawl.catalog.write import Record

SHOW = "tt99000001"


def record(source: str, kind: str, key: str, **payload: Any) -> Record:
    return Record(source=source, kind=kind, key=key, payload=payload)


TOLD = [
    record("imdb", "show", SHOW, id=SHOW, country="IT", title="La marea", original_title="Tide", start_year=2019,
           certificate="VM14", genres=["Reality-TV"]),
    record("tmdb", "show", "9901", id="9901", title="The Tide", original_title="tide", start_year=2020,
           genres=["Drama"], external_ids={"imdb": SHOW}),
    record("imdb", "episode", "tt99000011", id="tt99000011", show_id=SHOW, season_number=1, episode_number=1,
           title="Ebb", air_date="2026-03-01", country="US"),
]  # fmt: skip


@pytest.fixture
def told(connection: Connection[Any]) -> Connection[Any]:
    assert write.write(connection, TOLD).rejects == []
    return connection


def show_of(connection: Connection[Any]) -> UUID:
    return review.find(connection, "show", SHOW)


def explained(connection: Connection[Any], field: str) -> review.Explanation:
    [found] = [one for one in review.explain(connection, "show", show_of(connection)) if one.field == field]
    return found


def test_an_entity_is_found_by_any_of_its_names(told: Connection[Any]) -> None:
    entity = show_of(told)
    assert {review.find(told, "show", name) for name in ("tmdb:9901", f"imdb:{SHOW}", str(entity))} == {entity}
    for kind, name, why in (
        ("show", "tt98000000", "knows no show tt98000000"),
        ("show", "9901", "knows no show 9901: give a UUID, source:id"),
        ("vessel", "x", "there is no kind 'vessel'"),
        ("season", str(entity), "knows no season"),
    ):
        with pytest.raises(ReviewError, match=why):
            review.find(told, kind, name)


def test_an_explanation_names_who_counts_and_who_wins(told: Connection[Any]) -> None:
    title = explained(told, "title")
    assert (title.value, title.winner) == ("The Tide", "tmdb")
    assert [(one.source, one.field, one.value, one.counts) for one in title.candidates] == [
        ("imdb", "title", "La marea", False),
        ("tmdb", "title", "The Tide", True),
        ("imdb", "original_title", "Tide", True),
        ("imdb", "title", "La marea", True),
    ]
    certificate = explained(told, "certificate")
    assert (certificate.value, certificate.winner, certificate.candidates[0].counts) == (None, None, False)
    assert explained(told, "overview").candidates == []


def test_conflicts_are_contradictions_and_not_spellings(told: Connection[Any]) -> None:
    found = {(kind, field): said for kind, _, field, said in review.conflicts(told, ["show", "episode"])}
    assert found == {
        ("show", "title"): {"imdb": "Tide", "tmdb": "The Tide"},  # a translated title counts nowhere
        ("show", "start_year"): {"imdb": 2019, "tmdb": 2020},
    }  # genres are united: nobody is contradicted
    assert review.conflicts(told, ["show"], field="start_year", show=show_of(told)) != []
    assert review.conflicts(told, ["show"], field="overview") == []
    assert len(review.conflicts(told, ["show"], limit=1)) == 1


def test_coverage_counts_values_and_records(told: Connection[Any]) -> None:
    found = {(field, source): (filled, of) for _, field, source, filled, of in review.coverage(told, ["show"])}
    assert found["genres", "imdb"] == (1, 1)
    assert found["genres", "tmdb"] == (1, 1)
    assert found["start_year", "tmdb"] == (1, 1)


def test_an_override_is_derived_at_once_and_can_be_taken_back(told: Connection[Any]) -> None:
    entity = show_of(told)
    review.override(told, "show", entity, "title", "Tide", note="as on screen", author="ana")
    title = explained(told, "title")
    assert (title.value, title.winner) == ("Tide", "override")
    assert title.override is not None
    assert (title.override["note"], title.override["author"]) == ("as on screen", "ana")
    assert review.overrides(told) == [("show", entity, "title", "Tide", "as on screen", "ana")]
    last = told.execute("SELECT op, fields FROM changes ORDER BY seq DESC LIMIT 1").fetchone()
    assert last == ("update", ["title"])
    review.unset(told, "show", entity, "title")
    assert explained(told, "title").winner == "tmdb"
    with pytest.raises(ReviewError, match="nobody overrode title"):
        review.unset(told, "show", entity, "title")


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("start_year", "soon", "start_year of a show cannot be 'soon'"),
        ("start_year", 12, "cannot be 12: .*ck_shows_start_year"),
        ("genres", "Reality-TV", "genres of a show cannot be"),
        ("colour", "red", "a show has no field 'colour'; it has title, "),
    ],
)
def test_what_a_field_cannot_hold_is_refused(told: Connection[Any], field: str, value: Any, why: str) -> None:
    with pytest.raises(ReviewError, match=why):
        review.override(told, "show", show_of(told), field, value, note="n", author="ana")
    assert review.overrides(told) == []
    assert explained(told, "start_year").value == 2019


class TestCommands:
    @pytest.fixture
    def catalog(self, crawl_url: str) -> str:
        with psycopg.connect(crawl_url) as connection:
            write.prepare(connection)
            write.write(connection, TOLD)
            other = record("tmdb", "episode", "88", id="88", show_id="9901", season_number=1, episode_number=1,
                           title="Spring", air_date="2026-05-01")  # fmt: skip
            write.write(connection, [other])
        return crawl_url

    def test_explain(self, catalog: str) -> None:
        done = scrapy("merge", "--explain", f"show={SHOW}")
        assert done.status == 0, done.output
        assert "imdb.title: La marea (for another country)" in done.output
        assert "tmdb.title: The Tide" in done.output
        assert scrapy("merge").output.splitlines()[0] == "shows: 0 changed"
        with psycopg.connect(catalog) as connection:
            connection.execute("UPDATE shows SET title = 'spoilt'")
        some = scrapy("merge", f"show={SHOW}", "show=tmdb:9901")
        assert (some.status, some.output.splitlines()[0]) == (0, "shows: 1 changed")

    def test_conflicts_and_coverage(self, catalog: str) -> None:
        done = scrapy("conflicts", "show", "--show", SHOW)
        assert done.status == 0, done.output
        assert "tmdb: 2020" in done.output
        assert done.last_line == "2 fields"
        assert "100%" in scrapy("conflicts", "--coverage", "show").output

    def test_override(self, catalog: str) -> None:
        done = scrapy("override", "set", f"show={SHOW}", "field=end_year", "value=2024", "note=the last one")
        assert done.status == 0, done.output
        assert done.last_line.endswith("end_year is 2024 (override)")
        assert "the last one" in scrapy("override", "list").output
        done = scrapy("override", "unset", f"show={SHOW}", "field=end_year")
        assert done.last_line.endswith("end_year is None (nobody says anything)")

    def test_identity(self, catalog: str) -> None:
        listed = scrapy("identity", "list")
        assert "Spring" in listed.output
        assert listed.last_line == "1 open"
        with psycopg.connect(catalog) as connection:
            [(number,)] = connection.execute("SELECT id FROM identity_proposals").fetchall()
        accepted = scrapy("identity", "accept", str(number))
        assert accepted.status == 0, accepted.output
        with psycopg.connect(catalog) as connection:
            assert connection.execute("SELECT count(*) FROM episodes").fetchone() == (1,)
        assert scrapy("identity", "accept", str(number)).status == 1
        undone = scrapy("identity", "undo", accepted.last_line.rpartition(" ")[2])
        assert undone.status == 0, undone.output
        with psycopg.connect(catalog) as connection:
            assert connection.execute("SELECT count(*) FROM episodes").fetchone() == (2,)

    @pytest.mark.parametrize(
        ("command", "status", "says"),
        [
            ("identity reject 77", 1, "there is no open proposal 77."),
            ("identity accept seven", 2, "'seven' is no proposal"),
            ("identity wave", 2, "say list, accept, reject or undo"),
            ("override set show=tt98000000 field=title value=x note=y", 1, "the catalog knows no show tt98000000"),
            ("override set field=title value=x note=y", 1, "say of what: show=…"),
            (f"override set show={SHOW} field=title value=x", 1, "say value=… and note=…"),
            ("override set vessel=x", 2, "'vessel=x' is none of"),
            ("conflicts vessel", 2, "there is no kind 'vessel'"),
            ("merge --explain show", 2, "'show' is none of"),
            ("merge person=nm99000001", 2, "'person=nm99000001' is none of show=…"),
            ("merge show=tt98000000", 1, "the catalog knows no show tt98000000"),
        ],
    )
    def test_mistakes(self, catalog: str, command: str, status: int, says: str) -> None:
        done = scrapy(*command.split())
        assert (done.status, "Traceback" in done.output) == (status, False), done.output
        assert says in done.output
