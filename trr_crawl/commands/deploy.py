"""`scrapy deploy`: builds an egg of the project and gives it to every node of SCRAPYD_NODES."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scrapy.commands import ScrapyCommand

from trr_crawl import database
from trr_crawl.errors import UserError
from trr_crawl.fleet.nodes import NodeError, configured


class Command(ScrapyCommand):
    """The egg is built by `scrapyd-deploy`. Status 1 if a node did not take it."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def short_desc(self) -> str:
        return "Give this version of the project to the Scrapyd nodes"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--version", help="its name on the nodes; the newest one runs (default: the time)")
        parser.add_argument("--egg", type=Path, help="an egg that is built already")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        try:
            nodes = configured(self.settings["SCRAPYD_NODES"])
            if not nodes:
                raise UserError("No node to deploy to: set SCRAPYD_NODES to the addresses of Scrapyd, by commas.")
            egg = opts.egg.read_bytes() if opts.egg else build_egg()
        except (UserError, OSError) as error:
            sys.stderr.write(f"scrapy deploy: {error}\n")
            self.exitcode = 1
            return
        version = opts.version or str(int(time.time()))
        for node in nodes:
            try:
                print(f"{node.name}: version {version}, {node.add_version(version, egg)} spiders")
            except NodeError as error:
                sys.stderr.write(f"scrapy deploy: {node.name} did not take it: {error}.\n")
                self.exitcode = 1


def build_egg() -> bytes:
    """The project as an egg; UserError says why it cannot be built."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trr.egg"
        command = [sys.executable, "-m", "scrapyd_client.deploy", "--build-egg", str(path)]
        done = subprocess.run(command, cwd=database.PROJECT, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode or not path.exists():
            raise UserError(f"The egg cannot be built: {' '.join((done.stderr or done.stdout).split())[-500:]}")
        return path.read_bytes()
