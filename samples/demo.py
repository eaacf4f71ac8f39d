"""`make demo`: the whole way from recorded pages to a catalog, on an embedded PostgreSQL, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samples.archive import PATH
from samples.harbour_hearts import SHOW_ID
from trr_crawl import database

DATABASE = "demo"
OBJECTS = "demo-objects"
"""The folder of its pictures, under .trr/."""

console = Console()


def main() -> int:
    console.rule("[bold]TRR demo")
    console.print("1. Starting PostgreSQL under .trr/ and migrating a fresh database …")
    drop_old_demo()
    shutil.rmtree(database.home() / OBJECTS, ignore_errors=True)
    url = database.embedded(DATABASE)
    for step, words in (
        (2, "Crawling the recorded pages and pictures of an invented show"),
        (3, "Crawling again: nothing is new"),
    ):
        console.print(f"{step}. {words} …")
        status = crawl(url)
        if status != 0:
            console.print(f"[red]The crawl ended with status {status}.")
            return status
    console.print("4. What the catalog says:")
    with psycopg.connect(url) as connection:
        console.print(episodes(connection), totals(connection))
        console.print(f"   The pictures and their thumbnails are under {database.home() / OBJECTS}", soft_wrap=True)
    console.print("Next: [bold]scrapy crawl imdb_episodes -a show=tt…[/] (see README.md)")
    return 0


def drop_old_demo() -> None:
    """Start from nothing, so that the demo always tells the same story; other databases of the server stay."""
    server = database.embedded("trr")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(DATABASE)))


def crawl(url: str) -> int:
    """Run the real command on the archive; its own lines are shown as they come."""
    command = [sys.executable, "-m", "scrapy", "crawl", "imdb_episodes"]
    command += ["-a", f"show={SHOW_ID}", "-s", f"REPLAY={PATH}"]
    command += ["-s", "IMAGES=true", "-s", f"IMAGES_STORE={database.home() / OBJECTS}"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "DATABASE_URL": url}
    )
    assert process.stdout is not None
    for line in own_lines(process.stdout):
        console.print(f"   [dim]{escape(line)}", highlight=False, soft_wrap=True)
    return process.wait()


def own_lines(log: Any) -> Iterator[str]:
    """The crawl's own words, without Scrapy's; after a failure, the last lines whoever wrote them."""
    for line in log:
        head, _, words = line.rstrip().partition(": ")
        if head.endswith(("[imdb_episodes] INFO", "[trr_crawl] INFO")) or "ERROR" in head or "WARNING" in head:
            yield words


def episodes(connection: psycopg.Connection[Any]) -> Table:
    """The show's episodes, season by season."""
    rows = connection.execute(
        """
        SELECT shows.title, season_number, episode_number, episodes.title, air_date,
               episodes.imdb_rating, episodes.imdb_vote_count
        FROM episodes JOIN shows ON shows.id = show_id ORDER BY season_number, episode_number
        """
    ).fetchall()
    table = Table(title=rows[0][0] if rows else "No episodes", title_style="bold")
    for name, justify in (("Season", "right"), ("#", "right"), ("Episode", "left"), ("Aired", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("Rating", justify="right")
    table.add_column("Votes", justify="right")
    for season, listed in groupby(rows, key=lambda row: row[1]):
        for first, (_, _, number, title, aired, rating, votes) in enumerate(listed):
            label = ("Specials" if season == 0 else str(season)) if first == 0 else ""
            table.add_row(label, str(number), escape(title), str(aired or "-"), str(rating or "-"), f"{votes:,}")
        table.add_section()
    return table


def totals(connection: psycopg.Connection[Any]) -> Table:
    """How many rows landed where."""
    table = Table(title="Rows", title_style="bold")
    table.add_column("Table")
    table.add_column("Rows", justify="right")
    tables = ("shows", "seasons", "episodes", "people", "source_records", "external_ids", "changes", "crawl_runs")
    for name in (*tables, "image_sources", "image_files", "image_objects", "primary_images"):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        table.add_row(name, f"{row[0]:,}" if row else "?")
    return table


if __name__ == "__main__":
    sys.exit(main())
