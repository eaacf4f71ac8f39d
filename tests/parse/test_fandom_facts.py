"""What short texts of an infobox mean, names that are compared, and addresses of wikis and pictures."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl.items import SeasonSpan
from trr_crawl.parse.fandom import facts
from trr_crawl.parse.fandom.evidence import bare, normal
from trr_crawl.parse.fandom.facts import Born
from trr_crawl.parse.fandom.images import fandom_image, fandom_image_url
from trr_crawl.parse.fandom.wikis import Wiki, wiki_of

DAY = Born(date(1985, 9, 14), 1985)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("September 14, 1985 (Age 39)", DAY),
        ("September 14, 1985 (age 39 years)", DAY),
        ("September 14 1985, aged 39", DAY),
        ("September 14th, 1985", DAY),
        ("Sept. 14th 1985", DAY),
        ("Sep 14, 1985 in Port Ellery", DAY),
        ("14 September 1985", DAY),
        ("14. September 1985 (39)", DAY),
        ("14th of September, 1985; Port Ellery", DAY),
        ("1985-09-14", DAY),
        ("(1985-09-14) September 14, 1985", DAY),
        ("9/14/1985", DAY),
        ("14/9/1985", DAY),
        ("14.09.1985", DAY),
        ("3.9.1985", Born(date(1985, 9, 3), 1985)),
        ("9/9/1985", Born(date(1985, 9, 9), 1985)),
        ("3/9/1985", Born(None, 1985)),
        ("September 1985", Born(None, 1985)),
        ("1985 (age 39)", Born(None, 1985)),
        ("September 14", Born(None, None)),
        ("14th of September", Born(None, None)),
    ],
)
def test_days_are_read_as_far_as_they_are_told(text: str, expected: Born) -> None:
    assert facts.born(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "in the eighties", "c. 1985", "1985-1990", "19850914", "February 30, 1985", "14 Brumaire 1985", "Ma 3"),
        *("31/31/1985", "13.13.1985", "1985-13-01", "September 14, 85", "1200", "Brumaire 1985", "Floreal 3"),
    ],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        facts.born(text)


@given(st.dates(date(1800, 1, 1), date(2200, 12, 31)))
def test_every_day_is_read_in_every_form(day: date) -> None:
    month = facts.MONTHS[day.month - 1]
    for text in (day.isoformat(), f"{month.title()} {day.day}, {day.year}", f"{day.day} {month[:3]}. {day.year}"):
        assert facts.born(text) == Born(day, day.year)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5'7\"", 170.2),
        ("5\u20327\u2033", 170.2),
        ("5 ft. 7 in (1.70 m)", 170.0),
        ("5 feet", 152.4),
        ("5'7½\"", 171.4),
        ("1.7 m", 170.0),
        ("1,75m", 175.0),
        ("170 cm", 170.0),
    ],
)
def test_heights_are_read(text: str, expected: float) -> None:
    assert facts.centimetres(text) == expected


def test_weights_are_read() -> None:
    assert [facts.kilograms(text) for text in ("130 lbs", "130 pounds (59 kg)", "59.5kg")] == [59.0, 59.0, 59.5]


@pytest.mark.parametrize(("reader", "text"), [(facts.centimetres, "tall"), (facts.kilograms, "12 stone")])
def test_measures_that_are_none_are_refused(reader, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        reader(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", [(5, 5)]),
        ("5\u2013", [(5, None)]),
        ("5 - present", [(5, None)]),
        ("1-3, 5 & 7\u2014", [(1, 3), (5, 5), (7, None)]),
        ("Season 1 and Season 2 to Season 4", [(1, 1), (2, 4)]),
        ("", []),
    ],
)
def test_seasons_are_read(text: str, expected: list[tuple[int, int | None]]) -> None:
    assert facts.spans(text, "main") == [SeasonSpan(role="main", first=first, last=last) for first, last in expected]


@pytest.mark.parametrize("text", ["the first", "5-3", "1, All Stars", "2020-2021"])
def test_seasons_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        facts.spans(text, "main")


def test_places_are_read() -> None:
    assert [facts.order(text) for text in ("3/7", "3 of 7", " #3", "3rd")] == [3, 3, 3, 3]
    with pytest.raises(ValueError):
        facts.order("left of 3")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë  Núñez-Ávery", "zoe nunez avery"),
        ("J.R. O’Neil", "JR O'Neil"),
        ("SØREN ŁUKASZ", "soren lukasz"),
        ("Straße", "STRASSE"),
        ("Ａｎａ", "Ana"),
        ("Nell\u00a0Avery, Jr.", "nell avery jr"),
    ],
)
def test_names_are_the_same_whatever_their_accents_and_punctuation(one: str, other: str) -> None:
    assert normal(one) == normal(other) != ""


def test_different_names_are_different() -> None:
    assert len({normal(name) for name in ("Ana", "Anna", "Ana Reyes", "Reyes Ana", "Аня", "...")}) == 6


def test_a_qualifier_is_no_part_of_a_name() -> None:
    assert [bare(title) for title in ("Jo Doe (Season 2)", "Jo (Joe) Doe", "(Jo)")] == [
        "Jo Doe",
        "Jo (Joe) Doe",
        "(Jo)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("real-housewives", Wiki("real-housewives")),
        (" Real-Housewives ", Wiki("real-housewives")),
        ("de/inselliebe", Wiki("inselliebe", "de")),
        ("pt-br/casa", Wiki("casa", "pt-br")),
        ("https://real-housewives.fandom.com", Wiki("real-housewives")),
        ("https://real-housewives.fandom.com/wiki/Some_Page", Wiki("real-housewives")),
        ("inselliebe.fandom.com/de/wiki/Seite", Wiki("inselliebe", "de")),
        ("http://casa.wikia.com/pt-br/", Wiki("casa", "pt-br")),
    ],
)
def test_wikis_are_told_by_name_or_address(text: str, expected: Wiki) -> None:
    assert wiki_of(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "-", "a b", "https://example.org/wiki/X", "ftp://a.fandom.com/", "fandom.com", "https://a.b.fandom.com/"],
)
def test_what_is_no_wiki_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no wiki of Fandom's"):
        wiki_of(text)


def test_addresses_of_a_wiki() -> None:
    german = Wiki("inselliebe", "de")
    assert german.key == "de/inselliebe"
    assert german.page_url("Zoë (Staffel 1)/Gallery") == (
        "https://inselliebe.fandom.com/de/wiki/Zo%C3%AB_(Staffel_1)/Gallery"
    )
    assert german.title_of("/de/wiki/Zo%C3%AB_Avery#Trivia") == "Zoë Avery"
    assert german.title_of(german.page_url("What, why? Ha!")) == "What, why? Ha!"
    for stranger in (
        "/wiki/Zo",
        "https://other.fandom.com/de/wiki/A",
        "#top",
        "/de/wiki/",
        "/de/wiki/A?redlink=1",
        "http://[",
    ):
        assert german.title_of(stranger) is None
    assert german.address_of("/de/wiki/A_b") == "https://inselliebe.fandom.com/de/wiki/A_b"
    assert german.address_of("https://example.org/a") == "https://example.org/a"
    assert german.address_of("#top") is None


BASE = "https://static.wikia.nocookie.net"
FOLDED = f"{BASE}/harbour/images/1/17/Nell_and_Tom.jpg"
GERMAN = f"{BASE}/harbour/de/images/1/17/Nell_and_Tom.jpg"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (FOLDED, FOLDED),
        (f"{FOLDED}/revision/latest/scale-to-width-down/268?cb=2026", FOLDED),
        (f"{FOLDED}/revision/latest?format=original&cb=1", FOLDED),
        (f"{FOLDED}?path-prefix=de", GERMAN),
        (f"{GERMAN}?path-prefix=fr", GERMAN),
        ("http://images2.wikia.nocookie.net/__cb2012/harbour/images/thumb/1/17/Nell_and_Tom.jpg/90px-x.jpg", FOLDED),
        ("//vignette3.wikia.nocookie.net/harbour/images/1/17/Nell%20and_Tom.jpg/revision/latest/smart/width/4", FOLDED),
        (
            f"{BASE}/harbour/images/archive/1/17/20200102030405%21Nell_and_Tom.jpg",
            f"{BASE}/harbour/images/archive/1/17/20200102030405%21Nell_and_Tom.jpg",
        ),
        (
            f"{BASE}/74a9f058-f816-4856-8aad-c398aa8a4c81/thumbnail/width/400",
            f"{BASE}/74a9f058-f816-4856-8aad-c398aa8a4c81",
        ),
    ],
)  # fmt: skip
def test_addresses_of_pictures_become_one(url: str, expected: str) -> None:
    assert fandom_image_url(url) == expected
    assert fandom_image_url(expected) == expected
    assert fandom_image(url).picture_id == fandom_image(expected).picture_id


@pytest.mark.parametrize(
    "url",
    [
        *("", "data:image/gif;base64,R0lGOD", "/wiki/images/Nell.png", "https://example.org/harbour/images/1/17/a.jpg"),
        f"{BASE}/harbour/images/",
        f"{BASE}/harbour/images/1/17/",
        f"{BASE}/harbour/images/2/22/Nell_and_Tom.jpg",
        f"{BASE}/harbour/images/archive/1/17/Nell_and_Tom.jpg",
        f"{BASE}/a/b/c/images/1/17/Nell_and_Tom.jpg",
        f"{BASE}.example.org/harbour/images/1/17/Nell_and_Tom.jpg",
        "https://[/harbour",
    ],
)
def test_what_is_no_picture_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        fandom_image(url)
