"""The items' promises: what is unset is not said, None is said, and every field explains itself."""

from __future__ import annotations

import ast
import inspect
from dataclasses import FrozenInstanceError, fields
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl import items
from trr_crawl.catalog.tables import KINDS
from trr_crawl.items import (
    FIELDS,
    UNSET,
    AlternativeTitle,
    Candidate,
    Change,
    Company,
    ContentRating,
    Credit,
    Episode,
    EpisodeCredit,
    FandomPage,
    FilmingLocation,
    GalleryEntry,
    Image,
    ImageRequest,
    Inventory,
    Item,
    ListEntry,
    Network,
    Offer,
    Person,
    Picture,
    Role,
    Season,
    Show,
    TitleList,
    Translation,
    Unset,
    Video,
    WatchProvider,
    payload,
)

DESCRIBED: tuple[type[Any], ...] = (
    *(Image, Role, AlternativeTitle, ContentRating, Translation, Video, FilmingLocation),
    *(Inventory, Item, *FIELDS),
)
"""All classes of the module that have fields."""

MINIMAL: dict[type[Item], dict[str, Any]] = {
    Show: {"id": "tt99000001"},
    Season: {"show_id": "tt99000001", "season_number": 0},
    Episode: {"id": "tt99000101", "show_id": "tt99000001"},
    Person: {"id": "nm99000001"},
    Credit: {"show_id": "tt99000001", "person_id": "nm99000001", "category": "cast"},
    EpisodeCredit: {"show_id": "tt99000001", "episode_id": "tt99000101", "person_id": "nm99000001", "category": "cast"},
    Picture: {"picture_id": "MV5BSample"},
    GalleryEntry: {"picture_id": "MV5BSample"},
    Network: {"id": "9901"},
    Company: {"id": "9911"},
    WatchProvider: {"id": "9921"},
    Offer: {"show_id": "990001", "region": "US", "offer_type": "flatrate", "provider_id": "9921"},
    TitleList: {"id": "ls99000001"},
    ListEntry: {"list_id": "ls99000001", "show_id": "tt99000001", "occurrence": 1},
    FandomPage: {"wiki": "harbour-hearts", "page_id": 71},
    Candidate: {"query": "Harbour", "id": "tt99000001"},
    Change: {"of": "show", "id": "990001"},
    ImageRequest: {
        "url": "https://image.tmdb.org/t/p/original/x.jpg",
        "owners": "shows",
        "owner_id": "990001",
        "image_kind": "poster",
    },
}
"""What each kind must have."""

VALUES = st.sampled_from([UNSET, None, 0, "", False, "Salt", 7.5, date(2026, 9, 16), ["1"], Image(url="u")])


def make(item_class: type[Item], **stated: Any) -> Item:
    return item_class(source="imdb", **{**MINIMAL[item_class], **stated})


def optional(item_class: type[Item]) -> list[str]:
    return [name for name in FIELDS[item_class] if name not in MINIMAL[item_class]]


def test_all_kinds_are_here() -> None:
    # Not Item.__subclasses__(): slots=True makes each class anew, and the first one may still be remembered.
    defined = {thing for thing in vars(items).values() if isinstance(thing, type) and issubclass(thing, Item)}
    assert set(FIELDS) == defined - {Item} == set(MINIMAL)
    kinds = [item_class.kind for item_class in FIELDS]
    assert set(kinds) - {Candidate.kind, Change.kind, ImageRequest.kind} == set(KINDS)
    assert len(set(kinds)) == len(kinds)


def undocumented(module: ast.Module) -> list[str]:
    """The annotated fields of a module's classes that no string follows, class variables included."""
    return [
        f"{found.name}.{ast.unparse(field.target)}"
        for found in module.body
        if isinstance(found, ast.ClassDef)
        for field, below in zip(found.body, [*found.body[1:], None], strict=True)
        if isinstance(field, ast.AnnAssign)
        and not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and below.value.value)
    ]


def test_every_field_has_a_docstring_under_it() -> None:
    # A class's own kind is explained once, in Item.
    kinds = {f"{item_class.__name__}.kind" for item_class in FIELDS}
    assert set(undocumented(ast.parse(inspect.getsource(items)))) <= kinds


