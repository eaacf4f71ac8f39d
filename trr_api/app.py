"""Puts the application together."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from trr_api import docs, objects, openapi
from trr_api.accounts.privacy.routes import router as privacy
from trr_api.accounts.routes import router as accounts
from trr_api.accounts.service import Accounts
from trr_api.accounts.tokens import Tokens
from trr_api.admin.routes import router as admin
from trr_api.avatars.keeping import Avatars
from trr_api.avatars.routes import moderation as avatars_of_others
from trr_api.avatars.routes import router as avatars
from trr_api.catalog.credits.routes import router as credits_
from trr_api.catalog.episodes.routes import router as episodes
from trr_api.catalog.find.routes import router as find
from trr_api.catalog.images.routes import router as images
from trr_api.catalog.lists.routes import router as lists
from trr_api.catalog.organisations.routes import router as organisations
from trr_api.catalog.people.routes import router as people
from trr_api.catalog.shows.routes import router as shows
from trr_api.changes.routes import router as changes
from trr_api.conditional import Clock, Conditional
from trr_api.config import Settings
from trr_api.crawls.pages import router as crawl_pages
from trr_api.crawls.progress import Progress
from trr_api.crawls.routes import router as crawls
from trr_api.database import Database
from trr_api.discussions.moderation.routes import router as moderation
from trr_api.discussions.personal.routes import router as own
from trr_api.discussions.routes import router as discussions
from trr_api.export.routes import router as export
from trr_api.health.crawls import Crawls
from trr_api.health.routes import router as health
from trr_api.listener import Listener
from trr_api.messages.personal.routes import router as own_messages
from trr_api.messages.routes import groups
from trr_api.messages.routes import router as messages
from trr_api.metrics import Metrics
from trr_api.middleware import Requests
from trr_api.pages import site
from trr_api.paging import Cursors
from trr_api.problems import Problem, on_http_error, on_problem, on_validation_error
from trr_api.realtime.routes import router as realtime
from trr_api.realtime.service import Live
from trr_api.routing import LARGEST_AVATAR, PREFIX, take_in
from trr_api.search.indexing import Indexer
from trr_api.search.routes import router as search
from trr_api.surveys.games.routes import boards
from trr_api.surveys.games.routes import router as games
from trr_api.surveys.routes import router as surveys
from trr_api.surveys.service import Surveys
from trr_api.throttle import Throttle
from trr_api.webapp.routes import ROUTERS as WEBAPP
from trr_api.webapp.troubles import Troubles

DESCRIPTION: Final = """
Facts and pictures of reality TV, collected from IMDb, TMDb and Fandom.

Lists are paged by cursors (`next_cursor`, and `Link` headers); every GET has an `ETag`; what goes wrong comes as
`application/problem+json`. An id that was merged into another answers 308.
"""


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """The application. Settings come from the environment, the pool from the settings, where they are not given."""
    settings = settings or Settings()
    database = database or Database(settings)
    metrics = Metrics(database)
    listener = Listener(settings)
    indexer = Indexer(settings, listener)
    progress = Progress(database)
    asking = Surveys(settings, database)
    live = Live(settings, database, listener, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        indexer.start()
        live.open()
        # What is here now stays: left to the collector, walking over all of it now and then is what slow requests are.
        gc.collect()
        gc.freeze()
        # What requests leave in circles is collected by the thousand, not several times a request.
        gc.set_threshold(20_000, 20, 20)
        try:
            yield
        finally:
            await indexer.close()
            await progress.close()
            await live.close()
            await listener.close()
            await asking.close()
            await database.close()
            app.state.avatars.close()

    app = FastAPI(
        title="TRR",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.metrics = metrics
    app.state.crawl_metrics = Crawls(database)
    app.state.listener = listener
    app.state.progress = progress
    app.state.live = live
    app.state.accounts = Accounts(settings, database, Tokens(settings))
    app.state.avatars = Avatars(settings, LARGEST_AVATAR)
    app.state.surveys = asking
    app.state.cursors = Cursors(settings.secret.get_secret_value().encode())
    take_in(app, shows, episodes, credits_, people, search, discussions, messages)
    take_in(app, images, organisations, lists, find, changes, export, own, groups, own_messages)
    take_in(app, accounts, avatars, moderation, avatars_of_others, surveys, games, boards)
    take_in(app, privacy, realtime, admin, health, crawls, crawl_pages, *WEBAPP)
    docs.add_to(app)
    site.add_to(app)
    if (pictures := objects.folder(settings.images_store)) is not None:
        app.mount(objects.PREFIX, objects.Objects(pictures))
    app.openapi = cache(partial(openapi.document, app))  # type: ignore[method-assign]
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_error)
    # The last one added is the outermost.
    app.add_middleware(Conditional, clock=Clock(database))
    add_compress_type("application/x-ndjson")
    remove_compress_type("text/event-stream")  # every event goes out at once
    app.add_middleware(CompressMiddleware)
    app.add_middleware(Throttle, settings=settings, database=database)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "if-none-match", "x-request-id"],
            expose_headers=["etag", "link", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"],
        )
    app.add_middleware(Requests, metrics=metrics)
    app.add_middleware(Troubles)
    return app
