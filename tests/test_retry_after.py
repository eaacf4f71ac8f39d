"""`Retry-After`: what its values mean, and crawls of a host that sends it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from origin import Asked, Origin, Reply, serving
from test_breaker import Script, crawl, shows

from trr_crawl.retry_after import retry_after

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class TestValues:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
            ("Monday, 23-Nov-26 12:02:00 GMT", 120),
            ("Mon Nov 23 12:02:00 2026", 120),
            ("Mon, 23 Nov 2026 13:02:00 +0100", 120),
            ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
            ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ],
    )
    def test_all_forms(self, value: str, seconds: float) -> None:
        assert retry_after(value, NOW) == seconds

    @pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "1e3", "٣", "9" * 12, "Mon, 99 Nov 2026 12:00:00 GMT"])
    def test_anything_else_is_an_error(self, value: str) -> None:
        with pytest.raises(ValueError, match="neither seconds nor an HTTP date"):
            retry_after(value, NOW)

    @given(st.text())
    def test_no_text_breaks_it(self, text: str) -> None:
        try:
            assert retry_after(text, NOW) >= 0
        except ValueError as error:
            assert "neither seconds nor an HTTP date" in str(error)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(*shows(5))) as served:
        yield served


def later(seconds: object, status: int = 429) -> Reply:
    return Reply(b"later", status, {"Retry-After": str(seconds)})


class TestCrawl:
    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("throttled", ["0", "1"])
    def test_the_whole_host_waits_and_then_all_is_got(self, origin: Origin, status: int, throttled: str) -> None:
        origin.misbehave = script = Script([None, later(2, status)])
        done = crawl(origin, f"AUTOTHROTTLE_ENABLED={throttled}", "AUTOTHROTTLE_START_DELAY=0.05", one_by_one=False)
        assert done.status == 0, done.output
        assert "5 episodes not stored" in done.last_line
        assert len(script.times) == 6
        assert max(script.pauses) > 1.8
        assert "'retry_after/count': 1" in done.output
        assert "'retry_after/seconds': 2" in done.output
        assert "'retry/count'" not in done.output
        assert "breaker/" not in done.output

    def test_a_date(self, origin: Origin) -> None:
        def dated(_asked: Asked) -> Reply | None:
            if len(origin.asked) > 2:  # robots.txt is the first
                return None
            return later(format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True))

        origin.misbehave = dated
        started = time.monotonic()
        done = crawl(origin)
        assert done.status == 0, done.output
        assert time.monotonic() - started > 2
        assert "'retry_after/count': 1" in done.output

    def test_tries_count_once_whoever_makes_them(self, origin: Origin) -> None:
        origin.shows = {"tt99330000": origin.shows["tt99330000"]}
        replies = [later(0), Reply(b"", 500), later(0, 503)]
        origin.misbehave = script = Script([*replies], after=lambda _asked: later(0))
        done = crawl(origin, "RETRY_TIMES=4")
        assert done.status == 4
        assert len(script.times) == 5
        assert "'retry_after/count': 3" in done.output
        assert "'retry/count': 1" in done.output
        assert "'retry_after/max_reached': 1" in done.output
        assert "we ask too often (429)" in done.last_line

    def test_without_the_header_nothing_changes(self, origin: Origin) -> None:
        origin.misbehave = Script([Reply(b"", 429), Reply(b"", 503)])
        done = crawl(origin)
        assert done.status == 0, done.output
        assert "'retry/count': 2" in done.output
        assert "retry_after/" not in done.output

    def test_a_value_that_cannot_be_read(self, origin: Origin) -> None:
        origin.misbehave = Script([later("in a while")])
        done = crawl(origin)
        assert done.status == 0, done.output
        assert "'retry_after/unreadable': 1" in done.output
        assert "'retry/count': 1" in done.output
        assert "'in a while' is neither seconds nor an HTTP date" in done.output

    @pytest.mark.parametrize(("status", "exit_status"), [(429, 4), (503, 3)])
    def test_too_long_a_wait_leaves_the_host_alone(self, origin: Origin, status: int, exit_status: int) -> None:
        origin.misbehave = script = Script([None, later(7200, status)])
        done = crawl(origin, "DOWNLOAD_DELAY=0.3", "RETRY_AFTER_MAX=60")
        assert done.status == exit_status
        assert len(script.times) == 2
        assert "wants us back in 7200 seconds only" in done.last_line
        assert "not asked for: 127.0.0.1" in done.last_line
        assert all(show_id in done.last_line for show_id in sorted(origin.shows)[2:])
        assert "'retry_after/too_long': 4" in done.output
        assert "retry/count" not in done.output