def test_a_field_without_docstring_is_found() -> None:
    source = (
        'class A:\n    "Of A"\n    one: int\n    "One."\n    two: int\n    three: int = 3\n    ""\n    """After."""\n'
    )
    assert undocumented(ast.parse(source)) == ["A.two", "A.three"]


@pytest.mark.parametrize("described", DESCRIBED)
def test_classes_are_keyword_only_slotted_and_described(described: type[Any]) -> None:
    assert described.__doc__
    assert not described.__doc__.startswith(f"{described.__name__}(")  # what dataclass writes by itself
    assert "__slots__" in vars(described)
    parameters = inspect.signature(described).parameters.values()
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert [parameter.name for parameter in parameters] == [field.name for field in fields(described)]


@pytest.mark.parametrize("item_class", FIELDS)
def test_an_item_takes_no_field_that_it_does_not_have(item_class: type[Item]) -> None:
    item = make(item_class)
    with pytest.raises(TypeError):
        make(item_class, titel="typo")
    with pytest.raises(AttributeError):
        item.titel = "typo"  # type: ignore[attr-defined]
    assert not hasattr(item, "__dict__")


@pytest.mark.parametrize("item_class", FIELDS)
def test_an_item_needs_little_and_says_no_more(item_class: type[Item]) -> None:
    assert payload(make(item_class)) == MINIMAL[item_class]
    for name in ("source", *MINIMAL[item_class]):
        with pytest.raises(TypeError, match=name):
            item_class(
                **{key: value for key, value in (("source", "imdb"), *MINIMAL[item_class].items()) if key != name}
            )


@pytest.mark.parametrize("item_class", FIELDS)
@given(data=st.data())
def test_a_payload_is_what_was_stated(item_class: type[Item], data: st.DataObject) -> None:
    names = st.sampled_from(optional(item_class)) if optional(item_class) else st.nothing()
    stated = data.draw(st.dictionaries(names, VALUES))
    said = payload(make(item_class, **stated))
    assert said == MINIMAL[item_class] | {name: value for name, value in stated.items() if value is not UNSET}
    assert list(said) == [name for name in FIELDS[item_class] if name in said]
    assert "source" not in said


@pytest.mark.parametrize(
    ("item", "key"),
    [
        (make(Show), "tt99000001"),
        (make(Season), "tt99000001/0"),
        (make(Season, season_number=12), "tt99000001/12"),
        (make(Episode), "tt99000101"),
        (make(Person), "nm99000001"),
        (make(Credit), "tt99000001/nm99000001/cast"),
        (make(EpisodeCredit), "tt99000101/nm99000001/cast"),
        (make(Picture), "MV5BSample"),
        (make(GalleryEntry, show_id="tt99000001"), "tt99000001/MV5BSample"),
        (make(GalleryEntry, person_id="nm99000001"), "nm99000001/MV5BSample"),
        (make(TitleList), "ls99000001"),
        (make(ListEntry), "ls99000001/tt99000001/1"),
        (make(ListEntry, episode_id="tt99000101", occurrence=2), "ls99000001/tt99000101/2"),
        (make(Candidate), "Harbour/tt99000001"),
        (make(ImageRequest), "https://image.tmdb.org/t/p/original/x.jpg"),
    ],
)
def test_the_key_is_the_id_at_the_source(item: Item, key: str) -> None:
    assert item.key == key


def test_the_bare_item_has_no_key() -> None:
    with pytest.raises(NotImplementedError):
        _ = Item(source="imdb").key


def test_unset_is_one_thing_and_false() -> None:
    assert not UNSET
    assert UNSET is Unset.UNSET
    assert UNSET is not None
    assert list(Unset) == [UNSET]


def test_an_image_is_a_value() -> None:
    image = Image(url="u", width=1)
    assert image == Image(url="u", width=1)
    assert hash(image) == hash(Image(url="u", width=1))
    with pytest.raises(FrozenInstanceError):
        image.url = "v"  # type: ignore[misc]
