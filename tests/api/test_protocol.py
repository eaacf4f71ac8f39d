"""What holds for every answer: ETags, 304, HEAD, compression, ids, limits, metrics, CORS; and bad input."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import brotli
import httpx
import psycopg
import pytest
from backports import zstd
from fastapi import FastAPI

from serving import Checked, Counted, served, settings
from stock import put, record, stock
from trr_api.app import create_app
from trr_api.database import Database
from trr_api.paging import Cursors
from trr_api.problems import Problem
from trr_crawl.catalog import SCHEMA_REVISION, write

ID = "0199c0de-0000-7000-8000-000000000001"


@pytest.fixture
def changing(crawl_url: str) -> Iterator[httpx.Client]:
    """Asks a catalog that the test changes."""
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        stock(connection)
    configured = settings(crawl_url)
    app = create_app(configured, Database(configured, Counted))
    with (
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", event_hooks={"response": [Checked(app)]}) as opened,
    ):
        yield opened


def test_what_did_not_change_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/shows/harbour-hearts")
    tag = first.headers["etag"]
    for wanted in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = client.get("/shows/harbour-hearts", headers={"if-none-match": wanted})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = client.get("/shows/harbour-hearts", headers={"if-none-match": 'W/"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_a_304_does_not_make_the_answer_again(client: httpx.Client) -> None:
    tag = client.get("/shows/harbour-hearts").headers["etag"]
    before = Counted.trips
    for _ in range(10):
        assert client.get("/shows/harbour-hearts", headers={"if-none-match": tag}).status_code == 304
    assert 10 <= Counted.trips - before <= 12


def test_a_change_ends_the_304(changing: httpx.Client, crawl_url: str) -> None:
    tag = changing.get("/shows/harbour-hearts").headers["etag"]
    assert changing.get("/shows/harbour-hearts", headers={"if-none-match": tag}).status_code == 304
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        put(connection, record("show", "tt99000001", vote_count=1204))
    changed = changing.get("/shows/harbour-hearts", headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["ratings"]["imdb"]["votes"]) == (200, 1204)
    # Something else changed: the same body has the same tag, though it was made again.
    tag = changed.headers["etag"]
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        put(connection, record("show", "tt99009999", title="Another", country="US"))
    assert changing.get("/shows/harbour-hearts", headers={"if-none-match": tag}).status_code == 304


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    whole, head = client.get("/shows/harbour-hearts"), client.head("/shows/harbour-hearts")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("coding", "decode"), [("gzip", gzip.decompress), ("br", brotli.decompress), ("zstd", zstd.decompress)]
)
def test_answers_are_compressed(address: str, coding: str, decode: object) -> None:
    url = f"{address}/api/v1/shows?limit=20"
    plain = httpx.get(url, headers={"accept-encoding": "identity"})
    with httpx.stream("GET", url, headers={"accept-encoding": coding}) as packed:
        raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == coding
        assert "accept-encoding" in packed.headers["vary"].lower()
        assert packed.headers["etag"] == plain.headers["etag"]
    assert decode(raw) == plain.content  # type: ignore[operator]
    assert len(raw) < len(plain.content) / 3


def test_a_request_keeps_its_id(client: httpx.Client) -> None:
    assert client.get("/shows", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert client.get("/shows/none", headers={"x-request-id": "mine-2"}).json()["request_id"] == "mine-2"
    strange = client.get("/shows", headers={"x-request-id": "no spaces"}).headers["x-request-id"]
    assert len(strange) == 32


def test_links_lead_to_the_next_page_and_the_first(client: httpx.Client) -> None:
    page = client.get("/shows?limit=2&genre=Game-Show")
    assert page.links["next"]["url"].startswith("/api/v1/shows?limit=2&genre=Game-Show&cursor=")
    second = client.get(page.links["next"]["url"].removeprefix("/api/v1"))
    assert second.links["first"]["url"] == "/api/v1/shows?limit=2&genre=Game-Show"
    assert "next" not in client.get("/shows?limit=100").links


def test_the_database_is_asked_by_readyz_only(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        assert client.get("/livez").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ok"}


def test_another_schema_is_not_ready(changing: httpx.Client, crawl_url: str) -> None:
    ready = str(changing.base_url).removesuffix("/api/v1/") + "/readyz"
    with psycopg.connect(crawl_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    told = changing.get(ready)
    assert (told.status_code, told.json()["type"]) == (503, "/problems/unavailable")
    assert "revision 0001" in told.json()["detail"]
    assert SCHEMA_REVISION in told.json()["detail"]


def test_metrics_count_by_route(client: httpx.Client, address: str) -> None:
    client.get("/shows/harbour-hearts")
    text = httpx.get(f"{address}/metrics").text
    assert 'trr_api_requests_total{method="GET",route="/api/v1/shows/{show}",status="200"}' in text
    assert 'trr_api_request_seconds_bucket{le="0.005",route="/api/v1/shows/{show}"}' in text
    assert "trr_api_pool_size" in text
    assert "harbour-hearts" not in text


def test_pages_of_other_origins_may_call_where_configured(stocked_url: str, address: str) -> None:
    with served(create_app(settings(stocked_url, cors_origins="https://app.example,https://other.example"))) as open_to:
        allowed = httpx.get(f"{open_to}/api/v1/shows", headers={"origin": "https://app.example"})
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "etag" in allowed.headers["access-control-expose-headers"].lower()
        refused = httpx.get(f"{open_to}/api/v1/shows", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers
    assert (
        "access-control-allow-origin"
        not in httpx.get(f"{address}/api/v1/shows", headers={"origin": "https://app.example"}).headers
    )


def test_too_many_requests_are_told_when_to_go_on(stocked_url: str) -> None:
    app = create_app(settings(stocked_url, rate_limit="3/minute"))
    with served(app) as address, httpx.Client(base_url=address, event_hooks={"response": [Checked(app)]}) as client:
        for left in (2, 1, 0):
            answer = client.get("/api/v1/shows")
            assert answer.headers["ratelimit-policy"] == '"address";q=3;w=60'
            assert answer.headers["ratelimit"].startswith(f'"address";r={left};t=')
        refused = client.get("/api/v1/shows")
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/shows?limit=0", "limit"),
        ("/shows?limit=1000000000", "limit"),
        ("/shows?limit=99999999999999999999999", "limit"),
        ("/shows?limit=two", "limit"),
        ("/shows?cursor=%00", "cursor"),
        ("/shows?cursor=bm9uZQ", "cursor"),
        ("/shows?cursor=%F0%9F%9A%A2", "cursor"),
        ("/shows?sort=sideways", "sort"),
        ("/shows?genre=a%00b", "genre"),
        ("/shows?genre=", "genre"),
        ("/shows?list=1", "list"),
        ("/shows?provider=x'%20OR%201=1--", "provider"),
        ("/shows?region=US", "region"),
        ("/shows?region=usa", "region"),
        ("/shows?updated_since=yesterday", "updated_since"),
        ("/shows?updated_since=1700000000", "updated_since"),
        ("/shows?updated_since=0001-01-01T00:00:00%2B23:59", "updated_since"),
        ("/shows?fields=title,secret", "fields"),
        ("/shows?fields=", "fields"),
        ("/shows?unknown=1", "unknown"),
        ("/shows/harbour-hearts?expand=everything", "expand"),
        ("/shows/Harbour%20Hearts", "show"),
        ("/shows/a%00b", "show"),
        ("/shows/'%3B%20DROP%20TABLE%20shows%3B--", "show"),
        ("/shows/harbour-hearts/seasons/-1", "number"),
        ("/shows/harbour-hearts/seasons/99999999999", "number"),
        ("/shows/harbour-hearts/seasons/one/episodes", "number"),
        ("/episodes/123", "episode"),
        ("/episodes/{0199c0de-0000-7000-8000-000000000001}", "episode"),
        ("/people?name=%00", "name"),
        ("/schedule?from=2026-13-01", "from"),
        ("/schedule?from=2026-01-02&to=2026-01-01", "to"),
        ("/schedule?from=2026-01-02&to=2029-01-01", "to"),
        ("/find/IMDB!/tt1", "source"),
        ("/find/imdb/%00", "value"),
        ("/networks?country=Narnia", "country"),
    ],
)
def test_what_is_wrong_is_named(client: httpx.Client, path: str, parameter: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] in {"/problems/invalid-parameter", "/problems/invalid-cursor"}
    assert parameter in [error["parameter"] for error in answer.json()["errors"]]


def test_cursors_belong_to_their_address_and_order(client: httpx.Client) -> None:
    cursor = client.get("/shows?limit=1").json()["next_cursor"]
    assert client.get(f"/shows?limit=1&cursor={cursor}").status_code == 200
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for path in (
        f"/shows?sort=rating&cursor={cursor}",
        f"/people?cursor={cursor}",
        f"/shows/harbour-hearts/seasons?cursor={cursor}",
        f"/shows?cursor={changed}",
        f"/shows?cursor={cursor[:-2]}",
        f"/shows?cursor={cursor}{cursor}",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-cursor"), path


def test_a_cursor_of_another_secret_is_refused() -> None:
    cursor = Cursors(b"one secret").write("shows name", b'["A","b"]')
    assert Cursors(b"one secret").read("shows name", cursor) == ["A", "b"]
    with pytest.raises(Problem):
        Cursors(b"another").read("shows name", cursor)


def test_a_megabyte_of_query_is_too_long(address: str) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{address}/api/v1/shows?genre={'x' * 1_000_000}")
    assert (refused.value.code, json.load(refused.value)["type"]) == (414, "/problems/address-too-long")
    refused.value.close()


def test_a_flood_of_headers_is_too_large(client: httpx.Client) -> None:
    many = client.get("/shows", headers={f"x-{number}": "y" for number in range(200)})
    assert (many.status_code, many.json()["type"]) == (431, "/problems/headers-too-large")
    for size in (40_000, 400_000):
        long = client.get("/shows", headers={"x-long": "y" * size})
        assert (long.status_code, long.json()["type"]) == (431, "/problems/headers-too-large")


def test_what_is_no_http_is_refused_and_the_next_caller_served(client: httpx.Client, address: str) -> None:
    parts = urlsplit(address)
    assert parts.port is not None
    with socket.create_connection(("127.0.0.1", parts.port)) as raw:
        raw.sendall(b"GET /\x00 HTTP/1.1\r\n: :\r\n\r\n")
        told = raw.recv(10_000)
        assert told.startswith(b"HTTP/1.1 400 ")
        assert b"/problems/bad-request" in told
    assert client.get("/shows?limit=1").status_code == 200


@pytest.mark.parametrize(
    "path", ["/nothing", "/shows/", "/shows/harbour-hearts/nothing", f"/episodes/{ID}", f"/lists/{ID}/entries"]
)
def test_what_is_not_there_is_404(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_other_methods_are_told_which_there_are(client: httpx.Client) -> None:
    answer = client.post("/shows")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_sql_in_a_value_is_only_a_value(client: httpx.Client) -> None:
    for value in ("'; DROP TABLE shows; --", "$1", "%(x)s", "{genre}", "a' OR 'a'='a"):
        assert client.get("/shows", params={"genre": value}).json()["data"] == []
        assert client.get("/people", params={"name": value}).json()["data"] == []
    assert len(client.get("/shows?limit=100").json()["data"]) == 25


def test_a_statement_that_takes_too_long_is_a_503(stocked_url: str) -> None:
    app = create_app(settings(stocked_url, statement_timeout=0.2))
    with served(app) as address, psycopg.connect(stocked_url) as connection:
        connection.execute("LOCK TABLE shows IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        answer = httpx.get(f"{address}/api/v1/shows")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/timeout")
        assert answer.headers["retry-after"] == "5"
        assert time.monotonic() - started < 2


def test_an_error_of_ours_is_a_500_that_tells_nothing(stocked_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a secret of the server")

    configured = settings(stocked_url)
    database = Database(configured)
    app = create_app(configured, database)
    with served(app) as address:
        monkeypatch.setattr(database, "fetch", broken)
        answer = httpx.get(f"{address}/api/v1/shows")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in answer.text
    assert answer.json()["request_id"] in answer.json()["detail"]


def test_the_api_cannot_write_while_it_reads(app: FastAPI, client: httpx.Client) -> None:
    import anyio

    async def write_something() -> None:
        configured = app.state.settings
        database = Database(configured)
        await database.open()
        try:
            await database.fetch(
                b"INSERT INTO api_keys (name, hash, scopes) VALUES ('x', sha256('x'), '{}') RETURNING 1"
            )
        finally:
            await database.close()

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        anyio.run(write_something)
