"""Real Scrapyd nodes on loopback, which have the project from its egg and from nowhere else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from psycopg import Connection
from scrapyd_nodes import FakeNode, Scrapyd

from trr_crawl.catalog import write
from trr_crawl.commands.deploy import build_egg
from trr_crawl.fleet.nodes import Node


@pytest.fixture
def connection(shared_url: str) -> Iterator[Connection[Any]]:
    """To one database for all of these tests; those that ask for `catalog_url` run on each server."""
    with psycopg.connect(shared_url) as opened:
        write.prepare(opened)
        yield opened


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has what the project needs, and not the project: as a node should."""
    folder = tmp_path_factory.mktemp("node") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    # Added as a folder, not as a site: the line in there that leads to the project is not read.
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def egg() -> bytes:
    return build_egg()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, bare_python: Path, shared_database: str) -> Iterator[list[Scrapyd]]:
    """Two nodes for a module, which crawl into its database; what one test does to them, it undoes."""
    started = [Scrapyd(tmp_path_factory.mktemp("node"), bare_python, shared_database) for _ in range(2)]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Scrapyd.start, started))
        yield started
    finally:
        for node in started:
            node.kill()


@pytest.fixture(scope="module")
def deployed(pair: list[Scrapyd], egg: bytes) -> list[Scrapyd]:
    """The two nodes with the project."""
    with ThreadPoolExecutor() as pool:
        assert {found > 15 for found in pool.map(lambda one: one.node.add_version("1", egg), pair)} == {True}
    return pair


@pytest.fixture
def nodes() -> Iterator[tuple[list[FakeNode], list[Node]]]:
    """Two nodes."""
    fakes, servers, threads = [FakeNode(), FakeNode()], [], []
    for fake in fakes:

        class Handler(BaseHTTPRequestHandler):
            told = fake

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                values = {name: found[0] for name, found in parse_qs(parts.query or body).items()}
                answer = self.told.answer(parts.path.strip("/"), values)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 - as http.server wants it

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append(server)
        threads.append(thread)
    yield fakes, [Node(f"http://127.0.0.1:{server.server_port}") for server in servers]
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()
