"""Which wiki: Fandom has one for each subject, and some subjects have one for each language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_NAME = re.compile(r"(?:([a-z]{2,3}(?:-[a-z]{2,8})?)/)?([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)", re.ASCII)
_HOST = re.compile(r"(?:www\.)?([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\.(?:fandom\.com|wikia\.com|wikia\.org)", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wiki:
    """A wiki by its name and, where it is not English, its language."""

    name: str
    """The subdomain: "real-housewives"."""
    language: str | None = None
    """"de" for `https://{name}.fandom.com/de/`; None for the one without a language."""

    @property
    def key(self) -> str:
        """How records name it: "real-housewives", or "de/real-housewives"."""
        return f"{self.language}/{self.name}" if self.language else self.name

    def root(self, host: str = "https://{wiki}.fandom.com") -> str:
        """What its addresses begin with; `{wiki}` in `host` stands for its name."""
        return host.format(wiki=self.name) + (f"/{self.language}" if self.language else "")

    def page_url(self, title: str, host: str = "https://{wiki}.fandom.com") -> str:
        """The address of a page."""
        return f"{self.root(host)}/wiki/{quote(title.replace(' ', '_'), safe='/:!(),~*')}"

    def title_of(self, href: str) -> str | None:
        """The title of its page that a link leads to, a section aside; None for links out of it, or to no page yet."""
        try:
            parts = urlsplit(href)
        except ValueError:  # such as http://[
            return None
        if "redlink=1" in parts.query:
            return None
        if parts.netloc and parts.netloc != urlsplit(self.root()).netloc:
            return None
        before, found, title = parts.path.partition("/wiki/")
        if not found or before != (f"/{self.language}" if self.language else ""):
            return None
        return unquote(title).replace("_", " ").strip() or None

    def address_of(self, href: str) -> str | None:
        """The full address that a link leads to; None for one to a page that nobody wrote yet, or within the page."""
        if title := self.title_of(href):
            return self.page_url(title)
        return href if href.startswith(("http://", "https://")) and "redlink=1" not in href else None


def wiki_of(text: str) -> Wiki:
    """Read `real-housewives`, `de/real-housewives`, or the address of the wiki or one of its pages.

    ValueError for anything else.
    """
    text = text.strip()
    if match := _NAME.fullmatch(text.lower()):
        return Wiki(match[2], match[1])
    parts = urlsplit(text if "//" in text else f"https://{text}")
    host = _HOST.fullmatch(parts.netloc.lower())
    if host is None or parts.scheme not in ("http", "https"):
        raise ValueError(f"{text!r} is no wiki of Fandom's")
    first = parts.path.split("/")[1:2]
    language = first[0] if first and first[0] != "wiki" and _LANGUAGE.fullmatch(first[0]) else None
    return Wiki(host[1], language)
