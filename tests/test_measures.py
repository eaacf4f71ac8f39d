"""What a run is measured by: slow answers, and how it went over time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scrapy.http import Request, Response

from trr_crawl.measures import POINTS_KEPT, SLOWEST_KEPT, Responses, Timeline
from trr_crawl.spiders.base import Want


def answer(responses: Responses, url: str, seconds: float | None, **meta: object) -> None:
    timed = {} if seconds is None else {"download_latency": seconds}
    request = Request(url, meta={**timed, **meta})
    responses.received(Response(url), request)


def test_the_slowest_answers_are_kept_without_what_may_be_a_key() -> None:
    responses = Responses()
    for number in range(100):
        answer(
            responses,
            f"https://api.example/3/tv/{number}?api_key=sesame#x",
            number / 10,
            want=Want(f"tt{number}", "page"),
        )
    answer(responses, "https://api.example/robots.txt", 99.0)
    answer(responses, "https://api.example/replayed", None)
    told = responses.as_json()
    assert (told["count"], told["seconds"]) == (100, 495.0)
    assert [one["seconds"] for one in told["slowest"]] == [number / 10 for number in range(99, 99 - SLOWEST_KEPT, -1)]
    assert told["slowest"][0] == {
        "url": "https://api.example/3/tv/99",
        "subject": "tt99",
        "part": "page",
        "status": 200,
        "seconds": 9.9,
    }
    assert "sesame" not in str(told)


@given(st.integers(1, 5000))
def test_a_timeline_stays_short_and_has_the_start_the_end_and_everything_in_order(beats: int) -> None:
    timeline = Timeline()
    for beat in range(1, beats + 1):
        timeline.add(beat * 15, beat, beat * 10, 0)
    points = timeline.points
    assert points[0] == [0, 0, 0, 0]
    assert points[-1] == [beats * 15, beats, beats * 10, 0]
    assert points == sorted(points)
    assert len({tuple(point) for point in points}) == len(points)
    assert min(beats + 1, POINTS_KEPT // 2) <= len(points) <= POINTS_KEPT + 1
