"""Two sources, one thing: joined by equal ids and equal places, proposed where they contradict, and undone."""

from __future__ import annotations

import datetime
import itertools
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from support import Server, catalog_state
from trr_crawl.catalog import joining, review, write
from trr_crawl.catalog.joining import JoinError
from trr_crawl.catalog.write import Record

TT, TMDB = "tt99000001", "9901"


def record(source: str, kind: str, key: str, **payload: Any) -> Record:
    return Record(source=source, kind=kind, key=key, payload=payload)


def imdb_show(**payload: Any) -> Record:
    return record("imdb", "show", TT, id=TT, country="US", title="Tide", **payload)


def tmdb_show(**payload: Any) -> Record:
    return record("tmdb", "show", TMDB, id=TMDB, title="The Tide", overview="Waves.", **payload)


def imdb_episode(number: int, title: str, day: int | None, season: int = 1) -> Record:
    key = f"tt99001{season}{number:02d}"
    date = datetime.date(2026, 3, day) if day else None
    return record(
        "imdb", "episode", key, id=key, show_id=TT, country="US",
        season_number=season, episode_number=number, title=title, air_date=date,
    )  # fmt: skip


def tmdb_episode(number: int, title: str, day: int | None, season: int = 1) -> Record:
    key = f"88{season}{number:02d}"
    date = datetime.date(2026, 3, day) if day else None
    return record(
        "tmdb", "episode", key, id=key, show_id=TMDB,
        season_number=season, episode_number=number, title=title, air_date=date, overview=f"About {number}.",
    )  # fmt: skip


def seasons(source: str, show: str) -> Record:
    return record(source, "season", f"{show}/1", show_id=show, season_number=1, episode_count=3)


def credit(source: str, show: str, person: str) -> Record:
    return record(
        source, "credit", f"{show}/{person}/cast", show_id=show, person_id=person, category="cast", billing_order=1
    )


IMDB = [
    imdb_show(),
    seasons("imdb", TT),
    imdb_episode(0, "Pilot", None),
    imdb_episode(1, "Ebb", 1),
    imdb_episode(2, "Flow", 8),
    record("imdb", "person", "nm99000001", id="nm99000001", name="Ana Reyes"),
    credit("imdb", TT, "nm99000001"),
]
OF_TMDB = [
    tmdb_show(external_ids={"imdb": TT, "wikidata": "Q99", "facebook": "tide"}),
    seasons("tmdb", TMDB),
    tmdb_episode(1, "Ebb", 2),
    tmdb_episode(2, "Flow, Part 1", 8),
    record("tmdb", "person", "771", id="771", name="Ana R.", external_ids={"imdb": "nm99000001"}),
    credit("tmdb", TMDB, "771"),
]


def put(connection: Connection[Any], *records: Record) -> None:
    assert write.write(connection, records).rejects == []


def rows(connection: Connection[Any], query: str, *values: Any) -> list[Any]:
    found = connection.execute(query, values).fetchall()
    connection.commit()
    return [row[0] if len(row) == 1 else row for row in found]


def assert_joined(connection: Connection[Any]) -> None:
    for table, count in {"shows": 1, "seasons": 1, "episodes": 3, "people": 1, "credits": 1}.items():
        assert rows(connection, f"SELECT count(*) FROM {table}") == [count], table
    places = """
        SELECT episode_number, array_agg(source ORDER BY source), min(overview), min(provenance ->> 'overview')
        FROM episodes JOIN external_ids ON entity_id = episodes.id GROUP BY episode_number ORDER BY 1
    """
    assert rows(connection, places) == [
        (0, ["imdb"], None, None),
        (1, ["imdb", "tmdb"], "About 1.", "tmdb"),
        (2, ["imdb", "tmdb"], "About 2.", "tmdb"),
    ]
    assert rows(connection, "SELECT title, overview FROM shows") == [("Tide", "Waves.")]
    assert rows(connection, "SELECT source, value FROM external_ids WHERE kind = 'show' ORDER BY source") == [
        ("facebook", "tide"), ("imdb", TT), ("tmdb", TMDB), ("wikidata", "Q99")
    ]  # fmt: skip


