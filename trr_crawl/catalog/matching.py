"""Finds out which things of two sources are one.

Only two kinds of evidence join by themselves. One is an id that both know (`JOINING`), unless some source has an id for
each of them. The other, for episodes of one show, is the same season and number, unless date or title speak against it.
What is spoken against becomes a proposal; so does whom a page of Fandom is about, however good its evidence.
"""

from __future__ import annotations

from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection, sql

from trr_crawl.catalog import joining

JOINING: Final = ("imdb", "tmdb", "tvdb", "tvmaze", "tvrage", "wikidata")
"""Sources whose ids name one thing each; an account of a social network may be shared."""

DAYS_APART: Final = 2
"""Dates of one broadcast may differ so much between sources: time zones, previews."""


def adopt(connection: Connection[Any]) -> None:
    """Give rows of `fresh` the entity that another source's record is known by, before they would get a new one."""
    connection.execute(
        """
        INSERT INTO external_ids (kind, source, value, entity_id)
        SELECT DISTINCT ON (told.kind, told.owner, told.key) told.kind, told.owner, told.key, known.entity_id
        FROM (
            SELECT kind, owner, key, claim.source, claim.value FROM fresh
            CROSS JOIN LATERAL jsonb_each_text(nullif(payload -> 'external_ids', 'null')) AS claim (source, value)
            WHERE payload ? 'external_ids' AND claim.source = ANY (%s) OFFSET 0  -- then look each one up
        ) told
        CROSS JOIN LATERAL (
            SELECT entity_id FROM external_ids WHERE (kind, source, value) = (told.kind, told.source, told.value)
            OFFSET 0
        ) known
        WHERE NOT EXISTS (
            SELECT FROM external_ids own
            WHERE own.kind = told.kind AND own.source = told.owner AND own.value = told.key
        ) AND NOT EXISTS (
            SELECT FROM external_ids other
            WHERE other.kind = told.kind AND other.source = told.owner AND other.entity_id = known.entity_id
        )
        ORDER BY told.kind, told.owner, told.key, known.entity_id
        ON CONFLICT DO NOTHING
        """,
        [list(JOINING)],
    )
    connection.execute(_ADOPT_EPISODES, {"days": DAYS_APART})


def join_what_is_one(connection: Connection[Any]) -> None:
    """Join the batch's things with what other sources told of the same ones, and derive those again."""
    if _claim(connection):
        joining.derive(connection)
    if _match_episodes(connection):
        joining.derive(connection)
    _propose_subjects(connection)


def _claim(connection: Connection[Any]) -> int:
    """Take down the ids that the batch's things have at other sources; two things with one id are joined."""
    # Two statements: whoever claims an id at this moment is waited for by the first and seen by the second.
    connection.execute(_TAKE_DOWN_CLAIMS)
    joined = 0
    for kind, entity, source, value, known in connection.execute(_CONFLICTING_CLAIMS, [list(JOINING)]).fetchall():
        survivor, absorbed = sorted((joining.now(connection, known), joining.now(connection, entity)))
        if survivor == absorbed:
            continue
        if apart := _told_apart(connection, survivor, absorbed):
            evidence = {"claims": f"{source} {value}", "told apart by": apart}
            joining.propose(connection, kind, survivor, absorbed, score=0.5, evidence=evidence)
            continue
        reason = f"both are {source} {value}"
        joining.join(connection, kind, survivor, absorbed, reason=reason, author="equal ids")
        joined += 1
    return joined


def _decided_to_be_two(one: LiteralString, other: LiteralString) -> sql.Composed:
    """Whether somebody rejected that two entities are one, or took their join back: no evidence stands against that."""
    return sql.SQL(
        """
        EXISTS (
            SELECT FROM identity_proposals decided
            WHERE decided.entity_id = least({one}, {other}) AND decided.other_id = greatest({one}, {other})
              AND decided.state = 'rejected'
        )
        """
    ).format(one=sql.SQL(one), other=sql.SQL(other))


# `OFFSET 0`: the claims are few, each is looked up.
_CLAIMS: Final = sql.SQL(
    """
    WITH claims AS MATERIALIZED (
        SELECT DISTINCT record.kind, record.entity_id, claim.source, claim.value
        FROM (
            SELECT source, kind, key FROM fresh WHERE payload ? 'external_ids'
            UNION ALL SELECT source, kind, key FROM known WHERE payload ? 'external_ids'
        ) told JOIN source_records record USING (source, kind, key)
        CROSS JOIN LATERAL jsonb_each_text(nullif(record.payload -> 'external_ids', 'null')) AS claim (source, value)
        WHERE claim.value <> ''
    )
    """
)
_TAKE_DOWN_CLAIMS: Final = sql.SQL(
    """
    {claims}
    INSERT INTO external_ids (kind, source, value, entity_id)
    SELECT DISTINCT ON (kind, source, value) kind, source, value, entity_id FROM claims
    ORDER BY kind, source, value, entity_id
    ON CONFLICT DO NOTHING
    """
).format(claims=_CLAIMS)
_CONFLICTING_CLAIMS: Final = sql.SQL(
    """
    {claims}
    SELECT kind, claims.entity_id, source, value, ids.entity_id
    FROM claims CROSS JOIN LATERAL (
        SELECT entity_id FROM external_ids WHERE (kind, source, value) = (claims.kind, claims.source, claims.value)
        OFFSET 0
    ) ids
    WHERE ids.entity_id <> claims.entity_id AND source = ANY (%s) AND NOT {decided}
    ORDER BY kind, source, value, claims.entity_id
    """
).format(claims=_CLAIMS, decided=_decided_to_be_two("ids.entity_id", "claims.entity_id"))


