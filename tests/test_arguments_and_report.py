"""What a user may say, and what a run says in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl.arguments import ArgumentError, flag, season_labels, title_id, title_ids
from trr_crawl.report import EXIT_STATUS, GAPS_KEPT, Gap, RunReport, summarize
from trr_crawl.spiders.imdb_episodes import ImdbEpisodesSpider


@pytest.mark.parametrize(
    "given_",
    [
        "tt0000001",
        " tt0000001 ",
        "https://www.imdb.com/title/tt0000001",
        "http://m.imdb.com/title/tt0000001/episodes/?season=2&ref_=x",
        "https://www.imdb.com/es-es/title/tt0000001/#top",
    ],
)
def test_a_title_in_any_dress(given_: str) -> None:
    assert title_id(given_) == "tt0000001"


@pytest.mark.parametrize(
    "given_", ["", "tt", "tt123", "tt12345678901", "nm0000001", "TT0000001", "x tt0000001", "tt\u0660000001"]
)
def test_what_is_no_title_is_repeated_in_the_message(given_: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        title_id(given_)
    assert repr(given_) in str(caught.value)


def test_ids_keep_their_order_and_lose_repeats(tmp_path: Path) -> None:
    assert title_ids("tt0000002,tt0000001,,tt0000002") == ("tt0000002", "tt0000001")
    listed = tmp_path / "list"
    listed.write_bytes(b"\xef\xbb\xbftt0000003 # first\n\n# none\n  tt0000001\r\n")
    assert title_ids(f"@{listed}") == ("tt0000003", "tt0000001")


@pytest.mark.parametrize(("content", "words"), [(b"\xff\xfe\x00", "not UTF-8"), (b"# only\n\n", "names no title")])
def test_a_file_that_names_nothing(tmp_path: Path, content: bytes, words: str) -> None:
    listed = tmp_path / "list"
    listed.write_bytes(content)
    with pytest.raises(ArgumentError, match=words):
        title_ids(f"@{listed}")


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="cannot be read: Is a directory"):
        title_ids(f"@{tmp_path}")


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=20))
def test_seasons_one_by_one(numbers: list[int]) -> None:
    assert season_labels(",".join(map(str, numbers))) == tuple(dict.fromkeys(map(str, numbers)))


@given(st.integers(0, 500), st.integers(0, 30))
def test_a_range_of_seasons(start: int, length: int) -> None:
    assert season_labels(f"{start}-{start + length}") == tuple(map(str, range(start, start + length + 1)))


@pytest.mark.parametrize("given_", ["", "1,", "a", "3-1", "1--2", "-1", "1.5", "99999", "²"])
def test_what_is_no_season(given_: str) -> None:
    with pytest.raises(ArgumentError, match="is no season"):
        season_labels(given_)


def test_flags() -> None:
    assert (flag("true"), flag("YES"), flag("0")) == (True, True, False)
    with pytest.raises(ArgumentError):
        flag("maybe")


def test_show_and_shows_are_united() -> None:
    read = ImdbEpisodesSpider.read_arguments({"show": "tt0000001", "shows": "tt0000002"})
    assert read.shows == ("tt0000001", "tt0000002")


def gap(part: str | None = None, why: str = "lost", *, blocked: bool = False) -> Gap:
    return Gap(subject="tt0000001", part=part, why=why, blocked=blocked)


@pytest.mark.parametrize(
    ("gaps", "failure", "items", "outcome"),
    [
        ([], None, 5, "ok"),
        ([], None, 0, "failed"),
        ([gap()], None, 5, "partial"),
        ([gap()], None, 0, "failed"),
        ([gap(blocked=True)], None, 5, "blocked"),
        ([gap(blocked=True)], None, 0, "blocked"),
        ([gap(blocked=True)], "The database failed", 5, "failed"),
    ],
)
def test_outcomes(gaps: list[Gap], failure: str | None, items: int, outcome: str) -> None:
    report = RunReport()
    for missing in gaps:
        report.add(missing)
    if failure:
        report.fail(failure)
    assert report.outcome(items) == outcome
    assert (report.reason(items) is None) == (outcome == "ok")


def test_only_ok_ends_with_zero_and_all_differ() -> None:
    assert EXIT_STATUS["ok"] == 0
    assert len(set(EXIT_STATUS.values())) == 4
    assert 2 not in EXIT_STATUS.values()


def test_gaps_of_one_reason_stand_together_in_order() -> None:
    gaps = [gap("season 10"), gap("season unknown"), gap("season 2"), gap("season 3", "cut"), gap()]
    assert summarize(gaps) == [
        "tt0000001 season 2, 10, unknown (lost)",
        "tt0000001 season 3 (cut)",
        "tt0000001 (lost)",
    ]


def test_many_gaps_are_counted_and_not_all_kept() -> None:
    report = RunReport()
    for number in range(GAPS_KEPT + 5):
        report.add(gap(f"season {number}"))
    assert len(report.gaps) == GAPS_KEPT
    assert str(report.reason(1)).endswith("; and 5 more.")


def test_the_first_failure_stands() -> None:
    report = RunReport()
    report.fail("First.")
    report.fail("Second.")
    assert report.reason(0) == "First."
