"""Finding the data in a page, and what may stand in it: any page is read or refused, whatever is wrong with it."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from samples import imdb_pages
from samples.harbour_hearts import SHOW
from trr_crawl.items import payload
from trr_crawl.parse.errors import PageError, ShapeError
from trr_crawl.parse.imdb import episodes, next_data
from trr_crawl.parse.imdb.episodes import EpisodesPage

Where: TypeAlias = tuple[str | int, ...]
"""A place in JSON: keys and indexes from the top."""

SMALL = replace(SHOW, episodes=tuple(episode for episode in SHOW.episodes if (episode.number or 0) < 2))
"""The show with its pilot, its first episodes and a special: all that is hard, in a small page."""

SEASON = "1"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from(["", "0", "-1", "7", "1,234", "Unknown", "unknown", "tt99000001", "&amp;", "31"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("id text plainText plotText value number year month day url edges node total".split())
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)

ABSENT = object()
"""Stands for a key that is taken out."""


def read_page(body: bytes) -> EpisodesPage:
    return episodes.parse_page(body, SMALL.id)


def read_answer(body: bytes) -> EpisodesPage:
    return episodes.parse_answer(body, SMALL.id, country="US", language="en-US")


def in_page(data: Any) -> bytes:
    """A page around data; as in real ones, no text can end the script."""
    return (
        b'<script id="__NEXT_DATA__" type="application/json">'
        + orjson.dumps(data).replace(b"</", b"<\\/")
        + b"</script>"
    )


def places(data: Any, here: Where = ()) -> Iterator[Where]:
    """Every place in JSON, its top included."""
    yield here
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        yield from places(value, (*here, key))


def changed(data: Any, where: Where, value: Any) -> Any:
    """A copy with another value in one place, or without it."""
    if not where:
        return {} if value is ABSENT else value
    data = copy.deepcopy(data)
    around = functools.reduce(lambda outer, key: outer[key], where[:-1], data)
    if value is ABSENT:
        del around[where[-1]]
    else:
        around[where[-1]] = value
    return data


def outcome(read: Callable[[bytes], EpisodesPage], body: bytes) -> EpisodesPage | None:
    """What a body holds; None where it is refused, with a sentence that says why."""
    try:
        return read(body)
    except PageError as error:
        assert str(error)
        return None


PAGE = imdb_pages.next_data(SMALL, SEASON)
PAGE_PLACES = list(places(PAGE))
CONTENT: Where = ("props", "pageProps", "contentData")
ITEM: Where = (*CONTENT, "section", "episodes", "items", 1)

ANSWER = imdb_pages.answer(SMALL)
ANSWER_PLACES = list(places(ANSWER))
NODE: Where = ("data", "title", "episodes", "episodes", "edges", 1, "node")

# Finding the data


PROPS = b'{"props": {"pageProps": {"here": {}}}}'


@pytest.mark.parametrize(
    "opening",
    [
        b'<script id="__NEXT_DATA__" type="application/json">',
        b'<script type="application/json" id="__NEXT_DATA__">',
        b"<script id='__NEXT_DATA__' nonce='a b'>",
        b"<script id=__NEXT_DATA__>",
        b"<script type=application/json id=__NEXT_DATA__ crossorigin>",
        b'<script\n  type="application/json"\n\tid="__NEXT_DATA__"\n>',
        b'<!-- __NEXT_DATA__ --><script id="__NEXT_DATA__">',
        b'<script>f("__NEXT_DATA__")</script><script id="__NEXT_DATA__">',
        b'<script src="__NEXT_DATA__.js"></script><script>1</script><script id="__NEXT_DATA__">',
    ],
)
def test_the_script_is_found(opening: bytes) -> None:
    body = b"<html><script>0</script>" + opening + PROPS + b"</script><script>0</script></html>"
    assert next_data.has_next_data(body)
    assert next_data.page_props(body).data == {"here": {}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"<script>1</script>",
        b"<p>__NEXT_DATA__</p>",
        b'<div id="__NEXT_DATA__">{}</div>',
        b'<script src="/__NEXT_DATA__.js"></script>',
        b'<script id="__NEXT_DATA__"',
        b'<script id="__NEXT',
        b"__NEXT_DATA__",
    ],
)
def test_there_is_no_script(body: bytes) -> None:
    assert not next_data.has_next_data(body)
    with pytest.raises(ShapeError, match=r"^the page holds no __NEXT_DATA__$"):
        next_data.page_props(body)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (b"", "the page's __NEXT_DATA__ is not JSON: "),
        (b"undefined", "the page's __NEXT_DATA__ is not JSON: "),
        (b'{"props": NaN}', "the page's __NEXT_DATA__ is not JSON: "),
        (b'{"props": "\xff"}', "the page's __NEXT_DATA__ is not JSON: "),
        (b'{"props": "\\ud800"}', "the page's __NEXT_DATA__ is not JSON: "),
        (b"[" * 5000 + b"]" * 5000, "the page's __NEXT_DATA__ is not JSON: "),
        (b"null", "__NEXT_DATA__ is null (None) where an object was expected"),
        (b"{}", "__NEXT_DATA__.props is missing"),
        (b'{"props": []}', "__NEXT_DATA__.props is a list ([]) where an object was expected"),
        (b'{"props": {"pageProps": null}}', "__NEXT_DATA__.props.pageProps is missing"),
    ],
)
def test_the_script_holds_no_page(inside: bytes, message: str) -> None:
    body = b'<script id="__NEXT_DATA__">' + inside + b"</script>"
    assert next_data.has_next_data(body)
    with pytest.raises(ShapeError) as caught:
        next_data.page_props(body)
    assert str(caught.value).startswith(message)


def test_a_cut_script_says_how_much_came() -> None:
    body = b'<script id="__NEXT_DATA__">{' + b" " * 1972 + b"</scrip"
    with pytest.raises(ShapeError, match=r"^the page is cut: its __NEXT_DATA__ has no end in 2,007 bytes$"):
        next_data.page_props(body)


def test_much_garbage_is_refused_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(ShapeError, match=r"^the page is cut"):
        next_data.page_props(b'<script id="__NEXT_DATA__">' + b"{[" * 8_000_000)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("filler", [0, 1_000, 50_000])
def test_translations_are_left_out_and_nothing_else(filler: int) -> None:
    body = imdb_pages.page(SMALL, SEASON, filler=filler)
    expected = dict(PAGE["props"]["pageProps"])
    expected["translationContext"] = next_data.page_props(body).data["translationContext"]
    assert next_data.page_props(body).data == expected
    assert next_data.page_props(body, "part that is not there").data == expected
    del expected["translationContext"]
    assert next_data.page_props(body, "contentData").data == expected


def test_a_part_that_would_go_with_the_translations_is_kept() -> None:
    props = {"requestContext": None, "translationContext": {}, "contentData": {"a": 1}, "urqlState": None}
    body = in_page({"props": {"pageProps": props}})
    assert next_data.page_props(body, "contentData").data == props
    misplaced = body.replace(b"</script", b'"},"urqlState":</script>')
    with pytest.raises(ShapeError, match="is not JSON"):
        next_data.page_props(misplaced, "contentData")


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({}, (None, None)),
        ({"requestContext": None}, (None, None)),
        ({"requestContext": {"sidecar": {}}}, (None, None)),
        ({"requestContext": {"sidecar": {"localizationResponse": {}}}}, (None, None)),
        ({"requestContext": {"sidecar": {"localizationResponse": {"userCountryCode": "GB"}}}}, ("GB", None)),
        ({"requestContext": {"sidecar": {"localizationResponse": {"userLanguage": "de-DE"}}}}, (None, "de-DE")),
    ],
)
def test_the_caller_as_far_as_the_page_says(props: dict[str, Any], expected: tuple[str | None, str | None]) -> None:
    data = {"props": {"pageProps": props}}
    assert next_data.caller(next_data.page_props(in_page(data))) == expected


# Whatever stands in it


def test_the_whole_page_and_answer_are_read() -> None:
    assert [episode.id for episode in read_page(in_page(PAGE)).episodes] == ["tt99001000", "tt99001001"]
    assert [episode.id for episode in read_answer(orjson.dumps(ANSWER)).episodes] == [e.id for e in SMALL.episodes]


@given(where=st.sampled_from(PAGE_PLACES), value=JSON | st.just(ABSENT))
@example((*ITEM, "releaseDate", "year"), 2**40)
@example((*ITEM, "releaseDate", "year"), 0)
@example((*ITEM, "releaseDate", "day"), 1e300)
@example((*CONTENT, "section", "currentSeason"), {"value": ["1"]})
@example((*CONTENT, "section", "seasons", 0), [])
@example((*CONTENT, "entityMetadata"), ABSENT)
@settings(max_examples=400, deadline=None)
def test_a_page_with_anything_in_any_place_is_read_or_refused(where: Where, value: Any) -> None:
    outcome(read_page, in_page(changed(PAGE, where, value)))


@given(where=st.sampled_from(ANSWER_PLACES), value=JSON | st.just(ABSENT))
@example(("errors",), [{"message": None}])
@example((*NODE, "releaseDate"), {"year": 2**40, "month": 1, "day": 1})
@example((*NODE, "series", "displayableEpisodeNumber"), [])
@settings(max_examples=400, deadline=None)
def test_an_answer_with_anything_in_any_place_is_read_or_refused(where: Where, value: Any) -> None:
    outcome(read_answer, orjson.dumps(changed(ANSWER, where, value)))


@given(body=st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_refused(body: bytes) -> None:
    script = b'<script id="__NEXT_DATA__">' + body + b"</script>"
    assert outcome(read_page, body) is None
    assert outcome(read_page, script) is None
    assert outcome(read_answer, body) is None


def stated(page: EpisodesPage) -> list[dict[str, Any]]:
    return [payload(item) for item in page.items()]


def test_a_page_cut_anywhere_is_refused_or_the_same() -> None:
    body = imdb_pages.page(SMALL, SEASON)
    whole = stated(read_page(body))
    end = body.index(b"</script", body.index(b"__NEXT_DATA__")) + len(b"</script")
    for size in range(len(body)):
        found = outcome(read_page, body[:size])
        assert (found is None) == (size < end), f"cut after {size} bytes"
        assert found is None or stated(found) == whole


def test_an_answer_cut_anywhere_is_refused() -> None:
    body = orjson.dumps(ANSWER)
    assert [size for size in range(len(body)) if outcome(read_answer, body[:size]) is not None] == []
