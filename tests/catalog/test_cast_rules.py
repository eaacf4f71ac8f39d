"""Whose cast counts: the table that people keep, the casts that follow of it, and who was a guest."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from in_process import scrapy
from psycopg import Connection

from trr_crawl.catalog import cast_rules, joining, write
from trr_crawl.catalog.review import ReviewError
from trr_crawl.catalog.write import Record

TIDE, HARBOUR, TALK, DRAMA = "tt99000001", "tt99000002", "tt99000003", "tt99000004"
ANA, BEN, CLEO, DAN, HOST = (f"nm9900000{number}" for number in range(1, 6))


def record(kind: str, key: str, *, source: str = "imdb", **payload: Any) -> Record:
    return Record(source=source, kind=kind, key=key, payload={"country": "US", **payload})


def show(key: str, title: str, *, source: str = "imdb", **payload: Any) -> Record:
    return record("show", key, source=source, id=key, title=title, **payload)


def credit(show_id: str, person: str, episodes: int | None, **payload: Any) -> Record:
    key = f"{show_id}/{person}/cast"
    stated = {"show_id": show_id, "person_id": person, "category": "cast", "episode_count": episodes, **payload}
    return record("credit", key, **stated)


def episode(show_id: str, number: int, **payload: Any) -> Record:
    key = f"{show_id}{number:02d}"
    return record("episode", key, id=key, show_id=show_id, **{"season_number": 1, "episode_number": number, **payload})


def seen(show_id: str, number: int, person: str, **payload: Any) -> Record:
    key = f"{show_id}{number:02d}"
    stated = {"show_id": show_id, "episode_id": key, "person_id": person, "category": "cast", **payload}
    return record("episode_credit", f"{key}/{person}/cast", **stated)


def person(key: str, name: str, **payload: Any) -> Record:
    return record("person", key, id=key, name=name, **payload)


TOLD = [
    show(TIDE, "The Tide", genres=["Reality-TV"], networks=["Gull TV"]),
    show(HARBOUR, "Harbour", genres=["Reality-TV", "Drama"]),
    show(TALK, "Late Tide", genres=["Talk-Show"]),
    show(DRAMA, "Storm", genres=["Drama"]),
    person(ANA, "Ana Reyes", birth_date=datetime.date(1985, 9, 14)),
    person(BEN, "Ben Holt", birth_date=datetime.date(1990, 1, 19)),
    person(CLEO, "Cleo Marsh"),
    person(DAN, "Dan Poole"),
    person(HOST, "Hope Lund"),
    credit(TIDE, ANA, 12),
    credit(HARBOUR, ANA, 5),
    credit(TIDE, BEN, 4),
    credit(TIDE, CLEO, 3),
    credit(TIDE, DAN, 30, uncredited=True),
    credit(DRAMA, DAN, 60),
]


@pytest.fixture
def told(connection: Connection[Any]) -> Connection[Any]:
    assert write.write(connection, TOLD).rejects == []
    return connection


def rows(connection: Connection[Any], query: str) -> list[Any]:
    found = connection.execute(query).fetchall()
    connection.commit()
    return [row[0] if len(row) == 1 else row for row in found]


def set_rules(connection: Connection[Any], text: str) -> cast_rules.Applied:
    return cast_rules.apply(connection, cast_rules.read(text), note="from a test", author="ana")


CAST = """
    SELECT title, name, episode_count FROM cast_members JOIN people ON people.id = person_id
    JOIN shows ON shows.id = show_id ORDER BY title, name