class TestEqualIds:
    @pytest.mark.parametrize("order", list(itertools.permutations([0, 1])))
    def test_whoever_comes_first(self, connection: Connection[Any], order: Sequence[int]) -> None:
        for index in order:
            put(connection, *(IMDB, OF_TMDB)[index])
        assert_joined(connection)
        assert rows(connection, "SELECT count(*) FROM entity_merges") == [0]

    def test_both_in_one_batch(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB, *OF_TMDB)
        assert_joined(connection)

    def test_two_that_stood_apart_become_one(self, connection: Connection[Any]) -> None:
        stranger = [tmdb_show(), *OF_TMDB[1:4], record("tmdb", "person", "771", id="771"), OF_TMDB[5]]
        put(connection, *stranger)
        put(connection, *IMDB)
        assert rows(connection, "SELECT count(*) FROM shows") == [2]
        old = rows(connection, "SELECT id FROM shows ORDER BY id")
        put(connection, OF_TMDB[0], OF_TMDB[4])
        assert_joined(connection)
        assert rows(connection, "SELECT id FROM shows") == old[:1]
        assert rows(connection, "SELECT new_id FROM entity_redirects WHERE old_id = %s", old[1]) == old[:1]
        assert rows(connection, "SELECT count(*) FROM changes WHERE op = 'merge' AND entity_id = %s", old[1]) == [1]
        assert rows(connection, "SELECT count(*) FROM source_records WHERE entity_id IS NULL") == [0]

    def test_two_that_a_source_tells_apart_are_proposed(self, connection: Connection[Any]) -> None:
        other = record("imdb", "show", "tt99000002", id="tt99000002", country="US", title="Ebb")
        put(connection, imdb_show(), other)
        put(connection, tmdb_show(external_ids={"imdb": TT}))
        put(connection, tmdb_show(external_ids={"imdb": "tt99000002"}))
        assert rows(connection, "SELECT count(*) FROM shows") == [2]
        assert rows(connection, "SELECT state, evidence FROM identity_proposals") == [
            ("open", {"claims": "imdb tt99000002", "told apart by": ["imdb"]})
        ]

    def test_two_of_one_source_that_claim_one_id_are_two(self, connection: Connection[Any]) -> None:
        put(connection, imdb_show())
        put(connection, OF_TMDB[0])
        put(connection, record("tmdb", "show", "9902", id="9902", title="Tide again", external_ids={"imdb": TT}))
        assert rows(connection, "SELECT count(*) FROM shows") == [2]
        assert rows(connection, "SELECT evidence ->> 'claims' FROM identity_proposals") == [f"imdb {TT}"]

    def test_a_shared_account_joins_nobody(self, connection: Connection[Any]) -> None:
        put(connection, imdb_show(external_ids={"facebook": "network"}))
        put(connection, tmdb_show(external_ids={"facebook": "network"}))
        assert rows(connection, "SELECT count(*) FROM shows") == [2]

    def test_rows_of_other_tables_follow(self, connection: Connection[Any], catalog_url: str) -> None:
        put(connection, tmdb_show())
        put(connection, imdb_show())
        with psycopg.connect(catalog_url) as admin:
            admin.execute(
                """
                CREATE TABLE letters (id uuid PRIMARY KEY DEFAULT new_id(),
                                      show_id uuid NOT NULL REFERENCES shows ON DELETE RESTRICT);
                INSERT INTO letters (show_id) SELECT id FROM shows
                """
            )
        put(connection, OF_TMDB[0])
        assert rows(connection, "SELECT count(*), count(DISTINCT show_id) FROM letters") == [(2, 1)]

    def test_two_writers_at_once_end_with_one(self, catalog_url: str) -> None:
        errors: list[BaseException] = []

        def busy(records: list[Record]) -> None:
            try:
                with psycopg.connect(catalog_url) as own:
                    write.prepare(own)
                    for start in range(0, len(records), 2):
                        write.write(own, records[start : start + 2])
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=busy, args=(records,)) for records in (IMDB, OF_TMDB, IMDB, OF_TMDB)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        with psycopg.connect(catalog_url) as connection:
            write.prepare(connection)
            assert_joined(connection)


class Counting(Connection[Any]):
    """Counts its statements, and those of them that look at `external_ids`."""

    statements = 0
    of_ids = 0

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query if isinstance(query, str | bytes) else query.as_string(self)
        self.statements += 1
        self.of_ids += (b"external_ids" if isinstance(text, bytes) else "external_ids") in text
        return super().execute(query, *args, **kwargs)


