"""What each `scrapy` process loads before it looks at its environment; see `forked`."""

from __future__ import annotations

import sys

import scrapy.cmdline  # noqa: F401
from scrapy.utils.misc import walk_modules

for package in ("trr_crawl.commands", "trr_crawl.spiders"):
    walk_modules(package)

# Each of these is a process's own: the settings read the environment, the reactor is chosen by them.
assert not {"trr_crawl.settings", "twisted.internet.reactor"} & sys.modules.keys()
