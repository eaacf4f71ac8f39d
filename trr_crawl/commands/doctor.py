"""`scrapy doctor`: whether everything that crawls need is there, and how to mend what is not."""

from __future__ import annotations

import argparse

from scrapy.commands import ScrapyCommand

from trr_crawl.doctor import examine

SIGNS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


class Command(ScrapyCommand):
    """Changes nothing. Status 1 if something is bad."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def short_desc(self) -> str:
        return "Check configuration, database, bucket, keys, browser, disk and nodes"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        for finding in examine(self.settings):
            print(f"{SIGNS[finding.mark]} {finding.name}: {finding.sentence}")
            if finding.mark == "bad":
                self.exitcode = 1
