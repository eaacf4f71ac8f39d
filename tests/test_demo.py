"""`make demo`: its archive says what its sources say, and it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from samples.archive import PATH, exchanges
from support import ROOT
from trr_crawl.archive import ArchiveReader


def test_the_bundled_archive_is_up_to_date() -> None:
    archive = ArchiveReader(PATH)
    for exchange in exchanges():
        found = archive.find("GET", exchange.url)
        assert found is not None, f"{exchange.url} is not in {PATH.name}: run make samples"
        assert found.body == exchange.body, f"{exchange.url} differs in {PATH.name}: run make samples"


def test_it_shows_what_landed() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="trr-demo-") as folder:
        Path(folder).chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        done = subprocess.run(
            [sys.executable, "-m", "samples.demo"],
            cwd=ROOT,
            env={**environment, "TRR_HOME": folder, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "30 episodes inserted" in done.stdout
    assert "30 episodes unchanged" in done.stdout
    assert "Secrets Revealed <Uncut>" in done.stdout
    assert "Café Olé" in done.stdout
