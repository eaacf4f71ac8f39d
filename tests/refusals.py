"""Calls that `scrapy crawl` refuses before it crawls."""

from __future__ import annotations

import io
from argparse import Namespace
from contextlib import redirect_stderr
from types import SimpleNamespace

from scrapy.spiderloader import get_spider_loader
from scrapy.utils.conf import arglist_to_dict
from scrapy.utils.project import get_project_settings

from support import Crawl
from trr_crawl.commands.crawl import Command


def refused(spider: str, *arguments: str) -> Crawl:
    """`scrapy crawl SPIDER -a name=value …` with a mistake in it, in this process: the start of another is most of it.

    The command itself, that has nothing to crawl with: what it does not refuse is an AttributeError.
    """
    assert set(arguments[::2]) <= {"-a"}
    command = Command()
    command.settings = get_project_settings()
    command.crawler_process = SimpleNamespace(spider_loader=get_spider_loader(command.settings))  # type: ignore[assignment]
    told = io.StringIO()
    with redirect_stderr(told):
        command.run([spider], Namespace(spargs=arglist_to_dict(list(arguments[1::2]))))
    return Crawl(command.exitcode, told.getvalue())
