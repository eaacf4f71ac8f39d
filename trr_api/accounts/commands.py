"""`python -m trr_api token --user NAME`: a token for whoever develops, and roles for whoever begins."""

from __future__ import annotations

import argparse
import sys

from trr_api.accounts import queries
from trr_api.accounts.tokens import Tokens
from trr_api.config import Settings
from trr_api.session import Caller
from trr_api.tables import ROLES
from trr_crawl import database


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `token` to the subcommands."""
    token = commands.add_parser("token", help="print an access token; needs the server's TRR_API_SECRET")
    token.add_argument("--user", required=True, help="name; the account is made where it is missing")
    token.add_argument("--role", choices=ROLES, help="give the account this role")
    token.add_argument("--minutes", type=float, default=24 * 60, help="how long it is good (default: a day)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do what was asked; the exit status."""
    if "secret" not in settings.model_fields_set:
        sys.stderr.write("python -m trr_api: set TRR_API_SECRET to that of the server, which must know its tokens.\n")
        return 2
    with database.connect(settings.database_url.get_secret_value()) as connection:
        found = connection.execute(queries.USER_NAMED, [arguments.user]).fetchall()
        [(user,)] = found or connection.execute(queries.CREATE_USER, [arguments.user]).fetchall()
        if arguments.role:
            connection.execute(queries.SET_ROLE, [arguments.role, user])
        [(session,)] = connection.execute(queries.BEGIN_SESSION, [user]).fetchall()
    sys.stdout.write(Tokens(settings).access(Caller(user, session), arguments.minutes) + "\n")
    return 0