def _told_apart(connection: Connection[Any], one: UUID, other: UUID) -> list[str]:
    """The sources that know both by ids of their own: to them these are two, whatever a third one claims."""
    rows = connection.execute(
        """
        SELECT DISTINCT source FROM external_ids ours JOIN external_ids theirs USING (kind, source)
        WHERE ours.entity_id = %s AND theirs.entity_id = %s AND source = ANY (%s) ORDER BY source
        """,
        [one, other, list(JOINING)],
    ).fetchall()
    return [source for (source,) in rows]


def _match_episodes(connection: Connection[Any]) -> int:
    """Join touched episodes with those that another source has in their place, or propose it."""
    joined = 0
    # Writers of two sources take turns at a show, so that the later one sees the other's episodes.
    if not connection.execute(_LOCK_SHARED_SHOWS).fetchall():
        return 0
    pairs = connection.execute(_IN_ONE_PLACE, {"days": DAYS_APART}).fetchall()
    for one, other, season, number, contradicted, evidence in pairs:
        survivor, absorbed = sorted((joining.now(connection, one), joining.now(connection, other)))
        if survivor == absorbed:
            continue
        if contradicted:
            joining.propose(connection, "episode", survivor, absorbed, score=0.5, evidence=evidence)
        else:
            reason = f"both are episode {number} of season {season}"
            joining.join(connection, "episode", survivor, absorbed, reason=reason, author="equal numbers")
            joined += 1
    return joined


def _propose_subjects(connection: Connection[Any]) -> None:
    """Propose that the subject of a page of Fandom is the person it was attached to.

    That is the person of IMDb who was looked for; where a name was looked for, people of that name and birth date.
    """
    pairs = connection.execute(
        """
        WITH attached AS MATERIALIZED (
            SELECT payload, subject.entity_id
            FROM (SELECT kind, payload FROM fresh UNION ALL SELECT kind, payload FROM known) told
            CROSS JOIN LATERAL (
                SELECT entity_id FROM external_ids
                WHERE kind = 'person' AND source = 'fandom' AND value = payload ->> 'person_id'
                OFFSET 0
            ) subject
            WHERE told.kind = 'fandom_page' AND payload ->> 'reason' IS NULL
        ), wanted AS (
            SELECT attached.*, ids.entity_id AS other FROM attached
            JOIN external_ids ids
              ON ids.kind = 'person' AND ids.source = 'imdb' AND ids.value = payload ->> 'wanted_id'
            UNION
            SELECT attached.*, namesakes.id FROM attached
            JOIN people ON people.id = attached.entity_id
            JOIN people namesakes ON namesakes.name = people.name AND namesakes.birth_date = people.birth_date
            WHERE payload ->> 'wanted_id' IS NULL AND NOT EXISTS (
                SELECT FROM external_ids WHERE entity_id = namesakes.id AND source = 'fandom'
            )
        )
        SELECT DISTINCT ON (entity_id, other) entity_id, other, payload -> 'evidence', payload ->> 'title'
        FROM wanted WHERE entity_id <> other ORDER BY entity_id, other
        """
    ).fetchall()
    for subject, other, evidence, title in pairs:
        # Each thing that agrees halves the doubt.
        score = 1 - 0.5 ** len(evidence)
        joining.propose(
            connection, "person", subject, other, score=score, evidence={"page": title, "because": evidence}
        )


# Titles are compared by their letters and digits; "Episode 3" is no title of its own.
_EVIDENCE: Final = sql.SQL(
    """
    abs(mine.air_date - theirs.air_date) <= %(days)s AS same_date,
    abs(mine.air_date - theirs.air_date) > %(days)s AS other_date,
    mine.letters = theirs.letters AS same_title,
    mine.letters <> theirs.letters AND mine.letters !~ '^episode[0-9]*$' AND theirs.letters !~ '^episode[0-9]*$'
        AS other_title
    """
)
_CONTRADICTED: Final = sql.SQL(
    "((other_date IS TRUE AND same_title IS NOT TRUE) OR (other_title IS TRUE AND same_date IS NOT TRUE))"
)
_LETTERS: Final = sql.SQL("regexp_replace(lower(title), '[^[:alnum:]]+', '', 'g') AS letters")

