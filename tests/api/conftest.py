"""The API as its callers meet it: uvicorn on a socket of loopback, every answer held against its model."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from serving import Checked, Counted, served, settings
from stock import stock
from support import Server
from trr_api.app import create_app
from trr_api.database import Database
from trr_crawl.catalog import write


@pytest.fixture(scope="session")
def stocked_url(embedded_server: Server) -> Iterator[str]:
    """A database with the invented catalog; tests do not change it."""
    url = embedded_server.create("stocked", "template")
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        stock(connection)
    yield url
    embedded_server.drop("stocked")


@pytest.fixture(scope="session")
def app(stocked_url: str) -> FastAPI:
    configured = settings(stocked_url)
    return create_app(configured, Database(configured, Counted))


@pytest.fixture(scope="session")
def address(app: FastAPI) -> Iterator[str]:
    with served(app) as found:
        yield found


@pytest.fixture
def client(app: FastAPI, address: str) -> Iterator[httpx.Client]:
    """Asks the invented catalog; every answer is checked."""
    with httpx.Client(base_url=f"{address}/api/v1", event_hooks={"response": [Checked(app)]}) as opened:
        yield opened
