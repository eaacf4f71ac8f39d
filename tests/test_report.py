"""What a run comes to: outcome, exit status, and the words for what is missing."""

from __future__ import annotations

import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Spider

from trr_crawl.report import EXIT_STATUS, GAPS_KEPT, Gap, RunReport, report_of, summarize
from trr_crawl.spiders.imdb_episodes import ImdbEpisodesSpider

SHOW, OTHER = "tt99000001", "tt99000002"
LOST = "not in the archive"


def gap(part: str | None = None, subject: str = SHOW, why: str = LOST, *, blocked: bool = False) -> Gap:
    return Gap(subject=subject, part=part, why=why, blocked=blocked)


def report(*gaps: Gap, failure: str | None = None) -> RunReport:
    made = RunReport()
    for one in gaps:
        made.add(one)
    if failure is not None:
        made.fail(failure)
    return made


GONE = "The database is gone."
NOTHING: list[Gap] = []
MISSING = [gap("season 2")]
BLOCKED = [gap("season 1"), gap("season 2", why="www.imdb.com forbids it (403)", blocked=True), gap("season 3")]


@pytest.mark.parametrize(
    ("gaps", "failure", "items", "outcome"),
    [
        (NOTHING, None, 9, "ok"),
        (NOTHING, None, 0, "failed"),
        (MISSING, None, 9, "partial"),
        (MISSING, None, 0, "failed"),
        (BLOCKED, None, 9, "blocked"),
        (BLOCKED, None, 0, "blocked"),
        *((gaps, GONE, items, "failed") for gaps, items in product([NOTHING, MISSING, BLOCKED], [9, 0])),
    ],
)
def test_outcome(gaps: list[Gap], failure: str | None, items: int, outcome: str) -> None:
    made = report(*gaps, failure=failure)
    assert made.outcome(items) == outcome
    assert (made.reason(items) is None) == (outcome == "ok")


def test_an_answer_of_nothing_is_no_failure() -> None:
    made = RunReport(answers=1)
    assert (made.outcome(0), made.reason(0)) == ("ok", None)
    made.add(gap())
    assert made.outcome(0) == "partial"


def test_a_run_with_nothing_to_do_is_a_good_one_and_says_so() -> None:
    made = report()
    made.allow_nothing("all of them have one")
    assert (made.outcome(0), made.reason(0)) == ("ok", "nothing to do: all of them have one.")
    assert (made.outcome(3), made.reason(3)) == ("ok", None)
    made.add(MISSING[0])
    assert made.outcome(0) == "failed"
    assert "nothing to do" not in str(made.reason(0))


def test_exit_statuses() -> None:
    """2 is a mistake in the call."""
    assert EXIT_STATUS == {"ok": 0, "failed": 1, "partial": 3, "blocked": 4}


class TestReason:
    @pytest.mark.parametrize(
        ("made", "items", "reason"),
        [
            (report(), 9, None),
            (report(), 0, "nothing came."),
            (report(gap()), 9, f"could not get {SHOW} ({LOST})."),
            (report(gap("season 2")), 0, f"could not get {SHOW} season 2 ({LOST})."),
            (
                report(gap("season 2"), gap("season 3"), gap(subject=OTHER, why="IMDb knows no title")),
                9,
                f"could not get {SHOW} season 2, 3 ({LOST}); could not get {OTHER} (IMDb knows no title).",
            ),
            (report(failure="The database is gone."), 9, "The database is gone."),
            (report(failure="The database is gone"), 0, "The database is gone."),
            (
                report(gap("season 2"), failure="The database is gone."),
                9,
                f"The database is gone; could not get {SHOW} season 2 ({LOST}).",
            ),
        ],
    )
    def test_names_what_is_missing(self, made: RunReport, items: int, reason: str | None) -> None:
        assert made.reason(items) == reason

    def test_the_first_failure_stands(self) -> None:
        made = report(failure="The database is gone.")
        made.fail("The pipeline broke.")
        assert made.reason(1) == "The database is gone."


PARTS, SUBJECTS = st.sampled_from([None, "season 1", "season 20", "year 3"]), st.sampled_from([SHOW, OTHER])


class TestSummary:
    @pytest.mark.parametrize("order", [["2", "3", "10", "unknown"], ["unknown", "10", "3", "2"], ["10", "2", "3"] * 2])
    def test_labels_by_number_and_words_last(self, order: list[str]) -> None:
        gaps = [gap(f"season {label}") for label in [*order, "unknown"]]
        assert summarize(gaps) == [f"{SHOW} season 2, 3, 10, unknown ({LOST})"]

    def test_subjects_kinds_and_reasons_stand_apart_in_their_order(self) -> None:
        gaps = [
            gap("season 2", OTHER),
            gap("season 4"),
            gap("season 1", why="cut"),
            gap("year 2021"),
            gap(),
            gap("season 3"),
        ]
        assert summarize(gaps) == [
            f"{OTHER} season 2 ({LOST})",
            f"{SHOW} season 3, 4 ({LOST})",
            f"{SHOW} season 1 (cut)",
            f"{SHOW} year 2021 ({LOST})",
            f"{SHOW} ({LOST})",
        ]

    def test_nothing(self) -> None:
        assert summarize([]) == []

    @given(st.lists(st.builds(gap, PARTS, SUBJECTS)))
    def test_every_gap_is_in_it(self, gaps: list[Gap]) -> None:
        lines = summarize(gaps)
        assert len(lines) == len({(one.subject, (one.part or "").partition(" ")[0]) for one in gaps})
        for one in gaps:
            word, _, label = (one.part or "").partition(" ")
            assert any(line.startswith(f"{one.subject} {word}") and label in line for line in lines)


class TestCap:
    def test_more_gaps_are_only_counted(self) -> None:
        made = report(*(gap(f"season {number}") for number in range(GAPS_KEPT + 7)))
        assert (len(made.gaps), made.gap_count) == (GAPS_KEPT, GAPS_KEPT + 7)
        reason = made.reason(1)
        assert reason is not None
        assert f", {GAPS_KEPT - 1} ({LOST})" in reason
        assert reason.endswith("; and 7 more.")

    def test_exactly_as_many_as_are_kept(self) -> None:
        made = report(*(gap(f"season {number}") for number in range(GAPS_KEPT)))
        assert "more" not in str(made.reason(1))

    def test_a_block_beyond_it_counts_all_the_same(self) -> None:
        made = report(*[gap()] * GAPS_KEPT, gap(blocked=True))
        assert made.outcome(1) == "blocked"


def test_as_json() -> None:
    assert json.loads(json.dumps(report(*BLOCKED[1:]).as_json())) == [
        {"subject": SHOW, "part": "season 2", "why": "www.imdb.com forbids it (403)", "blocked": True},
        {"subject": SHOW, "part": "season 3", "why": LOST, "blocked": False},
    ]


def test_report_of() -> None:
    spider = ImdbEpisodesSpider(show=SHOW)
    assert report_of(spider) is spider.report
    with pytest.raises(TypeError, match="derive it from CatalogSpider"):
        report_of(Spider("other"))
