"""Credits, pictures, galleries and lists: who they belong to, and one identity whichever source speaks."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record

SHOW, EPISODE, PERSON = "tt99000001", "tt99000011", "nm99000001"


def record(kind: str, key: str, *, source: str = "imdb", **payload: Any) -> Record:
    return Record(source=source, kind=kind, key=key, payload=payload)


def credit(person: str = PERSON, category: str = "cast", *, source: str = "imdb", **payload: Any) -> Record:
    named = {"show_id": SHOW, "person_id": person, "category": category}
    return record("credit", f"{SHOW}/{person}/{category}", source=source, **named, **payload)


def appearance(episode: str, person: str = PERSON, category: str = "cast", **payload: Any) -> Record:
    named = {"show_id": SHOW, "episode_id": episode, "person_id": person, "category": category}
    return record("episode_credit", f"{episode}/{person}/{category}", **named, **payload)


def placed(picture: str, *, source: str = "imdb", **owner_and_position: Any) -> Record:
    owner = owner_and_position.get("show_id") or owner_and_position.get("person_id")
    return record("gallery_entry", f"{owner}/{picture}", source=source, picture_id=picture, **owner_and_position)


def entry(list_id: str, position: int, *, episode: str | None = None, occurrence: int = 1) -> Record:
    named = {"list_id": list_id, "show_id": SHOW, **({"episode_id": episode} if episode else {})}
    key = f"{list_id}/{episode or SHOW}/{occurrence}"
    return record("list_entry", key, **named, occurrence=occurrence, position=position)


def put(connection: Connection[Any], *records: Record) -> dict[tuple[str, str], int]:
    written = write.write(connection, records)
    assert written.rejects == []
    return dict(written.counts)


def rows(connection: Connection[Any], query: str) -> list[Any]:
    found = connection.execute(query).fetchall()
    connection.commit()
    return found


def test_what_a_record_only_names_is_created(connection: Connection[Any]) -> None:
    counts = put(
        connection,
        credit(billing_order=1),
        appearance(EPISODE),
        placed("MV5BOne", person_id=PERSON, position=1),
        entry("ls99000001", 1, episode=EPISODE),
    )
    assert set(counts) == {(kind, "inserted") for kind in ("credit", "episode_credit", "gallery_entry", "list_entry")}
    assert rows(connection, "SELECT kind, source, value FROM external_ids ORDER BY kind") == [
        ("episode", "imdb", EPISODE),
        ("image", "imdb", "MV5BOne"),
        ("list", "imdb", "ls99000001"),
        ("person", "imdb", PERSON),
        ("show", "imdb", SHOW),
    ]
    assert rows(connection, "SELECT count(*) FROM episodes JOIN shows ON shows.id = show_id") == [(1,)]
    assert rows(connection, "SELECT kind, op FROM changes ORDER BY seq") == [
        (kind, "insert")
        for kind in (
            "show", "episode", "person", "image", "list", "credit", "episode_credit", "gallery_entry", "list_entry"
        )
    ]  # fmt: skip


def test_a_person_works_in_several_categories_once_each(connection: Connection[Any]) -> None:
    put(connection, credit(billing_order=3, characters=["Self - Host"], as_self=True), credit(category="producer"))
    assert put(connection, credit(billing_order=2)) == {("credit", "updated"): 1}
    assert rows(connection, "SELECT category, billing_order, characters, as_self FROM credits ORDER BY category") == [
        ("cast", 2, ["Self - Host"], True),
        ("producer", None, None, None),
    ]


def test_the_datasets_speak_of_the_same_things(connection: Connection[Any]) -> None:
    put(
        connection,
        record("show", SHOW, source="imdb_datasets", id=SHOW, title="Tide", start_year=2019),
        record("person", PERSON, source="imdb_datasets", id=PERSON, name="Ana Reyes"),
        credit(source="imdb_datasets", billing_order=4, characters=["Self"]),
    )
    put(connection, record("show", SHOW, id=SHOW, title="Tides", country="US"), credit(billing_order=1))
    assert rows(connection, "SELECT title, start_year, provenance ->> 'start_year' FROM shows") == [
        ("Tides", 2019, "imdb_datasets")
    ]
    assert rows(connection, "SELECT billing_order, characters FROM credits") == [(1, ["Self"])]
    assert rows(connection, "SELECT DISTINCT source FROM external_ids") == [("imdb",)]
    assert rows(connection, "SELECT count(*) FROM source_records") == [(5,)]


def test_a_picture_belongs_to_a_show_and_to_people(connection: Connection[Any]) -> None:
    put(
        connection,
        record("image", "MV5BOne", picture_id="MV5BOne", url="https://example.org/One.jpg", width=10, height=20),
        placed("MV5BOne", show_id=SHOW, position=7),
        placed("MV5BOne", person_id=PERSON),
    )
    put(connection, placed("MV5BOne", person_id=PERSON, position=2), placed("MV5BOne", show_id=SHOW, position=7))
    assert rows(
        connection, "SELECT show_id IS NULL, position, width FROM gallery_entries JOIN images ON images.id = picture_id"
    ) == [(False, 7, 10), (True, 2, 10)]


def test_a_list_names_a_title_twice_and_an_episode_of_it(connection: Connection[Any]) -> None:
    put(
        connection,
        entry("ls99000001", 1),
        entry("ls99000001", 3, occurrence=2),
        entry("ls99000001", 2, episode=EPISODE),
    )
    assert rows(connection, "SELECT position, occurrence, episode_id IS NULL FROM list_entries ORDER BY position") == [
        (1, 1, True),
        (2, 1, False),
        (3, 2, True),
    ]
    assert rows(connection, "SELECT listed_on, cardinality(list_ids) FROM listed_shows") == [(["imdb"], 1)]


def test_appearances_leave_archive_footage_out_and_keep_the_order(connection: Connection[Any]) -> None:
    episodes = {"tt99000021": (2, 1), "tt99000012": (1, 2), "tt99000011": (1, 1), "tt99000099": (None, None)}
    put(
        connection,
        *(
            record("episode", key, id=key, show_id=SHOW, season_number=season, episode_number=number)
            for key, (season, number) in episodes.items()
        ),
        appearance("tt99000021"),
        appearance("tt99000011"),
        appearance("tt99000012", archive_footage=True),
        appearance("tt99000099", archive_footage=False),
        appearance("tt99000012", category="director"),
        appearance("tt99000012", person="nm99000002", archive_footage=True),
    )
    found = rows(
        connection,
        """
        SELECT of_person.value, seasons, total_episodes, archive_footage_episodes,
               ARRAY(SELECT value FROM unnest(episode_ids) WITH ORDINALITY AS ids (id, place)
                     JOIN external_ids ON entity_id = id ORDER BY place)
        FROM appearances JOIN external_ids of_person ON entity_id = person_id ORDER BY 1
        """,
    )
    assert found == [
        (PERSON, [1, 2], 3, 1, ["tt99000011", "tt99000021", "tt99000099"]),
        ("nm99000002", [], 0, 1, []),
    ]


BAD = [
    credit(category=""),
    record("credit", "x/y/cast", show_id=SHOW, category="cast"),
    credit(billing_order=0),
    record("gallery_entry", "nobody/MV5BOne", picture_id="MV5BOne"),
    record("gallery_entry", "both", picture_id="MV5BOne", show_id=SHOW, person_id=PERSON),
    record("image", "MV5BTwo", picture_id="MV5BTwo", width=-1),
    record("list_entry", "a/b/0", list_id="a", show_id=SHOW, occurrence=0),
    record("episode_credit", "a/b/cast", episode_id=EPISODE, person_id=PERSON, category="cast"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.kind} {bad.key}")
def test_a_record_without_its_place_is_rejected_and_the_rest_lands(connection: Connection[Any], bad: Record) -> None:
    good = [credit(f"nm9900{number:04d}") for number in range(2, 20)]
    written = write.write(connection, [*good[:7], bad, *good[7:]])
    assert written.counts == {("credit", "inserted"): 18, (bad.kind, "rejected"): 1}
    assert [rejected for rejected, _ in written.rejects] == [bad]
    assert rows(connection, "SELECT count(*) FROM credits") == [(18,)]


def test_many_shows_and_many_people_in_one_first_batch_meet_by_their_credits_alone(connection: Connection[Any]) -> None:
    """No statistics exist yet: a plan that pairs all shows with all people would run for minutes."""
    credits_of_many = [
        record(
            "credit",
            f"tt9910{number // 10:04d}/nm9910{number:04d}/cast",
            show_id=f"tt9910{number // 10:04d}",
            person_id=f"nm9910{number:04d}",
            category="cast",
        )
        for number in range(2000)
    ]
    connection.execute("SET statement_timeout = '20s'")
    connection.commit()
    assert write.write(connection, credits_of_many).counts == {("credit", "inserted"): 2000}
