"""`scrapy alerts …`: who is told what checks find, what they were not told yet, and the next attempt now."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import cli, database
from trr_crawl.alerts import delivery, targets
from trr_crawl.alerts.sending import NotDelivered, send
from trr_crawl.alerts.targets import Targets
from trr_crawl.catalog.monitoring import outbox
from trr_crawl.catalog.monitoring.outbox import Alert
from trr_crawl.errors import UserError

ACTIONS = "list | deliver | test | remove name"

WAITING = """
SELECT name, severity, count(alert.id), to_char(min(alert.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
       to_char(min(alert.next_try_at) FILTER (WHERE attempts > 0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
       (array_agg(last_error ORDER BY alert.id) FILTER (WHERE last_error IS NOT NULL))[1]
FROM alert_targets
LEFT JOIN alerts alert ON target = name AND delivered_at IS NULL AND gave_up_at IS NULL
GROUP BY name, severity ORDER BY name
"""


class Command(cli.CatalogCommand):
    """Targets come from the environment: ALERTS and what belongs to it, see docs/monitoring.md."""

    def syntax(self) -> str:
        return f"[{ACTIONS}]"

    def short_desc(self) -> str:
        return "Look after alerts: list, deliver, test"

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        try:
            configured = targets.configured()
            match args or ["list"]:
                case ["list"]:
                    self._list(connection, configured)
                case ["deliver"]:
                    self._deliver(configured)
                case ["test"]:
                    self._test(configured)
                case ["remove", name]:
                    if not outbox.remove_target(connection, name):
                        raise UserError(f"There is no target {name}.")
                    print(f"{name} is told nothing more. Take it out of ALERTS too.")
                case _:
                    raise UsageError(f"say what to do: {ACTIONS}", print_help=False)
        except UserError as error:
            self.fail(str(error))

    def _list(self, connection: Connection[Any], configured: Targets) -> None:
        table = Table("target", "how", "from", "waiting", "since", "next try", "why")
        for name, severity, waiting, since, again, why in connection.execute(WAITING):
            target = configured.by_name.get(name)
            how = target.kind if target is not None else "not in ALERTS here"
            table.add_row(name, how, severity, str(waiting), since or "", again or "", why or "")
        cli.show(table)

    def _deliver(self, configured: Targets) -> None:
        self._require(configured)
        with database.connect(database.url(), autocommit=True) as connection:
            delivery.register(connection, configured)
            told = delivery.deliver(connection, configured)
            left = sum(len(outbox.waiting(connection, target.name)) for target in configured)
        print(f"{told} alert(s) told, {left} wait.")

    def _test(self, configured: Targets) -> None:
        """Tell every target something harmless now."""
        self._require(configured)
        for target in configured:
            try:
                send(_harmless(), target, configured)
            except NotDelivered as error:
                self.fail(f"{target}: {error}.")
            else:
                print(f"{target}: told.")

    def _require(self, configured: Targets) -> None:
        if not configured:
            raise UserError("Nobody is to be told: set ALERTS, see docs/monitoring.md.")


def _harmless() -> Alert:
    now = datetime.now(UTC)
    return Alert(
        id=0,
        message_id=uuid4(),
        event="opened",
        at=now,
        attempts=0,
        refused=False,
        next_try_at=now,
        finding_id=0,
        scope="scrapy alerts",
        rule="test",
        severity="warning",
        subject="",
        message="This is a test: alerts reach you.",
        advice="There is nothing to do.",
        run_id=None,
        found_at=now,
        resolved_at=None,
    )
