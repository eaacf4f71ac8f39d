"""How pages are got: over the network, by a browser, or out of an archive. A setting, never a matter of spiders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trr_crawl.archive import open_archive
from trr_crawl.errors import UserError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

IMDB_TRANSPORTS: Final = ("graphql", "html", "browser")

REPLAY_HANDLER = "trr_crawl.archive.ReplayHandler"
BROWSER_HANDLER = "trr_crawl.handlers.BrowserHandler"
HTTP_HANDLER = "trr_crawl.handlers.HttpHandler"


class TransportError(UserError):
    """The transport settings contradict each other or name something that is not there."""


class Transport:
    """Scrapy add-on: turns REPLAY and IMDB_TRANSPORT into download handlers."""

    def update_settings(self, settings: BaseSettings) -> None:
        settings.set("IMDB_TRANSPORT", imdb_transport(settings), "cmdline")
        settings.set("IMDB_GRAPHQL_HEADERS", graphql_headers(settings), "cmdline")
        if settings.get("REPLAY"):
            _use_handler(settings, REPLAY_HANDLER)
            # There is nobody to be polite to, and nothing to try again.
            for name in ("ROBOTSTXT_OBEY", "AUTOTHROTTLE_ENABLED", "RETRY_ENABLED"):
                settings.set(name, False, "cmdline")
            settings.set("DOWNLOAD_DELAY", 0, "cmdline")
            settings.set("DOWNLOAD_SLOTS", {}, "cmdline")
        elif settings["IMDB_TRANSPORT"] == "browser":
            _use_handler(settings, BROWSER_HANDLER)
        else:
            _use_handler(settings, HTTP_HANDLER)


def imdb_transport(settings: BaseSettings) -> str:
    """The transport for IMDb: as set; GraphQL by default, but pages where a replayed archive holds only those."""
    chosen = settings.get("IMDB_TRANSPORT")
    replay = settings.get("REPLAY")
    if replay and settings.get("ARCHIVE"):
        raise TransportError("REPLAY and ARCHIVE exclude each other: what is replayed is in an archive already.")
    if chosen and chosen not in IMDB_TRANSPORTS:
        raise TransportError(f"IMDB_TRANSPORT={chosen} is unknown; it is one of {', '.join(IMDB_TRANSPORTS)}.")
    archive = open_archive(Path(replay)) if replay else None
    if chosen:
        return str(chosen)
    return "html" if archive is not None and not archive.holds_host(settings["IMDB_GRAPHQL_URL"]) else "graphql"


def graphql_headers(settings: BaseSettings) -> dict[str, str]:
    """The headers of IMDb's GraphQL requests: who we are taken for, and what IMDB_GRAPHQL_HEADERS adds."""
    given = settings.get("IMDB_GRAPHQL_HEADERS")
    try:
        added = json.loads(given) if isinstance(given, str) else dict(given or {})
    except ValueError as error:
        raise TransportError(f"IMDB_GRAPHQL_HEADERS is not a JSON object: {error}.") from error
    if not isinstance(added, dict) or not all(isinstance(value, str) for value in added.values()):
        raise TransportError(f"IMDB_GRAPHQL_HEADERS={given} is not a JSON object of strings.")
    return {
        "x-imdb-user-country": settings["IMDB_COUNTRY"],
        "x-imdb-user-language": settings["IMDB_LANGUAGE"],
        **added,
    }


def _use_handler(settings: BaseSettings, handler: str) -> None:
    for scheme in ("http", "https"):
        settings["DOWNLOAD_HANDLERS"][scheme] = handler
