"""Recorded pages and their goldens: the items that a page holds, or the error that refuses it.

A page is `<name>.html`, or `answer-<name>.json` for a JSON answer, or `<name>.csv`. Beside it stands its golden,
written by hand: `<name>.items.json` or `<name>.error.json`. A message in a golden that ends with "…" goes on in
another library's words.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

from trr_crawl.items import Item, payload
from trr_crawl.parse.errors import PageError

PAGES = Path(__file__).parent / "pages" / "imdb"
ENDINGS = (".items.json", ".error.json")


def name_of(path: Path) -> str:
    return path.name.partition(".")[0]


def is_golden(path: Path) -> bool:
    return path.name.endswith(ENDINGS)


def is_page(path: Path) -> bool:
    if path.suffix in (".html", ".csv"):
        return True
    return path.name.startswith("answer-") and path.suffix == ".json" and not is_golden(path)


def faults(kind: str) -> list[str]:
    """What of a kind's folder is not one page with one golden."""
    paths = sorted((PAGES / kind).iterdir())
    pages = Counter(name_of(path) for path in paths if is_page(path))
    goldens = Counter(name_of(path) for path in paths if is_golden(path))
    strays = [f"{path.name} is neither a page nor a golden" for path in paths if not (is_page(path) or is_golden(path))]
    uneven = [
        f"{name} has {pages[name]} pages and {goldens[name]} goldens"
        for name in sorted(pages | goldens)
        if (pages[name], goldens[name]) != (1, 1)
    ]
    return strays + uneven


def goldens(kind: str, ending: str) -> list[Any]:
    """All goldens of a sort, each with its name."""
    return [pytest.param(path, id=name_of(path)) for path in sorted((PAGES / kind).glob(f"*{ending}"))]


def page_of(golden: Path) -> Path:
    """The page beside a golden."""
    [page] = (path for path in golden.parent.glob(f"{name_of(golden)}.*") if is_page(path))
    return page


def told(items: Iterable[Item]) -> list[dict[str, Any]]:
    """What a golden says of items."""
    return [
        {"kind": item.kind, "key": item.key, "payload": orjson.loads(orjson.dumps(payload(item)))} for item in items
    ]


def lines(data: Any) -> list[str]:
    """As JSON, a line a value: tells 8 from 8.0 and 1 from true, which Python holds for equal."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def check_refusal(golden: Path, read: Callable[[Path, str], object]) -> None:
    """Assert that reading a page fails as its golden says."""
    expected = json.loads(golden.read_bytes())
    with pytest.raises(PageError) as caught:
        read(page_of(golden), expected["about"])
    assert type(caught.value).__name__ == expected["error"]
    ours, dots, theirs = expected["message"].partition("…")
    assert theirs == ""
    if dots:
        assert str(caught.value).startswith(ours)
    else:
        assert str(caught.value) == ours


def errors_expected(kind: str) -> set[str]:
    """The names of the errors in a kind's goldens."""
    return {json.loads(path.read_bytes())["error"] for path in (PAGES / kind).glob("*.error.json")}


def errors_raised(*modules: ModuleType) -> set[str]:
    """The names of all exceptions in the `raise` statements of parsers."""
    statements = (found for module in modules for found in ast.walk(ast.parse(inspect.getsource(module))))
    calls = (found.exc for found in statements if isinstance(found, ast.Raise))
    return {call.func.id for call in calls if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}
