"""Scrapyd nodes: a real one, started and killed at will, and one that answers as it is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import ROOT, free_port
from trr_crawl.fleet.nodes import Node, NodeError


@dataclass
class Scrapyd:
    """A node, in a folder of its own."""

    folder: Path
    python: Path
    database_url: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def node(self) -> Node:
        return Node(f"http://127.0.0.1:{self.port}")

    def start(self) -> None:
        config = (ROOT / "scrapyd.conf").read_text().replace("6800", str(self.port))
        config = re.sub("(?m)^(poll_interval *=).*", r"\1 0.1", config)
        (self.folder / "scrapyd.conf").write_text(config)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-W", "ignore", "-m", "scrapyd", "--pidfile="],
                cwd=self.folder,
                env={**os.environ, "DATABASE_URL": self.database_url},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for(self.answers, 30)

    def answers(self) -> bool:
        try:
            self.node.load()
        except NodeError:
            return False
        return True

    def kill(self) -> None:
        """As when the power fails: the node and its crawls are gone."""
        if self.process is not None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
            self.process = None

    def wait_for(self, what: Callable[[], bool], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.1)

    def log_of(self, spider: str, job_id: str) -> str:
        return (self.folder / ".trr/scrapyd/logs/trr" / spider / f"{job_id}.log").read_text()


class FakeNode:
    """Answers like Scrapyd, or as it is told."""

    def __init__(self) -> None:
        self.lies: dict[str, Any] = {}
        """Service -> what it answers instead: bytes, or a value."""
        self.refuses: dict[str, str] = {}
        """Spider -> why it is not taken."""
        self.delay = 0.0
        """Seconds until it answers."""
        self.jobs: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def answer(self, service: str, values: dict[str, str]) -> bytes:
        self.asked.append((service, values))
        time.sleep(self.delay)
        if service in self.lies:
            lie = self.lies[service]
            return lie if isinstance(lie, bytes) else json.dumps(lie).encode()
        told: dict[str, Any] = {"status": "ok"}
        states = list(self.jobs.values())
        if service == "daemonstatus.json":
            told |= {"pending": states.count("pending"), "running": states.count("running")}
        elif service == "schedule.json" and values["spider"] in self.refuses:
            told = {"status": "error", "message": self.refuses[values["spider"]]}
        elif service == "schedule.json":
            self.jobs[values["jobid"]] = "running"
            told["jobid"] = values["jobid"]
        elif service == "status.json":
            told["currstate"] = self.jobs.get(values["job"])
        elif service == "cancel.json":
            self.jobs.pop(values["job"], None)
        return json.dumps(told).encode()