def test_a_batch_of_any_size_asks_as_often_who_is_who(catalog_url: str) -> None:
    """Two sources' shows, people and episodes with ids of each other: looked up, taken down and joined in sets."""

    def told(source: str, size: int, start: int) -> list[Record]:
        found = []
        for number in range(start, start + size):
            of = {"imdb": (f"tt{number}", f"nm{number}"), "tmdb": (f"9{number}", f"7{number}")}
            title, somebody = of[source]
            also = [{"external_ids": {"imdb": one, "wikidata": f"Q{one}"}} if source == "tmdb" else {}
                    for one in of["imdb"]]  # fmt: skip
            found += [
                record(source, "show", title, id=title, country="US", title=f"Tide {number}", **also[0]),
                record(source, "person", somebody, id=somebody, name=f"Ana {number}", **also[1]),
                record(source, "episode", f"{title}-1", id=f"{title}-1", show_id=title, country="US", season_number=1,
                       episode_number=1, title="Ebb", air_date="2026-03-01"),
                credit(source, title, somebody),
            ]  # fmt: skip
        return found

    counts: dict[str, set[tuple[int, int]]] = {"imdb": set(), "tmdb": set()}
    with Counting.connect(catalog_url) as connection:
        write.prepare(connection)
        for size, start in ((1, 100000), (150, 200000)):
            for source, found in counts.items():
                connection.statements = connection.of_ids = 0
                put(connection, *told(source, size, start))
                found.add((connection.statements, connection.of_ids))
        assert rows(connection, "SELECT count(*) FROM shows") == [151]
        assert rows(connection, "SELECT count(*) FROM episodes") == [151]
        assert rows(connection, "SELECT count(*) FROM credits") == [151]
    for found in counts.values():
        [(statements, of_ids)] = found
        assert statements < 50
        assert of_ids < 20


class TestPlaces:
    def test_another_numbering_is_proposed_and_not_joined(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB)
        put(connection, OF_TMDB[0], tmdb_episode(1, "Flow", 8), tmdb_episode(2, "Spring", 15))
        assert rows(connection, "SELECT count(*) FROM episodes") == [5]
        proposals = rows(
            connection, "SELECT state, evidence -> 'titles' FROM identity_proposals ORDER BY evidence ->> 'episode'"
        )
        assert [(state, set(titles)) for state, titles in proposals] == [
            ("open", {"Ebb", "Flow"}), ("open", {"Flow", "Spring"})
        ]  # fmt: skip
        put(connection, OF_TMDB[0], tmdb_episode(1, "Flow", 8))
        assert rows(connection, "SELECT count(*) FROM identity_proposals") == [2]

    @pytest.mark.parametrize(
        ("ours", "theirs", "joined"),
        [
            (("Ebb", 1), ("Ebb", 1), True),
            (("Ebb", 1), ("EBB!", 20), True),
            (("Ebb", 1), ("Tidal", 3), True),
            (("Ebb", 1), ("Episode 4", None), True),
            (("Ebb", None), ("Ebb", 20), True),
            (("Ebb", 1), ("Tidal", 4), False),
            (("Ebb", None), ("Tidal", 4), False),
            (("Ebb", 1), ("Episode 4", 9), False),
        ],
    )
    def test_what_speaks_against_it(
        self,
        connection: Connection[Any],
        ours: tuple[str, int | None],
        theirs: tuple[str, int | None],
        joined: bool,
    ) -> None:
        put(connection, imdb_show(), imdb_episode(4, *ours))
        put(connection, OF_TMDB[0], tmdb_episode(4, *theirs))
        assert rows(connection, "SELECT count(*) FROM episodes") == [1 if joined else 2]
        assert rows(connection, "SELECT count(*) FROM identity_proposals") == [0 if joined else 1]

    def test_two_of_one_source_are_two(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB, record("imdb", "episode", "tt99009999", id="tt99009999", show_id=TT, season_number=1,
                                      episode_number=1, title="Ebb", country="US"))  # fmt: skip
        put(connection, OF_TMDB[0], tmdb_episode(1, "Ebb", 1))
        assert rows(connection, "SELECT count(*) FROM episodes") == [4]


