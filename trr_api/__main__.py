"""`python -m trr_api`: serve DATABASE_URL, or the embedded database; manage API keys and tokens; export; prune."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from typing import Any, Final

import uvicorn
from pydantic import SecretStr, ValidationError
from uvicorn.config import LOGGING_CONFIG

from trr_api import openapi
from trr_api.accounts import commands as accounts
from trr_api.accounts.privacy import commands as privacy
from trr_api.app import create_app
from trr_api.config import Settings
from trr_api.export import commands as export
from trr_api.keys import commands
from trr_api.protocol import Protocol, sockets
from trr_crawl import database

JSON_LOGS: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "trr_crawl.jsonlogs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
}


def main() -> int:
    """Do what was asked; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m trr_api", description=__doc__)
    subcommands = parser.add_subparsers(dest="command")
    commands.add_to(subcommands)
    export.add_to(subcommands)
    accounts.add_to(subcommands)
    privacy.add_to(subcommands)
    subcommands.add_parser("openapi", help=f"write the OpenAPI document to {openapi.PATH.name} in docs/")
    arguments = parser.parse_args()
    if arguments.command == "openapi":
        nowhere = Settings(database_url=SecretStr("postgresql://"))
        openapi.PATH.write_text(openapi.text(create_app(nowhere)), encoding="utf-8")
        return 0
    try:
        if arguments.command == "key":
            return commands.run(arguments)
        os.environ["DATABASE_URL"] = database.url()
        settings = Settings()
        if arguments.command == "export":
            return export.run(settings)
        if arguments.command == "prune":
            return privacy.run(settings)
        if arguments.command == "token":
            return accounts.run(arguments, settings)
    except database.DatabaseError as error:
        sys.stderr.write(f"python -m trr_api: {error}\n")
        return 1
    except ValidationError as error:
        for found in error.errors():
            sys.stderr.write(f"python -m trr_api: {'.'.join(map(str, found['loc']))}: {found['msg']}\n")
        return 2
    serve(settings)
    return 0


def serve(settings: Settings) -> None:
    """Run uvicorn until SIGTERM."""
    # Workers are processes of their own: what they must agree on goes with the environment.
    os.environ.setdefault("TRR_API_SECRET", settings.secret.get_secret_value())
    with tempfile.TemporaryDirectory(prefix="trr-metrics-") as folder:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "trr_api.app:create_app",
            factory=True,
            http=Protocol,
            **sockets(settings),
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=settings.shutdown_timeout,
            server_header=False,
            access_log=False,
            log_config=JSON_LOGS if settings.log_json else LOGGING_CONFIG,
        )


if __name__ == "__main__":
    sys.exit(main())
