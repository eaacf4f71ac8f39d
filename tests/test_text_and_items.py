"""Texts in one form, and items that say exactly what they know."""

from __future__ import annotations

import ast
import dataclasses
import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import ROOT
from trr_crawl import items, text
from trr_crawl.items import FIELDS, UNSET, Episode, Image, Item, payload
from trr_crawl.pipelines.normalize import normalized


@given(st.text())
def test_clean_text_is_clean_and_stays_so(raw: str) -> None:
    done = text.clean(raw)
    if done is None:
        return
    assert text.clean(done) == done
    assert done == done.strip()
    assert "  " not in done
    assert "\n\n" not in done
    assert not any(unicodedata.category(character) == "Cc" and character != "\n" for character in done)
    assert "\0" not in done
    done.encode()
    assert unicodedata.is_normalized("NFC", done)


@pytest.mark.parametrize(
    ("raw", "done"),
    [
        ("plain", "plain"),
        ("  two  spaces ", "two spaces"),
        ("line\r\n\r\n  line", "line\nline"),
        ("e\u0301", "é"),
        ("null\0byte", "nullbyte"),
        ("\ud800lone", "lone"),
        ("\u00a0 \t", None),
        ("", None),
    ],
)
def test_clean(raw: str, done: str | None) -> None:
    assert text.clean(raw) == done


@pytest.mark.parametrize(("raw", "number"), [("7", 7), ("1,234", 1234), ("-3", -3), (" 12 ", 12)])
def test_integer(raw: str, number: int) -> None:
    assert text.integer(raw) == number


@pytest.mark.parametrize("raw", ["", "x", "1.5", "1,23", "١٢", "1e3", "--1"])
def test_what_is_no_integer(raw: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        text.integer(raw)


@given(
    st.from_regex(
        r"https://m\.media-amazon\.com/images/M/[A-Za-z0-9@]{5,30}\._V1_[A-Z0-9,_]{0,20}\.jpg", fullmatch=True
    )
)
def test_the_original_of_a_picture_is_found_once_and_keeps_its_case(url: str) -> None:
    original = text.original_image_url(url)
    assert original == url.partition("._V1_")[0] + "._V1_.jpg"
    assert text.original_image_url(original) == original


def test_dates_are_whole_or_not_there() -> None:
    assert text.full_date(2026, 2, 28) == date(2026, 2, 28)
    assert text.full_date(2026, 2, None) is None
    with pytest.raises(ValueError, match="day"):
        text.full_date(2026, 2, 31)


def test_entities_are_resolved_once() -> None:
    assert text.unescape("Q&amp;A &quot;live&quot; &amp;amp; loud") == 'Q&A "live" &amp; loud'


def test_an_item_states_none_and_leaves_unset_out() -> None:
    episode = Episode(source="imdb", id="tt99000001", show_id="tt99000000", title=None, rating=7.5)
    assert payload(episode) == {"id": "tt99000001", "show_id": "tt99000000", "title": None, "rating": 7.5}
    assert not UNSET


def test_normalizing_reaches_into_lists_and_captions() -> None:
    assert normalized([" a ", "", "b  c"]) == ["a", "b c"]
    assert normalized(Image(url="u", caption=" x ")) == Image(url="u", caption="x")
    assert normalized(7) == 7
    assert normalized(UNSET) is UNSET


@pytest.mark.parametrize("item_class", FIELDS)
def test_items_are_keyword_only_slotted_and_of_a_known_kind(item_class: type[Item]) -> None:
    from trr_crawl.catalog.tables import KINDS

    assert "__slots__" in vars(item_class)
    assert all(field.kw_only for field in dataclasses.fields(item_class))
    assert item_class.kind in KINDS


def test_every_field_of_every_item_has_a_docstring_under_it() -> None:
    tree = ast.parse((ROOT / "trr_crawl" / "items.py").read_text(encoding="utf-8"))
    assert items.__doc__
    undocumented = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name != "Unset":
            for field, below in zip(node.body, [*node.body[1:], None], strict=True):
                documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                is_field = isinstance(field, ast.AnnAssign) and "ClassVar" not in ast.unparse(field.annotation)
                if is_field and not documented:
                    undocumented.append(f"{node.name}.{ast.unparse(field)}")
    assert undocumented == []
