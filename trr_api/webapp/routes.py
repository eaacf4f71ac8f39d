"""All pages of the site. What no page has comes last."""

from __future__ import annotations

from typing import Final

from trr_api.webapp import accounts, catalog, discussions, messages, surveys

ROUTERS: Final = (catalog.router, discussions.router, surveys.router, messages.router, accounts.router, catalog.nowhere)
