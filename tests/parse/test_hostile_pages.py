"""Whatever stands in a page, a parser gives items or a PageError: never another exception, never half a page."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples.harbour_hearts import SHOW
from samples.imdb_pages import answer, next_data, page
from trr_crawl.parse.errors import PageError, ShapeError
from trr_crawl.parse.imdb import episodes
from trr_crawl.parse.imdb import next_data as embedded
from trr_crawl.parse.imdb.episodes import EpisodesPage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON document."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def with_value(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a document with one value replaced."""
    if not path:
        return value
    changed = copy.deepcopy(data)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


PAGE = next_data(SHOW, "1")
ANSWER = answer(SHOW, first=3)


def wrapped(data: Any) -> bytes:
    text = json.dumps(data).replace("</", "<\\/")
    return f'<html><script id="__NEXT_DATA__" type="application/json">{text}</script></html>'.encode()


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from(places(PAGE)), value=JSON)
def test_a_page_with_anything_anywhere(place: tuple[Any, ...], value: Any) -> None:
    try:
        parsed = episodes.parse_page(wrapped(with_value(PAGE, place, value)), SHOW.id)
    except PageError as error:
        assert str(error)
    else:
        assert isinstance(parsed, EpisodesPage)
        assert parsed.show.id == SHOW.id


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from(places(ANSWER)), value=JSON)
def test_an_answer_with_anything_anywhere(place: tuple[Any, ...], value: Any) -> None:
    body = json.dumps(with_value(ANSWER, place, value)).encode()
    try:
        parsed = episodes.parse_answer(body, SHOW.id, country="US", language="en-US")
    except PageError as error:
        assert str(error)
    else:
        assert parsed.show.id == SHOW.id


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, len(page(SHOW, "1"))))
def test_a_page_cut_anywhere(cut: int) -> None:
    whole = page(SHOW, "1")
    try:
        assert episodes.parse_page(whole[:cut], SHOW.id) == episodes.parse_page(whole, SHOW.id)
    except ShapeError as error:
        assert "cut" in str(error) or "no __NEXT_DATA__" in str(error)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_page(body: bytes) -> None:
    with pytest.raises(PageError):
        episodes.parse_page(body, SHOW.id)
    with pytest.raises(PageError):
        episodes.parse_answer(body, SHOW.id, country="US", language="en-US")


def test_a_large_page_of_garbage_is_refused_quickly() -> None:
    with pytest.raises(ShapeError, match="cut"):
        embedded.page_props(b'<script id="__NEXT_DATA__">' + b"{[" * 8_000_000)


def test_translations_are_left_out_and_nothing_else() -> None:
    heavy, light = page(SHOW, "1", filler=50_000), page(SHOW, "1")
    assert len(heavy) > len(light) + 40_000
    assert "translationContext" not in embedded.page_props(heavy).data
    assert episodes.parse_page(heavy, SHOW.id) == episodes.parse_page(light, SHOW.id)
