"""`make demo`: its archive says what its sources say, and it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from samples.archive import PATH, exchanges, pictures
from support import ROOT
from trr_crawl.archive import ArchiveReader


def test_the_bundled_archive_is_up_to_date() -> None:
    archive = ArchiveReader(PATH)
    for exchange in exchanges():
        found = archive.find("GET", exchange.url)
        assert found is not None, f"{exchange.url} is not in {PATH.name}: run make samples"
        assert found.body == exchange.body, f"{exchange.url} differs in {PATH.name}: run make samples"
    for exchange in pictures():  # another version of the encoder writes other bytes
        found = archive.find("GET", exchange.url)
        assert found is not None, f"{exchange.url} is not in {PATH.name}: run make samples"
        with Image.open(BytesIO(found.body)) as stored, Image.open(BytesIO(exchange.body)) as drawn:
            assert (stored.format, stored.size) == (drawn.format, drawn.size)


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
    assert "30 pictures stored" in done.stdout
    assert "30 pictures fresh" in done.stdout
    assert re.search(r"image_files\s+│\s+30 ", done.stdout)
    assert re.search(r"image_objects\s+│\s+90 ", done.stdout)
    assert "Secrets Revealed <Uncut>" in done.stdout
    assert "Café Olé" in done.stdout
