"""Which of several shows is meant, the pieces of a long time, the lines of a daily list."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl.items import UNSET, Company, Maybe, Network, Person, Show, payload
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.tmdb import changes, exports
from trr_crawl.parse.tmdb.exports import Export, Of
from trr_crawl.parse.tmdb.find import Code, Found, name_score, resolve


def show(number: int, name: str, year: Maybe[int] = UNSET, popularity: float = 1.0) -> Found:
    return Found(Show(source="tmdb", id=str(number), title=name, start_year=year), popularity)


TIDE, TIDES, GULL = show(1, "Tide Talk", 2020), show(2, "Tide Talk", 2005, 99), show(3, "Gull", 2020, 500)
UK = show(4, "Tide Talk UK", 2020)


class TestResolve:
    @pytest.mark.parametrize(
        ("shows", "name", "year", "code", "chosen"),
        [
            ([], "Tide Talk", 2020, Code.NO_TV_RESULTS, None),
            ([GULL], "Tide Talk", 1990, Code.SINGLE_RESULT, "3"),
            ([GULL, TIDE], "tide talk", None, Code.NAME_MATCH, "1"),
            ([GULL, TIDE], "Tide-Talk!", 2021, Code.NAME_MATCH, "1"),
            ([GULL, TIDE], "Tide Talk", 2011, Code.AMBIGUOUS, None),
            ([TIDE, TIDES], "Tide Talk", None, Code.AMBIGUOUS, None),
            ([TIDE, TIDES], "Tide Talk", 2006, Code.YEAR_MATCH, "2"),
            ([TIDE, TIDES], "Tide Talk", 2012, Code.AMBIGUOUS, None),
            ([TIDE, TIDES], None, 2020, Code.YEAR_MATCH, "1"),
            ([TIDE, GULL], None, 2020, Code.AMBIGUOUS, None),
            ([TIDE, GULL], None, None, Code.AMBIGUOUS, None),
            ([GULL, UK], "Tide Talk", 2020, Code.HEURISTIC_MATCH, "4"),
            ([GULL, UK], "Tide Talk", None, Code.AMBIGUOUS, None),
            ([GULL, show(5, "Roof Party", 2020)], "Tide Talk", 2020, Code.AMBIGUOUS, None),
            ([TIDE, show(6, "Tide Talk", None)], "Tide Talk", 2020, Code.YEAR_MATCH, "1"),
        ],
    )
    def test_name_and_year_decide_and_nothing_else(
        self, shows: list[Found], name: str | None, year: int | None, code: Code, chosen: str | None
    ) -> None:
        found = resolve(shows, name=name, year=year)
        assert (found.code, found.chosen.id if found.chosen else None) == (code, chosen)

    @given(
        st.lists(st.sampled_from([TIDE, TIDES, GULL, UK]), min_size=2, unique_by=lambda found: found.show.id),
        st.sampled_from(["Tide Talk", "Gull", None]),
        st.sampled_from([2005, 2020, None]),
        st.floats(0, 1000),
    )
    def test_neither_order_nor_popularity_changes_it(
        self, shows: list[Found], name: str | None, year: int | None, popularity: float
    ) -> None:
        one = resolve(shows, name=name, year=year)
        other = resolve([Found(found.show, popularity) for found in reversed(shows)], name=name, year=year)
        assert (one.code, one.chosen) == (other.code, other.chosen)

    def test_what_stays_open_is_listed_with_its_score(self) -> None:
        found = [payload(candidate) for candidate in resolve([GULL, TIDE, TIDES], name="Tide Talk").candidates("tt1")]
        assert [(entry["id"], entry["score"], entry["position"]) for entry in found] == [
            ("2", 2.0, 1),
            ("1", 2.0, 2),
            ("3", -1.0, 3),
        ]
        assert found[0]["evidence"] == ["equal name", "year unknown", "popularity 99"]

    @pytest.mark.parametrize(
        ("one", "other", "score"),
        [
            ("Tide Talk", "TIDE  TALK", 3),
            ("Tide Talk", "The Tide Talk", 2),
            ("Art", "Party", 0),
            ("The Salt Ladder Show", "Salt Ladder Show Live", 1),
            ("", "Tide", 0),
            ("!", "!", 0),
        ],
    )
    def test_how_alike_names_are(self, one: str, other: str, score: int) -> None:
        assert name_score(one, other) == name_score(other, one) == score


class TestWindows:
    @given(st.dates(date(2020, 1, 1), date(2026, 1, 1)), st.integers(0, 100))
    def test_all_days_are_asked_for_in_pieces_that_tmdb_takes(self, since: date, days: int) -> None:
        until = since + timedelta(days=days)
        pieces = list(changes.windows(since, until))
        assert (pieces[0][0], pieces[-1][1]) == (since, until)
        assert all(last - first <= timedelta(days=14) for first, last in pieces)
        assert all(one[1] == other[0] for one, other in itertools.pairwise(pieces))


class TestExport:
    LINES = (
        b'{"id":1,"original_name":"Tide Talk","popularity":9.5}\n'
        b'{"id":2,"original_name":"Gull","popularity":0.5}\n'
        b"\n"
        b'{"id":3,"original_name":"GULL","popularity":12}\n'
    )

    @pytest.mark.parametrize(
        ("export", "chosen"),
        [
            (Export(Of.SHOWS), ["1", "2", "3"]),
            (Export(Of.SHOWS, popularity=5), ["1", "3"]),
            (Export(Of.SHOWS, names=frozenset({"gull"})), ["2", "3"]),
            (Export(Of.SHOWS, popularity=5, names=frozenset({"gull"})), ["3"]),
        ],
    )
    def test_what_is_chosen(self, export: Export, chosen: list[str]) -> None:
        assert [item.key for item in export.read(self.LINES)] == chosen
        assert (export.lines, export.problem_count, export.drift) == (4, 0, set())

    def test_a_line_that_cannot_be_read_is_named(self) -> None:
        export = Export(Of.SHOWS)
        assert [item.key for item in export.read(b'{"id":1}\n{"id":\n{"name":"x"}\n[]\n{"id":2,"mood":1}\n')] == [
            "1",
            "2",
        ]
        assert export.problem_count == 3
        assert [problem.partition(" (")[0] for problem in export.problems] == ["line 2", "line 3", "line 4"]
        assert export.drift == {"export.mood"}

    @pytest.mark.parametrize(
        ("of", "line", "item"),
        [
            (
                Of.SHOWS,
                '{"id":1,"original_name":"プライド","popularity":3}',
                Show(source="tmdb", id="1", show_type="tv", original_title="プライド", popularity=3.0),
            ),
            (
                Of.FILMS,
                '{"adult":false,"id":2,"original_title":"Salt","popularity":1.5,"video":false}',
                Show(
                    source="tmdb", id="movie/2", show_type="movie", original_title="Salt", adult=False, popularity=1.5
                ),
            ),
            (
                Of.PEOPLE,
                '{"adult":true,"id":3,"name":"Ana Reyes","popularity":0.1}',
                Person(source="tmdb", id="3", name="Ana Reyes", adult=True, popularity=0.1),
            ),
            (Of.NETWORKS, '{"id":4,"name":"Harbour TV"}', Network(source="tmdb", id="4", name="Harbour TV")),
            (Of.COMPANIES, '{"id":5,"name":"Gull Pictures"}', Company(source="tmdb", id="5", name="Gull Pictures")),
        ],
    )
    def test_what_a_line_becomes(self, of: Of, line: str, item: object) -> None:
        assert Export(of).read(line.encode()) == [item]

    def test_files_are_named_by_their_day(self) -> None:
        assert exports.file_name(Of.SHOWS, date(2026, 8, 31)) == "tv_series_ids_08_31_2026.json.gz"

    def test_a_line_alone(self) -> None:
        assert exports.read_line(b'{"id":7,"name":"prison"}').data == {"id": 7, "name": "prison"}
        with pytest.raises(ShapeError, match="not JSON"):
            exports.read_line(b"{")