"""


class TestCasts:
    def test_without_rules_reality_shows_count_from_four_episodes_on(self, told: Connection[Any]) -> None:
        assert rows(told, CAST) == [
            ("Harbour", "Ana Reyes", 5), ("The Tide", "Ana Reyes", 12), ("The Tide", "Ben Holt", 4)
        ]  # fmt: skip

    def test_a_rule_skips_a_show_counts_another_and_moves_the_number(self, told: Connection[Any]) -> None:
        applied = set_rules(told, f"Override,IMDb Series ID\n3,{TIDE}\nskip,{HARBOUR}\nY,{DRAMA}\n")
        assert (applied.shows, applied.changed, applied.unmatched) == (3, 3, [])
        assert rows(told, CAST) == [
            ("Storm", "Dan Poole", 60),
            ("The Tide", "Ana Reyes", 12), ("The Tide", "Ben Holt", 4), ("The Tide", "Cleo Marsh", 3),
        ]  # fmt: skip
        again = set_rules(told, f"Override,IMDb Series ID\n3,{TIDE}\n")
        assert (again.shows, again.changed) == (1, 0)
        assert set_rules(told, f"Override,IMDb Series ID\n,{TIDE}\n").changed == 1
        assert rows(told, "SELECT cast_rule, cast_min_episodes FROM shows WHERE title = 'The Tide'") == [
            ("count", None)
        ]

    def test_episodes_that_are_listed_count_where_no_source_counts_them(self, told: Connection[Any]) -> None:
        listed = [one for number in range(1, 6) for one in (episode(TIDE, number), seen(TIDE, number, CLEO))]
        footage = [seen(TIDE, number, HOST, archive_footage=True) for number in range(1, 6)]
        assert write.write(told, [*listed, *footage]).rejects == []
        assert ("The Tide", "Cleo Marsh", 5) in rows(told, CAST)
        assert "Hope Lund" not in [name for _, name, _ in rows(told, CAST)]

    def test_a_rule_survives_a_crawl_and_a_join(self, told: Connection[Any]) -> None:
        set_rules(told, f"override,imdb\n9,{TIDE}\n")
        write.write(told, [show(TIDE, "Tide", genres=["Reality-TV"])])
        ids = rows(told, f"SELECT entity_id FROM external_ids WHERE value IN ('{TIDE}', '{HARBOUR}') ORDER BY value")
        with told.transaction():
            joining.join(told, "show", ids[1], ids[0], reason="one", author="ana")
            joining.settle(told)
        assert rows(told, f"SELECT cast_rule, cast_min_episodes FROM shows WHERE id = '{ids[1]}'") == [("count", 9)]
        assert rows(told, f"SELECT count(*) FROM cast_members WHERE show_id = '{ids[1]}'") == [1]


class TestTheTable:
    def test_a_row_names_its_show_by_id_or_by_title_and_network(self, told: Connection[Any]) -> None:
        twin = [show("tt99000009", "The Tide", networks=["Heron"]), show("77", "Dunes", source="tmdb")]
        assert write.write(told, twin).rejects == []
        text = """\ufeffShow Name,Channel,OVERRIDE,TMDb ID,imdbSeriesId,note
