"""/search: names, beginnings, words and misspellings, in the order that a person expects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import Connection, RawCursor

from serving import Checked, Counted, served, settings
from stock import index, put, record
from support import Server
from trr_api.app import create_app
from trr_api.database import Database
from trr_api.queries import LATEST, Statement
from trr_api.search import queries
from trr_api.search.schemas import Asked, SearchParameters
from trr_crawl.catalog import joining, merge, write


def show(number: int, title: str, **payload: Any) -> list[Any]:
    """A show that both sources describe."""
    said = {name: payload.pop(name) for name in ("genres", "networks", "vote_count") if name in payload}
    original = payload.pop("original_title", title)
    return [
        record("show", f"tt{number}", title=title, original_title=original, country="US", **said),
        record("show", f"{number}", "tmdb", title=title, external_ids={"imdb": f"tt{number}"}, **payload),
    ]  # fmt: skip


def fill(connection: Connection[Any]) -> None:
    put(
        connection,
        *show(1, "Lagoon", popularity=2.0, genres=["Romance"], networks=["Channel Nine"]),
        *show(2, "Lagoon Nights", popularity=90.0, genres=["Reality-TV"]),
        *show(3, "The Blue Lagoon", popularity=95.0),
        *show(4, "Pier Seven", overview="Nobody leaves the lagoon.", popularity=99.0),
        *show(5, "Señora Ángela", original_title="La Señora", popularity=1.0),
        *show(6, "Hafenliebe", alternative_titles=[{"title": "Harbor of Love", "country": "US"}], popularity=3.0),
        *show(7, "Lighthouse Keepers", popularity=5.0),
        *show(8, "Gone", popularity=5.0),
        record("person", "nm1", name="Siobhán O'Hara", also_known_as=["Shiv the Skipper"]),
        record("person", "nm2", name="Lagoon Smith"),
        record("person", "nm3", name="Marguerite Oldenburg"),
        record("episode", "tt101", show_id="tt1", title="The Long Pier", season_number=1, country="US"),
        record("episode", "tt201", show_id="tt2", title="The Long Pier", season_number=1, country="US"),
        record("watch_provider", "9301", "tmdb", name="Streamly"),
        record(
            "offer", "2/US/buy/9301", "tmdb", show_id="2", region="US", offer_type="buy", provider_id="9301"
        ),
    )  # fmt: skip
    index(connection)
    connection.execute("ANALYZE search_documents")
    connection.commit()


@pytest.fixture(scope="module")
def url(embedded_server: Server) -> Iterator[str]:
    found = embedded_server.create("searched", "template")
    with psycopg.connect(found) as connection:
        write.prepare(connection)
        fill(connection)
    yield found
    embedded_server.drop("searched")


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    configured = settings(url)
    app = create_app(configured, Database(configured, Counted))
    with (
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", event_hooks={"response": [Checked(app)]}) as opened,
    ):
        yield opened


def search(connection: Connection[Any], q: str, kinds: tuple[str, ...] = queries.KINDS) -> list[str]:
    """The names of what is found, straight from the database."""
    statement = queries.search(SearchParameters(q=q), kinds, None)
    with RawCursor(connection) as cursor:
        [(data, *_)] = cursor.execute(statement.query, statement.values).fetchall()
    connection.commit()
    return [_name(result) for result in data]


def found(client: httpx.Client, q: str, **narrowed: Any) -> list[tuple[str, str]]:
    """(name, how it matches) of each result."""
    response = client.get("/search", params={"q": q, **narrowed})
    assert response.status_code == 200, response.text
    return [(_name(result), result["match"]) for result in response.json()["data"]]


def _name(result: dict[str, Any]) -> str:
    thing = result[result["kind"]]
    name: str = thing["name"] if result["kind"] == "person" else thing["title"]
    return name


def test_the_exact_name_comes_first_then_beginnings_then_words(client: httpx.Client) -> None:
    assert found(client, "lagoon") == [
        ("Lagoon", "name"),
        ("Lagoon Nights", "beginning"),
        ("Lagoon Smith", "beginning"),
        ("The Blue Lagoon", "words"),
        ("Pier Seven", "words"),
    ]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("SENORA ANGELA", ("Señora Ángela", "name")),
        ("señora ángela", ("Señora Ángela", "name")),
        ("sen\u0303ora a\u0301ngela", ("Señora Ángela", "name")),
        ("la senora", ("Señora Ángela", "other_name")),
        ("harbor of love", ("Hafenliebe", "other_name")),
        ("siobhan o'hara", ("Siobhán O'Hara", "name")),
        ("Siobhan OHara", ("Siobhán O'Hara", "name")),
        ("skipper", ("Siobhán O'Hara", "words")),
        ("lighth", ("Lighthouse Keepers", "beginning")),
        ("keepers light", ("Lighthouse Keepers", "words")),
        ("nobody leaves", ("Pier Seven", "words")),
        ("ligthouse", ("Lighthouse Keepers", "spelling")),
        ("lighthose kepers", ("Lighthouse Keepers", "spelling")),
        ("siobhan oharra", ("Siobhán O'Hara", "spelling")),
        ("siobahn", ("Siobhán O'Hara", "spelling")),
        ("harbour of love", ("Hafenliebe", "spelling")),
        ("lago nights", ("Lagoon Nights", "spelling")),
        ("lagoon night", ("Lagoon Nights", "beginning")),
        ("lagoon ngihts", ("Lagoon Nights", "spelling")),
        ("lighthuose keep", ("Lighthouse Keepers", "spelling")),
        ("peir seven", ("Pier Seven", "spelling")),
        ("pierseven", ("Pier Seven", "spelling")),
        ("margueriteoldenburg", ("Marguerite Oldenburg", "spelling")),
        ("old enburg marguerite", ("Marguerite Oldenburg", "spelling")),
        ("the long peir", ("The Long Pier", "spelling")),
        ("thelong pier", ("The Long Pier", "spelling")),
        ("  Pier --- Seven!! ", ("Pier Seven", "name")),
    ],
)
def test_a_thing_is_found_however_it_is_written(client: httpx.Client, q: str, expected: tuple[str, str]) -> None:
    assert found(client, q)[0] == expected


def test_one_slip_in_each_word_of_a_name_still_finds_it_first(connection: Connection[Any]) -> None:
    """Letters that changed places, one that is missing, that came twice, or that is another; in a crowd of names."""
    connection.execute(
        "INSERT INTO people (name) SELECT initcap(translate(n::text, '0123456789', 'margueitod')) || ' ' || "
        "initcap(translate((n * 7919)::text, '0123456789', 'oldenburga')) FROM generate_series(1000, 9000, 3) n"
    )
    connection.execute("INSERT INTO people (name) VALUES ('Marguerite Oldenburg')")
    connection.execute("SELECT index_person_documents(ARRAY(SELECT id FROM people))")
    connection.execute("ANALYZE search_documents, search_words")
    connection.commit()

    def slips(word: str) -> Iterator[str]:
        for at in range(len(word) - 1):
            before, first, second, after = word[:at], word[at], word[at + 1], word[at + 2 :]
            yield before + second + first + after
            yield before + second + after
            yield before + first + first + second + after
            yield before + "x" + second + after

    for first, last in zip(slips("marguerite"), cycle(slips("oldenburg")), strict=False):
        assert next(iter(search(connection, f"{first} {last}")), None) == "Marguerite Oldenburg", (first, last)


@pytest.mark.parametrize("q", ["xqzzy wvvk", "!!!", "' OR 1=1 --", "a & b | !c :*", "\\", "%", "_", "x\ny"])
def test_nonsense_finds_nothing_and_is_no_error(client: httpx.Client, q: str) -> None:
    assert found(client, q) == []


def test_kinds_and_facets_narrow(client: httpx.Client, url: str) -> None:
    with psycopg.connect(url) as connection:
        [(provider,)] = connection.execute("SELECT id FROM watch_providers").fetchall()
    assert found(client, "lagoon", kind="person") == [("Lagoon Smith", "beginning")]
    assert found(client, "lagoon", genre="Romance") == [("Lagoon", "name")]
    assert found(client, "lagoon", network="Channel Nine") == [("Lagoon", "name")]
    assert found(client, "lagoon", provider=provider) == [("Lagoon Nights", "beginning")]
    assert found(client, "lagoon", provider=provider, region="US") == [("Lagoon Nights", "beginning")]
    assert found(client, "lagoon", provider=provider, region="DE") == []
    assert found(client, "lagoon", provider=provider, genre="Romance") == []
    both = client.get("/search", params={"q": "the long pier"}).json()["data"]
    assert {result["show"]["title"] for result in both} == {"Lagoon", "Lagoon Nights"}
    assert len(client.get("/search", params={"q": "the long pier", "genre": "Romance"}).json()["data"]) == 1


def test_facets_count_what_is_found(client: httpx.Client, url: str) -> None:
    with psycopg.connect(url) as connection:
        [(provider,)] = connection.execute("SELECT id FROM watch_providers").fetchall()
    assert client.get("/search/facets", params={"q": "lagoon"}).json() == {
        "kind": [{"value": "show", "count": 4}, {"value": "person", "count": 1}],
        "genre": [{"value": "Reality-TV", "count": 1}, {"value": "Romance", "count": 1}],
        "network": [{"value": "Channel Nine", "count": 1}],
        "provider": [{"id": str(provider), "name": "Streamly", "region": "US", "count": 1}],
    }
    of_episodes = client.get("/search/facets", params={"q": "the long pier", "genre": "Romance"}).json()
    assert of_episodes["kind"] == [{"value": "episode", "count": 1}]
    assert of_episodes["network"] == [{"value": "Channel Nine", "count": 1}]
    nothing = client.get("/search/facets", params={"q": "xqzzy wvvk"}).json()
    assert nothing == {"kind": [], "genre": [], "network": [], "provider": []}
    assert client.get("/search/facets", params={"q": "x", "limit": 5}).status_code == 422


def test_an_answer_that_is_behind_the_catalog_says_so(connection: Connection[Any]) -> None:
    """Its ETag is trusted up to where the documents followed, not to where the catalog is."""
    put(connection, *show(1, "Lagoon"))
    index(connection)
    put(connection, *show(2, "Lagoon Nights"))

    def seq_of(statement: Statement) -> int:
        with RawCursor(connection) as cursor:
            [row] = cursor.execute(statement.query, statement.values).fetchall()
        connection.commit()
        return int(row[-1])

    statements = (
        queries.search(SearchParameters(q="lagoon"), queries.KINDS, None),
        queries.facets(Asked(q="lagoon"), queries.KINDS),
    )
    [(latest,)] = connection.execute(LATEST).fetchall()
    assert all(seq_of(statement) < latest for statement in statements)
    index(connection)
    assert all(seq_of(statement) == latest for statement in statements)


def test_pages_have_each_result_once_in_order(client: httpx.Client) -> None:
    whole = client.get("/search?q=lagoon").json()["data"]
    path, seen = "/search?q=lagoon&limit=2", []
    while path:
        response = client.get(path)
        seen += response.json()["data"]
        path = response.links["next"]["url"].removeprefix("/api/v1") if response.json()["next_cursor"] else ""
    assert seen == whole


def test_a_search_costs_one_round_trip(client: httpx.Client) -> None:
    client.get("/search?q=warm")
    before = Counted.trips
    for at in range(10):
        client.get(f"/search?q=lagoon{at}")
    assert 10 <= Counted.trips - before <= 14  # a connection that has not seen the statement prepares it first


def test_what_changes_or_vanishes_is_found_as_it_is_now(connection: Connection[Any]) -> None:
    """On every server, once the documents have followed."""
    fill(connection)

    def found_now(q: str) -> list[str]:
        index(connection)
        return search(connection, q)

    assert found_now("gone") == ["Gone"]
    put(connection, *show(8, "Back Again"))
    assert found_now("gone") == []
    assert found_now("back again") == ["Back Again"]
    assert found_now("bakc aagin") == ["Back Again"]
    put(connection, *show(8, "Back Again", overview="A diver's bell"))
    assert found_now("divers bell") == ["Back Again"]
    _vanish(connection, "tt8", "8")
    assert found_now("back again") == []
    assert found_now("bakc aagin") == []
    put(connection, *show(8, "Back Again"))
    assert found_now("back again") == ["Back Again"]
    [(documents, things)] = connection.execute(
        "SELECT (SELECT count(*) FROM search_documents), "
        "(SELECT count(*) FROM shows) + (SELECT count(*) FROM people) + (SELECT count(*) FROM episodes)"
    ).fetchall()
    assert documents == things


def test_words_of_names_are_known_and_those_of_what_is_told_are_not(connection: Connection[Any]) -> None:
    put(connection, *show(1, "Pier 7", overview="Nobody leaves."), record("person", "nm1", name="Siobhán O'Hara"))
    index(connection)
    words = connection.execute("SELECT word, letters FROM search_words ORDER BY word").fetchall()
    assert words == [("ohara", "aahor"), ("pier", "eipr"), ("siobhan", "abhinos")]
    put(connection, *show(1, "Peer 7"))
    index(connection)
    assert ("peer", "eepr") in connection.execute("SELECT word, letters FROM search_words").fetchall()


def _vanish(connection: Connection[Any], *keys: str) -> None:
    """A show's records are gone at their sources."""
    connection.execute("UPDATE source_records SET gone_at = now() WHERE key = ANY (%s)", [list(keys)])
    [(entity,)] = connection.execute(
        "SELECT DISTINCT entity_id FROM source_records WHERE key = ANY (%s)", [list(keys)]
    ).fetchall()
    connection.commit()
    merge.merge_shows(connection, [entity])