class TestPagesOfFandom:
    KEY = "gulls:7"

    def page(self, *, reason: str | None = None, **payload: Any) -> list[Record]:
        stated = {"wiki": "gulls", "page_id": 7, "title": "Ana Reyes", "wanted_name": "Ana Reyes", "reason": reason,
                  "evidence": ["the page's title is Ana Reyes", "the page names the show Tide"]}  # fmt: skip
        attached = {"person_id": self.KEY} if reason is None else {}
        page = record("fandom", "fandom_page", "gulls/7", **{**stated, **attached, **payload})
        subject = record("fandom", "person", self.KEY, id=self.KEY, name="Ana Reyes", residence="Porto",
                         birth_date="1985-09-14")  # fmt: skip
        return [page, *([subject] if reason is None else [])]

    def test_whom_it_is_about_is_proposed_and_accepting_joins(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB)
        put(connection, *self.page(wanted_id="nm99000001"))
        assert rows(connection, "SELECT count(*) FROM people") == [2]
        [(number, kind, _, _, score, evidence)] = review.proposals(connection)
        connection.commit()
        assert (kind, score) == ("person", 0.75)
        assert evidence == {
            "page": "Ana Reyes", "because": ["the page's title is Ana Reyes", "the page names the show Tide"]
        }  # fmt: skip
        merge_id = review.accept(connection, number, author="ana")
        joined = "SELECT name, residence, provenance ->> 'name', provenance ->> 'residence' FROM people"
        assert rows(connection, joined) == [("Ana Reyes", "Porto", "imdb", "fandom")]
        put(connection, *self.page(wanted_id="nm99000001", revision_id=2))
        assert rows(connection, "SELECT state FROM identity_proposals") == ["accepted"]
        with connection.transaction():
            joining.undo(connection, merge_id, author="ana")
        assert rows(connection, "SELECT count(*) FROM people") == [2]

    def test_a_rejected_one_is_not_proposed_again(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB)
        put(connection, *self.page(wanted_id="nm99000001"))
        [number] = rows(connection, "SELECT id FROM identity_proposals")
        review.reject(connection, number, author="ana")
        put(connection, *self.page(wanted_id="nm99000001", revision_id=2))
        assert rows(connection, "SELECT state FROM identity_proposals") == ["rejected"]

    def test_a_name_and_a_birth_date_propose_too(self, connection: Connection[Any]) -> None:
        put(
            connection,
            record("imdb", "person", "nm99000001", id="nm99000001", name="Ana Reyes", birth_date="1985-09-14"),
            record("imdb", "person", "nm99000002", id="nm99000002", name="Ana Reyes", birth_date="1985-09-15"),
        )
        put(connection, *self.page())
        assert rows(connection, "SELECT count(*) FROM identity_proposals") == [1]

    def test_a_page_that_is_not_attached_proposes_nobody(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB)
        put(connection, *self.page(reason="the page's Ana Reyes was born 1990", wanted_id="nm99000001"))
        assert rows(connection, "SELECT count(*) FROM identity_proposals") == [0]
        assert rows(connection, "SELECT person_key, reason FROM fandom_pages") == [
            (None, "the page's Ana Reyes was born 1990")
        ]


