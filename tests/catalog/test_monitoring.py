"""What is found wrong with a run, by itself and beside its history; what is kept of it, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection, OperationalError
from psycopg.types.json import Jsonb

from trr_crawl.catalog import monitoring, rejects, write
from trr_crawl.catalog.monitoring import findings
from trr_crawl.catalog.monitoring.checks import ENOUGH, RULES, Fields, Run, check
from trr_crawl.catalog.write import Record

NIGHT = datetime(2026, 11, 1, 3, tzinfo=UTC)


def episodes(records: int = 100, **told: int) -> dict[str, Fields]:
    return {"imdb episode": Fields(records=records, told={"title": records, "plot": records * 9 // 10, **told})}


GOOD = Run(
    spider="imdb_episodes",
    args={"due": "true"},
    outcome="ok",
    requests=50,
    items=500,
    coverage=episodes(),
    response_seconds=0.8,
    drift=frozenset({"old.key"}),
)
HISTORY_OF_GOOD = [GOOD] * ENOUGH


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"items": 240}, [("too_few_items", "error", "")]),
        ({"items": 260}, []),
        # Fewer things were due: as much as usual for each of them.
        ({"requests": 5, "items": 50}, []),
        ({"requests": 0, "items": 0}, []),
        # One small show.
        ({"requests": 2, "items": 4}, []),
        ({"outcome": "failed", "reason": "nothing came.", "items": 0}, [("failed", "error", "")]),
        ({"outcome": "blocked", "blocks": 9, "items": 3}, [("blocked", "error", "")]),
        ({"blocks": 4}, [("blocked", "warning", "")]),
        ({"blocks": 2}, []),
        ({"rejected": 1}, [("rejected", "warning", "")]),
        ({"coverage": episodes(plot=0)}, [("fields_fell", "error", "imdb episode plot")]),
        ({"coverage": episodes(plot=60)}, [("fields_fell", "warning", "imdb episode plot")]),
        ({"coverage": episodes(plot=70)}, []),
        # Of so few records nobody can tell.
        ({"coverage": episodes(9, plot=0)}, []),
        ({"response_seconds": 2.5}, [("slow", "warning", "")]),
        ({"response_seconds": 2.3}, []),
        ({"response_seconds": None}, []),
        ({"drift": frozenset({"old.key", "new.key"})}, [("drift", "warning", "new.key")]),
    ],
)
def test_a_run_is_compared_with_those_before_it(changed: Mapping[str, Any], found: list[tuple[str, str, str]]) -> None:
    told, _ = check(replace(GOOD, **changed), HISTORY_OF_GOOD)
    assert [(one.rule, one.severity, one.subject) for one in told] == found
    for one in told:
        assert one.message.endswith(".")
        assert one.advice.endswith(".")


def test_runs_with_the_same_arguments_bring_the_same_however_few_their_requests() -> None:
    whole_list = replace(GOOD, args={"list": "ls1"}, requests=2, items=900)
    assert check(replace(whole_list, items=460), [whole_list] * ENOUGH)[0] == []
    [found] = check(replace(whole_list, items=440), [whole_list] * ENOUGH)[0]
    assert found.message == "440 items by 2 requests; usually it would be 900."
    other_list = replace(whole_list, args={"list": "ls2"}, items=40)
    assert check(other_list, [whole_list] * ENOUGH)[0] == []


def test_without_a_history_only_what_is_wrong_by_itself_is_found() -> None:
    odd = replace(GOOD, items=1, coverage=episodes(plot=0), response_seconds=60.0, rejected=2)
    told, judged = check(odd, HISTORY_OF_GOOD[1:])
    assert [one.rule for one in told] == ["rejected"]
    assert [one.rule for one in judged] == ["failed", "blocked", "rejected"]


def test_one_odd_night_changes_nothing_about_what_is_usual() -> None:
    odd = replace(GOOD, items=50_000, response_seconds=300.0, coverage=episodes(plot=0))
    assert check(GOOD, [odd, *HISTORY_OF_GOOD])[0] == []


RUNS = st.builds(
    Run,
    spider=st.just("imdb_title"),
    args=st.just({}),
    outcome=st.sampled_from(["ok", "partial", "blocked", "failed"]),
    requests=st.integers(0, 10**6),
    blocks=st.integers(0, 10**6),
    items=st.integers(0, 10**6),
    rejected=st.integers(0, 5),
    coverage=st.dictionaries(
        st.sampled_from(["imdb show", "imdb person"]),
        st.builds(
            Fields, records=st.integers(0, 100), told=st.dictionaries(st.sampled_from("ab"), st.integers(0, 100))
        ),
    ),
    response_seconds=st.none() | st.floats(0, 100),
)


@given(RUNS, st.lists(RUNS, max_size=ENOUGH + 1))
def test_any_run_beside_any_history_can_be_checked(run: Run, history: list[Run]) -> None:
    told, judged = check(run, history)
    assert {one.rule for one in told} <= {one.rule for one in judged} <= set(RULES)
    for found in told:
        assert any(one.rule == found.rule and found.subject.startswith(one.subjects) for one in judged)
    assert len({(one.rule, one.subject) for one in told}) == len(told)


def run(connection: Connection[Any], night: int, **values: Any) -> UUID:
    """A run of a night, good unless said otherwise."""
    at = NIGHT + timedelta(days=night)
    told = {"coverage": {"imdb": {"episode": {"records": 100, "told": {"title": 100, "plot": 90}}}}}
    row = {
        "spider": "imdb_episodes",
        "args": Jsonb({"due": "true"}),
        "started_at": at,
        "heartbeat_at": at,
        "finished_at": at + timedelta(minutes=5),
        "outcome": "ok",
        "requests": 50,
        "items": Jsonb({"episode": {"updated": 300, "unchanged": 200}}),
        "stats": Jsonb(told),
        **values,
    }
    names = ", ".join(row)
    found = connection.execute(
        f"INSERT INTO crawl_runs (host, pid, version, {names}) "  # type: ignore[arg-type]
        f"VALUES ('here', 1, '1', {', '.join(['%s'] * len(row))}) RETURNING id",
        list(row.values()),
    ).fetchone()
    assert found is not None
    monitoring.after_run(connection, found[0])
    return found[0]  # type: ignore[no-any-return]


def kept(connection: Connection[Any]) -> list[tuple[int, str, str, bool]]:
    """Night, rule, subject, and whether it is resolved."""
    rows = connection.execute(
        "SELECT at, rule, subject, resolved_at IS NOT NULL FROM crawl_findings ORDER BY at, rule, subject"
    ).fetchall()
    return [((at - NIGHT).days, rule, subject, resolved) for at, rule, subject, resolved in rows]


def test_each_bad_night_is_found_and_a_good_one_resolves_it(connection: Connection[Any]) -> None:
    emptied = Jsonb({"coverage": {"imdb": {"episode": {"records": 100, "told": {"title": 100}}}}})
    for night in range(6):
        run(connection, night)
    run(connection, 6, stats=emptied)
    run(connection, 7, stats=emptied)
    assert kept(connection) == [
        (6, "fields_fell", "imdb episode plot", True),  # night 7 has its own
        (7, "fields_fell", "imdb episode plot", False),
    ]
    # A blocked night says nothing about fields.
    run(connection, 8, outcome="blocked", blocks=9, requests=9, stats=Jsonb({}), items=Jsonb({}))
    assert kept(connection)[1:] == [(7, "fields_fell", "imdb episode plot", False), (8, "blocked", "", False)]
    run(connection, 9)
    assert [resolved for *_, resolved in kept(connection)] == [True, True, True]


@pytest.mark.parametrize(
    "little",
    [
        # Nothing was due: nobody was asked.
        {"requests": 0, "items": Jsonb({}), "stats": Jsonb({})},
        # Of so few records nobody can tell.
        {
            "requests": 3,
            "items": Jsonb({"episode": {"updated": 3}}),
            "stats": Jsonb({"coverage": {"imdb": {"episode": {"records": 3, "told": {"title": 3}}}}}),
        },
    ],
)
def test_a_run_that_shows_too_little_resolves_nothing(connection: Connection[Any], little: dict[str, Any]) -> None:
    emptied = Jsonb({"coverage": {"imdb": {"episode": {"records": 100, "told": {"title": 100}}}}})
    for night in range(6):
        run(connection, night)
    run(connection, 6, stats=emptied)
    run(connection, 7, **little)
    assert kept(connection) == [(6, "fields_fell", "imdb episode plot", False)]
    run(connection, 8)
    assert kept(connection) == [(6, "fields_fell", "imdb episode plot", True)]


def test_a_source_that_blocks_is_not_called_open_before_it_was_asked_again(connection: Connection[Any]) -> None:
    run(connection, 1, outcome="blocked", blocks=9, requests=9, stats=Jsonb({}), items=Jsonb({}))
    run(connection, 2, requests=0, items=Jsonb({}), stats=Jsonb({}))
    run(connection, 3, outcome="failed", reason="The disk is full.", requests=0, items=Jsonb({}), stats=Jsonb({}))
    assert kept(connection) == [(1, "blocked", "", False), (3, "failed", "", False)]
    run(connection, 4)
    assert kept(connection) == [(1, "blocked", "", True), (3, "failed", "", True)]


def test_a_run_is_checked_twice_and_found_once(connection: Connection[Any]) -> None:
    bad = run(connection, 1, outcome="failed", reason="The database is gone.")
    assert [one.message for one in monitoring.after_run(connection, bad)] == ["The run failed: The database is gone."]
    assert kept(connection) == [(1, "failed", "", False)]


def test_runs_of_other_arguments_are_no_history(connection: Connection[Any]) -> None:
    for night in range(6):
        run(connection, night, args=Jsonb({"show": "tt1"}), items=Jsonb({"episode": {"updated": 100_000}}))
    run(connection, 7)
    assert kept(connection) == []


def test_stats_of_unknown_shape_say_nothing(connection: Connection[Any]) -> None:
    shapes: list[Any] = [
        5, {"imdb": 5}, {"imdb": {"show": 5}}, {"imdb": {"show": {}}}, {"imdb": {"show": {"records": 9, "told": [1]}}},
        {"imdb": {"show": {"records": 9, "told": {"title": None}}}}, {"imdb": {"show": {"records": None, "told": {}}}},
    ]  # fmt: skip
    for night, shape in enumerate(shapes):
        run(
            connection,
            night,
            stats=Jsonb({"coverage": shape, "responses": {"count": "many"}, "drift": 1, "🙂": [None]}),
            items=Jsonb({}),
        )
    assert kept(connection) == []


def test_a_run_that_died_is_ended_and_found(connection: Connection[Any]) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    dead = run(connection, 0, outcome=None, finished_at=None, started_at=at, heartbeat_at=at)
    alive = run(connection, 0, outcome=None, finished_at=None, heartbeat_at=datetime.now(UTC))
    assert monitoring.end_dead_runs(connection) == [dead]
    assert connection.execute("SELECT outcome FROM crawl_runs WHERE id = %s", [alive]).fetchone() == (None,)
    found = connection.execute("SELECT rule, message, run_id FROM crawl_findings").fetchall()
    assert [(rule, run_id) for rule, _, run_id in found] == [("failed", dead)]
    assert "no sign of life" in found[0][1]


def test_a_dead_run_that_cannot_be_checked_is_ended_by_the_next_one(
    connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise OperationalError("the connection is lost")

    at = datetime.now(UTC) - timedelta(hours=1)
    dead = run(connection, 0, outcome=None, finished_at=None, started_at=at, heartbeat_at=at)
    connection.commit()
    connection.autocommit = True  # as the connection of a run is
    with monkeypatch.context() as patched:
        patched.setattr(findings, "after_run", die)
        with pytest.raises(OperationalError):
            monitoring.end_dead_runs(connection)
    assert kept(connection) == []
    assert monitoring.end_dead_runs(connection) == [dead]
    assert [rule for _, rule, *_ in kept(connection)] == ["failed"]


def test_a_time_that_was_made_up_late_is_found_and_the_next_good_one_resolves_it(connection: Connection[Any]) -> None:
    monitoring.note_late(connection, "nightly", NIGHT, NIGHT + timedelta(minutes=9))
    assert kept(connection) == []
    monitoring.note_late(connection, "nightly", NIGHT, NIGHT + timedelta(hours=9))
    monitoring.note_late(connection, "nightly", NIGHT, NIGHT + timedelta(hours=9))
    assert kept(connection) == [(0, "late", "", False)]
    monitoring.note_late(connection, "nightly", NIGHT + timedelta(days=1), NIGHT + timedelta(days=1))
    assert kept(connection) == [(0, "late", "", True)]


def test_a_run_that_hung_is_found_and_the_next_one_resolves_it(connection: Connection[Any]) -> None:
    hung = run(connection, 0, outcome=None, finished_at=None)
    monitoring.note_hung(connection, hung, timedelta(minutes=31), "http://one:6800")
    [(message, resolved)] = connection.execute("SELECT message, resolved_at FROM crawl_findings").fetchall()
    assert message == "The run on http://one:6800 got nothing new for 31 minutes, and was stopped."
    assert resolved is None
    at = datetime.now(UTC) + timedelta(minutes=1)
    run(connection, 0, started_at=at, heartbeat_at=at, finished_at=at)
    assert connection.execute("SELECT resolved_at FROM crawl_findings").fetchone() == (at,)


def test_what_was_refused_is_tried_again_unless_the_source_told_more_since(connection: Connection[Any]) -> None:
    def show(key: str, **payload: Any) -> Record:
        return Record(source="imdb", kind="show", key=key, payload=payload)

    bad = [show("tt1", start_year=99999), show("tt2", title="Weeks", start_year=99999), show("tt3", start_year=99999)]
    assert len(write.write(connection, bad).rejects) == 3
    write.write(connection, [show("tt1", title="Told since")])
    # tt2 would be taken by now; nobody asked for tt3.
    connection.execute("UPDATE crawl_rejects SET payload = replace(payload, '99999', '2020') WHERE key = 'tt2'")
    connection.execute("UPDATE crawl_rejects SET retry_wanted_at = now() WHERE key <> 'tt3'")
    connection.commit()
    assert rejects.retry_wanted(connection, None) == {"stored": 1, "outdated": 1}
    assert rejects.retry_wanted(connection, None) == {}
    assert connection.execute("SELECT title, start_year FROM shows ORDER BY title").fetchall() == [
        ("Told since", None),
        ("Weeks", 2020),
    ]
    connection.execute("UPDATE crawl_rejects SET retry_wanted_at = now() WHERE key = 'tt3'")
    connection.commit()
    assert rejects.retry_wanted(connection, None) == {"rejected": 1}
    assert connection.execute("SELECT count(*) FROM crawl_rejects WHERE key = 'tt3'").fetchone() == (2,)


def test_two_runs_that_begin_together_try_a_refused_record_once(
    connection: Connection[Any], catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write.write(connection, [Record(source="imdb", kind="show", key="tt1", payload={"start_year": 99999})])
    connection.execute("UPDATE crawl_rejects SET retry_wanted_at = now()")
    connection.commit()
    meanwhile: list[Mapping[str, int]] = []
    written = write.write
    with psycopg.connect(catalog_url) as other:
        write.prepare(other)

        def beside(*arguments: Any) -> write.Written:
            meanwhile.append(rejects.retry_wanted(other, None))
            return written(*arguments)

        monkeypatch.setattr(write, "write", beside)
        assert rejects.retry_wanted(connection, None) == {"rejected": 1}
        assert meanwhile == [{}]
        # It is over, and the turn is free.
        connection.execute("UPDATE crawl_rejects SET retry_wanted_at = now() WHERE retried_at IS NULL")
        connection.commit()
        monkeypatch.setattr(write, "write", written)
        assert rejects.retry_wanted(other, None) == {"rejected": 1}
