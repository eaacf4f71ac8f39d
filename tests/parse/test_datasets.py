"""The datasets' files: what their rows mean, which rows are refused and why, and how they are read in blocks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import CAPTURES, ROOT
from trr_crawl import datasets
from trr_crawl.datasets import DatasetError, blocks
from trr_crawl.items import UNSET, Credit, Item, payload
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb.datasets import (
    COLUMNS,
    PROBLEMS_KEPT,
    Choice,
    Crew,
    Episodes,
    Names,
    Pass,
    Principals,
    Ratings,
    Selection,
    Table,
    Titles,
)

PAGES = ROOT / "tests" / "pages" / "imdb" / "datasets"
SHOW = "tt99000001"


def selection(*shows: str) -> Selection:
    chosen = Selection()
    for show_id in shows:
        chosen.add_show(show_id.encode())
    return chosen


def passes(chosen: Selection, *, of_episodes: bool = True) -> list[Pass]:
    """All passes after the choice, in their order."""
    return [
        Episodes(chosen),
        Ratings(chosen),
        Titles(chosen),
        Principals(chosen, of_episodes=of_episodes),
        Crew(chosen, of_episodes=of_episodes),
        Names(chosen),
    ]


def read(folder: str, readers: Sequence[Pass]) -> list[Item]:
    """The items of a folder's files."""
    items = []
    for reader in readers:
        for block in blocks(PAGES / folder / f"{reader.table}.tsv"):
            items += reader.read(block)
        items += reader.end(whole=True)
    return items


def as_golden(items: list[Item], readers: Sequence[Pass]) -> list[str]:
    """A line a value: tells 8 from 8.0."""
    told = {
        "items": [
            {"kind": item.kind, "key": item.key, "payload": orjson.loads(orjson.dumps(payload(item)))} for item in items
        ],
        "problems": {
            type(reader).__name__: [list(problem) for problem in sorted(reader.problems)]
            for reader in readers
            if reader.problems
        },
    }
    return lines(told)


def lines(data: Any) -> list[str]:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def golden(name: str) -> list[str]:
    return lines(json.loads((PAGES / f"{name}.items.json").read_bytes()))


def table(kind: Table, *rows: str) -> bytes:
    """A file's text; `|` stands for a tab."""
    text = "\n".join(("|".join(COLUMNS[kind]), *rows, ""))
    return text.replace("|", "\t").encode()


