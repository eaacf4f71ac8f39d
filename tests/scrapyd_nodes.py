"""A real Scrapyd node, started and killed at will."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support import ROOT, free_port
from trr_crawl.fleet.nodes import Node, NodeError


@dataclass
class Scrapyd:
    """A node, in a folder of its own."""

    folder: Path
    python: Path
    database_url: str
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def node(self) -> Node:
        return Node(f"http://127.0.0.1:{self.port}")

    def start(self) -> None:
        config = (ROOT / "scrapyd.conf").read_text().replace("6800", str(self.port))
        (self.folder / "scrapyd.conf").write_text(config)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-W", "ignore", "-m", "scrapyd", "--pidfile="],
                cwd=self.folder,
                env={**os.environ, "DATABASE_URL": self.database_url, **self.environment},
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
