"""`scrapy crawl fandom_person -a wiki=real-housewives -a person="…"`: what a wiki says of people.

A page is attached to a person only with evidence: give `-a title="…"`, a show that they are in, or
`-a born=1985-09-14`, or let the catalog know, as in `-a show=tt…` for the cast of a show. Other pages are kept
unattached, with the reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from scrapy.http import Request

from trr_crawl.parse.fandom.article import ArticlePage
from trr_crawl.parse.fandom.evidence import Finding
from trr_crawl.spiders.fandom import FandomSpider, Results


class FandomPersonSpider(FandomSpider):
    """Articles about people."""

    name = "fandom_person"

    async def start(self) -> AsyncIterator[Request]:
        """One request a person; what it answers decides about more."""
        async for request in self.first_requests():
            yield request

    def found(self, page: ArticlePage, finding: Finding) -> Results:
        """All that the page says."""
        yield from page.items(finding)
