"""`scrapy …` in a process of its own, forked from one that has loaded the project, which takes longer than most crawls.

It does what a process that was started anew would do: it reads its environment, its settings and its arguments itself.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

TESTS = Path(__file__).resolve().parent

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["loaded"])


def scrapy(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float) -> tuple[int, str]:
    """The status and the output of `scrapy` with these arguments. subprocess.TimeoutExpired where it takes longer."""
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(TESTS)}):  # where it finds what it loads
        forkserver.ensure_running()
    with TemporaryDirectory() as kept:
        output = Path(kept) / "output"
        process = _context.Process(target=_run, args=(list(arguments), str(folder), dict(environment), str(output)))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["scrapy", *arguments], timeout, output.read_bytes())
        assert process.exitcode is not None
        return process.exitcode, output.read_text(encoding="utf-8")


def _run(arguments: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    with Path(output).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["scrapy", *arguments]
    from scrapy.cmdline import execute

    try:
        execute()
    finally:
        atexit._run_exitfuncs()  # a fork ends without them
