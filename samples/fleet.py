"""`make fleet`: a database, two Scrapyd nodes and the scheduler on loopback, and a night's crawl that both share."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

import psycopg
from psycopg import sql
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from samples import night
from samples.night import Share
from trr_crawl import database
from trr_crawl.errors import UserError

DATABASE: Final = "fleet"
SHOWS: Final = 60
PACE: Final = {"DOWNLOAD_DELAY": "0.4", "FLEET_DELAY": "0.1", "HEARTBEAT_SECONDS": "0.5", "DUE_BATCH": "5"}
"""Each node asks every 0.4 seconds; all of them together may not ask more often than every 0.1."""
PATIENCE: Final = 180.0

console = Console()


def main() -> int:
    console.rule("[bold]TRR fleet")
    console.print("1. Starting PostgreSQL under .trr/ and migrating a fresh database …")
    url = fresh_database()
    with night.source(SHOWS) as source:
        night.acquaint(url, list(source.shows.values()))
        console.print("2. Building the egg, starting two Scrapyd nodes and the scheduler …")
        with night.fleet(url, 2) as nodes:
            console.print("   " + ", ".join(node.name for node in nodes))
            console.print(f"3. Tonight: {SHOWS} invented shows are due, two jobs share them …")
            night.schedule(url, 2, {**source.settings, **PACE})
            with psycopg.connect(url) as connection:
                ended = watch(connection)
                asked = len(source.asked_at)
                seconds = source.asked_at[-1] - source.asked_at[0] if asked else 0.0
                left = connection.execute("SELECT count(*) FROM crawl_states WHERE outcome <> 'ok'").fetchone()
        console.print("4. What it came to:")
        console.print(table(ended))
        shows = sum(share.shows for share in ended)
        console.print(
            f"{shows} of {SHOWS} shows, {asked} requests in {seconds:.1f} s "
            f"({asked / max(seconds, 0.1):.1f} a second), none asked for twice: {asked == SHOWS}. "
            f"Not got: {left[0] if left else '?'}."
        )
    console.print("Next: [bold]scrapy schedule add[/] (see docs/operations.md)")
    return 0 if shows == SHOWS == asked and all(share.outcome == "ok" for share in ended) else 1


def fresh_database() -> str:
    """A migrated, empty database on the embedded server."""
    server = database.embedded("trr")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
    return database.embedded(DATABASE)


def watch(connection: psycopg.Connection[Any]) -> list[Share]:
    """Show how far the night is, until it is over."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console)
    task = progress.add_task("shows", total=SHOWS)
    deadline = time.monotonic() + PATIENCE
    with Live(progress, console=console, refresh_per_second=4, transient=True) as live:
        while True:
            found = night.shares(connection)
            progress.update(task, completed=sum(share.shows for share in found))
            live.update(Group(progress, table(found)))
            if found and all(share.state == "finished" for share in found):
                return found
            if time.monotonic() > deadline:
                raise UserError(f"The night did not end within {PATIENCE:.0f} s: see .trr/fleet/.")
            time.sleep(0.3)


def table(found: list[Share]) -> Table:
    """The jobs, one a row."""
    made = Table("node", "state", "shows", "requests", "seconds", "outcome")
    for share in found:
        cells = (share.node, share.state, share.shows, share.requests, f"{share.seconds:.1f}", share.outcome or "")
        made.add_row(*map(str, cells))
    return made


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"make fleet: {error}")
