"""SQL of search.

Four ways to find something, best first: it is called exactly so, its name begins so, its words are somewhere in its
document, or it is spelled like it. Each way gives only so many, the best-known of them, so that a search for "the" costs
about as much as one for a rare name; where the first three find enough, nothing is looked up by its spelling.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trr_api.catalog.queries import EPISODE, PERSON, SHOW, embedded
from trr_api.queries import Fields, Sort, Statement, Values, after_place, page

if TYPE_CHECKING:
    from trr_api.search.schemas import SearchParameters

KINDS: Final = ("show", "person", "episode")

CANDIDATES: Final = 200
"""Things of a kind that each way may give."""

BEST_KNOWN: Final = 3000
"""Things of a kind among which words are looked up that nearly everything has."""

COMMON: Final = 5000
"""Documents of all, from which on a word is such a word."""

ENOUGH: Final = 5
"""Things found as written; with fewer, spelling is tried too."""

# What is asked: its folded text; its words as a query, the last one as a beginning where it has three letters; and
# whether its rarest word is a common one, by the statistics that ANALYZE keeps.
_ASKED: Final = f"""
words AS MATERIALIZED (
    SELECT text, query, CASE WHEN length(substring(text FROM '[^ ]*$')) >= 3 AND query::text <> ''
                             THEN (query::text || ':*')::tsquery ELSE query END AS started
    FROM (SELECT fold($1::text) AS text, plainto_tsquery('simple', fold($1::text)) AS query) folded
), asked AS MATERIALIZED (
    SELECT text, started, coalesce((
        SELECT min(documents) >= {COMMON} FROM (
            SELECT sum(common.frequency) * (SELECT reltuples FROM pg_class WHERE oid = 'search_documents'::regclass)
                   AS documents
            FROM regexp_split_to_table(text, ' ') WITH ORDINALITY AS word (word, place)
            LEFT JOIN (
                SELECT unnest(most_common_elems::text::text[]) AS lexeme, unnest(most_common_elem_freqs) AS frequency
                FROM pg_stats WHERE tablename = 'search_documents' AND attname = 'document'
                  AND schemaname = current_schema()
            ) common ON CASE WHEN place = cardinality(string_to_array(text, ' ')) AND length(word) >= 3
                             THEN starts_with(common.lexeme, word) ELSE common.lexeme = word END
            GROUP BY place
        ) counted
    ), false) AS common
    FROM words
)
"""

_ROW: Final = "entity_id, kind, show_id, name, names, document, popularity"

# The constants in front keep one kind's index in use whatever the planner thinks of the rest.
_WAYS: Final = """
called_{kind} AS MATERIALIZED (
    SELECT {row} FROM search_documents found
    WHERE kind = '{kind}' AND name = left((SELECT text FROM asked), 200) {narrowed}
    LIMIT {candidates}
), begun_{kind} AS MATERIALIZED (
    SELECT {row} FROM search_documents found
    WHERE kind = '{kind}' AND name > left((SELECT text FROM asked), 200)
      AND name < left((SELECT text FROM asked), 200) || chr(1114111) {narrowed}
    LIMIT {candidates}
), told_{kind} AS MATERIALIZED (
    SELECT {row} FROM search_documents found
    WHERE kind = '{kind}' AND document @@ (SELECT started FROM asked) AND NOT (SELECT common FROM asked) {narrowed}
), best_known_{kind} AS MATERIALIZED (
    SELECT * FROM (
        SELECT {row} FROM search_documents
        WHERE kind = '{kind}' AND (SELECT common FROM asked) ORDER BY popularity DESC LIMIT {best_known}
    ) found
    WHERE document @@ (SELECT started FROM asked) {narrowed}
)"""
