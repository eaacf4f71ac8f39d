"""Where a show can be watched: the part `watch/providers`, all regions and all kinds of terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import Item, Offer, WatchProvider
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb.fields import Drift, count, identifier, image_url, text

OFFER_TYPES: Final = ("flatrate", "free", "ads", "rent", "buy")
_REGION_KEYS: Final = frozenset({"link", *OFFER_TYPES})
_PROVIDER_KEYS: Final = frozenset({"logo_path", "provider_id", "provider_name", "display_priority"})


@dataclass(slots=True)
class Offers:
    """All offers of a show, and who makes them."""

    offers: list[Offer] = field(default_factory=list)
    providers: dict[str, WatchProvider] = field(default_factory=dict)
    """By id."""

    def items(self) -> Iterator[Item]:
        """Providers first."""
        yield from self.providers.values()
        yield from self.offers


def read(node: Node, show_id: str, drift: Drift) -> Offers:
    """All that the part tells. An empty one says that the show is offered nowhere."""
    drift.check("watch/providers", node, frozenset({"id", "results"}))
    found = Offers()
    regions = node.need("results")
    for name in regions.data:
        region = regions.need(name)
        drift.check("watch/providers region", region, _REGION_KEYS)
        for offer_type in OFFER_TYPES:
            for entry in region.nodes(offer_type):
                drift.check("watch/providers provider", entry, _PROVIDER_KEYS)
                provider_id = identifier(entry, "provider_id")
                found.providers[provider_id] = WatchProvider(
                    source="tmdb",
                    id=provider_id,
                    name=text(entry, "provider_name"),
                    logo_url=image_url(entry, "logo_path"),
                )
                found.offers.append(
                    Offer(
                        source="tmdb",
                        show_id=show_id,
                        region=name,
                        offer_type=offer_type,
                        provider_id=provider_id,
                        display_priority=count(entry, "display_priority"),
                        link=text(region, "link"),
                    )
                )
    return found
