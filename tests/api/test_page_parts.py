"""What pages are made of: words, charts, files, the choice of a theme."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_api.pages import charts, site, static, words

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
COUNTS = st.lists(st.integers(0, 10**6), max_size=40)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h"), (7_500, "2 h 5 min"), (90_061, "1 d 1 h")],
)
def test_spans_are_told_in_two_units(seconds: int, expected: str) -> None:
    assert words.span(timedelta(seconds=seconds)) == words.span(seconds) == expected


def test_times_are_told_from_now() -> None:
    assert words.ago(None, NOW) == "never"
    assert words.ago(NOW - timedelta(hours=3), NOW) == "3 h ago"
    assert words.ago(NOW + timedelta(minutes=20), NOW) == "in 20 min"


def test_what_is_not_all_is_never_called_all() -> None:
    told = [words.percent(share) for share in (None, 0, 0.0001, 0.5, 0.9999, 1)]
    assert told == ["-", "0 %", "<1 %", "50 %", ">99 %", "100 %"]
    assert [words.size(count) for count in (0, 999, 1_000, 2_500_000, 10**16)] == [
        "0 B", "999 B", "1 KB", "2.5 MB", "10,000 TB",
    ]  # fmt: skip


def shapes(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.findtext("title")
    assert root.findtext("desc")
    return root


@given(COUNTS)
def test_any_numbers_give_a_chart_that_stays_within_its_edges(counts: list[int]) -> None:
    labels = [f"day {at}" for at in range(len(counts))]
    for svg in (
        charts.stacked(labels, {"ok": counts, "failed": counts[::-1]}, title="Runs", summary="All of them."),
        charts.lines({"requests": counts, "items": [0 for _ in counts]}, at=range(len(counts)), title="Over time"),
        charts.parts({"age-1": sum(counts), "age-2": 1}, title="Ages", labels={"age-1": "new", "age-2": "old"}),
        *([charts.sparkline(counts, title="Items", bad=[count == 0 for count in counts])] if counts else []),
    ):
        root = shapes(svg)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for shape in root.iter("rect"):
            x, y, wide, high = (float(shape.attrib[name]) for name in ("x", "y", "width", "height"))
            assert x >= 0
            assert y >= -0.01
            assert x + wide <= width + 4.01
            assert y + high <= height + 0.01
        assert "nan" not in svg
        assert "inf" not in svg


def test_a_share_is_as_wide_as_it_says() -> None:
    bar = shapes(charts.share(1, 4, title="Titles")).findall("rect")[1]
    assert bar.attrib["width"] == "25"
    assert shapes(charts.share(3, 0, title="None")).findall("rect")[1].attrib["width"] == "0"


def test_lines_stand_at_their_times_however_uneven_these_are() -> None:
    line = shapes(charts.lines({"items": [0, 50, 100]}, at=[0, 90, 100], title="Over time")).find("path")
    assert line is not None
    assert [point.split()[0] for point in line.attrib["d"][1:].split(" L")] == ["0", "18", "20"]


def test_parts_are_told_by_what_they_stand_for() -> None:
    bar = shapes(charts.parts({"age-1": 3}, title="Ages", labels={"age-1": "0-1 days"}))
    assert (bar.findtext("desc"), bar.findtext("rect[2]/title")) == ("0-1 days: 3.", "0-1 days: 3")


def test_labels_of_charts_are_escaped() -> None:
    svg = charts.stacked(["<script>alert(1)</script>"], {"ok": [1]}, title="Runs", summary="One.")
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg


def test_files_of_pages_may_be_kept_for_ever(address: str) -> None:
    place = static.address("pages/style.css")
    assert re.fullmatch(r"/static/pages/style\.[0-9a-f]{12}\.css", place)
    answer = httpx.get(address + place)
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert httpx.get(address + place.replace(".css", "0.css")).status_code == 404
    assert httpx.get(f"{address}/static/pages/../site.py").status_code == 404


def test_a_theme_is_kept_and_leads_back_to_this_server_only(address: str) -> None:
    chosen = httpx.post(f"{address}/pages/theme", data={"theme": "dark", "back": "/docs"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/docs")
    assert "theme=dark" in chosen.headers["set-cookie"]
    for away in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"):
        answer = httpx.post(f"{address}/pages/theme", data={"theme": "light", "back": away})
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        ({"theme": "pink"}, {}, 400),
        ({"theme": "dark"}, {"origin": "https://elsewhere.example"}, 403),
        ({"theme": "dark"}, {"sec-fetch-site": "cross-site"}, 403),
        ({"theme": "dark", "back": "x" * site.LARGEST_FORM}, {}, 413),
        ({"theme": "dark"}, {"content-type": "text/plain"}, 400),
    ],
)
def test_forms_of_other_sites_and_nonsense_are_refused(
    address: str, data: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = httpx.post(f"{address}/pages/theme", data=data, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
