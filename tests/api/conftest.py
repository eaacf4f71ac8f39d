"""The API as its callers meet it: uvicorn on a socket of loopback, every answer held against its model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from people import Town, user
from samples import month
from serving import Checked, Counted, served, settings
from site_pages import Enter, keep
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


@pytest.fixture(scope="module")
def month_url(embedded_server: Server) -> Iterator[str]:
    """A database with the invented catalog and an invented month of crawls."""
    url = embedded_server.create("month", "template")
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        stock(connection)
        month.fill(connection, datetime.now(UTC))
    yield url
    embedded_server.drop("month")


@pytest.fixture(scope="module")
def month_app(month_url: str) -> FastAPI:
    configured = settings(month_url)
    return create_app(configured, Database(configured, Counted))


@pytest.fixture(scope="module")
def month_address(month_app: FastAPI) -> Iterator[str]:
    with served(month_app) as found:
        yield found


@pytest.fixture(scope="module")
def people_url(embedded_server: Server) -> Iterator[str]:
    """A database with the invented catalog, in which the people of one module live."""
    url = embedded_server.create("people", "template")
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        stock(connection)
    yield url
    embedded_server.drop("people")


@pytest.fixture(scope="module")
def town(people_url: str) -> Iterator[Town]:
    """The API on that database, and people who call it."""
    configured = settings(people_url)
    app = create_app(configured, Database(configured, Counted))
    with served(app) as found, psycopg.connect(people_url, autocommit=True) as connection:
        people = Town(app, found, connection)
        yield people
        people.close()


@pytest.fixture
def enter(town: Town) -> Iterator[Enter]:
    """Somebody new at the site, logged in; nobody without a name."""
    opened: list[httpx.Client] = []

    def client(name: str | None = None, role: str = "user") -> httpx.Client:
        opened.append(httpx.Client(base_url=f"{town.address}/app", timeout=20))
        if name is not None:
            keep(opened[-1], "access", town.token(user(town.connection, name, role)))
        return opened[-1]

    yield client
    for one in opened:
        one.close()
