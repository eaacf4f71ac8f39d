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
from typing import Any, ClassVar

import orjson
import pytest

from support import CAPTURES
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
    return path.name.startswith(("answer-", "episodes-")) and path.suffix == ".json" and not is_golden(path)


def faults(kind: str | Path) -> list[str]:
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


def check_refusal(golden: Path, read: Callable[[Path, str], object], named: str = "about") -> None:
    """Assert that reading a page fails as its golden says."""
    expected = json.loads(golden.read_bytes())
    with pytest.raises(PageError) as caught:
        read(page_of(golden), expected[named])
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


def captured(pattern: str) -> bytes:
    """The one recorded file of IMDb that a pattern names; the test is skipped where they are not here."""
    if not CAPTURES.is_dir():
        pytest.skip(f"no recorded pages in {CAPTURES}")
    [path] = (CAPTURES / "imdb").glob(pattern)
    return path.read_bytes()


def as_page(data: bytes) -> bytes:
    """A page around its `__NEXT_DATA__`, of which alone many recorded pages consist."""
    return b'<script id="__NEXT_DATA__" type="application/json">' + data.replace(b"</", b"<\\/") + b"</script>"


class GoldenTests:
    """The tests that the pages of each kind have; a test module subclasses it as TestGoldens."""

    kind: ClassVar[str]
    """The pages' folder."""
    parsers: ClassVar[tuple[ModuleType, ...]]
    """Every error that they raise has a page."""
    named: ClassVar[str] = "about"
    """Where a golden says what the page was asked for."""
    sources: ClassVar[frozenset[str]] = frozenset({"imdb"})
    """Of the items."""

    def read(self, page: Path, about: str) -> Any:
        """The page, parsed."""
        raise NotImplementedError

    def describe(self, page: Any) -> dict[str, Any]:
        """What a golden says of a page beside its items, its drift, and what of it is cut."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for fixture, ending in (("golden", ".items.json"), ("refusal", ".error.json")):
            if fixture in metafunc.fixturenames:
                metafunc.parametrize(fixture, goldens(self.kind, ending))

    def test_every_page_has_one_golden_and_every_golden_its_page(self) -> None:
        assert faults(self.kind) == []

    def test_a_page_holds_these_items(self, golden: Path) -> None:
        expected = json.loads(golden.read_bytes())
        about = expected[self.named]
        page = self.read(page_of(golden), about)
        cut = {"cut": page.cut} if getattr(page, "cut", None) else {}
        found = {self.named: about, "drift": page.drift, "items": told(page.items()), **cut, **self.describe(page)}
        assert lines(found) == lines(expected)
        assert {item.source for item in page.items()} <= self.sources

    def test_a_page_is_refused(self, refusal: Path) -> None:
        check_refusal(refusal, self.read, self.named)

    def test_every_error_of_the_parser_has_its_page(self) -> None:
        raised = {name for name in errors_raised(*self.parsers) if not name.startswith("_")}
        assert raised <= errors_expected(self.kind)