class TestGoldens:
    def test_a_show_by_name(self) -> None:
        readers = passes(selection(SHOW))
        items = read("good", readers)
        assert as_golden(items, readers) == golden("named")
        assert {item.source for item in items} == {"imdb_datasets"}

    def test_shows_by_type_and_genre(self) -> None:
        chosen = Selection()
        readers = [
            Choice(chosen, ["tvSeries", "tvMiniSeries"], ["Reality-TV"]),
            *(one for one in passes(chosen, of_episodes=False) if not isinstance(one, Crew)),
        ]
        assert as_golden(read("good", readers), readers) == golden("filtered")

    def test_rows_that_cannot_be_read_are_named_and_the_rest_lands(self) -> None:
        readers = passes(selection(SHOW))
        assert as_golden(read("bad", readers), readers) == golden("bad")

    @pytest.mark.parametrize("folder", ["good", "bad"])
    @pytest.mark.parametrize("size", [1, 7, 100, 1000])
    def test_however_the_blocks_fall(self, folder: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
        whole_readers, parts_readers = passes(selection(SHOW)), passes(selection(SHOW))
        whole = as_golden(read(folder, whole_readers), whole_readers)
        monkeypatch.setattr(datasets, "BLOCK", size)
        assert as_golden(read(folder, parts_readers), parts_readers) == whole


class TestChoice:
    @pytest.mark.parametrize(
        ("types", "genres", "expected"),
        [
            (["tvSeries"], [], {"tt99000001", "tt99000004"}),
            (["tvMiniSeries"], [], {"tt99000003"}),
            (["tvSeries", "tvMiniSeries"], ["Reality-TV"], {"tt99000001", "tt99000003"}),
            (["tvSeries", "movie"], ["Drama", "Romance"], {"tt99000001", "tt99000002"}),
            (["tvSeries"], ["Reality"], set()),
        ],
    )
    def test_by_type_and_genre(self, types: list[str], genres: list[str], expected: set[str]) -> None:
        chosen = Selection()
        assert read("good", [Choice(chosen, types, genres)]) == []
        assert {show_id.decode() for show_id in chosen.shows} == expected


class TestTitles:
    def test_without_the_ratings_nothing_is_said_of_votes(self) -> None:
        chosen = selection(SHOW)
        show, *_ = read("good", [Episodes(chosen), Titles(chosen)])
        assert "rating" not in payload(show)
        assert "vote_count" not in payload(show)

    def test_ratings_that_break_off_say_nothing_of_the_rest(self) -> None:
        chosen = selection("tt0000001", "tt0000002")
        ratings = Ratings(chosen)
        ratings.read(table(Table.RATINGS, "tt0000001|5.0|10"))
        ratings.end(whole=False)
        rows = [rf"tt000000{number}|tvSeries|A|A|0|2020|\N|\N|\N" for number in (1, 2)]
        first, second = Titles(chosen).read(table(Table.BASICS, *rows))
        assert (payload(first)["rating"], payload(first)["vote_count"]) == (5.0, 10)
        assert "rating" not in payload(second)

    def test_a_show_that_is_not_there_is_known(self) -> None:
        chosen = selection(SHOW, "tt99999999")
        titles = Titles(chosen)
        read("good", [titles])
        assert titles.unseen == {b"tt99999999"}

    def test_an_episode_is_no_show(self) -> None:
        chosen = selection("tt99000101")
        titles, principals = Titles(chosen), Principals(chosen, of_episodes=True)
        assert read("good", [titles, principals]) == []
        assert titles.episodes_taken_for_shows == ["tt99000101"]

    def test_a_film_is_taken_when_it_is_named(self) -> None:
        [film] = read("good", [Titles(selection("tt99000002"))])
        assert payload(film)["show_type"] == "movie"

    def test_what_is_remembered_shrinks_as_titles_come(self) -> None:
        chosen = selection(SHOW)
        read("good", [Episodes(chosen), Ratings(chosen), Titles(chosen)])
        assert chosen.ratings == {}
        assert set(chosen.titles.values()) == {b"", SHOW.encode()}


class TestPrincipals:
    def credits(self, *rows: str) -> list[Credit]:
        principals = Principals(selection("tt0000001", "tt0000002"), of_episodes=True)
        items = principals.read(table(Table.PRINCIPALS, *rows)) + principals.end(whole=True)
        assert principals.problems == []
        return [item for item in items if isinstance(item, Credit)]

    @pytest.mark.parametrize(
        ("category", "characters", "as_self", "archive"),
        [
            ("self", r"\N", True, False),
            ("self", '["Self - Narrator"]', True, False),
            ("actor", '["Selfish Man"]', False, False),
            ("actress", '["Herself (as a child)"]', True, False),
            ("actor", r"\N", False, False),
            ("archive_footage", '["Self"]', True, True),
            ("archive_footage", '["Coral"]', False, True),
            ("archive_footage", r"\N", UNSET, True),
        ],
    )
    def test_the_cast(self, category: str, characters: str, as_self: object, archive: bool) -> None:
        [credit] = self.credits(rf"tt0000001|1|nm0000001|{category}|\N|{characters}")
        assert (credit.category, credit.as_self, credit.archive_footage) == ("cast", as_self, archive)

    def test_places_count_within_a_category_and_title_by_ordering(self) -> None:
        found = self.credits(
            r"tt0000001|9|nm0000003|self|\N|\N",
            r"tt0000001|1|nm0000001|self|\N|\N",
            r"tt0000001|2|nm0000002|director|\N|\N",
            r"tt0000002|1|nm0000003|self|\N|\N",
        )
        assert [(credit.show_id, credit.person_id, credit.billing_order) for credit in found] == [
            ("tt0000001", "nm0000001", 1),
            ("tt0000001", "nm0000002", 1),
            ("tt0000001", "nm0000003", 2),
            ("tt0000002", "nm0000003", 1),
        ]

    def test_a_title_that_is_cut_is_left_out(self) -> None:
        principals = Principals(selection("tt0000001"), of_episodes=True)
        assert principals.read(table(Table.PRINCIPALS, r"tt0000001|1|nm0000001|self|\N|\N")) == []
        assert principals.end(whole=False) == []

    def test_a_category_that_nobody_knows_is_drift(self) -> None:
        principals = Principals(selection("tt0000001"), of_episodes=True)
        principals.read(table(Table.PRINCIPALS, *[r"tt0000001|1|nm0000001|cloud_herder|\N|\N"] * 2))
        assert principals.drift == ["category.cloud_herder"]


class TestHeader:
    @pytest.mark.parametrize("kind", Table)
    def test_another_one_is_an_error_that_names_both(self, kind: Table) -> None:
        [reader, *_] = [one for one in passes(Selection()) if one.table is kind]
        with pytest.raises(ShapeError) as caught:
            reader.read(b"id\tname\nx\ty\n")
        assert str(caught.value) == f"its columns are id, name; known are {', '.join(COLUMNS[kind])}"

    def test_columns_in_another_order_are_another_header(self) -> None:
        with pytest.raises(ShapeError, match="its columns are averageRating, tconst, numVotes"):
            Ratings(Selection()).read(b"averageRating\ttconst\tnumVotes\n")

    def test_windows_line_ends_are_not_guessed_at(self) -> None:
        with pytest.raises(ShapeError):
            Ratings(Selection()).read(b"tconst\taverageRating\tnumVotes\r\n")


def test_only_the_first_bad_rows_are_named_and_all_are_counted() -> None:
    ratings = Ratings(selection(SHOW))
    ratings.read(table(Table.RATINGS, *["too|few"] * 100))
    assert ratings.problem_count == 100
    assert len(ratings.problems) == PROBLEMS_KEPT


def test_two_bad_rows_whose_columns_make_up_for_each_other_are_both_found() -> None:
    ratings = Ratings(Selection())
    ratings.read(table(Table.RATINGS))
    ratings.read(b"tt0000001\t5.0\ntt0000002\t5.0\t10\t10\n")
    assert ratings.problems == [(2, "2 columns instead of 3"), (3, "4 columns instead of 3")]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"the captures of third parties are not at {CAPTURES}")
