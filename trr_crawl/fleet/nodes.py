"""Scrapyd nodes, as their JSON API shows them: whatever they answer is checked before it is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests

from trr_crawl.errors import UserError

PROJECT: Final = "trr"
TIMEOUT: Final = (3.0, 20.0)
"""Seconds to connect, and to wait for an answer: before a node's first job it reads the whole egg."""


class NodeError(Exception):
    """A node does not answer as Scrapyd does: one clause that says how."""


class Refused(NodeError):
    """A node answers, and does not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a node has to do."""

    pending: int
    running: int

    @property
    def jobs(self) -> int:
        """All of it."""
        return self.pending + self.running


@dataclass(frozen=True, slots=True)
class Node:
    """A Scrapyd server; a name and password for it may be in its address."""

    url: str

    @property
    def name(self) -> str:
        """Its address without the password."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")

    def load(self) -> Load:
        """What it has to do."""
        told = self._ask("GET", "daemonstatus.json")
        pending, running = told.get("pending"), told.get("running")
        if not (isinstance(pending, int) and isinstance(running, int) and pending >= 0 and running >= 0):
            raise NodeError(f"its status makes no sense: pending {pending!r}, running {running!r}")
        return Load(pending, running)

    def schedule(self, spider: str, job_id: str, args: Mapping[str, str], settings: Mapping[str, str]) -> None:
        """Give it a job under an id of ours."""
        told = self._ask(
            "POST",
            "schedule.json",
            {
                **args,
                "project": PROJECT,
                "spider": spider,
                "jobid": job_id,
                "setting": [f"{name}={value}" for name, value in settings.items()],
            },
        )
        if told.get("jobid") != job_id:
            raise NodeError(f"it took the job {job_id} as {told.get('jobid')!r}")

    def state(self, job_id: str) -> str | None:
        """`pending`, `running`, `finished`, or None for a job that it does not know."""
        told = self._ask("GET", "status.json", {"project": PROJECT, "job": job_id})
        state = told.get("currstate")
        if state not in (None, "pending", "running", "finished"):
            raise NodeError(f"it says that the job {job_id} is {state!r}")
        return state

    def cancel(self, job_id: str, *, kill: bool = False) -> None:
        """Ask a job to stop, or kill its process."""
        data = {"project": PROJECT, "job": job_id}
        self._ask("POST", "cancel.json", {**data, "signal": "KILL"} if kill else data)

    def spiders(self) -> list[str]:
        """The spiders of the egg that it has; NodeError if it has none of ours."""
        told = self._ask("GET", "listspiders.json", {"project": PROJECT})
        found = told.get("spiders")
        if not isinstance(found, list):
            raise NodeError("it lists no spiders")
        return [str(name) for name in found]

    def add_version(self, version: str, egg: bytes) -> int:
        """Deploy an egg; returns how many spiders the node has by now."""
        self._ask("POST", "addversion.json", {"project": PROJECT, "version": version}, egg)
        return len(self.spiders())  # else the node would read the egg when its first job comes, which waits for that

    def _ask(
        self, method: str, service: str, values: Mapping[str, Any] | None = None, egg: bytes | None = None
    ) -> dict[str, Any]:
        sent = {"params": values} if method == "GET" else {"data": values}
        try:
            response = requests.request(
                method,
                f"{self.url.rstrip('/')}/{service}",
                timeout=TIMEOUT if egg is None else 120,
                files={"egg": ("trr.egg", egg)} if egg is not None else None,
                **sent,  # type: ignore[arg-type]
            )
            told = response.json()
        except requests.exceptions.JSONDecodeError as error:
            raise NodeError(f"its answer is no JSON (status {response.status_code})") from error
        except requests.RequestException as error:
            raise NodeError(f"it does not answer ({type(error).__name__})") from error
        if not isinstance(told, dict) or told.get("status") != "ok":
            said = told.get("message") if isinstance(told, dict) else told
            raise Refused(f"it says: {' '.join(str(said).split())[-300:]}")
        return told


def configured(text: str) -> list[Node]:
    """The nodes that SCRAPYD_NODES names, by commas, each once; UserError says what is no address."""
    nodes = [Node(url.strip()) for url in text.split(",") if url.strip()]
    for node in nodes:
        if not re.fullmatch(r"https?://[^/\s]+/?", node.name):
            raise UserError(f"SCRAPYD_NODES: {node.name!r} is no address: write it as in http://127.0.0.1:6800.")
    return list({node.name: node for node in nodes}.values())
