"""Pages by keyset: a signed cursor that holds the place of the last row, and Link headers that carry it on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

from pydantic import Field
from starlette.requests import Request

from trr_api.parameters import Parameters
from trr_api.problems import Problem, invalid

MOST: Final = 100
USUAL: Final = 50
_SIGNATURE: Final = 12


class PageParameters(Parameters):
    """The query of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = USUAL
    """Rows a page."""
    cursor: Annotated[str, Field(max_length=2000)] | None = None
    """Where to go on: `next_cursor` of the page before, for the same address and sort. Opaque and signed."""


@dataclass(frozen=True, slots=True)
class Cursors:
    """Writes and reads cursors. `scope` says of which endpoint and order they are; another's is refused."""

    secret: bytes

    def write(self, scope: str, place: bytes) -> str:
        """A cursor for the sort keys of a row, a JSON array as PostgreSQL made it."""
        return base64.urlsafe_b64encode(self._sign(scope, place) + place).rstrip(b"=").decode()

    def read(self, scope: str, text: str) -> list[Any]:
        """The sort keys in a cursor. Problem where it is none, was changed, or belongs to something else."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _refused() from None
        signature, place = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(scope, place)):
            raise _refused()
        keys: list[Any] = json.loads(place)
        return keys

    def after(self, scope: str, text: str | None) -> list[Any] | None:
        """The sort keys in the cursor that a request gave, if it gave one."""
        return None if text is None else self.read(scope, text)

    def _sign(self, scope: str, place: bytes) -> bytes:
        return hmac.digest(self.secret, scope.encode() + b"\0" + place, hashlib.sha256)[:_SIGNATURE]


def _refused() -> Problem:
    return invalid("cursor", "it is not one that this address and sort gave; start without one", kind="invalid-cursor")


def links(request: Request, cursor: str | None) -> dict[str, str]:
    """The Link header (RFC 8288) of a page: its beginning, and the next page if there is one."""
    first = _without_cursor(request.scope["raw_path"], request.scope["query_string"])
    found = f'<{first}>; rel="first"'
    if cursor is not None:
        found += f', <{first}{"&" if "?" in first else "?"}cursor={cursor}>; rel="next"'
    return {"link": found}


@lru_cache(maxsize=256)
def _without_cursor(path: bytes, query: bytes) -> str:
    return _address(path, [pair for pair in parse_qsl(query.decode("latin-1")) if pair[0] != "cursor"])


def address(request: Request, **values: object) -> str:
    """This request's address with other values in its query; None takes one out."""
    kept = [pair for pair in parse_qsl(request.scope["query_string"].decode("latin-1")) if pair[0] not in values]
    query = [*kept, *((name, value) for name, value in values.items() if value is not None)]
    return _address(request.scope["raw_path"], query)


def _address(path: bytes, query: Sequence[tuple[str, object]]) -> str:
    return f"{path.decode('ascii')}?{urlencode(query)}" if query else path.decode("ascii")
