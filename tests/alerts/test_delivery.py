"""Alerts reach their receivers: once, in order, whatever befalls them, and signed."""

from __future__ import annotations

import logging
import re
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from aiosmtpd.controller import Controller
from psycopg import Connection
from psycopg.types.json import Jsonb
from receiver import SECRET, Got, Receiver, receiving
from standardwebhooks import Webhook

from support import free_port
from trr_crawl.alerts import delivery, messages, sending
from trr_crawl.alerts.targets import Targets, configured
from trr_crawl.catalog import monitoring
from trr_crawl.catalog.monitoring import outbox
from trr_crawl.commands.alerts import Command

NIGHT = datetime(2026, 11, 1, 3, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def database(shared_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(shared_url, autocommit=True) as opened:
        yield opened


def targets(receiver: Receiver, **environment: str) -> Targets:
    return configured({"ALERTS": f"pager={receiver.url}/hook", "ALERTS_SECRET": SECRET, **environment})


def run(connection: Connection[Any], night: int, **values: Any) -> UUID:
    """A run of a night that was checked, good unless said otherwise."""
    at = NIGHT + timedelta(days=night)
    row = {"outcome": "ok", "requests": 50, "reason": None, "items": Jsonb({"episode": {"updated": 500}}), **values}
    found = connection.execute(
        "INSERT INTO crawl_runs (spider, args, host, pid, version, started_at, finished_at, outcome, requests, reason, "
        "items) VALUES ('imdb_episodes', '{\"due\": \"true\"}', 'here', 1, '1', %s, %s, %s, %s, %s, %s) RETURNING id",
        [at, at + timedelta(minutes=5), *row.values()],
    ).fetchone()
    assert found is not None
    monitoring.after_run(connection, found[0])
    return found[0]  # type: ignore[no-any-return]


def fail(connection: Connection[Any], night: int, reason: str = "The database is gone.") -> UUID:
    return run(connection, night, outcome="failed", reason=reason)


class Moved:
    """A clock that tests move, ahead of the time at which rows are written."""

    def __init__(self) -> None:
        self.ahead = timedelta(seconds=1)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def reasons(got: list[Got]) -> list[str]:
    return [one.body["data"]["message"].removeprefix("The run failed: ") for one in got]


def test_a_finding_and_its_end_are_told_once_and_signed(database: Connection[Any], receiver: Receiver) -> None:
    told = targets(receiver, ALERTS_DASHBOARD="https://trr.example")
    delivery.register(database, told)
    bad = fail(database, 1)
    assert delivery.deliver(database, told) == 1
    assert delivery.deliver(database, told) == 0
    run(database, 2)
    assert delivery.deliver(database, told) == 1
    run(database, 3)
    assert delivery.deliver(database, told) == 0

    assert [one.event for one in receiver.taken] == [("opened", "failed", ""), ("resolved", "failed", "")]
    opened, resolved = (one.body["data"] for one in receiver.taken)
    assert opened["message"] == "The run failed: The database is gone."
    assert opened["run_id"] == str(bad)
    assert opened["url"] == f"https://trr.example/crawls/runs/{bad}"
    assert (opened["severity"], opened["scope"], opened["resolved_at"]) == ("error", "imdb_episodes due", None)
    assert opened["key"] == resolved["key"] == "imdb_episodes due|failed|"
    assert resolved["resolved_at"] == (NIGHT + timedelta(days=2, minutes=5)).isoformat()
    assert len({one.id for one in receiver.taken}) == 2
    assert receiver.taken[0].path == "/hook"


def test_what_is_found_anew_is_told_and_not_called_resolved(database: Connection[Any], receiver: Receiver) -> None:
    told = targets(receiver)
    delivery.register(database, told)
    for night in (1, 2):
        fail(database, night)
    run(database, 3)
    delivery.deliver(database, told)
    assert [one.event[0] for one in receiver.taken] == ["opened", "opened", "resolved"]
    assert len({one.body["data"]["key"] for one in receiver.taken}) == 1


def test_only_what_is_found_from_then_on_and_grave_enough_is_told(
    database: Connection[Any], receiver: Receiver
) -> None:
    told = targets(receiver, ALERTS_SEVERITY="error")
    fail(database, 1)
    delivery.register(database, told)
    run(database, 2, items=Jsonb({"episode": {"rejected": 3, "updated": 500}}))  # a warning
    run(database, 3)
    assert delivery.deliver(database, told) == 0
    fail(database, 4)
    assert delivery.deliver(database, told) == 1


def test_a_finding_that_is_rolled_back_is_told_to_nobody(database: Connection[Any], receiver: Receiver) -> None:
    told = targets(receiver)
    delivery.register(database, told)
    with database.transaction(force_rollback=True):
        fail(database, 1)
        assert database.execute("SELECT count(*) FROM alerts").fetchone() == (1,)
    assert database.execute("SELECT count(*) FROM alerts").fetchone() == (0,)
    assert delivery.deliver(database, told) == 0


def test_a_receiver_that_was_down_for_a_day_hears_everything_once_and_in_order(
    database: Connection[Any], receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    told, clock = targets(receiver), Moved()
    delivery.register(database, told)
    receiver.answer = lambda _: (503, {})
    for hour in range(24):
        if hour % 8 == 0:
            fail(database, hour // 8, f"Night {hour // 8}.")
        for minute in range(0, 60, 5):
            clock.ahead = timedelta(hours=hour, minutes=minute, seconds=1)
            assert delivery.deliver(database, told, now=clock) == 0
    # Twice as long each time until it is an hour: the day takes few attempts, all for the oldest one.
    assert len({one.id for one in receiver.asked}) == 1
    assert 24 <= len(receiver.asked) <= 34
    assert "it answered 503. Next try at" in caplog.text

    receiver.answer = lambda _: (200, {})
    clock.ahead = timedelta(hours=25)
    assert delivery.deliver(database, told, now=clock) == 3
    assert delivery.deliver(database, told, now=clock) == 0
    assert reasons(receiver.taken) == ["Night 0.", "Night 1.", "Night 2."]
    assert receiver.taken[0].id == receiver.asked[0].id
    assert len({one.id for one in receiver.taken}) == 3


def test_a_receiver_that_is_not_there_at_all_loses_nothing(database: Connection[Any], receiver: Receiver) -> None:
    away, clock = configured({"ALERTS": f"pager=slack+http://127.0.0.1:{free_port()}/"}), Moved()
    delivery.register(database, away)
    fail(database, 1)
    assert delivery.deliver(database, away, now=clock) == 0
    assert database.execute("SELECT attempts, last_error FROM alerts").fetchone() == (
        1,
        "it cannot be reached (ConnectionError)",
    )
    clock.ahead = timedelta(minutes=1)
    assert delivery.deliver(database, targets(receiver), now=clock) == 1


def test_after_five_days_an_alert_is_given_up_and_newer_ones_are_told(
    database: Connection[Any], receiver: Receiver
) -> None:
    told, clock = targets(receiver), Moved()
    delivery.register(database, told)
    receiver.answer = lambda got: (500 if "Old" in got.body["data"]["message"] else 200, {})
    fail(database, 1, "Old.")
    fail(database, 2, "New.")
    assert delivery.deliver(database, told, now=clock) == 0
    clock.ahead = outbox.KEEP_TRYING + timedelta(minutes=1)
    assert delivery.deliver(database, told, now=clock) == 1
    assert reasons(receiver.taken) == ["New."]
    rows = database.execute("SELECT gave_up_at IS NOT NULL, last_error FROM alerts ORDER BY id").fetchall()
    assert rows == [(True, "it answered 500"), (False, None)]


def test_an_alert_that_is_refused_again_and_again_lets_the_others_pass(
    database: Connection[Any], receiver: Receiver
) -> None:
    told, clock = targets(receiver), Moved()
    delivery.register(database, told)
    receiver.answer = lambda got: (400 if "Odd" in got.body["data"]["message"] else 200, {})
    fail(database, 1, "Odd.")
    fail(database, 2, "Even.")
    for minutes in range(30):
        clock.ahead = timedelta(minutes=minutes)
        delivery.deliver(database, told, now=clock)
        if len(receiver.asked) <= outbox.REFUSED_OFTEN:
            assert receiver.taken == []
    assert reasons(receiver.taken) == ["Even."]
    # It is kept, and tried less and less often.
    left = database.execute("SELECT last_error, attempts FROM alerts WHERE delivered_at IS NULL").fetchall()
    assert left == [("it answered 400", len(receiver.asked) - 1)]


def test_a_slow_receiver_costs_a_crawl_no_more_than_one_timeout(
    database: Connection[Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.2)

    def slowly(_: Got) -> tuple[int, dict[str, str]]:
        time.sleep(1)
        return 500, {}

    told = targets(receiver)
    delivery.register(database, told)
    receiver.answer = slowly
    for night in range(5):
        fail(database, night)
    started = time.monotonic()
    assert delivery.deliver(database, told) == 0
    assert time.monotonic() - started < 0.9
    assert len(receiver.asked) == 1
    assert database.execute("SELECT last_error FROM alerts ORDER BY id LIMIT 1").fetchone() == (
        "it gave no answer in time",
    )


def test_a_crawl_that_found_much_leaves_the_rest_when_its_time_is_over(
    database: Connection[Any], receiver: Receiver
) -> None:
    def slowly(_: Got) -> tuple[int, dict[str, str]]:
        time.sleep(0.1)
        return 200, {}

    told = targets(receiver)
    delivery.register(database, told)
    receiver.answer = slowly
    for night in range(6):
        fail(database, night)
    first = delivery.deliver(database, told, seconds=0.25)
    assert 1 <= first < 6
    assert first + delivery.deliver(database, told) == 6


def test_a_redirect_is_not_followed(database: Connection[Any], receiver: Receiver) -> None:
    told = targets(receiver)
    delivery.register(database, told)
    receiver.answer = lambda got: (308, {"Location": f"{receiver.url}/elsewhere"}) if got.path == "/hook" else (200, {})
    fail(database, 1)
    assert delivery.deliver(database, told) == 0
    assert [one.path for one in receiver.asked] == ["/hook"]
    [(why,)] = database.execute("SELECT last_error FROM alerts").fetchall()
    assert why == "it redirects (308): put its new address into ALERTS"


def test_a_receiver_that_wants_to_be_left_alone_is(database: Connection[Any], receiver: Receiver) -> None:
    told, clock = targets(receiver), Moved()
    delivery.register(database, told)
    receiver.answer = lambda _: (429, {"Retry-After": "1800"})
    fail(database, 1)
    for minutes in (0, 10, 29):
        clock.ahead = timedelta(minutes=minutes, seconds=1)
        delivery.deliver(database, told, now=clock)
    assert len(receiver.asked) == 1
    clock.ahead = timedelta(minutes=31)
    receiver.answer = lambda _: (200, {})
    assert delivery.deliver(database, told, now=clock) == 1


def test_one_receiver_that_is_down_keeps_no_other_waiting(database: Connection[Any], receiver: Receiver) -> None:
    told = targets(receiver, ALERTS=f"down=http://127.0.0.1:{free_port()}/ up={receiver.url}/hook")
    delivery.register(database, told)
    fail(database, 1)
    assert delivery.deliver(database, told) == 1
    assert database.execute("SELECT target, delivered_at IS NOT NULL FROM alerts ORDER BY target").fetchall() == [
        ("down", False),
        ("up", True),
    ]


def test_one_receiver_that_takes_its_time_leaves_some_to_the_others(
    database: Connection[Any], receiver: Receiver
) -> None:
    def answer(got: Got) -> tuple[int, dict[str, str]]:
        if got.path == "/slow":
            time.sleep(0.2)
        return 200, {}

    told = targets(receiver, ALERTS=f"slow={receiver.url}/slow quick={receiver.url}/quick")
    delivery.register(database, told)
    receiver.answer = answer
    for night in range(6):
        fail(database, night)
    delivery.deliver(database, told, seconds=0.8)
    asked = [one.path for one in receiver.asked]
    assert asked.count("/quick") == 6
    assert 0 < asked.count("/slow") < 6


def test_two_processes_never_tell_the_same(database: Connection[Any], receiver: Receiver, shared_url: str) -> None:
    told = targets(receiver)
    delivery.register(database, told)
    fail(database, 1)
    with psycopg.connect(shared_url, autocommit=True) as other:
        second: list[int] = []

        def meanwhile(_: Got) -> tuple[int, dict[str, str]]:
            second.append(delivery.deliver(other, told))
            return 200, {}

        receiver.answer = meanwhile
        assert delivery.deliver(database, told) == 1
    assert second == [0]
    assert len(receiver.asked) == 1


def test_an_acknowledgement_that_nobody_could_note_is_told_again_under_the_same_id(
    database: Connection[Any], receiver: Receiver, shared_url: str
) -> None:
    told = targets(receiver)
    with psycopg.connect(shared_url, autocommit=True) as dying:

        def killed(_: Got) -> tuple[int, dict[str, str]]:
            database.execute("SELECT pg_terminate_backend(%s)", [dying.info.backend_pid])
            return 200, {}

        delivery.register(database, told)
        fail(database, 1)
        receiver.answer = killed
        with pytest.raises(psycopg.OperationalError):
            delivery.deliver(dying, told)
    receiver.answer = lambda _: (200, {})
    assert delivery.deliver(database, told) == 1
    assert len(receiver.taken) == 2
    assert len({one.id for one in receiver.taken}) == 1


def test_the_scheduler_keeps_telling_until_it_is_stopped(
    database: Connection[Any], receiver: Receiver, shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LOOK_EVERY", 0.05)
    told, stop = targets(receiver), threading.Event()
    delivery.register(database, told)
    teller = threading.Thread(target=delivery.keep_delivering, args=(shared_url, told, stop))
    teller.start()
    try:
        for night in (1, 2):
            fail(database, night)
            until = time.monotonic() + 20
            while len(receiver.taken) < night and time.monotonic() < until:
                time.sleep(0.02)
    finally:
        stop.set()
        teller.join(20)
    assert not teller.is_alive()
    assert [one.event[0] for one in receiver.taken] == ["opened", "opened"]


def test_the_scheduler_waits_for_a_database_that_is_away(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "LOOK_EVERY", 0.01)
    stop = threading.Event()
    away = f"postgresql://me:sesame@127.0.0.1:{free_port()}/trr"
    teller = threading.Thread(target=delivery.keep_delivering, args=(away, targets(receiver), stop))
    teller.start()
    until = time.monotonic() + 20
    while caplog.text.count("Alerts wait") < 2 and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    teller.join(20)
    assert caplog.text.count("Alerts wait, the database is away") >= 2
    assert "sesame" not in caplog.text


def test_a_target_that_is_removed_is_told_nothing_more(database: Connection[Any], receiver: Receiver) -> None:
    told = targets(receiver)
    delivery.register(database, told)
    fail(database, 1)
    assert outbox.remove_target(database, "pager")
    assert not outbox.remove_target(database, "pager")
    fail(database, 2)
    assert delivery.deliver(database, told) == 0
    assert database.execute("SELECT count(*) FROM alerts").fetchone() == (1,)


def alert(**values: Any) -> outbox.Alert:
    return outbox.Alert(
        **{
            "id": 1,
            "message_id": uuid4(),
            "event": "opened",
            "at": NIGHT,
            "attempts": 0,
            "refused": False,
            "next_try_at": NIGHT,
            "finding_id": 1,
            "scope": "imdb_title title",
            "rule": "fields_fell",
            "severity": "error",
            "subject": "imdb show plot",
            "message": "<!channel> plot & co are empty.\nAll.",
            "advice": "Look.",
            "run_id": None,
            "found_at": NIGHT,
            "resolved_at": None,
            **values,
        }
    )


def test_slack_gets_words_that_mention_nobody(receiver: Receiver) -> None:
    told = configured({"ALERTS": f"ops=slack+{receiver.url}/T1/B2", "ALERTS_DASHBOARD": "https://trr.example"})
    sending.send(alert(), told.by_name["ops"], told)
    sending.send(alert(event="resolved", message="x" * 5000), told.by_name["ops"], told)
    opened, resolved = (one.body["text"] for one in receiver.taken)
    assert opened == (
        ":red_circle: *imdb_title title: fields fell imdb show plot*\n"
        "&lt;!channel&gt; plot &amp; co are empty.\nAll.\nLook.\n<https://trr.example/crawls|Look at it>"
    )
    assert resolved.startswith(":white_check_mark: *Resolved: imdb_title title: fields fell imdb show plot*\nxxx")
    assert len(resolved) < 2200
    assert "webhook-id" not in receiver.taken[0].headers


def test_both_secrets_sign_while_they_are_changed() -> None:
    newer = "whsec_" + "n" * 32
    told = configured({"ALERTS": "a=https://pager.example/", "ALERTS_SECRET": f"{SECRET} {newer}"})
    body = messages.webhook(alert())
    headers = sending.signature(alert(), body, told)
    for secret in (SECRET, newer):
        assert Webhook(secret).verify(body, headers)["type"] == "crawl.finding.opened"


class Inbox:
    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def handle_DATA(self, _: object, __: object, envelope: Any) -> str:  # noqa: N802
        self.letters.append(envelope)
        return "250 OK"


def test_mail_goes_to_all_recipients_and_is_known_again(database: Connection[Any]) -> None:
    inbox = Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        told = configured(
            {
                "ALERTS": "mail=mailto:ana@example.org,bob@example.org",
                "ALERTS_MAIL": f"smtp://127.0.0.1:{server.port}",
                "ALERTS_MAIL_FROM": "TRR <trr@site.example>",
            }
        )
        delivery.register(database, told)
        fail(database, 1, "Bad\nnews.")
        assert delivery.deliver(database, told) == 1
    finally:
        server.stop()
    [letter] = inbox.letters
    assert letter.rcpt_tos == ["ana@example.org", "bob@example.org"]
    message = message_from_bytes(letter.content, policy=policy.default)
    assert message["subject"] == "[TRR] imdb_episodes due: failed"
    [(message_id,)] = database.execute("SELECT message_id FROM alerts").fetchall()
    assert message["message-id"] == f"<{message_id}@site.example>"
    assert "Bad\nnews." in message.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "address", ["pager={}/sesame", "ops=slack+{}/sesame", "mail=mailto:sesame@example.org"]
)  # fmt: skip
def test_no_secret_gets_into_a_log_or_a_row(
    database: Connection[Any], address: str, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    told = configured(
        {
            "ALERTS": address.format(f"http://user:sesame@{nobody}"),
            "ALERTS_SECRET": SECRET,
            "ALERTS_MAIL": f"smtp://me:sesame@{nobody}",
        }
    )
    delivery.register(database, told)
    fail(database, 1)
    with caplog.at_level(logging.DEBUG):
        delivery.deliver(database, told)
    [(row,)] = database.execute("SELECT alerts::text FROM alerts").fetchall()
    assert "did not reach" in caplog.text
    for text in (caplog.text, row):
        assert "sesame" not in text
        assert "C2FV" not in text


def test_what_is_taken_is_logged_without_its_address_too(
    database: Connection[Any], receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    told = targets(receiver, ALERTS=f"ops=slack+{receiver.url}/sesame")
    delivery.register(database, told)
    fail(database, 1)
    with caplog.at_level(logging.DEBUG):
        assert delivery.deliver(database, told) == 1
    assert "sesame" not in caplog.text


def test_the_command_lists_tests_delivers_and_removes(
    crawl_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        called = Command()
        called.run(list(arguments), Namespace())
        shown = capsys.readouterr()
        return called.exitcode, shown.out + shown.err

    monkeypatch.setenv("ALERTS", f"pager={receiver.url}/hook")
    monkeypatch.setenv("ALERTS_SECRET", SECRET)
    assert command("deliver") == (0, "0 alert(s) told, 0 wait.\n")
    with psycopg.connect(crawl_url, autocommit=True) as connection:
        fail(connection, 1)
    _, listed = command()
    assert re.search(r"pager\W+webhook\W+warning\W+1\W", listed)
    assert receiver.url not in listed
    assert command("test") == (0, "pager (webhook): told.\n")
    assert command("deliver") == (0, "1 alert(s) told, 0 wait.\n")
    assert [one.event[1] for one in receiver.taken] == ["test", "failed"]
    receiver.answer = lambda _: (404, {})
    assert command("test") == (1, "scrapy alerts: pager (webhook): it answered 404.\n")
    assert command("remove", "pager")[0] == 0
    assert command("remove", "pager") == (1, "scrapy alerts: There is no target pager.\n")
    monkeypatch.setenv("ALERTS", "")
    status, told = command("deliver")
    assert (status, "set ALERTS" in told) == (1, True)


def test_a_bug_of_ours_is_one_alert_in_vain_and_no_end_of_telling(
    database: Connection[Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(alert: outbox.Alert, *_: object) -> str:
        raise KeyError("sesame")

    told = targets(receiver)
    delivery.register(database, told)
    fail(database, 1)
    monkeypatch.setattr(messages, "webhook", broken)
    assert delivery.deliver(database, told) == 0
    assert database.execute("SELECT last_error FROM alerts").fetchone() == ("a bug of ours, KeyError",)
