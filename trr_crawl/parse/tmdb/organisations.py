"""Networks and production companies: as a show names them, and by their own pages."""

from __future__ import annotations

from typing import Final

from trr_crawl.items import UNSET, Company, Network
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import answer, images
from trr_crawl.parse.tmdb.fields import Drift, identifier, image_url, text

_LISTED_KEYS: Final = frozenset({"id", "logo_path", "name", "origin_country"})
_NETWORK_KEYS: Final = _LISTED_KEYS | {"headquarters", "homepage", "images"}
_COMPANY_KEYS: Final = _NETWORK_KEYS | {"description", "parent_company", "movies"}


def listed_network(node: Node, drift: Drift) -> Network:
    """An entry of a show's `networks`."""
    drift.check("network", node, _LISTED_KEYS)
    return _network(node, drift)


def listed_company(node: Node, drift: Drift) -> Company:
    """An entry of a show's `production_companies`."""
    drift.check("production_company", node, _LISTED_KEYS)
    return _company(node, drift)


def parse_network(body: bytes, network_id: str) -> tuple[Network, list[str]]:
    """`/3/network/{id}`, and the names of keys that nobody reads."""
    drift = Drift()
    node = answer.read(body, f"network {network_id}")
    answer.check_id(node, network_id, f"network {network_id}")
    drift.check("network", node, _NETWORK_KEYS)
    return _network(node, drift), sorted(drift)


def parse_company(body: bytes, company_id: str) -> tuple[Company, list[str]]:
    """`/3/company/{id}`, and the names of keys that nobody reads."""
    drift = Drift()
    node = answer.read(body, f"company {company_id}")
    answer.check_id(node, company_id, f"company {company_id}")
    drift.check("company", node, _COMPANY_KEYS)
    return _company(node, drift), sorted(drift)


def _network(node: Node, drift: Drift) -> Network:
    pictures = node.node("images")
    return Network(
        source="tmdb",
        id=identifier(node),
        name=text(node, "name"),
        country=text(node, "origin_country"),
        headquarters=text(node, "headquarters"),
        homepage=text(node, "homepage"),
        logo_url=image_url(node, "logo_path"),
        logos=images.logos(pictures, drift) if pictures else UNSET,
    )


def _company(node: Node, drift: Drift) -> Company:
    pictures, owner = node.node("images"), node.node("parent_company")
    return Company(
        source="tmdb",
        id=identifier(node),
        name=text(node, "name"),
        country=text(node, "origin_country"),
        headquarters=text(node, "headquarters"),
        homepage=text(node, "homepage"),
        description=text(node, "description"),
        owner_id=(identifier(owner) if owner else None) if "parent_company" in node.data else UNSET,
        logo_url=image_url(node, "logo_path"),
        logos=images.logos(pictures, drift) if pictures else UNSET,
    )
