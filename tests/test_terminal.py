"""The line that moves while a crawl runs: in a terminal, and only there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from samples.archive import PATH
from samples.harbour_hearts import SHOW_ID
from support import ROOT

COMMAND = [
    *(sys.executable, "-m", "scrapy", "crawl", "imdb_episodes", "-a", f"show={SHOW_ID}", "-a", "dry_run=true"),
    *("-s", f"REPLAY={PATH}", "-s", "LOG_LEVEL=DEBUG"),
]


def test_in_a_terminal_a_crawl_shows_how_far_it_is_and_its_last_line_stays() -> None:
    ours, theirs = pty.openpty()
    crawl = subprocess.Popen(
        COMMAND, cwd=ROOT, stderr=theirs, stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            read = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        shown += read
    os.close(ours)
    assert crawl.wait(timeout=30) == 0
    text = shown.decode()
    assert re.search(r"imdb_episodes  0:0\d · \d+ requests \(\d", text)
    # What is logged meanwhile is not wrapped: this is longer than a terminal is wide.
    assert re.search(r"DEBUG: Crawled \(200\) <[^>\r\n]+> \(referer: None\)", text)
    assert "INFO" in text
    assert "requests (" not in text.rstrip().splitlines()[-1]


def test_elsewhere_it_is_silent() -> None:
    done = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "requests (" not in done.stderr + done.stdout
    assert "\x1b" not in done.stderr
