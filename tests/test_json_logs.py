"""Logs as JSON: every line is one object, whatever it says, and tells which run it is of."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from pathlib import Path

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from samples.archive import PATH
from samples.harbour_hearts import SHOW_ID
from support import crawl_episodes
from trr_crawl.jsonlogs import JsonFormatter


def record(message: str, *arguments: object, **values: object) -> logging.LogRecord:
    made = logging.LogRecord("trr_crawl.somewhere", logging.WARNING, __file__, 1, message, arguments, None)
    made.__dict__.update(values)
    return made


@given(st.text(st.characters(codec=None)))
def test_any_message_is_one_line_of_ascii(message: str) -> None:
    line = JsonFormatter().format(record("%s", message))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == message


def test_a_line_tells_time_level_logger_fields_and_exception() -> None:
    formatter = JsonFormatter()
    formatter.fields = {"run_id": "r1", "spider": "imdb_title", "job": "j1"}
    try:
        raise ValueError("no\nnumber")
    except ValueError:
        told = json.loads(formatter.format(record("%d of %d", 1, 2, exc_info=sys.exc_info(), request_id="q1")))
    assert datetime.fromisoformat(told.pop("time")).tzinfo is not None
    assert told.pop("exception").endswith("ValueError: no\nnumber")
    assert told == {
        "level": "WARNING", "logger": "trr_crawl.somewhere", "message": "1 of 2", "run_id": "r1",
        "spider": "imdb_title", "job": "j1", "request_id": "q1",
    }  # fmt: skip


def test_a_crawl_logs_json_with_the_id_of_its_run(crawl_url: str, tmp_path: Path) -> None:
    file = tmp_path / "crawl.log"
    options = ("-a", f"show={SHOW_ID}", "-a", "_job=j1", "-s", f"REPLAY={PATH}", "-s", f"LOG_FILE={file}")
    crawl = crawl_episodes(*options, LOG_JSON="true")
    assert (crawl.status, crawl.output) == (0, "")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    with psycopg.connect(crawl_url) as connection:
        [(run_id, job)] = connection.execute("SELECT id::text, job_id FROM crawl_runs").fetchall()
    assert lines[0]["message"].startswith("Scrapy ")
    assert lines[-1]["message"].startswith("ok: ")
    assert {name: lines[-1][name] for name in ("run_id", "spider", "job", "level")} == {
        "run_id": run_id,
        "spider": "imdb_episodes",
        "job": job,
        "level": "INFO",
    }
    of_the_run = [line.get("run_id") == run_id for line in lines]
    assert of_the_run == sorted(of_the_run), "from the moment that there is a run"
    assert sum(of_the_run) > 3
