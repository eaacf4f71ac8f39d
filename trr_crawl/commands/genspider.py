"""`scrapy genspider NAME DOMAIN`: a new source, from its spider to the tests that pass at once."""

from __future__ import annotations

import argparse
import json
import keyword
import re
import string
import sys
from pathlib import Path
from typing import Any, Final

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from trr_crawl.database import PROJECT
from trr_crawl.errors import UserError

TEMPLATES: Final = PROJECT / "trr_crawl" / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9](:\d{1,5})?", re.ASCII)
_LONGEST: Final = 30
"""Letters of a name: with more, lines of the templates would be too long."""

_SHOW: Final = {"@context": "https://schema.org", "@type": "TVSeries", "identifier": "example", "name": "Example Show"}
_PLOT: Final = {"description": "Invented people on an invented island."}


class Command(ScrapyCommand):
    """Writes nothing when a file of one of the names is there already."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "<name> <domain>"

    def short_desc(self) -> str:
        return "Write spider, parser, pages with goldens and tests for a new source"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 2:
            raise UsageError("give a name and a domain", print_help=False)
        try:
            written = _write(_files(_name(args[0]), _domain(args[1])))
        except UserError as error:
            sys.stderr.write(f"scrapy genspider: {error}\n")
            self.exitcode = 2
            return
        for path in written:
            print(path.relative_to(PROJECT))
        print(f"\nRun the tests:  python -m pytest tests/parse/test_{args[0]}_pages.py tests/spiders/test_{args[0]}.py")
        print("Then put a page in the shape of the real ones beside its golden, and change the parser to read it.")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text) or len(text) > _LONGEST or keyword.iskeyword(text):
        raise UserError(
            f"{text!r} is no name for a spider: write up to {_LONGEST} small letters, digits and single underscores."
        )
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text) or len(text) > 80:
        raise UserError(f"{text!r} is no domain: give it as www.example.com.")
    return text


def _files(name: str, domain: str) -> dict[Path, str]:
    """What to write, by its place."""
    words: dict[str, Any] = {
        "name": name,
        "domain": domain,
        "classname": "".join(part.capitalize() for part in name.split("_")),
        "prefix": name.upper(),
    }
    pages, parse = PROJECT / "tests" / "pages" / name / "show", PROJECT / "trr_crawl" / "parse" / name
    item = {
        "kind": "show",
        "key": "example",
        "payload": {"id": "example", "title": _SHOW["name"], "overview": _PLOT["description"]},
    }
    bare = {**item, "payload": {"id": "example", "title": _SHOW["name"]}}
    return {
        PROJECT / "trr_crawl" / "spiders" / f"{name}.py": _rendered("spider", words),
        parse / "__init__.py": f'"""Pages of {domain}."""\n',
        parse / "show.py": _rendered("parser", words),
        PROJECT / "tests" / "parse" / f"test_{name}_pages.py": _rendered("test_parser", words),
        PROJECT / "tests" / "spiders" / f"test_{name}.py": _rendered("test_spider", words),
        pages / "example.html": _page({**_SHOW, **_PLOT}),
        pages / "example.items.json": _json({"about": "example", "drift": [], "items": [item]}),
        pages / "no-plot-and-a-new-key.html": _page({**_SHOW, "mood": "teal"}),
        pages / "no-plot-and-a-new-key.items.json": _json(
            {"about": "example", "drift": ["show.mood"], "items": [bare]}
        ),
        pages / "another-show.html": _page({**_SHOW, **_PLOT}),
        pages / "another-show.error.json": _json(
            {
                "about": "another-show",
                "error": "WrongPage",
                "message": "asked for another-show, the page is about example",
            }
        ),
        pages / "no-data.html": _rendered("bare_page", words),
        pages / "no-data.error.json": _json(
            {"about": "example", "error": "ShapeError", "message": "the page has no JSON-LD"}
        ),
    }


def _rendered(template: str, words: dict[str, Any]) -> str:
    return string.Template((TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")).substitute(words)


def _page(data: dict[str, str]) -> str:
    return _rendered("page", {"title": data["name"], "json_ld": json.dumps(data)})


def _json(data: object) -> str:
    return json.dumps(data, indent=2) + "\n"


def _write(files: dict[Path, str]) -> list[Path]:
    for path in files:
        if path.exists():
            raise UserError(f"{path.relative_to(PROJECT)} is there already.")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
