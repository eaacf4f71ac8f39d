"""Which picture stands for a show, a season and a person."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from trr_crawl.catalog import hosting, merge, review, write
from trr_crawl.catalog.write import Record

SHOW, SEASON, PERSON = {"show_id": "1"}, {"show_id": "1", "season_number": 2}, {"person_id": "9"}


def picture(name: str, owner: dict[str, Any], **fields: Any) -> tuple[Record, Record]:
    """A picture of TMDb's, and its place with its owner."""
    key = f"{name}.jpg"
    owner_id = owner.get("show_id") or owner["person_id"]
    payload = {"picture_id": key, "url": f"https://image.tmdb.org/{key}", "image_type": "poster", **fields}
    return (
        Record(source="tmdb", kind="image", key=key, payload=payload),
        Record(source="tmdb", kind="gallery_entry", key=f"{owner_id}/{key}", payload={"picture_id": key, **owner}),
    )


def show(source: str = "tmdb", key: str = "1", **fields: Any) -> Record:
    return Record(source=source, kind="show", key=key, payload={"id": key, "title": "Harbour", **fields})


def chosen(connection: Connection[Any]) -> dict[str, tuple[str, str]]:
    """The role -> the picture's name and the source, of everything there is."""
    rows = connection.execute("SELECT role, url, source FROM primary_images ORDER BY role").fetchall()
    connection.commit()
    return {role: (url.rpartition("/")[2].removesuffix(".jpg"), source) for role, url, source in rows}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"language": "en"}, {"language": None, "vote_count": 90}),
        ({"language": None}, {"language": "de", "vote_count": 90, "rating": 9.0}),
        ({"language": "en", "vote_count": 12}, {"language": "en", "vote_count": 3, "width": 4000, "height": 6000}),
        ({"language": "en", "rating": 6.0}, {"language": "en", "rating": 5.9, "width": 4000, "height": 6000}),
        ({"width": 2000, "height": 3000}, {"width": 1000, "height": 1500}),
    ],
)
def test_language_counts_before_votes_and_votes_before_size(
    connection: Connection[Any], better: dict[str, Any], worse: dict[str, Any]
) -> None:
    write.write(connection, [*picture("a-worse", SHOW, **worse), *picture("b-better", SHOW, **better)])
    assert chosen(connection) == {"poster": ("b-better", "tmdb")}


def test_every_role_takes_pictures_of_its_own_type(connection: Connection[Any]) -> None:
    write.write(
        connection,
        [
            *picture("poster", SHOW),
            *picture("wide", SHOW, image_type="backdrop"),
            *picture("word", SHOW, image_type="logo"),
            *picture("second", SEASON),
            *picture("face", PERSON, image_type="profile"),
            *picture("crowd", PERSON, image_type="event"),
        ],
    )
    # The season's own row comes after its pictures.
    write.write(connection, [Record(source="tmdb", kind="season", key="1/2", payload=dict(SEASON))])
    found = connection.execute(
        """
        SELECT CASE WHEN seasons.id IS NOT NULL THEN 'season' ELSE role END, url FROM primary_images
        LEFT JOIN seasons ON seasons.id = entity_id ORDER BY 1
        """
    ).fetchall()
    assert {role: url.rpartition("/")[2] for role, url in found} == {
        "backdrop": "wide.jpg",
        "logo": "word.jpg",
        "photo": "face.jpg",
        "poster": "poster.jpg",
        "season": "second.jpg",
    }


def test_the_picture_that_a_source_leads_with_counts_too(connection: Connection[Any]) -> None:
    image = {"url": "https://m.media-amazon.com/own.jpg", "width": 10, "height": 10}
    write.write(connection, [show("imdb", "tt99000001", image=image)])
    assert chosen(connection) == {"poster": ("own", "imdb")}


def test_the_infobox_of_a_wiki_shows_the_person_that_it_is_attached_to(connection: Connection[Any]) -> None:
    page = {
        "wiki": "quay",
        "page_id": 5,
        "person_id": "quay:5",
        "image": {"url": "https://static.wikia.nocookie.net/x"},
    }
    write.write(connection, [Record(source="fandom", kind="fandom_page", key="quay/5", payload=page)])
    assert chosen(connection) == {"photo": ("x", "fandom")}


