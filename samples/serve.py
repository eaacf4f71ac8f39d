"""`make serve`: the API on the demo's catalog, which is crawled first where it is not there yet."""

from __future__ import annotations

import os
import sys

import psycopg

from samples import demo, talk
from trr_api import __main__ as api
from trr_crawl import database


def main() -> int:
    """Crawl the bundled sample if need be, then serve until interrupted."""
    os.environ["DATABASE_URL"] = url = database.embedded(demo.DATABASE)
    os.environ["IMAGES_STORE"] = str(database.home() / demo.OBJECTS)
    with psycopg.connect(url) as connection:
        filled = connection.execute("SELECT count(*) FROM episodes").fetchone() != (0,)
    if not filled and (status := demo.crawl(url)) != 0:
        return status
    if talk.is_missing(url):
        talk.fill(url)
    demo.console.print("Serving http://127.0.0.1:8000/app and http://127.0.0.1:8000/docs; Ctrl-C ends it.")
    demo.console.print(f"Log in as ada@example.com, ben@example.com, … with the password {talk.PASSWORD}")
    return api.main()


if __name__ == "__main__":
    sys.exit(main())
