"""/export and `python -m trr_api export`: true counts and checksums, one moment, nothing that may not be given away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import Connection

from serving import Checked, served, settings
from stock import put, record, stock
from trr_api import __main__ as command
from trr_api.app import create_app
from trr_api.export import queries, writing
from trr_crawl.catalog import write


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRR_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def catalog(crawl_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        yield connection


@pytest.fixture
def client(crawl_url: str, home: Path) -> Iterator[httpx.Client]:
    app = create_app(settings(crawl_url))
    with (
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", event_hooks={"response": [Checked(app)]}) as opened,
    ):
        yield opened


def say(_: str) -> None:
    """Say nothing."""


def lines(client: httpx.Client, file: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a file of a manifest, after its count, size and checksum were found true."""
    response = client.get(file["url"].removeprefix("/api/v1"))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    assert hashlib.sha256(response.content).hexdigest() == file["sha256"]
    assert len(response.content) == file["bytes"]
    found = [json.loads(line) for line in response.content.splitlines()]
    assert len(found) == file["count"]
    return found


def test_an_export_holds_everything_as_the_manifest_says(
    client: httpx.Client, catalog: Connection[Any], crawl_url: str
) -> None:
    stock(catalog)
    put(catalog, record("person", "nm7", name='Quote " back\\slash\nline\ttab ✓'))
    writing.write(crawl_url, say)
    manifest = client.get("/export").json()
    files = {file["kind"]: file for file in manifest["files"]}
    assert tuple(files) == queries.KINDS
    for kind, table in writing.queries.ENTITIES.items():
        [(count,)] = catalog.execute(f"SELECT count(*) FROM {table.name}").fetchall()
        assert files[kind]["count"] == count
    assert manifest["seq"] == client.get("/changes?limit=1000").json()["next_after"]
    shows = {line["title"]: line for line in lines(client, files["show"])}
    hearts = shows["Harbour Hearts"]
    assert (hearts["kind"], hearts["genres"], hearts["withheld"]) == ("show", ["Reality-TV", "Romance"], [])
    assert {"source": "imdb", "id": "tt99000001"} in hearts["external_ids"]
    assert hearts["provenance"]["overview"] == "tmdb"
    names = [line["name"] for line in lines(client, files["person"])]
    assert 'Quote " back\\slash\nline\ttab ✓' in names
    assert manifest["licences"]["fandom"]["tag"] == "CC-BY-SA-3.0"
    sources = {said for line in shows.values() for said in "+".join(line["provenance"].values()).split("+")}
    assert sources <= set(manifest["licences"])


def test_what_is_for_non_commercial_use_only_is_left_out_field_by_field(
    client: httpx.Client, catalog: Connection[Any], crawl_url: str
) -> None:
    data = "imdb_datasets"
    put(
        catalog,
        record("show", "tt1", title="Told by both", country="US"),
        record("show", "tt1", data, title="Told by both", runtime_seconds=2640, genres=["Reality-TV"], rating=7.1),
        record("show", "1", "tmdb", genres=["Comedy"], external_ids={"imdb": "tt1"}),
        record("show", "tt2", title="Own genres", country="US", genres=["Drama"]),
        record("show", "tt2", data, genres=["Reality-TV"], rating=5.5),
        record("person", "nm1", data, name="Only there", birth_year=1970),
    )
    writing.write(crawl_url, say)
    files = {file["kind"]: file for file in client.get("/export").json()["files"]}
    both, own = sorted(lines(client, files["show"]), key=lambda line: line["title"], reverse=True)
    assert both["withheld"] == ["genres", "imdb_rating", "runtime_seconds"]
    assert not {"genres", "imdb_rating", "runtime_seconds"} & set(both)
    assert both["title"] == "Told by both"
    assert (own["withheld"], own["genres"]) == (["imdb_rating"], ["Drama"])
    [person] = lines(client, files["person"])
    assert person["withheld"] == ["birth_year", "name"]
    assert "1970" not in json.dumps(person)

    writing.write(crawl_url, say, non_commercial=True)
    manifest = client.get("/export").json()
    assert not any(licence["withheld"] for licence in manifest["licences"].values())
    files = {file["kind"]: file for file in manifest["files"]}
    both = next(line for line in lines(client, files["show"]) if line["title"] == "Told by both")
    assert (both["withheld"], both["runtime_seconds"]) == ([], 2640)


