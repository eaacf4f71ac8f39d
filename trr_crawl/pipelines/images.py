"""Images: the pictures that items name, each fetched once, kept once, and noted when it is kept."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Final, NoReturn, ParamSpec, Self, TypeVar
from weakref import WeakValueDictionary

import psycopg
from scrapy import signals
from scrapy.exceptions import CloseSpider, DontCloseSpider, NotConfigured
from scrapy.http import Request, Response
from scrapy.pipelines.files import FilesPipeline
from scrapy.pipelines.media import FileInfo, MediaPipeline, _MediaRequestFiltered

from trr_crawl import database
from trr_crawl.blocks import Expects, NotServed, Outcome
from trr_crawl.catalog import hosting
from trr_crawl.catalog.hosting import Claim, File, Known, Object, Source, Stored
from trr_crawl.downloads import Spool, TooLarge
from trr_crawl.errors import one_line
from trr_crawl.images.content import Limits, NotAPicture, Picture, accept, is_drawing
from trr_crawl.images.hosts import NotAllowed, original
from trr_crawl.images.keys import object_key
from trr_crawl.images.stores import Store, StoreError, store_of, url_of
from trr_crawl.images.together import Together
from trr_crawl.images.variants import Looks, Variant, look, rendered
from trr_crawl.images.wanted import Wanted
from trr_crawl.images.workers import Workers
from trr_crawl.items import ImageRequest, Item, payload
from trr_crawl.politeness import still_running
from trr_crawl.report import Gap, report_of
from trr_crawl.runs import RunRecorder

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

WAITING: Final = 8
"""So many pictures for each that is being stored may be on their way, before the crawl waits."""
REMEMBERED: Final = 20_000
"""So many addresses are remembered within a run; for others the catalog is asked."""
REFUSALS: Final = 3
"""So many refusals of the store in a row end the fetching: everything else would be fetched in vain."""
BUSY_SECONDS: Final = 0.1
"""Another process is storing the same bytes: look again after so long."""


class ImagesPipeline(FilesPipeline):
    """Fetches pictures beside the crawl: an item does not wait for those that it names.

    Counts `images/stored` (new bytes), `images/known` (bytes that are kept already), `images/unchanged` (304),
    `images/fresh` (not asked for), `images/rejected`, `images/failed`, `images/puts` and `images/bytes`, and in a dry
    run, which fetches none, `images/not_fetched`. What could not be got is a gap of the run.
    """

    MEDIA_NAME = "image"

    def __init__(self, store: Store, crawler: Crawler) -> None:
        settings = crawler.settings
        self.objects = store
        super().__init__(store.name, crawler=crawler)
        self.concurrency = settings.getint("IMAGES_CONCURRENCY")
        self.keep_for = timedelta(days=settings.getfloat("IMAGES_EXPIRES"))
        self.limits = Limits(
            max_bytes=settings.getint("IMAGES_MAX_BYTES"), max_pixels=settings.getint("IMAGES_MAX_PIXELS")
        )
        self.with_variants = settings.getbool("IMAGES_VARIANTS")
        self.workers = Workers(settings.getint("IMAGES_WORKERS"), self.limits.max_pixels)
        self.wanted = Wanted()
        self._uploads = ThreadPoolExecutor(self.concurrency, "images")
        self._catalog = ThreadPoolExecutor(1, "images-catalog")
        self._connection: psycopg.Connection[Any] | None = None
        self._room = asyncio.Semaphore(self.concurrency * WAITING)
        # While some are being uploaded, as many others are looked at, claimed and noted.
        self._turn = asyncio.Semaphore(self.concurrency * 2)
        self._same: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusals = 0
        self._broken = False
        # What many pictures ask of the catalog at a time is asked, and committed, once.
        self._known: Together[str, Known | None] = Together(lambda urls: self._ask(hosting.known, urls, self.keep_for))
        self._claim: Together[str, Claim] = Together(lambda hashes: self._ask(hosting.claim, hashes))
        self._confirm: Together[str, None] = Together(lambda urls: self._for_each(urls, hosting.confirm, urls))
        self._record: Together[Stored, None] = Together(
            lambda stored: self._for_each(stored, hosting.record, stored, self._run_id())
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("IMAGES"):
            raise NotConfigured
        pipeline = cls(store_of(crawler.settings), crawler)
        crawler.signals.connect(pipeline.stay_open, signals.spider_idle)
        return pipeline

    def _get_store(self, uri: str) -> Any:  # noqa: ARG002 - Scrapy's stores know neither metadata nor listing
        return self.objects

    async def open_spider(self) -> None:  # type: ignore[override]
        super().open_spider()
        if not self._is_dry():
            try:
                await self._ask(lambda _connection: None)
            except (psycopg.Error, database.DatabaseError) as error:
                report_of(self.crawler.spider).fail(f"The database cannot be used: {one_line(error)}")
                raise CloseSpider("database") from error

    def process_item(self, item: Item) -> Item | Awaitable[Item]:  # type: ignore[override]
        pictures = list(self.wanted.of(item))
        if not pictures:
            return item
        if self._is_dry():
            self.crawler.stats.inc_value("images/not_fetched", len(pictures))
            return item
        return self._begin(item, pictures)

    async def _begin(self, item: Item, pictures: list[ImageRequest]) -> Item:
        """Start to fetch an item's pictures; waits only while too many others are on their way."""
        for wanted in pictures:
            await self._room.acquire()
            task = asyncio.create_task(self._fetch(wanted))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return item

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        engine = self.crawler.engine
        if not self._tasks and engine is not None and engine._slot is not None:
            engine._slot.nextcall.schedule()  # whether the spider is idle now, Scrapy looks every 5 seconds only

    def stay_open(self) -> None:
        """Keep the crawl going while pictures are on their way."""
        if self._tasks:
            raise DontCloseSpider

    async def close_spider(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._tasks)
        self.workers.close()
        self._uploads.shutdown()
        self._catalog.shutdown()
        if self._connection is not None:
            self._connection.close()

    def get_media_requests(self, item: ImageRequest, info: MediaPipeline.SpiderInfo) -> list[Request]:  # noqa: ARG002
        return [self._request(item)]

    def _request(self, wanted: ImageRequest) -> Request:
        return Request(
            original(wanted.source, wanted.url),
            headers={"Accept": "image/*"},
            meta={
                "wanted": wanted,
                "image_of": wanted.source,
                "expects": Expects.IMAGE,
                "spool": Spool(self.limits.max_bytes),
                "allow_offsite": True,
                "autothrottle_dont_adjust_delay": True,
            },
        )

    async def _fetch(self, wanted: ImageRequest) -> None:
        """Fetch and keep one picture; never raises."""
        info = self.spiderinfo
        try:
            request = self._request(wanted)
        except ValueError as error:
            await self._failed(wanted, NotAllowed(f"{wanted.url!r} is no address: {error}"))
            return
        fingerprint = self._fingerprinter.fingerprint(request)
        try:
            if fingerprint in info.downloaded or fingerprint in info.downloading:
                return
            if self._broken or not still_running(self.crawler):
                self._miss(wanted, "not asked for: the run ended before its turn")
                return
            while len(info.downloaded) >= REMEMBERED:
                del info.downloaded[next(iter(info.downloaded))]
            await self._process_request(request, info, wanted)
        except Exception as error:
            logger.debug("No picture from %s", wanted.url, exc_info=True)  # a gap has room for one line only
            await self._failed(wanted, error.__cause__ or error)
        finally:
            request.meta["spool"].close()

    async def media_to_download(  # type: ignore[override]
        self,
        request: Request,
        info: MediaPipeline.SpiderInfo,  # noqa: ARG002
        *,
        item: Any = None,  # noqa: ARG002
    ) -> FileInfo | None:
        """Nothing where the address is to be asked for, with what makes the server answer only if it changed."""
        known = await self._known(request.meta["wanted"].url)
        if known is None:
            return None
        if known.fresh:
            self.crawler.stats.inc_value("images/fresh")
            return self._result(request, known.sha256, "uptodate")
        if known.sha256 is not None:
            if known.etag:
                request.headers["If-None-Match"] = known.etag
            if known.last_modified:
                request.headers["If-Modified-Since"] = known.last_modified
        return None

    async def media_downloaded(
        self,
        response: Response,
        request: Request,
        info: MediaPipeline.SpiderInfo,  # noqa: ARG002
        *,
        item: Any = None,  # noqa: ARG002
    ) -> FileInfo:
        wanted: ImageRequest = request.meta["wanted"]
        if response.status == 304:
            await self._confirm(wanted.url)
            self.crawler.stats.inc_value("images/unchanged")
            return self._result(request, None, "uptodate")
        source = Source(
            url=wanted.url, etag=_header(response, "ETag"), last_modified=_header(response, "Last-Modified")
        )
        async with self._turn:
            content = response.body or request.meta["spool"].read()
            if wanted.is_logo and is_drawing(content):
                content = await self.workers.run(rendered, content)
            sha256 = await self._keep(accept(content, self.limits), wanted, source)
        return self._result(request, sha256, "downloaded")

    async def _keep(self, picture: Picture, wanted: ImageRequest, source: Source) -> str:
        """Store a picture's bytes, unless that was done already, and note what the address gave; returns their hash."""
        sha256 = hashlib.sha256(picture.content).hexdigest()
        async with self._same.setdefault(sha256, asyncio.Lock()):
            # No event tells of what another process does.
            while (claim := await self._claim(sha256)) == "busy":  # noqa: ASYNC110
                await asyncio.sleep(BUSY_SECONDS)
            if claim == "known":
                await self._ask(hosting.refer, source, sha256, self._run_id())
                self.crawler.stats.inc_value("images/known")
                return sha256
            try:
                looks = None
                if self.with_variants:
                    looks = await self.workers.run(look, picture.content, logo=wanted.is_logo)
                objects = await self._put(picture, looks, wanted, sha256)
                await self._record(Stored(file=_file(picture, looks, sha256), objects=objects, source=source))
            except BaseException:
                await self._ask(hosting.release, [sha256])
                raise
        self.crawler.stats.inc_value("images/stored")
        self.crawler.stats.inc_value("images/bytes", len(picture.content))
        return sha256

    async def _put(self, picture: Picture, looks: Looks | None, wanted: ImageRequest, sha256: str) -> list[Object]:
        """Hand a picture and its variants to the store; returns what it acknowledged."""
        made: list[tuple[str, Picture | Variant]] = [("original", picture)]
        made += [(variant.name, variant) for variant in (looks.variants if looks else ())]
        objects = [
            Object(
                key=(key := object_key(self.objects.prefix, wanted, sha256, one.extension, name)),
                sha256=sha256,
                variant=name,
                content_type=one.content_type,
                bytes=len(one.content),
                width=one.width,
                height=one.height,
                store=self.objects.name,
                url=url_of(self.objects, key),
            )
            for name, one in made
        ]
        loop = asyncio.get_running_loop()
        puts = [
            loop.run_in_executor(self._uploads, self.objects.put, entry.key, one.content, entry.content_type)
            for entry, (_, one) in zip(objects, made, strict=True)
        ]
        for put in await asyncio.gather(*puts, return_exceptions=True):
            if put is not None:
                raise put
        self._refusals = 0
        self.crawler.stats.inc_value("images/puts", len(puts))
        return objects

    def media_failed(self, failure: Failure, request: Request, info: MediaPipeline.SpiderInfo) -> NoReturn:  # noqa: ARG002
        # Scrapy logs any other exception with its traceback; `_failed` tells this one in one line.
        raise _MediaRequestFiltered(str(failure.value)) from failure.value

    async def _failed(self, wanted: ImageRequest, error: BaseException) -> None:
        """Note why a picture could not be got; what is no picture is not asked for again before IMAGES_EXPIRES."""
        why = one_line(error).rstrip(".")
        if isinstance(error, StoreError):
            self._refusals += 1
            if self._refusals >= REFUSALS:
                self._broken = True
                report_of(self.crawler.spider).fail(f"The store takes no pictures: {why}.")
        elif isinstance(error, (psycopg.Error, database.DatabaseError)):
            self._broken = True
            report_of(self.crawler.spider).fail(f"The database failed, pictures that came after are not kept: {why}.")
        missing = isinstance(error, NotServed) and error.outcome is Outcome.NOT_FOUND
        rejected = isinstance(error, (NotAPicture, NotAllowed, TooLarge))
        if (missing or rejected) and not self._broken:
            try:
                await self._ask(
                    hosting.refuse,
                    url=wanted.url,
                    source=wanted.source,
                    payload=payload(wanted),
                    error=why,
                    run_id=self._run_id(),
                    reject=rejected,
                )
            except (psycopg.Error, database.DatabaseError) as failed:
                await self._failed(wanted, failed)
                return
        self.crawler.stats.inc_value("images/rejected" if rejected else "images/failed")
        self._miss(wanted, why, blocked=isinstance(error, NotServed) and error.blocked)

    def _miss(self, wanted: ImageRequest, why: str, *, blocked: bool = False) -> None:
        report_of(self.crawler.spider).add(
            Gap(subject=wanted.owner_id, part=f"picture {wanted.url}", why=why, blocked=blocked)
        )
        logger.warning("No picture of %s from %s: %s.", wanted.owner_id, wanted.url, why)

    async def _ask(
        self, function: Callable[Concatenate[psycopg.Connection[Any], P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function of the catalog with this pipeline's connection, one at a time, in its thread."""
        call = partial(self._call, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._catalog, call)

    async def _for_each(
        self,
        some: Sequence[object],
        function: Callable[Concatenate[psycopg.Connection[Any], P], None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> list[None]:
        """As `_ask`, where nobody is told more than that it is done."""
        await self._ask(function, *args, **kwargs)
        return [None] * len(some)

    def _call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Twice where the connection turns out to be lost: claims went with it, which `record` can do without."""
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(database.url(), autocommit=True)
        try:
            return function(self._connection, *args, **kwargs)
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
            self._connection = database.connect(database.url(), autocommit=True)
            return function(self._connection, *args, **kwargs)

    def _run_id(self) -> Any:
        recorder = self.crawler.get_extension(RunRecorder)
        return recorder.run_id if recorder is not None else None

    def _is_dry(self) -> bool:
        return bool(getattr(self.crawler.spider, "dry_run", False))

    @staticmethod
    def _result(request: Request, sha256: str | None, status: str) -> FileInfo:
        return {"url": request.url, "path": "", "checksum": sha256, "status": status}


def _file(picture: Picture, looks: Looks | None, sha256: str) -> File:
    return File(
        sha256=sha256,
        content_type=picture.content_type,
        bytes=len(picture.content),
        width=picture.width,
        height=picture.height,
        dominant_colour=looks.dominant_colour if looks else None,
        blurhash=looks.blurhash if looks else None,
        perceptual_hash=looks.perceptual_hash if looks else None,
    )


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return None if value is None else value.decode("latin-1")
