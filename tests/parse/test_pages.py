"""Every recorded episodes page against its golden: the items that it holds, or the error that refuses it.

A page is `<name>.html`, or `answer-<name>.json` for an answer of GraphQL. Beside it stands its golden, written by hand:
`<name>.items.json` or `<name>.error.json`. A message in a golden that ends with "…" goes on in another library's words.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from trr_crawl.items import payload
from trr_crawl.parse import errors, node
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import episodes, graphql, next_data, title
from trr_crawl.parse.imdb.episodes import EpisodesPage

PAGES = Path(__file__).parents[1] / "pages" / "imdb" / "episodes"
GOLDENS = (".items.json", ".error.json")
PARSER = (episodes, title, next_data, graphql, node)


def is_golden(path: Path) -> bool:
    return path.name.endswith(GOLDENS)


def is_page(path: Path) -> bool:
    return path.suffix == ".html" or (
        path.name.startswith("answer-") and path.suffix == ".json" and not is_golden(path)
    )


def name_of(path: Path) -> str:
    return path.name.partition(".")[0]


def faults(folder: Path) -> list[str]:
    """What is not one page with one golden."""
    paths = sorted(folder.iterdir())
    pages = Counter(name_of(path) for path in paths if is_page(path))
    goldens = Counter(name_of(path) for path in paths if is_golden(path))
    strays = [f"{path.name} is neither a page nor a golden" for path in paths if not (is_page(path) or is_golden(path))]
    uneven = [
        f"{name} has {pages[name]} pages and {goldens[name]} goldens"
        for name in sorted(pages | goldens)
        if (pages[name], goldens[name]) != (1, 1)
    ]
    return strays + uneven


def page_of(golden: Path) -> Path:
    """The page beside a golden."""
    [page] = (path for path in PAGES.glob(f"{name_of(golden)}.*") if is_page(path))
    return page


def read(page: Path, show_id: str) -> EpisodesPage:
    if page.suffix == ".html":
        return episodes.parse_page(page.read_bytes(), show_id)
    return episodes.parse_answer(page.read_bytes(), show_id, country="US", language="en-US")


def as_golden(page: EpisodesPage, show_id: str) -> dict[str, Any]:
    """What a golden says of a page."""
    return {
        "show_id": show_id,
        "total": page.total,
        "season": page.season,
        "season_labels": page.season_labels,
        "year_labels": page.year_labels,
        "next_cursor": page.next_cursor,
        "drift": page.drift,
        "items": [
            {"kind": item.kind, "key": item.key, "payload": orjson.loads(orjson.dumps(payload(item)))}
            for item in page.items()
        ],
    }


def lines(data: Any) -> list[str]:
    """As JSON, a line a value: tells 8 from 8.0 and 1 from true, which Python holds for equal."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def goldens(ending: str) -> list[Any]:
    """All goldens of a sort, each with its name."""
    return [pytest.param(path, id=name_of(path)) for path in sorted(PAGES.glob(f"*{ending}"))]


def test_every_page_has_one_golden_and_every_golden_its_page() -> None:
    assert faults(PAGES) == []


def test_a_page_or_golden_alone_is_found(tmp_path: Path) -> None:
    for name in ("good.html", "good.items.json", "lonely.html", "answer-lonely.json", "pageless.error.json"):
        (tmp_path / name).touch()
    for name in ("twofold.html", "twofold.items.json", "twofold.error.json", "stray.json", "notes.txt"):
        (tmp_path / name).touch()
    assert faults(tmp_path) == [
        "notes.txt is neither a page nor a golden",
        "stray.json is neither a page nor a golden",
        "answer-lonely has 1 pages and 0 goldens",
        "lonely has 1 pages and 0 goldens",
        "pageless has 0 pages and 1 goldens",
        "twofold has 1 pages and 2 goldens",
    ]


@pytest.mark.parametrize("golden", goldens(".items.json"))
def test_a_page_holds_these_items(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    page = read(page_of(golden), expected["show_id"])
    assert lines(as_golden(page, expected["show_id"])) == lines(expected)
    assert {item.source for item in page.items()} == {"imdb"}


@pytest.mark.parametrize("golden", goldens(".error.json"))
def test_a_page_is_refused(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    with pytest.raises(PageError) as caught:
        read(page_of(golden), expected["show_id"])
    assert type(caught.value).__name__ == expected["error"]
    ours, dots, theirs = expected["message"].partition("…")
    assert theirs == ""
    if dots:
        assert str(caught.value).startswith(ours)
    else:
        assert str(caught.value) == ours


def raised_by_the_parser() -> set[str]:
    """The names of all exceptions in its `raise` statements."""
    statements = (found for module in PARSER for found in ast.walk(ast.parse(inspect.getsource(module))))
    calls = (found.exc for found in statements if isinstance(found, ast.Raise))
    return {call.func.id for call in calls if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}


def test_every_error_of_the_parser_has_its_page() -> None:
    expected = {json.loads(path.read_bytes())["error"] for path in PAGES.glob("*.error.json")}
    raised = raised_by_the_parser()
    assert expected == raised
    assert all(issubclass(getattr(errors, name), PageError) for name in raised)


def layout(page: Path) -> str | None:
    """The dress in which a page lists its episodes; None where it lists none."""
    if page.suffix == ".json":
        return "answer"
    listed = next_data.page_props(page.read_bytes()).down("contentData", "section", "episodes")
    if listed is None or not (items := listed.array("items")):
        return "edges" if listed and listed.array("edges") else None
    return {str: "numbers as strings", int: "numbers"}[type(items[0]["season"])]


def test_every_layout_has_its_page() -> None:
    found = Counter(layout(page_of(path)) for path in PAGES.glob("*.items.json"))
    assert set(found) == {"numbers as strings", "numbers", "edges", "answer", None}