def test_all_files_show_one_moment(client: httpx.Client, catalog: Connection[Any], crawl_url: str) -> None:
    put(catalog, record("show", "tt1", title="Before", country="US"))

    def meanwhile(line: str) -> None:
        if line.startswith("show:"):
            put(catalog, record("person", "nm1", name="Too late"))

    writing.write(crawl_url, meanwhile)
    manifest = client.get("/export").json()
    assert {file["kind"]: file["count"] for file in manifest["files"]}["person"] == 0
    later = client.get(f"/changes?after={manifest['seq']}").json()["data"]
    assert [row["kind"] for row in later] == ["person"]


def test_the_export_before_stays_and_older_ones_go(client: httpx.Client, crawl_url: str) -> None:
    first, second, third = (writing.write(crawl_url, say).name for _ in range(3))
    assert [folder.name for folder in writing.snapshots()] == [second, third]
    assert client.get("/export").json()["snapshot"] == third
    assert client.get(f"/export/show.ndjson?snapshot={second}").status_code == 200
    assert client.get(f"/export/show.ndjson?snapshot={first}").status_code == 404
    assert sorted(path.name for path in writing.folder().iterdir()) == [second, third]


def test_a_failed_export_leaves_nothing(home: Path, crawl_url: str) -> None:
    def full(_: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        writing.write(crawl_url, full)
    assert list(writing.folder().iterdir()) == []


def test_files_come_in_parts_compressed_and_not_twice(
    client: httpx.Client, catalog: Connection[Any], crawl_url: str
) -> None:
    stock(catalog)
    writing.write(crawl_url, say)
    whole = client.get("/export/episode.ndjson")
    assert whole.headers["content-encoding"] in ("zstd", "br", "gzip")
    part = client.get("/export/episode.ndjson", headers={"range": "bytes=100-199", "accept-encoding": "identity"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    etag = whole.headers["etag"]
    again = client.get("/export/episode.ndjson", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/export/episode.ndjson").status_code == 200
    manifest = client.get("/export")
    assert client.get("/export", headers={"if-none-match": manifest.headers["etag"]}).status_code == 304


def test_the_command_writes_what_is_configured(
    home: Path, crawl_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["trr_api", "export"])
    monkeypatch.setenv("TRR_API_EXPORT_NON_COMMERCIAL", "true")
    assert command.main() == 0
    told = capsys.readouterr()
    assert "show: 0 lines, 0 bytes" in told.err
    manifest = json.loads((Path(told.out.strip()) / "manifest.json").read_text())
    assert not manifest["licences"]["imdb_datasets"]["withheld"]


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("/export", 404, None),
        ("/export/show.ndjson", 404, None),
        ("/export/film.ndjson", 422, "kind"),
        ("/export/..%2F..%2Fmanifest.ndjson", 404, None),
        ("/export/show%00.ndjson", 422, "kind"),
        ("/export/show.ndjson?snapshot=../..", 422, "snapshot"),
        ("/export/show.ndjson?snapshot=20261128T170000000000-1", 404, "snapshot"),
        ("/export/show.ndjson?snapshot=%00", 422, "snapshot"),
        ("/export?kind=show", 422, "kind"),
    ],
)
def test_what_is_wrong_is_named(client: httpx.Client, path: str, status: int, parameter: str | None) -> None:
    response = client.get(path)
    assert response.status_code == status, response.text
    assert [error["parameter"] for error in response.json().get("errors", [])] == ([parameter] if parameter else [])
