"""Hands a page's items to the pipelines as they come out of the parser."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pydispatch.dispatcher import getAllReceivers, liveReceivers  # type: ignore[import-untyped]
from pydispatch.robustapply import robustApply  # type: ignore[import-untyped]
from scrapy import signals
from scrapy.exceptions import DropItem
from scrapy.http import Request, Response
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.log import logformatter_adapter
from twisted.python.failure import Failure

from trr_crawl.errors import one_line

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.logformatter import LogFormatterResult

logger = logging.getLogger(__name__)

Receiver: TypeAlias = Callable[..., Any]
"""A handler of one of Scrapy's signals."""


class HandOver:
    """Spider middleware that takes the items out of a callback's output and sends them through the pipelines, and
    tells the spider's account of its subjects when an answer is worked through.

    Scrapy itself moves every item through a queue, two tasks and a signal of several coroutines, which costs more than
    parsing and storing it. Pipelines, log and the signals `item_scraped`, `item_dropped` and `item_error` are served
    as by Scrapy (`Scraper.start_itemproc_async`). It must stand closest to the spider.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Request]:
        told = self._receivers(signals.item_scraped)
        want = response.meta.get("want")
        subjects = getattr(self.crawler.spider, "subjects", None)
        try:
            async for output in result:
                if isinstance(output, Request):
                    yield output
                else:
                    await self._process(output, response, told)
        except BaseException as error:
            if subjects is not None and want is not None:
                subjects.fault(
                    want.subject, one_line(error), "failed" if isinstance(error, Exception) else "interrupted"
                )
            raise
        finally:
            if subjects is not None and want is not None:
                subjects.answered(want.subject)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Items that a spider starts with wait for the pipelines like all others."""
        told = self._receivers(signals.item_scraped)
        async for output in start:
            if isinstance(output, Request):
                yield output
            else:
                await self._process(output, None, told)

    async def _process(self, item: Any, response: Response | None, told: Sequence[Receiver]) -> None:
        formatter, spider = self.crawler.logformatter, self.crawler.spider
        assert spider is not None
        try:
            processed = await self.crawler.engine.scraper.itemproc.process_item_async(item)
        except DropItem as reason:
            self._log(formatter.dropped(item, reason, response, spider))
            told = self._receivers(signals.item_dropped)
            await self._tell(told, signals.item_dropped, item=item, response=response, exception=reason)
        except Exception as error:
            self._log(formatter.item_error(item, error, response, spider), exc_info=True)
            told = self._receivers(signals.item_error)
            await self._tell(told, signals.item_error, item=item, response=response, failure=Failure())  # type: ignore[no-untyped-call]
        else:
            self._log(formatter.scraped(processed, response, spider))
            await self._tell(told, signals.item_scraped, item=processed, response=response)

    def _log(self, line: LogFormatterResult | None, *, exc_info: bool = False) -> None:
        if line is not None:
            logger.log(*logformatter_adapter(line), extra={"spider": self.crawler.spider}, exc_info=exc_info)

    def _receivers(self, signal: object) -> list[Receiver]:
        return list(liveReceivers(getAllReceivers(self.crawler, signal)))

    async def _tell(self, receivers: Sequence[Receiver], signal: object, **told: Any) -> None:
        """Send a signal to its handlers, one after the other; one that fails is logged and harms nobody else."""
        crawler = self.crawler
        for receiver in receivers:
            try:
                answer = robustApply(receiver, signal=signal, sender=crawler, spider=crawler.spider, **told)
                if isawaitable(answer):
                    await answer
            except Exception:
                logger.exception("A handler of %s failed: %s", signal, receiver, extra={"spider": crawler.spider})


class Pipelines(ItemPipelineManager):
    """Scrapy's pipelines, which a coroutine is made for only where one waits for something."""

    async def process_item_async(self, item: Any) -> Any:
        if self._mw_methods_requiring_spider:
            return await super().process_item_async(item)
        for process_item in self.methods["process_item"]:
            item = process_item(item)  # type: ignore[misc]  # Scrapy leaves no gaps in this list
            if isawaitable(item):
                item = await item
        return item
