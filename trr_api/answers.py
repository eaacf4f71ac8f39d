"""Answers whose JSON PostgreSQL made: its bytes leave as they came, and no model is run over them.

The models in `schemas.py` are the contract in the OpenAPI document; the tests hold every answer against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trr_api.database import Row
from trr_api.paging import Cursors, links


class Answer(Response):
    """JSON bytes, and the `seq` of the catalog that they were made at: None if they also follow from something else."""

    media_type = "application/json"

    def __init__(self, body: bytes, seq: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body, headers=headers)
        self.seq = seq

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["catalog_seq"] = self.seq
        await super().__call__(scope, receive, send)


def paged(request: Request, row: Row, cursors: Cursors, scope: str) -> Answer:
    """The answer to a `queries.page` statement: data, next_cursor, and Link headers."""
    data, place, seq = row
    cursor = None if place is None else cursors.write(scope, place.encode())
    after = b"null" if cursor is None else b'"%b"' % cursor.encode()
    return Answer(b'{"data":%b,"next_cursor":%b}' % (data, after), seq, links(request, cursor))


PERSONAL: Final = {"cache-control": "private, no-cache", "vary": "authorization"}
"""Headers of answers that depend on who asks."""


def personal(body: bytes, status: int = 200) -> Answer:
    """JSON for one caller."""
    answer = Answer(body, headers=PERSONAL)
    answer.status_code = status
    return answer


def written(identifier: UUID, status: int = 201) -> Answer:
    """The id of what a caller made."""
    return personal(b'{"id":"%b"}' % str(identifier).encode(), status)


def personal_page(request: Request, row: Row, cursors: Cursors, scope: str) -> Answer:
    """A page for one caller."""
    data, place, _ = row
    answer = paged(request, (data, place, None), cursors, scope)
    answer.headers.update(PERSONAL)
    return answer
