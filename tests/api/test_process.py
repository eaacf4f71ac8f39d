"""`python -m trr_api` as a process: one worker or several, SIGTERM, and a database that goes away and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psycopg

from serving import process, served, settings, wait_for
from support import ROOT, Server, free_port
from trr_api.app import create_app


def test_sigterm_lets_running_requests_end(stocked_url: str) -> None:
    with process(stocked_url) as (started, address), psycopg.connect(stocked_url) as connection:
        connection.execute("LOCK TABLE shows IN ACCESS EXCLUSIVE MODE")
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{address}/api/v1/shows?limit=1", timeout=30))
        )
        asking.start()
        time.sleep(0.5)
        started.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.rollback()
        asking.join()
        assert answers[0].status_code == 200
        # It ends as one who does not handle the signal would, after it did.
        assert started.wait(timeout=20) == -signal.SIGTERM


def test_who_watches_crawls_does_not_hold_up_the_end(stocked_url: str) -> None:
    with (
        process(stocked_url) as (started, address),
        httpx.stream("GET", f"{address}/api/v1/crawls/progress", timeout=20) as stream,
    ):
        assert stream.status_code == 200
        next(stream.iter_lines())
        started.send_signal(signal.SIGTERM)
        # Long before TRR_API_SHUTDOWN_TIMEOUT.
        assert started.wait(timeout=8) == -signal.SIGTERM


def test_several_workers_share_cursors_and_metrics(stocked_url: str) -> None:
    with process(stocked_url, TRR_API_WORKERS="2", TRR_API_RATE_LIMIT="0/minute") as (_, address):
        cursor = httpx.get(f"{address}/api/v1/shows?limit=1").json()["next_cursor"]
        # Every request on a connection of its own, so that both workers get some.
        assert {httpx.get(f"{address}/api/v1/shows?limit=1&cursor={cursor}").status_code for _ in range(20)} == {200}
        counted = 'trr_api_requests_total{method="GET",route="/api/v1/shows",status="200"} 21.0'
        assert counted in httpx.get(f"{address}/metrics").text


def test_logs_can_be_json_from_the_first_line_to_the_last(stocked_url: str, tmp_path: Path) -> None:
    file = tmp_path / "api.log"
    with file.open("wb") as log, process(stocked_url, log, TRR_API_LOG_JSON="true"):
        pass
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) > 3
    assert {line["logger"] for line in lines} >= {"uvicorn.error"}
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)


def test_wrong_settings_are_told_in_a_line(stocked_url: str) -> None:
    wrong = {"TRR_API_PORT": "eighty", "REDIS_URL": "http://secret@cache", "TRR_API_LIVE_MESSAGES": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "trr_api"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": stocked_url, **wrong},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 3)
    assert all(name in done.stderr for name in ("port", "REDIS_URL", "live_messages"))
    assert "secret" not in done.stderr


def test_a_database_that_went_away_costs_503s_and_no_restart(embedded_server: Server) -> None:
    url = embedded_server.create("leaving", "template")
    away = embedded_server.url
    try:
        configured = settings(url, pool_timeout=1)
        with served(create_app(configured)) as address, httpx.Client(base_url=address, timeout=10) as client:
            assert client.get("/api/v1/shows").status_code == 200
            # All connections are ended: those of the pool are replaced while the request waits.
            with psycopg.connect(away, autocommit=True) as connection:
                end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'leaving'"
                connection.execute(end)
                assert client.get("/api/v1/shows").status_code == 200
                # Nobody may connect: 503, alive but not ready.
                connection.execute("ALTER DATABASE leaving ALLOW_CONNECTIONS false")
                connection.execute(end)
                left = "SELECT FROM pg_stat_activity WHERE datname = 'leaving'"
                wait_for(lambda: connection.execute(left).rowcount == 0, seconds=15)
                answer = client.get("/api/v1/shows")
                assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
                assert answer.headers["retry-after"] == "2"
                assert client.get("/readyz").status_code == 503
                assert client.get("/livez").status_code == 200
                connection.execute("ALTER DATABASE leaving ALLOW_CONNECTIONS true")
            wait_for(lambda: client.get("/readyz").status_code == 200, seconds=15)
            assert client.get("/api/v1/shows").status_code == 200
    finally:
        embedded_server.drop("leaving")


def test_the_api_starts_while_the_database_is_away() -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with served(create_app(settings(nowhere, pool_timeout=0.5))) as address:
        assert httpx.get(f"{address}/livez").status_code == 200
        assert httpx.get(f"{address}/readyz").status_code == 503
