"""`scrapy …` in this process: the start of another costs more than what most of its commands do."""

from __future__ import annotations

import io
from argparse import Namespace
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest
from scrapy.cmdline import execute
from scrapy.spiderloader import get_spider_loader
from scrapy.utils.conf import arglist_to_dict
from scrapy.utils.project import get_project_settings

from support import ROOT, Crawl
from trr_crawl.commands.crawl import Command


def scrapy(*arguments: str | Path) -> Crawl:
    """Like `support.scrapy`, for commands that crawl nothing."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told), redirect_stderr(told):
        patch.chdir(ROOT)
        patch.setenv("SCRAPY_SETTINGS_MODULE", "trr_crawl.settings")
        with pytest.raises(SystemExit) as left:
            execute(["scrapy", *map(str, arguments)])
    return Crawl(int(left.value.code or 0), told.getvalue())


def refused(spider: str, *arguments: str) -> Crawl:
    """`scrapy crawl SPIDER -a name=value …` with a mistake in it.

    The command itself, that has nothing to crawl with: what it does not refuse is an AttributeError.
    """
    assert set(arguments[::2]) <= {"-a"}
    crawl = Command()
    crawl.settings = get_project_settings()
    crawl.crawler_process = SimpleNamespace(spider_loader=get_spider_loader(crawl.settings))  # type: ignore[assignment]
    told = io.StringIO()
    with redirect_stderr(told):
        crawl.run([spider], Namespace(spargs=arglist_to_dict(list(arguments[1::2]))))
    return Crawl(crawl.exitcode, told.getvalue())
