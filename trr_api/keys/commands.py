"""`python -m trr_api key create|list|revoke`."""

from __future__ import annotations

import argparse
import sys
from uuid import UUID

from trr_api import keys
from trr_api.keys import queries
from trr_api.tables import SCOPES
from trr_crawl import database


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `key` to the subcommands."""
    actions = commands.add_parser("key", help="API keys").add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("--name", required=True, help="whose it is")
    create.add_argument("--scope", action="append", choices=SCOPES, default=[], help="what it allows; may be repeated")
    actions.add_parser("list", help="show all keys, without the keys themselves")
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("id", type=UUID)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; the exit status."""
    with database.connect(database.url()) as connection:
        if arguments.action == "create":
            key = keys.new()
            [(identifier,)] = connection.execute(
                queries.CREATE, [arguments.name, keys.digest(key), arguments.scope]
            ).fetchall()
            sys.stderr.write(f"Key {identifier} for {arguments.name}. It is shown this once:\n")
            sys.stdout.write(f"{key}\n")
        elif arguments.action == "list":
            for identifier, name, scopes, created, revoked in connection.execute(queries.LIST):
                state = f"revoked {revoked:%Y-%m-%d}" if revoked else "valid"
                sys.stdout.write(f"{identifier}  {created:%Y-%m-%d}  {state:18}  {name}  {','.join(scopes)}\n")
        elif not connection.execute(queries.REVOKE, [arguments.id]).fetchall():
            sys.stderr.write(f"python -m trr_api: there is no valid key {arguments.id}.\n")
            return 1
    return 0
