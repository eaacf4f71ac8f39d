"""`scrapy scheduler`: works the schedules on the nodes of SCRAPYD_NODES, and tells alerts, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import threading

from scrapy.commands import ScrapyCommand

from trr_crawl import database, logs
from trr_crawl.alerts import delivery, targets
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError
from trr_crawl.fleet import engine
from trr_crawl.fleet.nodes import configured


class Command(ScrapyCommand):
    """Ends with Ctrl-C or SIGTERM. Jobs that are out go on; the next scheduler looks after them."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def short_desc(self) -> str:
        return "Work the schedules on Scrapyd nodes"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        logs.use_json(self.settings)
        # Does nothing where that has made a handler.
        logging.basicConfig(
            stream=sys.stderr, level=self.settings["LOG_LEVEL"], format="%(asctime)s %(levelname)s: %(message)s"
        )
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        try:
            nodes = configured(self.settings["SCRAPYD_NODES"])
            if not nodes:
                raise UserError("No node to work on: set SCRAPYD_NODES to the addresses of Scrapyd, by commas.")
            clock = Clock.starting(self.settings.get("CLOCK", ""))
            told = targets.configured()
            url = database.url()
            stop = threading.Event()
            # Receivers that are slow must not keep runs waiting.
            teller = threading.Thread(target=delivery.keep_delivering, args=(url, told, stop), daemon=True)
            teller.start()
            try:
                asyncio.run(engine.work(url, nodes, clock, tell=logging.getLogger("trr_crawl").warning))
            finally:
                stop.set()
                teller.join(delivery.AFTER_A_RUN)
        except KeyboardInterrupt:  # while it waited for the database
            self.exitcode = 130
        except UserError as error:
            sys.stderr.write(f"scrapy scheduler: {error}\n")
            self.exitcode = 1
