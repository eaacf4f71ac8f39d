"""SQL of /find."""

from __future__ import annotations

from typing import Final

from trr_api.queries import SEQ, Statement

ADDRESSES: Final = {
    "show": "shows",
    "episode": "episodes",
    "person": "people",
    "image": "images",
    "list": "lists",
    "network": "networks",
    "company": "companies",
    "watch_provider": "providers",
}
"""The kinds that have an address of their own, and the first part of it."""

_FIND: Final = f"""
SELECT json_build_object('data', json_agg(json_build_object(
    'kind', known.kind, 'id', known.entity_id, 'slug', slugs.slug,
    'url', '/api/v1/' || address.part || '/' || known.entity_id
) ORDER BY address.place)), {SEQ}
FROM external_ids known
JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS address (kind, part, place) ON address.kind = known.kind
LEFT JOIN slugs ON slugs.entity_id = known.entity_id AND slugs.current
WHERE known.source = $1 AND known.value = $2
HAVING count(*) > 0
""".encode()


def find(source: str, value: str) -> Statement:
    """What a source means by an id; ids of different kinds may be alike. No row where the catalog knows none."""
    return Statement(_FIND, [source, value, list(ADDRESSES), list(ADDRESSES.values())])