# Of a show that only one source knows nothing is looked up.
_ADOPT_EPISODES: Final = sql.SQL(
    """
    WITH shows AS MATERIALIZED (
        SELECT named.owner, named.show_key, ids.entity_id
        FROM (SELECT DISTINCT owner, payload ->> 'show_id' AS show_key FROM fresh WHERE kind = 'episode') named
        JOIN external_ids ids ON ids.kind = 'show' AND ids.source = named.owner AND ids.value = named.show_key
        WHERE EXISTS (
            SELECT FROM external_ids other
            WHERE other.entity_id = ids.entity_id AND other.kind = 'show' AND other.source <> ids.source
        )
    ), mine AS MATERIALIZED (
        SELECT placed.*, {letters}
        FROM (
            SELECT fresh.owner, fresh.key, shows.entity_id AS show_id, payload ->> 'title' AS title,
                   (payload ->> 'season_number')::integer AS season_number,
                   (payload ->> 'episode_number')::integer AS episode_number,
                   (payload ->> 'air_date')::date AS air_date
            FROM shows JOIN fresh ON shows.owner = fresh.owner AND shows.show_key = fresh.payload ->> 'show_id'
            WHERE fresh.kind = 'episode'
        ) placed
        WHERE NOT EXISTS (
            SELECT FROM external_ids own
            WHERE own.kind = 'episode' AND own.source = placed.owner AND own.value = placed.key
        )
    ), compared AS (
        SELECT mine.owner, mine.key, theirs.id, {evidence}
        FROM mine CROSS JOIN LATERAL (
            SELECT id, air_date, {letters} FROM episodes
            WHERE episodes.show_id = mine.show_id AND episodes.season_number = mine.season_number
              AND episodes.episode_number = mine.episode_number
              AND NOT EXISTS (
                  SELECT FROM external_ids own WHERE own.entity_id = episodes.id AND own.source = mine.owner
              )
        ) theirs
    ), agreed AS (
        SELECT DISTINCT ON (owner, key) owner, key, id FROM compared WHERE NOT {contradicted} ORDER BY owner, key, id
    )
    INSERT INTO external_ids (kind, source, value, entity_id)
    SELECT DISTINCT ON (id) 'episode', owner, key, id FROM agreed ORDER BY id, owner, key
    ON CONFLICT DO NOTHING
    """
).format(evidence=_EVIDENCE, contradicted=_CONTRADICTED, letters=_LETTERS)

_LOCK_SHARED_SHOWS: Final = """
    SELECT FROM shows WHERE id IN (
        SELECT show_id FROM episodes WHERE id IN (SELECT entity_id FROM touched WHERE kind = 'episode')
    ) AND (SELECT count(DISTINCT source) FROM external_ids WHERE kind = 'show' AND entity_id = shows.id) > 1
    ORDER BY id FOR UPDATE
"""

_IN_ONE_PLACE: Final = sql.SQL(
    """
    WITH placed AS MATERIALIZED (
        SELECT episodes.id, show_id, season_number, episode_number, air_date, title
        FROM (SELECT DISTINCT entity_id FROM touched WHERE kind = 'episode') touched
        JOIN episodes ON episodes.id = touched.entity_id
    ), shared AS MATERIALIZED (
        SELECT show_id FROM (SELECT DISTINCT show_id FROM placed) shows
        WHERE (SELECT count(DISTINCT source) FROM external_ids WHERE kind = 'show' AND entity_id = show_id) > 1
    ), mine AS MATERIALIZED (
        SELECT placed.*, {letters} FROM shared JOIN placed USING (show_id)
    ), compared AS (
        SELECT mine.id AS one, theirs.id AS other, mine.season_number, mine.episode_number,
               ARRAY[mine.title, theirs.title] AS titles, ARRAY[mine.air_date, theirs.air_date] AS dates, {evidence}
        FROM mine CROSS JOIN LATERAL (
            SELECT id, title, air_date, {letters} FROM episodes
            WHERE episodes.show_id = mine.show_id AND episodes.season_number = mine.season_number
              AND episodes.episode_number = mine.episode_number AND episodes.id <> mine.id
        ) theirs
        WHERE NOT EXISTS (
            SELECT FROM external_ids ours JOIN external_ids others USING (kind, source)
            WHERE ours.entity_id = mine.id AND others.entity_id = theirs.id
        ) AND NOT {decided}
    )
    SELECT one, other, season_number, episode_number, {contradicted},
           jsonb_build_object('season', season_number, 'episode', episode_number, 'titles', titles, 'dates', dates)
    FROM compared ORDER BY one, other
    """
).format(
    evidence=_EVIDENCE,
    contradicted=_CONTRADICTED,
    letters=_LETTERS,
    decided=_decided_to_be_two("mine.id", "theirs.id"),
)
