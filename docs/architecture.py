"""`make architecture`: writes the parts of docs/architecture.md that follow from the code.

Arrows are imports, as they stand in the files; the path of an item is the order of the settings; who writes which table
is read from the SQL in the code.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

from trr_api.tables import users
from trr_crawl import settings

ROOT: Final = Path(__file__).resolve().parent.parent
PATH: Final = Path(__file__).with_name("architecture.md")

TABLES: Final = set(users.metadata.tables)
"""All of the project: the API's are on the catalog's MetaData."""

EVERYWHERE: Final = ("trr_crawl.clock", "trr_crawl.errors", "trr_crawl.version", "trr_crawl.settings")
"""Small modules that are used everywhere: arrows to them would say nothing."""

PARTS: Final = {
    "trr_crawl.catalog": "catalog",
    "trr_crawl.database": "catalog",
    "trr_crawl.items": "items",
    "trr_crawl.text": "items",
    "trr_api.app": "app",
    "trr_api.__main__": "app",
    "trr_api.keys": "foundation",
}
"""Where a module belongs that is no part by itself: packages are, other modules are `crawling` or `foundation`."""

LABELS: Final = {
    "crawling": "middlewares, extensions, archive",
    "items": "items, text",
    "catalog": "catalog, database",
    "app": "app, __main__",
    "foundation": "foundation: deps, session, paging, problems, …",
}

Graph = Mapping[str, set[str]]


def sources(folder: Path) -> list[Path]:
    """The Python files of a folder."""
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The full names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(name: str) -> str | None:
    """The part that a module belongs to; None for those of other projects, and for those that are left out."""
    package, _, rest = name.partition(".")
    module = f"{package}.{rest.partition('.')[0]}"
    if package not in ("trr_crawl", "trr_api") or not rest or module in EVERYWHERE:
        return None
    if module in PARTS:
        return PARTS[module]
    if (ROOT / module.replace(".", "/")).is_dir():
        return module.replace("trr_crawl.", "").replace("trr_api.", "api_")
    return "crawling" if package == "trr_crawl" else "foundation"


def graph() -> dict[str, set[str]]:
    """Which parts each part imports."""
    found: dict[str, set[str]] = {}
    for path in chain(sources(ROOT / "trr_crawl"), sources(ROOT / "trr_api")):
        own = part(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if own is not None:
            used = (part(name) for name in imports(path))
            found.setdefault(own, set()).update(other for other in used if other not in (None, own))
    return found


def reduced(found: Graph) -> dict[str, set[str]]:
    """Without the arrows that follow from others. Parts that use each other keep all of theirs."""

    def reachable(start: str, *, without: tuple[str, str]) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            here = waiting.pop()
            for other in found.get(here, set()) - seen:
                if (here, other) != without:
                    seen.add(other)
                    waiting.append(other)
        return seen

    return {
        own: {other for other in others if other not in reachable(own, without=(own, other))}
        for own, others in found.items()
    }


def packages() -> str:
    """The diagram of the packages."""
    found = graph()
    features = {own for own in found if own.startswith("api_")}
    crawler = set(found) - features - {"app", "foundation"}
    lines = ["flowchart TD"]
    lines += _box("trr_crawl", crawler)
    lines += ["    subgraph trr_api", *(f"        {_node(name)}" for name in ("app", "foundation"))]
    lines += [f"    {line}" for line in _box("features", features)]
    lines += ["    end"]
    arrows = reduced({own: found[own] & crawler for own in crawler})
    # All features stand on the same ground.
    arrows["app"] = {"features"}
    arrows["features"] = {"foundation", *set().union(*(found[own] for own in features)) & crawler}
    arrows["foundation"] = found["foundation"] & (crawler | features)
    for own in features:
        arrows[own] = found[own] & features
    return _mermaid(chain(lines, (f"    {own} --> {other}" for own in sorted(arrows) for other in sorted(arrows[own]))))


def _box(name: str, parts: Iterable[str]) -> list[str]:
    return [f"    subgraph {name}", *(f"        {_node(own)}" for own in sorted(parts)), "    end"]


def _node(name: str) -> str:
    return f'{name}["{LABELS.get(name, name.removeprefix("api_"))}"]'


def path_of_an_item() -> str:
    """The diagram of how a request goes out and an item comes in, in the order of the settings."""
    out = [_last(name) for name in _in_order(settings.DOWNLOADER_MIDDLEWARES)]
    pipelines = [_last(name) for name in _in_order(settings.ITEM_PIPELINES)]
    lines = ["flowchart LR", '    spider["spider: what to ask"]', '    source(["a source, or an archive"])']
    lines += [
        '    subgraph downloader ["downloader middlewares: requests from left to right, answers back"]',
        "        direction LR",
    ]
    lines += _chain(out)
    lines += ["    end", "    subgraph pipelines", "        direction LR", *_chain(pipelines), "    end"]
    lines += ['    parse["parse: a page in, items out"]', '    catalog[("catalog")]']
    lines += [
        f"    spider --> {out[0]}",
        f"    {out[-1]} <--> source",
        f"    {out[0]} -- answer --> parse",
        f"    parse -- items --> {pipelines[0]}",
        f"    {pipelines[-1]} --> catalog",
    ]
    return _mermaid(lines)


def _in_order(configured: Mapping[str, int | None]) -> list[str]:
    own = [(order, name) for name, order in configured.items() if order is not None and name.startswith("trr_crawl.")]
    return [name for _, name in sorted(own)]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _chain(names: list[str]) -> list[str]:
    return [f"        {one} --> {other}" for one, other in pairwise(names)]


def writers() -> str:
    """The table of who writes which tables."""
    lines = ["| module | writes |", "|---|---|"]
    for path in chain(sources(ROOT / "trr_crawl"), sources(ROOT / "trr_api")):
        if written := tables_written(path):
            name = path.relative_to(ROOT).as_posix()
            lines.append(f"| [`{name}`](../{name}) | {', '.join(written)} |")
    return "\n".join(lines)


def tables_written(path: Path) -> list[str]:
    """The tables that the SQL of a file inserts into, updates or deletes from."""
    statement = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (\{|\w+)")
    names = {
        found
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for found in statement.findall(_text(node))
    }
    written = [f"`{name}`" for name in sorted(names & TABLES)]
    return [*written, "tables by their names"] if "{" in names else written


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    value = node.value if isinstance(node, ast.Constant) else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def _mermaid(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "packages": packages,
    "path of an item": path_of_an_item,
    "writers": writers,
}


def text(page: str) -> str:
    """The page with its generated parts as the code is now. ValueError if one of them has no place in it."""
    for name, make in GENERATED.items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        place = re.search(f"{re.escape(begin)}.*?{end}", page, re.DOTALL)
        if place is None:
            raise ValueError(f"{PATH.name} has no place for {name!r}: put {begin.strip()} and {end} into it.")
        page = f"{page[: place.start()]}{begin}{make()}\n{end}{page[place.end() :]}"
    return page


def main() -> int:
    """Write the page anew."""
    PATH.write_text(text(PATH.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
