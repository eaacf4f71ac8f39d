"""What a source no longer names: it is marked, kept, and taken back when it returns."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record

LIST, OTHER_LIST = "ls990000001", "ls990000002"
SHOWS = ("tt99000001", "tt99000002", "tt99000003")


def entry(show_id: str, list_id: str = LIST, *, source: str = "imdb", **payload: Any) -> Record:
    stated = {"list_id": list_id, "show_id": show_id, "occurrence": 1, **payload}
    return Record(source=source, kind="list_entry", key=key(show_id, list_id), payload=stated)


def key(show_id: str, list_id: str = LIST) -> str:
    return f"{list_id}/{show_id}/1"


def sweep(connection: Connection[Any], *shows: str, list_id: str = LIST, source: str = "imdb") -> int:
    """Sweep a list that now names these shows; returns how many entries are gone."""
    keys = [key(show_id, list_id) for show_id in shows]
    return write.sweep(
        connection, source=source, kind="list_entry", parent_field="list_id", parent_ids=[list_id], keys=keys
    )


def removed(connection: Connection[Any], list_id: str = LIST) -> list[str]:
    """The shows whose entries are removed from a list."""
    rows = connection.execute(
        """
        SELECT of_show.value FROM list_entries
        JOIN external_ids of_list ON of_list.entity_id = list_id
        JOIN external_ids of_show ON of_show.entity_id = show_id
        WHERE list_entries.removed_at IS NOT NULL AND of_list.value = %s ORDER BY 1
        """,
        [list_id],
    ).fetchall()
    connection.commit()
    return [show_id for (show_id,) in rows]


def changes(connection: Connection[Any]) -> list[tuple[str, str, list[str]]]:
    """All changes of list entries but their first."""
    query = "SELECT kind, op, fields FROM changes WHERE kind = 'list_entry' AND op = 'update' ORDER BY seq"
    rows = connection.execute(query).fetchall()
    connection.commit()
    return rows


@pytest.fixture
def stored(connection: Connection[Any]) -> Connection[Any]:
    """A catalog with two lists of the same shows."""
    records = [entry(show_id, list_id) for list_id in (LIST, OTHER_LIST) for show_id in SHOWS]
    assert write.write(connection, records).counts == {("list_entry", "inserted"): 6}
    return connection


def test_what_is_no_longer_named_is_removed_and_stays(stored: Connection[Any]) -> None:
    assert sweep(stored, *SHOWS[:2]) == 1
    assert removed(stored) == [SHOWS[2]]
    assert changes(stored) == [("list_entry", "update", ["removed_at"])]
    assert stored.execute("SELECT count(*) FROM list_entries").fetchone() == (6,)
    gone = stored.execute("SELECT key, gone_at = changed_at FROM source_records WHERE gone_at IS NOT NULL").fetchall()
    assert gone == [(key(SHOWS[2]), True)]


def test_what_is_gone_already_is_not_counted_again(stored: Connection[Any]) -> None:
    sweep(stored, *SHOWS[:2])
    assert sweep(stored, *SHOWS[:2]) == 0
    assert len(changes(stored)) == 1


def test_nothing_gone_changes_nothing(stored: Connection[Any]) -> None:
    assert sweep(stored, *SHOWS) == 0
    assert (removed(stored), changes(stored)) == ([], [])


def test_what_returns_is_there_again(stored: Connection[Any]) -> None:
    sweep(stored, *SHOWS[:2])
    assert write.write(stored, [entry(SHOWS[2])]).counts == {("list_entry", "updated"): 1}
    assert removed(stored) == []
    assert changes(stored) == [("list_entry", "update", ["removed_at"])] * 2


def test_what_another_source_still_names_stays(stored: Connection[Any]) -> None:
    write.write(stored, [entry(SHOWS[2], source="imdb_exports", position=7)])
    assert sweep(stored, *SHOWS[:2]) == 1
    assert removed(stored) == []
    assert sweep(stored, source="imdb_exports") == 1
    assert removed(stored) == [SHOWS[2]]


def test_a_source_speaks_for_itself_alone(stored: Connection[Any]) -> None:
    assert sweep(stored, source="imdb_exports") == 0
    assert removed(stored) == []


def test_other_lists_are_untouched(stored: Connection[Any]) -> None:
    assert sweep(stored) == 3
    assert removed(stored) == list(SHOWS)
    assert removed(stored, OTHER_LIST) == []


def test_what_another_page_told_is_not_contradicted(stored: Connection[Any]) -> None:
    """A show's gallery says who is in a picture; the person's own gallery, which lacks it, counts only its places."""
    person = "nm99000001"
    placed, tagged = (
        Record(
            source="imdb",
            kind="gallery_entry",
            key=f"{person}/{picture}",
            payload={"picture_id": picture, "person_id": person, **place},
        )
        for picture, place in (("MV5BPlaced", {"position": 1}), ("MV5BTagged", {}))
    )
    write.write(stored, [placed, tagged])
    gone = write.sweep(
        stored,
        source="imdb",
        kind="gallery_entry",
        parent_field="person_id",
        parent_ids=[person],
        keys=[],
        stating="position",
    )
    assert gone == 1
    query = "SELECT key FROM source_records WHERE kind = 'gallery_entry' AND gone_at IS NULL"
    assert stored.execute(query).fetchall() == [(tagged.key,)]


def test_an_inventory_of_one_region_says_nothing_of_another(stored: Connection[Any]) -> None:
    show = SHOWS[0]
    offers = [
        Record(
            source="imdb",
            kind="offer",
            key=f"{show}/{region}/streaming/p1",
            payload={"show_id": show, "region": region, "offer_type": "streaming", "provider_id": "p1"},
        )
        for region in ("FR", "US")
    ]
    write.write(stored, offers)
    scope = {"stating": "region", "value": "FR"}
    gone = write.sweep(stored, source="imdb", kind="offer", parent_field="show_id", parent_ids=[show], keys=[], **scope)
    assert gone == 1
    query = "SELECT region FROM offers WHERE removed_at IS NOT NULL"
    assert stored.execute(query).fetchall() == [("FR",)]


def test_an_inventory_of_nobody_does_nothing(stored: Connection[Any]) -> None:
    assert sweep(stored, list_id="ls990000009") == 0
    assert changes(stored) == []


def test_other_kinds_within_the_same_parent_are_untouched(stored: Connection[Any]) -> None:
    show = SHOWS[0]
    season = Record(source="imdb", kind="season", key=f"{show}/1", payload={"show_id": show, "season_number": 1})
    episode = Record(
        source="imdb",
        kind="episode",
        key="tt99000011",
        payload={"id": "tt99000011", "show_id": show, "season_number": 1},
    )
    write.write(stored, [season, episode])
    gone = write.sweep(stored, source="imdb", kind="episode", parent_field="show_id", parent_ids=[show], keys=[])
    assert gone == 1
    assert stored.execute("SELECT removed_at IS NULL FROM seasons").fetchall() == [(True,)]
    assert stored.execute("SELECT removed_at IS NULL FROM episodes").fetchall() == [(False,)]
    assert removed(stored) == []