def test_episodes_go_where_their_show_goes(connection: Connection[Any]) -> None:
    """Joined to another, and apart again: nothing else of them changed."""
    put(
        connection,
        *show(1, "Lagoon"),
        *show(2, "Lagune"),
        record("episode", "tt201", show_id="tt2", title="The Long Pier", season_number=1, country="US"),
    )

    def belongs_to() -> str:
        index(connection)
        [(title,)] = connection.execute(
            "SELECT title FROM search_documents JOIN shows ON shows.id = show_id WHERE kind = 'episode'"
        ).fetchall()
        connection.commit()
        return str(title)

    assert belongs_to() == "Lagune"
    survivor, absorbed = (
        connection.execute("SELECT id FROM shows WHERE title = %s", [title]).fetchall()[0][0]
        for title in ("Lagoon", "Lagune")
    )
    with connection.transaction():
        merge_id = joining.join(connection, "show", survivor, absorbed, reason="the same", author="a test")
        joining.settle(connection)
    assert belongs_to() == "Lagoon"
    with connection.transaction():
        joining.undo(connection, merge_id, author="a test")
        joining.settle(connection)
    assert belongs_to() == "Lagune"


def test_what_a_crawl_writes_is_found_a_moment_later(url: str, client: httpx.Client) -> None:
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        put(connection, *show(77, "Breakwater Brides"))
    until = time.monotonic() + 10
    while found(client, "breakwater brides") == []:
        assert time.monotonic() < until, "search does not follow the catalog"
        time.sleep(0.05)


