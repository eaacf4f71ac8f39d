"""Text in one form, numbers, dates and image addresses: what holds for any input, and what sources really write."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trr_crawl import text

CRAFTED = st.text(
    st.sampled_from("ae< \t\r\n\v\0\x1b\x7f\x85\x9b\u00a0\u0301\u0338\u1100\u1161\u2028\ufeff\uffff\ud800")
)
"""Few characters, all of them trouble: they meet where random ones would not."""

ANY_TEXT = CRAFTED | st.text() | st.text(st.characters(categories=["C", "M", "Z", "L"]))


@given(ANY_TEXT)
def test_clean_text_holds_nothing_unprintable(raw: str) -> None:
    done = text.clean(raw) or ""
    assert [c for c in done if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"] == []
    assert not {"\0", "\ufeff", "\ufffe", "\uffff"} & set(done)
    done.encode()


@given(ANY_TEXT)
def test_clean_text_has_single_spaces_and_no_blank_lines(raw: str) -> None:
    done = text.clean(raw)
    assert done is None or done == done.strip() != ""
    assert done is None or all(line == " ".join(line.split()) != "" for line in done.split("\n"))


@given(ANY_TEXT)
@example("e\0\u0301")
@example("a\x85b")
def test_clean_text_is_composed_and_stays_as_it_is(raw: str) -> None:
    done = text.clean(raw)
    assert done is None or unicodedata.is_normalized("NFC", done)
    assert done is None or text.clean(done) == done


@given(st.from_regex(r"[!-~]+( [!-~]+)*", fullmatch=True))
def test_plain_text_is_left_alone(raw: str) -> None:
    assert text.clean(raw) == raw


@pytest.mark.parametrize(
    ("raw", "done"),
    [
        ("plain", "plain"),
        ("  two  spaces ", "two spaces"),
        ("line\r\n\r\n  line", "line\nline"),
        ("tab\tand\u00a0hard\u2003space", "tab and hard space"),
        ("e\u0301", "é"),
        ("Ⅻ ﬁ", "Ⅻ ﬁ"),
        ("nul\0l", "null"),
        ("\ufeffmark", "mark"),
        ("\ud800lone", "lone"),
        ("👩\u200d🍳", "👩\u200d🍳"),
        ("\u00a0 \t", None),
        ("\0", None),
        ("", None),
    ],
)
def test_clean(raw: str, done: str | None) -> None:
    assert text.clean(raw) == done


@pytest.mark.parametrize(
    ("raw", "done"),
    [
        ("Q&amp;A &quot;live&quot; &#39;26 &#x27;27 &lt;3", "Q&A \"live\" '26 '27 <3"),
        ("once: &amp;amp;", "once: &amp;"),
        ("R&B & AT&T", "R&B & AT&T"),
        ("no entity", "no entity"),
    ],
)
def test_unescape(raw: str, done: str) -> None:
    assert text.unescape(raw) == done


@given(st.text(st.characters(exclude_characters="&")))
def test_text_without_entities_is_left_alone(raw: str) -> None:
    assert text.unescape(raw) == raw


@given(st.integers(-(10**18), 10**18))
def test_integers_as_they_are_written(number: int) -> None:
    assert text.integer(str(number)) == number
    assert text.integer(f" {number:,}\n") == number


@given(ANY_TEXT | st.text("0123456789,.-+e_ "))
def test_what_is_no_integer_says_so(raw: str) -> None:
    try:
        number = text.integer(raw)
    except ValueError as error:
        assert str(error) == f"{raw!r} is not a whole number"
    else:
        assert raw.strip().replace(",", "").lstrip("-0") == str(abs(number)).lstrip("0")


@pytest.mark.parametrize(
    "raw", ["", " ", "x", "1.5", "1,23", "1234,567", ",123", "1,", "١٢", "1e3", "--1", "+1", "1 2", "1_0", "0x1"]
)
def test_no_integers(raw: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        text.integer(raw)


@given(st.dates())
def test_a_date_is_whole_or_not_there(day: date) -> None:
    assert text.full_date(day.year, day.month, day.day) == day
    assert text.full_date(None, day.month, day.day) is None
    assert text.full_date(day.year, None, day.day) is None
    assert text.full_date(day.year, day.month, None) is None


@pytest.mark.parametrize("parts", [(2026, 2, 31), (2025, 2, 29), (2026, 13, 1), (2026, 0, 1), (0, 1, 1), (2026, 1, -1)])
def test_a_day_that_does_not_exist(parts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        text.full_date(*parts)


HOST = "https://m.media-amazon.com/images/M/"


@pytest.mark.parametrize(
    ("url", "original"),
    [
        ("MV5BaBcD@._V1_.jpg", "MV5BaBcD@._V1_.jpg"),
        ("MV5BaBcD@._V1.jpg", "MV5BaBcD@._V1_.jpg"),
        ("MV5BaBcD@._V1_UX224_CR0,0,224,126_AL_.jpg", "MV5BaBcD@._V1_.jpg"),
        ("MV5BaBcD@@._V1_QL75_UY281_CR0,0,190,281_.PNG", "MV5BaBcD@@._V1_.PNG"),
        ("MV5BaBcD._CR1,2,3,4._V1_SX.5.webp", "MV5BaBcD._CR1,2,3,4._V1_.webp"),
        ("MV5BaBcD.jpg", "MV5BaBcD.jpg"),
        ("a._V1_b/MV5BaBcD.jpg", "a._V1_b/MV5BaBcD.jpg"),
        ("MV5BaBcD@._V1_SX.jpg?size=small", "MV5BaBcD@._V1_SX.jpg?size=small"),
    ],
)
def test_the_original_of_a_picture(url: str, original: str) -> None:
    assert text.original_image_url(HOST + url) == HOST + original


@given(st.from_regex(r"[A-Za-z0-9@]{5,30}\._V1_[A-Z0-9,_]{0,20}\.(jpg|JPG|png)", fullmatch=True))
def test_the_original_keeps_its_case(name: str) -> None:
    identity, _, instruction = name.partition("._V1_")
    original = text.original_image_url(HOST + name)
    assert original == f"{HOST}{identity}._V1_.{instruction.rpartition('.')[2]}"


@given(st.lists(st.sampled_from(["._V1_", "._V1", ".jpg", ".PNG", "/", "aB", "UX1", "_", ",", "\n", "?"])).map("".join))
def test_the_original_of_an_original_is_itself(url: str) -> None:
    original = text.original_image_url(url)
    assert text.original_image_url(original) == original
