"""Strict reading: each reader takes what it is named for, gives None for nothing, and names the path of all else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def reading(reader: str, value: Any) -> Any:
    """What a reader makes of a value; of an object its data, of objects a list of their data."""
    found = getattr(Node({"key": value}, "page"), reader)("key")
    if isinstance(found, Node):
        return found.data
    if reader == "nodes":
        return [node.data for node in found]
    return found


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("node", {}, {}),
        ("node", {"a": 1}, {"a": 1}),
        ("need", {}, {}),
        ("array", [], []),
        ("array", [1, "two", None], [1, "two", None]),
        ("nodes", [], []),
        ("nodes", [{"a": 1}, {}], [{"a": 1}, {}]),
        ("string", "", ""),
        ("string", " As it &amp; stands ", " As it &amp; stands "),
        ("need_string", "tt99100001", "tt99100001"),
        ("words", "", ""),
        ("words", "Salt &amp; Sand", "Salt & Sand"),
        ("words", "twice &amp;amp; once", "twice &amp; once"),
        ("words", "a lone & stays", "a lone & stays"),
        ("words", {"text": "Salt &amp; Sand"}, "Salt &amp; Sand"),
        ("words", {"plainText": "Salt"}, "Salt"),
        ("words", {"plotText": {"plainText": "Salt"}}, "Salt"),
        ("words", {"plotText": {"text": "deep"}}, "deep"),
        ("words", {"text": None}, None),
        ("words", {"plotText": None, "text": "not read"}, None),
        ("integer", 0, 0),
        ("integer", -3, -3),
        ("integer", "7", 7),
        ("integer", " 1,234 ", 1234),
        ("integer", 2640.0, 2640),
        ("number", 7, 7.0),
        ("number", 7.25, 7.25),
        ("number", 0, 0.0),
        ("flag", True, True),
        ("flag", False, False),
    ],
)
def test_reads(reader: str, value: Any, expected: Any) -> None:
    found = reading(reader, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("reader", ["node", "array", "string", "words", "integer", "number", "flag"])
@pytest.mark.parametrize("data", [{}, {"key": None}], ids=["absent", "null"])
def test_nothing_is_none(reader: str, data: dict[str, Any]) -> None:
    assert getattr(Node(data, "page"), reader)("key") is None


@pytest.mark.parametrize("data", [{}, {"key": None}, {"key": []}], ids=["absent", "null", "empty"])
def test_no_list_has_no_nodes(data: dict[str, Any]) -> None:
    assert list(Node(data, "page").nodes("key")) == []


@pytest.mark.parametrize("reader", ["need", "need_string"])
@pytest.mark.parametrize("data", [{}, {"key": None}], ids=["absent", "null"])
def test_what_is_needed_and_missing_is_named(reader: str, data: dict[str, Any]) -> None:
    with pytest.raises(ShapeError) as caught:
        getattr(Node(data, "page"), reader)("key")
    assert str(caught.value) == "page.key is missing"


@pytest.mark.parametrize(
    ("reader", "value", "message"),
    [
        ("node", "text", "page.key is a string ('text') where an object was expected"),
        ("node", [], "page.key is a list ([]) where an object was expected"),
        ("node", 0, "page.key is a number (0) where an object was expected"),
        ("node", False, "page.key is a boolean (False) where an object was expected"),
        ("need", 1.5, "page.key is a number (1.5) where an object was expected"),
        ("array", {}, "page.key is an object ({}) where a list was expected"),
        ("array", "", "page.key is a string ('') where a list was expected"),
        ("nodes", {"a": 1}, "page.key is an object ({'a': 1}) where a list was expected"),
        ("nodes", [{}, None], "page.key[1] is null (None) where an object was expected"),
        ("nodes", [["x"]], "page.key[0] is a list (['x']) where an object was expected"),
        ("string", 7, "page.key is a number (7) where a string was expected"),
        ("string", {"text": "x"}, "page.key is an object ({'text': 'x'}) where a string was expected"),
        ("need_string", "", "page.key is missing"),
        ("need_string", 7, "page.key is a number (7) where a string was expected"),
        ("words", 7, "page.key is a number (7) where an object was expected"),
        ("words", ["x"], "page.key is a list (['x']) where an object was expected"),
        ("words", {}, "page.key holds no text, only nothing"),
        ("words", {"id": 1, "markdown": "x"}, "page.key holds no text, only id, markdown"),
        ("words", {"text": 7}, "page.key.text is a number (7) where a string was expected"),
        ("words", {"plotText": {"html": "x"}}, "page.key.plotText holds no text, only html"),
        ("integer", True, "page.key is a boolean (True) where a whole number was expected"),
        ("integer", 1.5, "page.key is a number (1.5) where a whole number was expected"),
        ("integer", [7], "page.key is a list ([7]) where a whole number was expected"),
        ("integer", "", "page.key: '' is not a whole number"),
        ("integer", "7.0", "page.key: '7.0' is not a whole number"),
        ("integer", "1,23", "page.key: '1,23' is not a whole number"),
        ("integer", "٧", "page.key: '٧' is not a whole number"),
        ("number", "7.2", "page.key is a string ('7.2') where a number was expected"),
        ("number", False, "page.key is a boolean (False) where a number was expected"),
        ("flag", 1, "page.key is a number (1) where true or false was expected"),
        ("flag", "true", "page.key is a string ('true') where true or false was expected"),
    ],
)
def test_refuses(reader: str, value: Any, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        reading(reader, value)
    assert str(caught.value) == message


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ShapeError) as caught:
        reading("integer", ["x" * 100])
    assert str(caught.value) == f"page.key is a list (['{'x' * 55}...) where a whole number was expected"


@pytest.mark.parametrize(("value", "name"), [([], "a list ([])"), (None, "null (None)"), ("x", "a string ('x')")])
def test_a_node_is_an_object(value: Any, name: str) -> None:
    with pytest.raises(ShapeError) as caught:
        Node(value, "page")
    assert str(caught.value) == f"page is {name} where an object was expected"


def test_paths_grow_with_the_way_down() -> None:
    page = Node({"a": {"b": [{}, {"c": {"d": "x"}}]}}, "page")
    [_, second] = page.need("a").nodes("b")
    inner = second.need("c")
    assert (inner.path, inner.at("d")) == ("page.a.b[1].c", "page.a.b[1].c.d")


def test_down_ends_where_the_path_ends() -> None:
    page = Node({"a": {"b": {"c": {}}, "gone": None, "text": "x"}}, "page")
    found = page.down("a", "b", "c")
    assert found is not None
    assert found.path == "page.a.b.c"
    assert page.down() is page
    assert page.down("a", "gone", "c") is None
    assert page.down("a", "absent", "c") is None
    with pytest.raises(ShapeError, match=r"^page\.a\.text is a string"):
        page.down("a", "text", "c")


def test_drift_names_the_unknown_keys_in_order() -> None:
    page = Node({"id": 1, "new": 2, "also new": None}, "page")
    assert page.drift(frozenset({"id", "title"})) == ["page.also new", "page.new"]
    assert page.drift(frozenset({"id", "new", "also new"})) == []


@given(
    reader=st.sampled_from(
        ["node", "need", "array", "nodes", "string", "need_string", "words", "integer", "number", "flag"]
    ),
    value=JSON,
)
def test_any_value_is_read_or_refused_by_its_path(reader: str, value: Any) -> None:
    try:
        reading(reader, value)
    except ShapeError as error:
        assert str(error).startswith("page.key")


@pytest.mark.parametrize("value", ["9" * 25, 10**20, 1e300])
def test_a_number_beyond_all_counts_is_refused(value: Any) -> None:
    with pytest.raises(ShapeError, match=r"page\.key is larger than any count of anything"):
        Node({"key": value}, "page").integer("key")


def test_a_character_reference_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"page\.key holds an entity that is none"):
        Node({"key": f"&#{'9' * 5000};"}, "page").words("key")
