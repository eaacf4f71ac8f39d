"""What routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from trr_api.database import Database
from trr_api.paging import Cursors


async def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _cursors(request: Request) -> Cursors:
    found: Cursors = request.app.state.cursors
    return found


Catalog = Annotated[Database, Depends(_database)]
Paging = Annotated[Cursors, Depends(_cursors)]