def test_one_works_at_a_time_and_what_it_left_is_worked_off(connection: Connection[Any], catalog_url: str) -> None:
    put(connection, *show(1, "Lagoon"))
    with psycopg.connect(catalog_url) as other, psycopg.connect(catalog_url) as killed:
        assert killed.execute("SELECT index_search_documents(1)").fetchall() == [(1,)]
        assert other.execute("SELECT index_search_documents(1)").fetchall() == [(0,)]
        other.commit()
        killed.rollback()
        assert other.execute("SELECT index_search_documents(1000)").fetchall() != [(0,)]


def test_words_that_everything_has_are_looked_up_among_the_best_known(
    connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COMMON", 50)
    monkeypatch.setattr(queries, "BEST_KNOWN", 20)
    monkeypatch.setattr(queries, "CANDIDATES", 10)
    connection.execute(
        "INSERT INTO shows (title, tmdb_popularity) SELECT kind || n, n FROM generate_series(1, 300) n, "
        "(VALUES ('Week of '), ('Nights at ')) kinds (kind)"
    )
    connection.execute("SELECT index_show_documents(ARRAY(SELECT id FROM shows))")
    connection.execute("ANALYZE shows, search_documents")
    queries._search.cache_clear()
    written = search(connection, "of week", ("show",))
    alike = search(connection, "week nights", ("show",))
    queries._search.cache_clear()
    for found in (written, alike):
        assert len(found) == 10
        assert all(int(title.split()[-1]) > 290 for title in found)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%00", "q"),
        ("q=a%00b", "q"),
        ("q=" + "x" * 201, "q"),
        ("q=x&limit=0", "limit"),
        ("q=x&limit=1000000000", "limit"),
        ("q=x&kind=network", "kind"),
        ("q=x&genre=", "genre"),
        ("q=x&genre=%00", "genre"),
        ("q=x&provider=1", "provider"),
        ("q=x&region=US", "region"),
        ("q=x&provider=0199c0de-0000-7000-8000-000000000001&region=usa", "region"),
        ("q=x&kind=person&genre=Drama", "kind"),
        ("q=x&cursor=AAAA", "cursor"),
        ("q=x&cursor=%00", "cursor"),
        ("q=x&order=name", "order"),
    ],
)
def test_what_is_wrong_is_named(client: httpx.Client, query: str, parameter: str) -> None:
    response = client.get(f"/search?{query}")
    assert response.status_code == 422, response.text
    assert [error["parameter"] for error in response.json()["errors"]] == [parameter]


def test_cursors_of_another_question_or_changed_ones_are_refused(client: httpx.Client) -> None:
    cursor = client.get("/search?q=lagoon&limit=2").json()["next_cursor"]
    assert client.get("/search", params={"q": "lagoon", "cursor": cursor}).status_code == 200
    changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for params in ({"q": "pier", "cursor": cursor}, {"q": "lagoon", "kind": "show", "cursor": cursor}):
        assert client.get("/search", params=params).json()["type"] == "/problems/invalid-cursor"
    assert client.get("/search", params={"q": "lagoon", "cursor": changed}).json()["type"] == "/problems/invalid-cursor"
    assert client.get("/shows", params={"cursor": cursor}).json()["type"] == "/problems/invalid-cursor"


def test_a_question_of_a_megabyte_is_refused(client: httpx.Client) -> None:
    assert client.get("/search", params={"q": "x" * 60_000}).status_code in (400, 414)
