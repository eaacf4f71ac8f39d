"""/me/consents, /me/export, and DELETE /me."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import IO, Annotated, Final
from uuid import UUID

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse

from trr_api import routing
from trr_api.accounts import passwords
from trr_api.accounts.privacy import queries
from trr_api.accounts.privacy.schemas import Consents, Farewell, NewConsent, Subject
from trr_api.accounts.privacy.service import end_account, export
from trr_api.answers import personal
from trr_api.deps import Address, Catalog, Kept, Listening, People, Session, Somebody
from trr_api.parameters import Parameters
from trr_api.problems import Problem
from trr_api.session import Caller, ended

FRESH: Final = 10 * 60
"""Seconds since a log-in that stands for a password."""

CHUNK: Final = 64 * 1024

router = routing.router("/me", "privacy")


@router.get("/consents", response_model=Consents, summary="What I agreed to")
async def list_consents(session: Session, _: Somebody, __: Annotated[Parameters, Query()]) -> Response:
    """And when; the newest first."""
    [(found,)] = await session.fetch(queries.consents())
    return personal(b'{"data":%b}' % found)


@router.post("/consents", status_code=204, summary="Agree to something")
async def give_consent(session: Session, _: Somebody, wanted: NewConsent) -> Response:
    """Its moment is noted."""
    await session.fetch(queries.agree(wanted.subject, wanted.version))
    return Response(status_code=204)


@router.delete("/consents/{subject}", status_code=204, summary="Agree no longer")
async def withdraw_consent(session: Session, _: Somebody, subject: Annotated[Subject, Path()]) -> Response:
    """What was agreed to before stays noted, with its end."""
    if not await session.fetch(queries.withdraw(subject)):
        raise Problem("not-found", "You did not agree to that.")
    return Response(status_code=204)


@router.get(
    "/export",
    response_class=Response,
    responses={
        200: {
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            "description": "A zip of JSON with a manifest.",
        }
    },
    summary="All that is kept of me",
)
async def export_me(
    address: Address, database: Catalog, accounts: People, caller: Somebody, _: Annotated[Parameters, Query()]
) -> Response:
    """As it is at one moment; a file for each kind of things, without hashes of secrets."""
    await accounts.count_attempt("export", str(caller.user_id), address)
    made = await export(database, caller)
    headers = {"cache-control": "private, no-store", "content-disposition": 'attachment; filename="me.zip"'}
    return StreamingResponse(_chunks(made), media_type="application/zip", headers=headers)


@router.delete("", status_code=204, summary="Delete my account")
async def delete_me(
    address: Address, database: Catalog, accounts: People, avatars: Kept, live: Listening, caller: Somebody,
    wanted: Farewell,
) -> Response:  # fmt: skip
    """At once and for good. Posts keep their places: with their texts as a deleted user's, or empty."""
    assert caller.user_id is not None
    await accounts.count_attempt("deletion", str(caller.user_id), address)
    await _check_it_is_them(database, caller, caller.user_id, wanted)
    avatar_url = await end_account(database, caller.user_id, wanted.content)
    accounts.forget(caller.user_id)
    await live.dismiss(caller.user_id)
    if avatar_url is not None:
        await avatars.forget(avatar_url)
    return Response(status_code=204)


async def _check_it_is_them(database: Catalog, caller: Caller, user: UUID, wanted: Farewell) -> None:
    """Problem where the log-in has ended, without the password, or without a new log-in where there is none."""
    if not await database.fetch(queries.WHO, [user, caller.session_id]):
        raise ended()
    if found := await database.fetch(queries.PASSWORD, [user]):
        given = "" if wanted.password is None else wanted.password.get_secret_value()
        if not await passwords.is_right(given, found[0][0]):
            raise Problem("forbidden", "The password is missing or wrong.")
        return
    age = float("inf")
    if caller.session_id is not None:
        age = next((seconds for (seconds,) in await database.fetch(queries.LOGGED_IN, [caller.session_id])), age)
    elif caller.authenticated_at is not None:
        age = time.time() - caller.authenticated_at
    if age > FRESH:
        raise Problem("forbidden", "You logged in more than ten minutes ago. Log in once more, then delete it.")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
