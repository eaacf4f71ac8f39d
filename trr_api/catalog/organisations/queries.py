"""SQL of networks, companies, and providers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.queries import external_ids, kept
from trr_api.queries import Fields, Sort, Statement, after_place, one, page

if TYPE_CHECKING:
    from trr_api.catalog.organisations.schemas import OrganisationsParameters
    from trr_api.paging import PageParameters

PROVIDER: Final[Fields] = {
    "id": "named.id",
    "name": "named.name",
    "logo_url": "named.logo_url",
    "external_ids": external_ids("named"),
    **kept("named"),
}
NETWORK: Final[Fields] = {
    **PROVIDER,
    "country": "named.country",
    "headquarters": "named.headquarters",
    "homepage": "named.homepage",
    "logos": "coalesce(named.logos, '[]'::jsonb)",
}
COMPANY: Final[Fields] = {
    **NETWORK,
    "description": "named.description",
    "owner": (
        "(SELECT json_build_object('id', owner.id, 'name', owner.name) FROM external_ids known "
        "JOIN companies owner ON owner.id = known.entity_id WHERE known.kind = 'company' "
        "AND known.source = 'tmdb' AND known.value = named.owner_id)"
    ),
}
_FIELDS: Final[dict[str, Fields]] = {"networks": NETWORK, "companies": COMPANY, "watch_providers": PROVIDER}
_BY_NAME: Final = Sort((("coalesce(named.name, '')", "text"), ("named.id", "uuid")))


def many(table: str, asked: OrganisationsParameters | PageParameters, after: Sequence[object] | None) -> Statement:
    """A page of a table, by name."""
    country = getattr(asked, "country", None)
    query = _many(table, country is not None, after is not None)
    return after_place(query, [] if country is None else [country], asked.limit, after)


@lru_cache(maxsize=16)
def _many(table: str, by_country: bool, after: bool) -> bytes:
    where = ["named.removed_at IS NULL", *(["named.country = $1"] if by_country else [])]
    return page(_FIELDS[table], f"{table} named", sort=_BY_NAME, bound=int(by_country), after=after, where=where)


def single(table: str, key: UUID) -> Statement:
    """One row of a table."""
    return Statement(_single(table), [key])


@lru_cache(maxsize=3)
def _single(table: str) -> bytes:
    return one(_FIELDS[table], f"{table} named WHERE named.id = $1")