class TestCaptured:
    """The first rows of the real files."""

    @staticmethod
    def read(reader: Pass) -> list[Item]:
        [path] = (CAPTURES / "imdb" / "datasets").glob(f"*__{reader.table}.head.tsv")
        items = [item for block in blocks(path) for item in reader.read(block)] + reader.end(whole=True)
        assert (reader.problems, reader.drift) == ([], [])
        assert reader.lines_read > 1
        return items

    def test_titles_with_votes(self) -> None:
        chosen = selection(*(f"tt{number:07d}" for number in range(1, 8)))
        self.read(Ratings(chosen))
        shows = self.read(Titles(chosen))
        assert [item.key for item in shows] == [show_id.decode() for show_id in chosen.shows]
        assert all(payload(show)["vote_count"] > 0 for show in shows)

    def test_episodes(self) -> None:
        chosen = selection("tt0989125", "tt0041038")
        self.read(Episodes(chosen))
        assert len(chosen.titles) == 5

    def test_credits_and_names(self) -> None:
        chosen = selection(*(f"tt{number:07d}" for number in range(1, 8)))
        found = [*self.read(Principals(chosen, of_episodes=True)), *self.read(Crew(chosen, of_episodes=True))]
        assert {"cast", "director"} <= {item.category for item in found if isinstance(item, Credit)}
        chosen.people |= {b"nm0000001", b"nm0000010"}
        assert {item.key for item in self.read(Names(chosen))} == {"nm0000001", "nm0000010"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


class TestBlocks:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(datasets, "BLOCK", 100)
        monkeypatch.setattr(datasets, "_PACKED", 30)
        monkeypatch.setattr(datasets, "LONGEST_LINE", 1000)

    TEXT = b"".join(b"%d\t%x\n" % (number, number**7) for number in range(300))

    @pytest.mark.parametrize(
        "content",
        [TEXT, gzip.compress(TEXT), gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:]) + bytes(512)],
        ids=["plain", "gzip", "gzip of several members"],
    )
    def test_whole_lines_and_all_of_them(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        found = list(blocks(path))
        assert b"".join(found) == self.TEXT
        assert all(block.endswith(b"\n") for block in found)
        assert len(found) > 10

    def test_a_last_line_without_an_end(self, path: Path) -> None:
        path.write_bytes(gzip.compress(b"a\nb"))
        assert b"".join(blocks(path)) == b"a\nb\n"

    def test_an_empty_file(self, path: Path) -> None:
        path.write_bytes(b"")
        assert list(blocks(path)) == []

    @given(cut=st.integers(2, len(gzip.compress(TEXT)) - 1))
    def test_a_gzip_that_breaks_off_gives_its_whole_lines_first(
        self, tmp_path_factory: pytest.TempPathFactory, cut: int
    ) -> None:
        path = tmp_path_factory.mktemp("cut") / "file"
        path.write_bytes(gzip.compress(self.TEXT)[:cut])
        found = b""
        error = None
        try:
            for block in blocks(path):
                found += block
        except DatasetError as caught:
            error = caught
        assert str(error) == "the gzip breaks off before its end"
        assert self.TEXT.startswith(found)
        assert found.endswith(b"\n") or not found
        assert len(found) > len(self.TEXT) * (cut - 200) / len(gzip.compress(self.TEXT))

    def test_a_damaged_gzip(self, path: Path) -> None:
        damaged = bytearray(gzip.compress(self.TEXT))
        damaged[-6] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DatasetError, match="the gzip is damaged"):
            list(blocks(path))

    @pytest.mark.parametrize("packed", [False, True])
    def test_a_line_without_end(self, path: Path, packed: bool) -> None:
        content = b"x" * 5000
        path.write_bytes(gzip.compress(content) if packed else content)
        with pytest.raises(DatasetError, match="a line has no end after 1,000 bytes"):
            list(blocks(path))

    def test_a_file_that_is_gone(self, path: Path) -> None:
        with pytest.raises(DatasetError, match="it cannot be read: No such file"):
            list(blocks(path))
