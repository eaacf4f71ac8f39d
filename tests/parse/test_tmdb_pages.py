"""Every hand-made answer of TMDb against its golden.

An answer is `<name>.json`. Beside it stands its golden, checked by hand: `<name>.items.json` or `<name>.error.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from trr_crawl.items import Item, payload
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.tmdb import changes, find, ids, lists, organisations, person, season, show

PAGES = Path(__file__).parents[1] / "pages" / "tmdb"
GOLDENS = (".items.json", ".error.json")
EN = "en-US"


@dataclass
class Read:
    """What a parser made of an answer."""

    items: Iterable[Item]
    facts: dict[str, Any]
    """What it says besides."""


def read_show(body: bytes) -> Read:
    page = show.parse(body, "990001", language=EN)
    facts = {"parts": sorted(page.parts), "announced": {str(k): v for k, v in page.announced.items()}}
    return Read(page.items(), {**facts, "credits": page.credits.count, "drift": page.drift})


def read_seasons(body: bytes) -> Read:
    page = show.parse_seasons(body, "990001")
    counts = {str(page.season.season_number): page.count for page in page.seasons}
    return Read(page.items(), {"parts": sorted(page.parts), "counts": counts, "drift": page.drift})


def read_season(body: bytes) -> Read:
    page = season.parse(body, "990001", 1)
    return Read(page.items(), {"parts": sorted(page.parts), "count": page.count, "drift": page.drift})


def read_person(body: bytes) -> Read:
    page = person.parse(body, "990101", language=EN)
    return Read(page.items(), {"parts": sorted(page.parts), "drift": page.drift})


def read_list(body: bytes) -> Read:
    page = lists.parse(body, "7001", language=EN, before={"990001": 1, "990005": 1})
    pages = {"page": page.page, "total_pages": page.total_pages, "total": page.total, "count": page.count}
    return Read(page.items(), {**pages, "drift": page.drift})


def read_find(body: bytes) -> Read:
    page = find.parse(body, "tt99003000", language=EN)
    return Read(page.items(), {"count": page.count, "others": page.others, "drift": page.drift})


def read_changes(body: bytes) -> Read:
    page = changes.parse(body)
    pages = {"page": page.page, "total_pages": page.total_pages, "total": page.total}
    return Read([], {"ids": page.ids, **pages, "drift": page.drift})


def alone(found: tuple[Item, list[str]]) -> Read:
    return Read([found[0]], {"drift": found[1]})


READERS: dict[str, Callable[[bytes], Read]] = {
    "show": read_show,
    "seasons": read_seasons,
    "season": read_season,
    "person": read_person,
    "list": read_list,
    "find": read_find,
    "changes": read_changes,
    "network": lambda body: alone(organisations.parse_network(body, "9901")),
    "company": lambda body: alone(organisations.parse_company(body, "9911")),
    "ids": lambda body: alone(ids.parse(body, "show", "990001")),
}


def as_golden(page: Read) -> dict[str, Any]:
    told = [
        {"kind": item.kind, "key": item.key, "payload": orjson.loads(orjson.dumps(payload(item)))}
        for item in page.items
    ]
    return {**page.facts, "items": told}


def lines(data: Any) -> list[str]:
    """As JSON, a line a value: tells 8 from 8.0 and 1 from true, which Python holds for equal."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def is_golden(path: Path) -> bool:
    return path.name.endswith(GOLDENS)


def page_of(golden: Path) -> Path:
    return golden.with_name(f"{golden.name.partition('.')[0]}.json")


def goldens(ending: str) -> list[Any]:
    paths = sorted(PAGES.glob(f"*/*{ending}"))
    return [pytest.param(path, id=f"{path.parent.name}/{path.name.partition('.')[0]}") for path in paths]


def test_every_answer_has_one_golden() -> None:
    assert {path.name for path in PAGES.iterdir()} == set(READERS)
    pages = sorted(path for path in PAGES.glob("*/*") if not is_golden(path))
    assert sorted(page_of(path) for path in PAGES.glob("*/*") if is_golden(path)) == pages


@pytest.mark.parametrize("golden", goldens(".items.json"))
def test_an_answer_holds_these_items(golden: Path) -> None:
    page = READERS[golden.parent.name](page_of(golden).read_bytes())
    page.items = list(page.items)
    assert lines(as_golden(page)) == lines(json.loads(golden.read_bytes()))
    assert {item.source for item in page.items} <= {"tmdb"}


@pytest.mark.parametrize("golden", goldens(".error.json"))
def test_an_answer_is_refused(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    with pytest.raises(PageError) as caught:
        READERS[golden.parent.name](page_of(golden).read_bytes())
    ours, dots, _ = expected["message"].partition("…")
    assert (type(caught.value).__name__, str(caught.value)[: len(ours) if dots else None]) == (expected["error"], ours)
