"""`python -m trr_api prune`: what is kept for a time, and then goes."""

from __future__ import annotations

import argparse
import sys

from trr_api.accounts.privacy import queries
from trr_api.config import Settings
from trr_crawl import database


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `prune` to the subcommands."""
    commands.add_parser("prune", help="delete what was kept long enough; see TRR_API_KEEP_… in docs/privacy.md")


def run(settings: Settings) -> int:
    """Delete it, and say how much; the exit status."""
    with database.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        for what, (setting, statement) in queries.PRUNED.items():
            days = getattr(settings, f"keep_{setting}_days")
            done = connection.execute(statement, {"days": days, "refresh_days": settings.refresh_days})
            sys.stdout.write(f"{what}, kept for {days:g} days: {done.rowcount:,}\n")
    return 0
