"""Real Scrapyd nodes on loopback, which have the project from its egg and from nowhere else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scrapyd_nodes import Scrapyd

from trr_crawl.commands.deploy import build_egg


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


@pytest.fixture
def scrapyd(tmp_path: Path, bare_python: Path, crawl_url: str) -> Iterator[Callable[..., Scrapyd]]:
    """Starts nodes that crawl into the database of the test."""
    started: list[Scrapyd] = []

    def start(**environment: str) -> Scrapyd:
        folder = tmp_path / f"node{len(started)}"
        folder.mkdir()
        node = Scrapyd(folder, bare_python, crawl_url, environment)
        started.append(node)
        node.start()
        return node

    yield start
    for node in started:
        node.kill()
