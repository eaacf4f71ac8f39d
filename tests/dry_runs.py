"""Crawls that store nothing, and the items that they yield."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import Crawl, scrapy


@dataclass(frozen=True)
class DryRun(Crawl):
    """A finished dry run."""

    items: list[dict[str, Any]]
    """As exported."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The items of a kind."""
        return [item for item in self.items if item["kind"] == kind]

    @property
    def kinds(self) -> dict[str, int]:
        """How many items of each kind there are."""
        return dict(Counter(item["kind"] for item in self.items))


def dry_run(spider: str, folder: Path, *options: str | Path) -> DryRun:
    """`scrapy crawl SPIDER -a dry_run=true …`; its items go through a file in a folder."""
    exported = folder / "items.json"
    done = scrapy("crawl", spider, "-a", "dry_run=true", "-O", exported, *options)
    assert "Traceback" not in done.output, done.output
    content = exported.read_text() if exported.exists() else ""
    return DryRun(done.status, done.output, json.loads(content) if content else [])
