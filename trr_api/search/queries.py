"""SQL of search.

Four ways to find something, best first: it is called so, its name begins so, its words are in its document, or it is
spelled like it. Each way gives only so many, the best-known of them, so that "the" costs about as much as a rare name;
where the first three find enough, nothing is looked up by its spelling.

Spelling goes word by word: for each word, those that it may have been meant as, and names that have one of each. Only
where there are none, people and episodes are compared as a whole: that also finds words that are written together, or
missing, and among millions of names it costs ten times as much. Shows are few, they always are. And where nothing of
that finds anything, a looser likeness does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trr_api.catalog.queries import EPISODE, PERSON, SHOW, embedded
from trr_api.queries import Fields, Sort, Statement, Values, after_place, objects, page
from trr_crawl.catalog.tables import ENTITIES

if TYPE_CHECKING:
    from trr_api.search.schemas import Asked, SearchParameters

KINDS: Final = ("show", "person", "episode")

INDEX: Final = b"SELECT index_search_documents(%s)"
"""Makes the documents of the next so many changes anew; how many there were. 0 too while somebody else is at it."""

FOLLOWED: Final = "(SELECT seq FROM search_progress)"
"""The seq of the catalog up to which documents were made: search may be behind by moments."""

CANDIDATES: Final = 200
"""Things of a kind that each way may give."""

COMMON: Final = 2000
"""Things of a kind that have a word; from here on it is a common one."""

BEST_KNOWN: Final = 1000
"""Things of a kind among which words are looked up that are all common."""

ENOUGH: Final = 5
"""Things found as they are written; with fewer, and none that is called so, spelling is tried too."""

MEANINGS: Final = 8
"""Words that one may have been meant as, besides those that have its letters in another order."""

# What is asked: its folded text, its words (the last one as a beginning, if it has three letters), and which part of
# all documents has each of them, and its rarest, by the statistics of ANALYZE. No row where no letter is asked for.
_ASKED: Final = """
frequent AS MATERIALIZED (
    SELECT unnest(most_common_elems::text::text[]) AS lexeme, unnest(most_common_elem_freqs) AS frequency
    FROM pg_stats WHERE (schemaname, tablename, attname) = (current_schema(), 'search_documents', 'document')
), words AS MATERIALIZED (
    SELECT text, query, word, begins, (
        SELECT coalesce(sum(frequency), 0) FROM frequent
        WHERE CASE WHEN begins THEN starts_with(lexeme, word) ELSE lexeme = word END
    ) AS frequency
    FROM (
        SELECT fold($1::text) AS text, plainto_tsquery('simple', fold($1::text)) AS query
    ) folded, LATERAL (
        SELECT word, length(word) >= 3 AND row_number() OVER (ORDER BY place DESC) = 1 AS begins
        FROM string_to_table(text, ' ') WITH ORDINALITY AS listed (word, place)
    ) listed
    WHERE text <> ''
), asked AS MATERIALIZED (
    SELECT text, CASE WHEN bool_or(begins) AND query::text <> '' THEN (query::text || ':*')::tsquery ELSE query END
           AS query, CASE WHEN length(text) < 3 THEN 1 ELSE min(frequency) END AS frequency
    FROM words GROUP BY text, query::text, query
)
"""

_ROW: Final = "entity_id, kind, show_id, name, names, document, popularity"
_TEXT: Final = "(SELECT text FROM asked)"
_QUERY: Final = "(SELECT query FROM asked)"

# "+ 0" keeps the planner from walking through everything in the order of popularity until enough is found, which for
# rare words is the end.
_WRITTEN: Final = """
common_{kind} AS MATERIALIZED (
    SELECT frequency * reltuples >= {common} AS yes FROM asked, pg_class WHERE oid = '{table}'::regclass
), known_{kind} AS MATERIALIZED (
    SELECT {row} FROM search_documents
    WHERE kind = '{kind}' AND (SELECT yes FROM common_{kind}) ORDER BY popularity DESC LIMIT {best_known}
), written_{kind} AS MATERIALIZED (
    (SELECT {row} FROM search_documents found
     WHERE kind = '{kind}' AND name = left({text}, 200) {narrowed} LIMIT {candidates})
    UNION ALL
    (SELECT {row} FROM search_documents found
     WHERE kind = '{kind}' AND name > left({text}, 200) AND name < left({text}, 200) || chr(1114111) {narrowed}
     LIMIT {candidates})
    UNION ALL
    (SELECT {row} FROM search_documents found
     WHERE kind = '{kind}' AND document @@ {query} AND NOT (SELECT yes FROM common_{kind}) {narrowed}
     ORDER BY popularity + 0 DESC LIMIT {candidates})
    UNION ALL
    (SELECT {row} FROM known_{kind} found
     WHERE (document @@ {query} OR starts_with(name, {text})) {narrowed} LIMIT {candidates})
)"""

# The words of names that each word of the question may have been meant as: itself, as a beginning where no name has it
# and it is the last; those that have its letters in another order; and the likest ones, unless so many things have it
# that nobody misspelt it. Null where spelling is not tried.
_MEANT: Final = """
meant AS MATERIALIZED (
    SELECT string_agg('(' || lexemes || ')', ' & ')::tsquery AS query FROM words, LATERAL (
        SELECT string_agg(lexeme, ' | ') AS lexemes FROM (
            SELECT quote_literal(word) || CASE
                WHEN begins AND NOT EXISTS (SELECT FROM search_words known WHERE known.word = words.word) THEN ':*'
                ELSE ''
            END
            UNION ALL
            (SELECT quote_literal(known.word) FROM search_words known WHERE letters = sorted_letters(words.word))
            UNION ALL
            (SELECT quote_literal(known.word) FROM search_words known
             WHERE known.word % words.word AND abs(length(known.word) - length(words.word)) <= 2
               AND length(words.word) >= 3 AND NOT (
                   SELECT words.frequency * reltuples >= {common}
                   FROM pg_class WHERE oid = 'search_documents'::regclass
               )
             ORDER BY similarity(known.word, words.word) DESC, known.word LIMIT {meanings})
        ) meanings (lexeme)
    ) alternatives
    WHERE ({few})
)"""

_LIKEST: Final = (
    "ORDER BY word_similarity({text}, names) + similarity({text}, name) DESC, popularity DESC LIMIT {candidates}"
)

_CORRECTED: Final = """
corrected_{kind} AS MATERIALIZED (
    SELECT {row} FROM search_documents found
    WHERE kind = '{kind}' AND ts_filter(document, '{{a,b}}') @@ (SELECT query FROM meant) {narrowed}
    {likest}
)"""

_SPELLED: Final = """
{way}_{kind} AS MATERIALIZED (
    SELECT * FROM (
        SELECT {row} FROM search_documents found
        WHERE kind = '{kind}' AND names {like} {text} AND ({condition}) AND NOT (SELECT yes FROM common_{kind})
          {narrowed}
        UNION ALL
        SELECT {row} FROM known_{kind} found WHERE names {like} {text} AND ({condition}) {narrowed}
    ) found
    {likest}
)"""

_FEW: Final = "SELECT few FROM enough"
_NOT_CORRECTED: Final = "SELECT few AND NOT EXISTS (SELECT FROM corrected) FROM enough"
_NOTHING: Final = (
    "SELECT NOT EXISTS (SELECT FROM written UNION ALL SELECT FROM corrected UNION ALL SELECT FROM spelled)"
)

# pg_trgm's operators: a third of the letters' triples in whole words (a threshold that `trr_api.database` sets), or 0.6
# in any part. The first finds more, and among millions of names it costs too much where the second finds something.
_SPELLING: Final = {
    "show": {"like": "%>>", "condition": _FEW},
    "person": {"like": "%>", "condition": _NOT_CORRECTED},
    "episode": {"like": "%>", "condition": _NOT_CORRECTED},
}

_FOUND: Final = """
(
    WITH {asked}, {written},
    written AS MATERIALIZED ({all_written}),
    enough AS MATERIALIZED (
        SELECT count(*) < {enough} AND NOT coalesce(bool_or(name = {text}), false) AS few FROM written
    ),
    {meant},
    {corrected},
    corrected AS MATERIALIZED ({all_corrected}),
    {spelled},
    spelled AS MATERIALIZED ({all_spelled}),
    {guessed},
    found AS (SELECT * FROM written UNION SELECT * FROM corrected UNION SELECT * FROM spelled UNION {all_guessed}),
    matched AS (
        SELECT found.*, CASE
            WHEN name = left(text, 200) THEN 'name'
            WHEN strpos(E'\\n' || names || E'\\n', E'\\n' || text || E'\\n') > 0 THEN 'other_name'
            WHEN starts_with(name, text) THEN 'beginning'
            WHEN document @@ query THEN 'words'
            ELSE 'spelling'
        END AS match, text, query
        FROM found, asked
    )
    SELECT entity_id AS id, kind, show_id, match, popularity, round(CASE match
        WHEN 'name' THEN 5
        WHEN 'other_name' THEN 4
        WHEN 'beginning' THEN 3
        -- One decimal: between things that have the words in equal places, the better known one comes first.
        WHEN 'words' THEN 1 + round(ts_rank(document, query)::numeric, 1)
        -- Like a part of the names, and like the whole name.
        ELSE (word_similarity(text, names) + similarity(text, name))::numeric / 2
    END, 2)::real AS score
    FROM matched
) found
"""

RESULT: Final[Fields] = {
    "kind": "found.kind",
    "id": "found.id",
    "match": "found.match",
    "score": "found.score",
    "show": "CASE WHEN found.kind = 'show' THEN " + embedded(SHOW, "shows show WHERE show.id = found.id")
    + " WHEN found.kind = 'episode' THEN "
    + embedded(SHOW, "episodes episode JOIN shows show ON show.id = episode.show_id WHERE episode.id = found.id")
    + " END",
    "person": "CASE WHEN found.kind = 'person' THEN "
    + embedded(PERSON, "people person WHERE person.id = found.id")
    + " END",
    "episode": "CASE WHEN found.kind = 'episode' THEN "
    + embedded(EPISODE, "episodes episode WHERE episode.id = found.id")
    + " END",
}  # fmt: skip

BEST_FIRST: Final = Sort((("found.score", "real"), ("found.popularity", "real"), ("found.id", "uuid")), descending=True)

# Of shows, and of the shows that episodes belong to.
_NARROWING: Final = {
    "genre": "show.genres @> ARRAY[{}::text]",
    "network": "show.networks @> ARRAY[{}::text]",
    "provider": "EXISTS (SELECT FROM offers offer WHERE offer.show_id = show.id AND offer.removed_at IS NULL "
    "AND offer.provider_id = {}::uuid",
}

VALUES: Final = 50
"""So many values of a facet are counted, the most frequent first."""

_SHOWS: Final = "FROM found JOIN shows show ON show.id = found.show_id"

# A facet -> its values with `count` things each.
_COUNTED: Final = {
    "kind": ({"value": "value", "count": "count"}, "SELECT kind AS value, count(*) FROM found GROUP BY kind"),
    "genre": (
        {"value": "value", "count": "count"},
        f"SELECT value, count(*) {_SHOWS}, unnest(show.genres) value GROUP BY value",
    ),
    "network": (
        {"value": "value", "count": "count"},
        f"SELECT value, count(*) {_SHOWS}, unnest(show.networks) value GROUP BY value",
    ),
    "provider": (
        {"id": "id", "name": "value", "region": "region", "count": "count"},
        """
        SELECT provider.id, provider.name AS value, offer.region, count(DISTINCT found.id)
        FROM found JOIN offers offer ON offer.show_id = found.show_id AND offer.removed_at IS NULL
        JOIN watch_providers provider ON provider.id = offer.provider_id
        GROUP BY provider.id, offer.region
        """,
    ),
}


def search(asked: SearchParameters, kinds: tuple[str, ...], after: Sequence[object] | None) -> Statement:
    """A page of what matches, best first."""
    values, narrowing = _bound(asked)
    query = _search(kinds, narrowing, len(values.bound), after is not None)
    return after_place(query, values.bound, asked.limit, after)


def facets(asked: Asked, kinds: tuple[str, ...]) -> Statement:
    """How many of the things that `search` finds have which kind, genre, network and provider."""
    values, narrowing = _bound(asked)
    return Statement(_facets(kinds, narrowing), values.bound)


def _bound(asked: Asked) -> tuple[Values, tuple[str, ...]]:
    """The values of a question, its text first, and the conditions on shows that it sets."""
    values = Values()
    values(asked.q)
    narrowing = [condition.format(values(value)) for name, condition in _NARROWING.items()
                 if (value := getattr(asked, name)) is not None]  # fmt: skip
    if asked.provider is not None:
        narrowing[-1] += f" AND offer.region = {values(asked.region)}::text)" if asked.region is not None else ")"
    return values, tuple(narrowing)


@lru_cache(maxsize=256)
def _search(kinds: tuple[str, ...], narrowing: tuple[str, ...], bound: int, after: bool) -> bytes:
    return page(RESULT, _found(kinds, narrowing), sort=BEST_FIRST, bound=bound, after=after, seq=FOLLOWED)


@lru_cache(maxsize=256)
def _facets(kinds: tuple[str, ...], narrowing: tuple[str, ...]) -> bytes:
    counts = ", ".join(
        f"'{name}', "
        + objects(fields, f"({counted} ORDER BY count DESC, value LIMIT {VALUES}) counted", order="count DESC, value")
        for name, (fields, counted) in _COUNTED.items()
    )
    found = f"SELECT id, kind, show_id FROM {_found(kinds, narrowing)}"
    return f"WITH found AS MATERIALIZED ({found}) SELECT json_build_object({counts}), {FOLLOWED}".encode()


def _found(kinds: tuple[str, ...], narrowing: tuple[str, ...]) -> str:
    narrowed = ""
    if narrowing:
        narrowed = f"AND EXISTS (SELECT FROM shows show WHERE show.id = found.show_id AND {' AND '.join(narrowing)})"
    parts = {
        "row": _ROW, "text": _TEXT, "query": _QUERY, "narrowed": narrowed,
        "candidates": CANDIDATES, "common": COMMON, "best_known": BEST_KNOWN,
    }  # fmt: skip
    parts["likest"] = _LIKEST.format(**parts)

    def of_each(form: str, **more: str) -> str:
        """A table for each kind."""
        return ", ".join(form.format(kind=kind, table=ENTITIES[kind].name, **parts, **more) for kind in kinds)

    def all_of(way: str, union: str = "UNION ALL") -> str:
        return f" {union} ".join(f"SELECT * FROM {way}_{kind}" for kind in kinds)

    return _FOUND.format(
        asked=_ASKED,
        written=of_each(_WRITTEN),
        all_written=all_of("written", "UNION"),
        enough=ENOUGH,
        text=_TEXT,
        meant=_MEANT.format(few=_FEW, meanings=MEANINGS, common=COMMON),
        corrected=of_each(_CORRECTED),
        all_corrected=all_of("corrected"),
        spelled=", ".join(_SPELLED.format(way="spelled", kind=kind, **_SPELLING[kind], **parts) for kind in kinds),
        all_spelled=all_of("spelled"),
        guessed=of_each(_SPELLED, way="guessed", like="%>>", condition=_NOTHING),
        all_guessed=all_of("guessed", "UNION"),
    )