class TestUndo:
    def apart_then_joined(self, connection: Connection[Any]) -> tuple[list[Any], UUID]:
        put(connection, tmdb_show(), *OF_TMDB[1:4])
        put(connection, *IMDB[:5])
        before = rows(connection, STANDING)
        show = rows(connection, "SELECT id FROM shows ORDER BY id")
        with connection.transaction():
            merge_id = joining.join(connection, "show", show[0], show[1], reason="seen", author="ana")
            joining.settle(connection)
        return before, merge_id

    def test_all_is_as_it_was(self, connection: Connection[Any]) -> None:
        before, merge_id = self.apart_then_joined(connection)
        assert rows(connection, "SELECT count(*) FROM shows") == [1]
        assert rows(connection, "SELECT count(*) FROM seasons") == [1]
        with connection.transaction():
            joining.undo(connection, merge_id, author="ben")
        assert rows(connection, STANDING) == before
        assert rows(connection, "SELECT count(*) FROM entity_redirects") == [0]
        assert rows(connection, "SELECT DISTINCT undone_by FROM entity_merges") == ["ben"]
        with pytest.raises(JoinError, match="was undone at"), connection.transaction():
            joining.undo(connection, merge_id, author="ben")

    def test_a_person_taken_back_is_not_joined_again_by_the_same_id(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB, record("tmdb", "person", "771", id="771", name="Ana R."))
        put(connection, record("tmdb", "person", "771", id="771", external_ids={"imdb": "nm99000001"}))
        self.take_back(connection, "person")
        put(connection, record("tmdb", "person", "771", id="771", name="Ana Reyes"))
        assert rows(connection, "SELECT count(*) FROM people") == [2]

    def test_an_episode_taken_back_is_not_joined_again_by_the_same_place(self, connection: Connection[Any]) -> None:
        put(connection, *IMDB)
        put(connection, tmdb_show(), *OF_TMDB[1:3])
        put(connection, OF_TMDB[0])
        put(connection, tmdb_episode(1, "Ebb", 1))
        assert rows(connection, "SELECT count(*) FROM episodes") == [3]
        self.take_back(connection, "episode")
        put(connection, tmdb_episode(1, "Ebb", 2))
        assert rows(connection, "SELECT count(*) FROM episodes") == [4]

    def take_back(self, connection: Connection[Any], kind: str) -> None:
        [merge_id] = rows(connection, "SELECT id FROM entity_merges WHERE kind = %s", kind)
        with connection.transaction():
            joining.undo(connection, merge_id, author="ana")
        assert rows(connection, "SELECT state, decided_by FROM identity_proposals") == [("rejected", "ana")]

    def test_not_after_somebody_edited_the_survivor(self, connection: Connection[Any]) -> None:
        _, merge_id = self.apart_then_joined(connection)
        connection.execute(
            """
            INSERT INTO overrides (entity_id, field, value, note, author)
            SELECT id, 'title', '"X"', 'n', 'ana' FROM shows
            """
        )
        connection.commit()
        with pytest.raises(JoinError, match="somebody overrode a field of it since"), connection.transaction():
            joining.undo(connection, merge_id, author="ben")
        assert rows(connection, "SELECT count(*) FROM shows") == [1]

    def test_overrides_of_both_survive(self, connection: Connection[Any]) -> None:
        put(connection, tmdb_show())
        put(connection, imdb_show())
        [one, other] = rows(connection, "SELECT id FROM shows ORDER BY id")
        for entity, field, value in ((one, "title", '"A"'), (other, "title", '"B"'), (other, "overview", '"C"')):
            connection.execute("INSERT INTO overrides VALUES (%s, %s, %s, 'n', 'ana')", [entity, field, value])
        connection.commit()
        with connection.transaction():
            merge_id = joining.join(connection, "show", one, other, reason="seen", author="ana")
            joining.settle(connection)
        assert rows(connection, "SELECT title, overview FROM shows") == [("A", "C")]
        with connection.transaction():
            joining.undo(connection, merge_id, author="ana")
        assert rows(connection, "SELECT title, overview FROM shows ORDER BY id") == [("A", "Waves."), ("B", "C")]

    def test_who_is_nobody(self, connection: Connection[Any]) -> None:
        put(connection, imdb_show())
        [show] = rows(connection, "SELECT id FROM shows")
        with pytest.raises(JoinError, match="no two entities"), connection.transaction():
            joining.join(connection, "show", show, UUID(int=7), reason="", author="")
        with pytest.raises(JoinError, match="there is no join"), connection.transaction():
            joining.undo(connection, UUID(int=7), author="")


STANDING = """
    SELECT kind, value, source, entity_id FROM external_ids
    UNION ALL SELECT 'season', season_number::text, provenance::text, show_id FROM seasons
    UNION ALL SELECT 'of', title, provenance::text, show_id FROM episodes
    UNION ALL SELECT 'record', key, source, entity_id FROM source_records
    ORDER BY 1, 2, 3, 4
"""


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_repetition_derives_the_same_catalog(embedded_server: Server, data: st.DataObject) -> None:
    told = [*IMDB, *OF_TMDB]
    order = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=5))))
    size = data.draw(st.integers(1, len(order)))
    states = []
    for records, step in ((told, len(told)), (order, size)):
        url = embedded_server.take()
        with psycopg.connect(url) as connection:
            write.prepare(connection)
            for start in range(0, len(records), step):
                put(connection, *records[start : start + step])
            assert_joined(connection)
        state = catalog_state(url)
        state.pop("inserts")
        states.append(state)
        embedded_server.put_back(url)
    assert states[0] == states[1]