THE TIDE,gull tv,5,,,by network
The Tide,Heron,SKIP,,,
dunes,,6,,,by title
ignored,,7,77,,by TMDb
harbour,Otter,8,,,its network is not known
,,9,,,no name at all
"""
        applied = set_rules(told, text)
        assert (applied.shows, applied.unmatched) == (4, [])
        assert rows(told, "SELECT title, networks, cast_rule, cast_min_episodes FROM shows WHERE cast_rule <> ''"
                          " ORDER BY title, networks") == [
            ("Dunes", None, "count", 7),
            ("Harbour", None, "count", 8),
            ("The Tide", ["Gull TV"], "count", 5),
            ("The Tide", ["Heron"], "skip", None),
        ]  # fmt: skip

    def test_a_row_that_means_no_show_or_several_is_named(self, told: Connection[Any]) -> None:
        write.write(told, [show("tt99000009", "The Tide", networks=["Heron"])])
        applied = set_rules(
            told,
            "override,imdb,title,network\n1,tt98000000,,\n2,,The Tide,\n3,,The Tide,Otter\n4,,Harbour,\n"
            "5,tt98000000,Harbour,\n",
        )
        assert (applied.shows, applied.changed) == (1, 1)
        assert applied.unmatched == [
            "line 2 (tt98000000): the catalog does not know it; crawl it first",
            "line 3 (The Tide): the catalog has 2 shows of that name; give an id",
            "line 4 (The Tide, Otter): the catalog has no such show",
            "line 6 (tt98000000, Harbour): the catalog has no such show",
        ]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "no column Override"),
            ("title\nTide\n", "no column Override"),
            ("override,notes\n4,x\n", "no column that names a show"),
            ("override,title\nperhaps,Tide\n", "line 2: 'perhaps' is no rule: write SKIP"),
            ("override,title\n0,Tide\n", "line 2: '0' is no rule"),
            ("override,title\n4.5,Tide\n", "line 2: '4.5' is no rule"),
        ],
    )
    def test_a_table_that_is_none_is_refused(self, text: str, why: str) -> None:
        with pytest.raises(ReviewError, match=why):
            cast_rules.read(text)


class TestPeople:
    @pytest.fixture
    def invited(self, told: Connection[Any]) -> Connection[Any]:
        """Five talks: without guest, a stranger, Ben alone, Ben and a stranger, Ana and Ben; the host is in all."""
        guests = {1: [], 2: [DAN], 3: [BEN], 4: [BEN, DAN], 5: [ANA, BEN]}
        talks = [
            one
            for number, people in guests.items()
            for one in (
                episode(TALK, number),
                seen(TALK, number, HOST, characters=["Self - Host"]),
                *(seen(TALK, number, guest, characters=["Self - Guest"]) for guest in people),
            )
        ]
        assert write.write(told, talks).rejects == []
        set_rules(told, f"override,imdb\nGUESTS,{TALK}\n")
        return told

    def test_each_talk_has_a_guest_status(self, invited: Connection[Any]) -> None:
        assert rows(
            invited,
            "SELECT episode_number, guest_count, known_guest_count, guest_status FROM talk_show_episodes ORDER BY 1",
        ) == [(1, 0, 0, "NONE"), (2, 1, 0, "NONE"), (3, 1, 1, "SOLO"), (4, 2, 1, "ALMOST"), (5, 2, 2, "REALITEASE")]

    def test_a_regular_of_the_talk_is_no_guest_by_the_sources_word(self, invited: Connection[Any]) -> None:
        write.write(invited, [seen(TALK, 5, ANA, guest=False)])
        tmdb = [
            show("9903", "Late Tide", source="tmdb", external_ids={"imdb": TALK}),
            person("71", "Ana", external_ids={"imdb": ANA}),
            record("episode", "8805", source="tmdb", id="8805", show_id="9903", season_number=1, episode_number=5),
            record("episode_credit", "8805/71/cast", source="tmdb", show_id="9903", episode_id="8805", person_id="71",
                   category="cast", guest=False),
        ]  # fmt: skip
        tmdb[1] = Record(source="tmdb", kind="person", key="71", payload=tmdb[1].payload)
        assert write.write(invited, tmdb).rejects == []
        assert rows(invited, "SELECT guest_status FROM talk_show_episodes WHERE episode_number = 5") == ["SOLO"]

    def test_the_people_of_all_shows(self, invited: Connection[Any]) -> None:
        query = """
            SELECT name, show_titles, show_count, episode_count, zodiac_sign, guest_episode_count, guest_status,
                   on_final_list
            FROM cast_people ORDER BY name
        """
        assert rows(invited, query) == [
            ("Ana Reyes", ["The Tide", "Harbour"], 2, 17, "Virgo", 1, "REALITEASE", True),
            ("Ben Holt", ["The Tide"], 1, 4, "Capricorn", 3, "REALITEASE", True),
        ]
        set_rules(invited, f"override,imdb\nskip,{TALK}\n")
        assert [(row[0], row[-2], row[-1]) for row in rows(invited, query)] == [
            ("Ana Reyes", "NONE", True), ("Ben Holt", "NONE", False)
        ]  # fmt: skip


def test_each_day_of_the_year_has_a_sign(connection: Connection[Any]) -> None:
    signs = rows(
        connection,
        """
        SELECT zodiac_sign(day::date), min(to_char(day, 'MM-DD')) FROM generate_series(date '2024-03-21',
            date '2025-03-20', interval '1 day') day GROUP BY 1 ORDER BY min(day)
        """,
    )
    assert [sign for sign, _ in signs] == (
        "Aries Taurus Gemini Cancer Leo Virgo Libra Scorpio Sagittarius Capricorn Aquarius Pisces".split()
    )
    starts = "03-21 04-20 05-21 06-21 07-23 08-23 09-23 10-23 11-22".split()
    assert [start for _, start in signs][:9] == starts
    assert rows(connection, "SELECT zodiac_sign(date '2024-02-29'), zodiac_sign(NULL)") == [("Pisces", None)]


class TestCommand:
    def test_import_list_and_people(self, crawl_url: str, tmp_path: Path) -> None:
        with psycopg.connect(crawl_url) as connection:
            write.prepare(connection)
            assert write.write(connection, TOLD).rejects == []
        table = tmp_path / "shows.csv"
        table.write_text(f"Override,IMDb,Show\n5,{TIDE},\nSKIP,,Harbour\n", encoding="utf-8")
        done = scrapy("cast-rules", "import", table)
        assert (done.status, done.last_line) == (0, "2 rules for 2 shows, 2 changed"), done.output
        listed = scrapy("cast-rules", "list").output
        assert "The Tide" in listed
        assert "skip" in listed
        assert "Ana Reyes" in scrapy("cast-rules", "people").output
        table.write_text("Override,Show\n5,Marsh\n", encoding="utf-8")
        missed = scrapy("cast-rules", "import", table)
        assert missed.status == 1
        assert "1 rules are for no show: line 2 (Marsh): the catalog has no such show" in missed.output
        nowhere = scrapy("cast-rules", "import", tmp_path / "none.csv")
        assert (nowhere.status, "Traceback" in nowhere.output) == (1, False)
        assert scrapy("cast-rules", "wave").status == 2
