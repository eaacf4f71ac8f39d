"""The keys that sources want: read from the environment and put into a request only when it goes out.

What Scrapy logs, queues, caches and archives is the request without its key. A spider asks for one by
`meta={"key": "tmdb"}`; it goes to the host of TMDB_BASE_URL and nowhere else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from scrapy.http import Request, Response
from w3lib.url import add_or_replace_parameter

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

BEARER: Final = "TMDB_BEARER_TOKEN"
"""It goes into a header, and is the better one for that."""
API_KEY: Final = "TMDB_API_KEY"
"""It goes into the address, where TMDb wants it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and where it is from."""

    variable: str
    """The environment variable."""
    secret: str = field(repr=False)


def tmdb_key() -> Key | None:
    """TMDb's key; None where neither variable is set."""
    for variable in (BEARER, API_KEY):
        if secret := os.environ.get(variable, "").strip():
            return Key(variable, secret)
    return None


class KeyedRequest(Request):
    """A request on its way out. It shows itself without its address, which may hold the key."""

    def __str__(self) -> str:
        return f"<{self.method} {urlsplit(self.url)._replace(query='…').geturl()}>"

    __repr__ = __str__


class SendsKeys:
    """Mixin for download handlers: sends a request that wants a key with it."""

    crawler: Crawler

    async def download_request(self, request: Request) -> Response:
        key = tmdb_key() if request.meta.get("key") == "tmdb" else None
        if key is None or not self._is_for_tmdb(request):
            response: Response = await super().download_request(request)  # type: ignore[misc]
            return response
        sent = _with_key(request, key)
        try:
            response = await super().download_request(sent)  # type: ignore[misc]
        except Exception as error:
            error.args = tuple(_hidden(argument, key) for argument in error.args)
            error.__cause__ = error.__context__ = None
            raise
        finally:
            request.meta.update({name: sent.meta[name] for name in ("download_latency",) if name in sent.meta})
        return response.replace(url=request.url, headers=_without(response, key))

    def _is_for_tmdb(self, request: Request) -> bool:
        return bool(urlsplit(request.url)[:2] == urlsplit(self.crawler.settings["TMDB_BASE_URL"])[:2])


def _with_key(request: Request, key: Key) -> Request:
    if key.variable == BEARER:
        headers = {**request.headers, "Authorization": f"Bearer {key.secret}"}
        return request.replace(cls=KeyedRequest, headers=headers)
    return request.replace(cls=KeyedRequest, url=add_or_replace_parameter(request.url, "api_key", key.secret))


def _hidden(argument: object, key: Key) -> object:
    return argument.replace(key.secret, "…") if isinstance(argument, str) else argument


def _without(response: Response, key: Key) -> dict[bytes, list[bytes]]:
    """The answer's headers without those that repeat the key, such as a Location."""
    secret = key.secret.encode()
    return {name: values for name, values in response.headers.items() if not any(secret in value for value in values)}