def test_an_override_wins_by_address_and_by_id_until_it_is_unset(connection: Connection[Any]) -> None:
    write.write(connection, [show(), *picture("a", SHOW, vote_count=9), *picture("b", SHOW)])
    entity = review.find(connection, "show", "tmdb:1")
    [(other,)] = connection.execute("SELECT id FROM images WHERE url LIKE '%b.jpg'").fetchall()
    connection.commit()
    review.override(connection, "show", entity, "poster", str(other), note="nicer", author="ed")
    assert chosen(connection) == {"poster": ("b", "override")}
    merge.merge_all(connection)
    assert chosen(connection) == {"poster": ("b", "override")}, "a merge keeps it"
    [explained] = [found for found in review.explain(connection, "show", entity) if found.field == "poster"]
    assert explained.winner == "override"
    assert [candidate.value.rpartition("/")[2] for candidate in explained.candidates] == ["a.jpg", "b.jpg"]
    connection.commit()
    review.override(connection, "show", entity, "poster", None, note="none at all", author="ed")
    assert chosen(connection) == {}
    review.unset(connection, "show", entity, "poster")
    assert chosen(connection) == {"poster": ("a", "tmdb")}
    fields = connection.execute("SELECT fields FROM changes WHERE entity_id = %s ORDER BY seq", [entity]).fetchall()
    assert [changed for (changed,) in fields[1:]] == [["poster"]] * 3


def test_a_new_vote_changes_the_choice_and_one_that_changes_nothing_does_not(connection: Connection[Any]) -> None:
    write.write(connection, [show(), *picture("a", SHOW, vote_count=9), *picture("b", SHOW)])
    before = connection.execute("SELECT max(seq) FROM changes").fetchone()
    connection.commit()
    write.write(connection, [picture("b", SHOW, vote_count=5)[0]])
    shows = "SELECT count(*) FROM changes WHERE kind = 'show' AND seq > %s"
    assert before is not None
    assert connection.execute(shows, before).fetchone() == (0,)
    connection.commit()
    write.write(connection, [picture("b", SHOW, vote_count=50)[0]])
    assert chosen(connection) == {"poster": ("b", "tmdb")}
    assert connection.execute(shows, before).fetchone() == (1,)


def test_what_turned_out_to_be_no_picture_is_never_chosen(connection: Connection[Any]) -> None:
    url = "https://image.tmdb.org/a.jpg"
    hosting.refuse(connection, url=url, source="tmdb", payload={}, error="it is HTML, no picture")
    write.write(connection, [*picture("a", SHOW, vote_count=9), *picture("b", SHOW)])
    assert chosen(connection) == {"poster": ("b", "tmdb")}


def test_hosted_facts_survive_a_merge_and_are_served(connection: Connection[Any]) -> None:
    write.write(connection, [show(), *picture("a", SHOW)])
    sha256, url = "a" * 64, "https://image.tmdb.org/a.jpg"
    facts = {"sha256": sha256, "content_type": "image/jpeg", "bytes": 10, "width": 2, "height": 3}
    stored = hosting.Object(key="images/k", variant="original", store="s3://b", url="https://cdn.test/k", **facts)
    hosting.record(
        connection, [hosting.Stored(file=hosting.File(**facts), objects=[stored], source=hosting.Source(url=url))]
    )
    merge.merge_all(connection)
    served = "SELECT served_url, hosted FROM served_primary_images"
    assert connection.execute(served).fetchall() == [("https://cdn.test/k", True)]
    assert connection.execute("SELECT served_url, width FROM served_images").fetchall() == [("https://cdn.test/k", 2)]


def test_the_same_picture_from_two_sources_is_known_to_be_one(connection: Connection[Any]) -> None:
    alike = [(f"{n}.jpg", bits) for n, bits in enumerate((0b0, 0b111, (1 << 40) - 1))]
    for n, (name, bits) in enumerate(alike):
        write.write(connection, list(picture(name.removesuffix(".jpg"), SHOW)))
        facts = {"sha256": f"{n:064x}", "content_type": "image/jpeg", "bytes": 10, "width": 20, "height": 30}
        stored = hosting.Object(key=f"k{n}", variant="original", store="s", url="u", **facts)
        file = hosting.File(perceptual_hash=bits, **facts)
        source = hosting.Source(url=f"https://image.tmdb.org/{name}")
        hosting.record(connection, [hosting.Stored(file=file, objects=[stored], source=source)])
    twins = connection.execute(
        """
        SELECT one.url, other.url, distance FROM image_twins
        JOIN images one ON one.id = image_id JOIN images other ON other.id = twin_id ORDER BY 1
        """
    ).fetchall()
    assert [(one.rpartition("/")[2], other.rpartition("/")[2], distance) for one, other, distance in twins] == [
        ("0.jpg", "1.jpg", 3),
        ("1.jpg", "0.jpg", 3),
    ]
