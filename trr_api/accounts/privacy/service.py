"""An export of all that is somebody's, and the end of an account."""

from __future__ import annotations

import json
import secrets
import tempfile
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import IO, Any, Final
from uuid import UUID

from anyio import to_thread

from trr_api.accounts.privacy import queries
from trr_api.database import Connection, Database, rows
from trr_api.session import Caller, ended
from trr_crawl.catalog import SCHEMA_REVISION

IN_MEMORY: Final = 4_000_000
"""Bytes of an export; a larger one is in a file."""

ROWS: Final = 500
"""Rows that are compressed at once."""

MANIFEST: Final = "manifest.json"


async def export(database: Database, caller: Caller) -> IO[bytes]:
    """A zip of JSON: a file for each table, and a manifest. Problem where the log-in has ended."""
    made = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
    try:
        async with database.transaction() as connection:
            await connection.execute(queries.ONE_MOMENT)
            await connection.execute(queries.TAKE_TIME)
            if not (found := await rows(connection, queries.WHO, caller.user_id, caller.session_id)):
                raise ended()
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                files = [await _write(connection, archive, table, caller) for table in queries.PERSONAL]
                archive.writestr(MANIFEST, _manifest(found[0][0], files))
        made.seek(0)
    except BaseException:
        made.close()
        raise
    return made


async def _write(connection: Connection, archive: zipfile.ZipFile, table: str, caller: Caller) -> dict[str, Any]:
    """Add a table to the archive as a JSON array; the manifest's line about it."""
    count = 0
    with archive.open(f"{table}.json", "w") as file:
        async for batch in _batches(connection, table, caller):
            text = b",\n".join(batch)
            await to_thread.run_sync(file.write, (b",\n" if count else b"[\n") + text)
            count += len(batch)
        file.write(b"\n]\n" if count else b"[]\n")
    return {"file": f"{table}.json", "rows": count, "withheld": list(queries.PERSONAL[table].hidden)}


async def _batches(connection: Connection, table: str, caller: Caller) -> AsyncIterator[list[bytes]]:
    batch: list[bytes] = []
    async for (row,) in connection.cursor().stream(queries.exported(table), [caller.user_id]):
        batch.append(row)
        if len(batch) == ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _manifest(name: str, files: list[dict[str, Any]]) -> str:
    about = {"name": name, "made_at": datetime.now(UTC).isoformat(), "schema_revision": SCHEMA_REVISION}
    return json.dumps({**about, "files": files}, indent=2) + "\n"


async def end_account(database: Database, user: UUID, content: str) -> str | None:
    """Delete somebody; what stays of them is nobody's. Problem where that was done already.

    Returns the address of their picture, which nobody is shown any more.
    """
    async with database.transaction(write=True) as connection:
        await connection.execute(queries.TAKE_TIME)
        await connection.execute(queries.ONE_BY_ONE)
        # Who writes in their name at this moment is waited for; who comes later finds nobody of that id.
        if not (found := await rows(connection, queries.LOCK_USER, user)):
            raise ended()
        name = f"deleted_{secrets.token_hex(6)}"
        [(nobody,)] = await rows(connection, queries.NOBODY, name)
        former_name, avatar_url = found[0]
        await connection.execute(queries.FORGET_NAME, [former_name, name])
        for statement in queries.farewell(content, user, nobody):
            await connection.execute(statement.query, statement.values)
        await connection.execute(queries.FORGET_EVENTS, [str(user)])
        await connection.execute(queries.RENAME_IN_EVENTS, [str(user), str(nobody)])
    return None if avatar_url is None else str(avatar_url)
