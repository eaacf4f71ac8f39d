"""`python -m trr_api export`."""

from __future__ import annotations

import argparse
import sys

from trr_api.config import Settings
from trr_api.export import writing


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `export` to the subcommands."""
    commands.add_parser("export", help="write the catalog to the files that /api/v1/export serves")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def run(settings: Settings) -> int:
    """Write an export; the exit status."""
    try:
        written = writing.write(
            settings.database_url.get_secret_value(),
            _say,
            non_commercial=settings.export_non_commercial,
        )
    except OSError as error:
        sys.stderr.write(f"python -m trr_api: the export cannot be written: {error}.\n")
        return 1
    sys.stdout.write(f"{written}\n")
    return 0
