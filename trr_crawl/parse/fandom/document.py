"""A page of a wiki, however it was got: by `api.php?action=parse`, or as readers see it.

Both give a `Document`: which page it is, by its own word, and the markup of its article.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from trr_crawl import text
from trr_crawl.parse.errors import NoSuchTitle, ShapeError, WrongPage
from trr_crawl.parse.fandom import api, markup
from trr_crawl.parse.fandom.markup import Element, first, has_class
from trr_crawl.parse.fandom.wikis import Wiki
from trr_crawl.parse.node import LARGEST, Node

API_PARAMETERS: Final = {
    "action": "parse",
    "prop": "text|revid|categories|images|displaytitle",
    "redirects": "1",
    "disabletoc": "1",
    "format": "json",
    "formatversion": "2",
}
"""Of the request for a page by `api.php`; `page` or `pageid` says which."""

_KNOWN = frozenset("title pageid revid redirects text categories images displaytitle".split())
_MISSING = (
    b"there is currently no text in this page",
    b"this page does not currently exist",
    b'class="noarticletext',
    b'"wgcanonicalspecialpagename":"badtitle"',
    b"page not found",
)
"""How pages say that they are none, in lower case."""


@dataclass(kw_only=True, slots=True)
class Document:
    """One page."""

    wiki: Wiki
    page_id: int
    revision_id: int | None
    title: str
    """With spaces, and the namespace if it has one."""
    display_title: str | None
    """What the page shows as its title, plain text; None where it says nothing."""
    categories: list[str] | None
    """With spaces, hidden ones left out where the source tells them; None where it says nothing."""
    redirected_from: str | None = None
    """The title that was asked for, where it led to another one."""
    content: Element
    """The article."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    @property
    def key(self) -> str:
        """The page's id in records."""
        return f"{self.wiki.key}/{self.page_id}"


def parse_answer(body: bytes, wiki: Wiki) -> Document:
    """Read the answer to API_PARAMETERS."""
    node = api.answer(body)
    page = node.need("parse")
    html = _text(page)
    if not html.strip():
        raise NoSuchTitle(f"the page {page.need_string('title')!r} is empty")
    page_id = page.integer("pageid")
    if page_id is None:
        raise ShapeError(f"{page.at('pageid')} is missing")
    shown = page.string("displaytitle")
    redirect = next(page.nodes("redirects"), None)
    return Document(
        wiki=wiki,
        page_id=page_id,
        revision_id=page.integer("revid"),
        title=page.need_string("title"),
        display_title=markup.plain_html(shown) if shown else None,
        categories=[_category(entry) for entry in page.nodes("categories") if not _is_hidden(entry)]
        if "categories" in page.data
        else None,
        redirected_from=redirect.string("from") if redirect else None,
        content=_article(markup.root(html)),
        drift=api.unknown(node) + page.drift(_KNOWN),
    )


def _text(page: Node) -> str:
    """The markup: a string, or in the older dress an object around one."""
    if isinstance(page.data.get("text"), dict):
        return page.need("text").string("*") or ""
    html = page.string("text")
    if html is None:
        raise ShapeError(f"{page.at('text')} is missing")
    return html


def _category(entry: Node) -> str:
    return (entry.string("category") or entry.need_string("*")).replace("_", " ")


def _is_hidden(entry: Node) -> bool:
    return entry.data.get("hidden", False) is not False


def parse_page(body: bytes, wiki: Wiki) -> Document:
    """Read the bytes of `https://{wiki}.fandom.com/wiki/{title}`."""
    if not body.strip():
        raise NoSuchTitle("the page is empty")
    html = body.decode("utf-8", "replace")
    page_id = _config(html, "wgArticleId", int)
    if page_id is None and not _says_missing(body):
        raise ShapeError("RLCONF.wgArticleId is missing")
    if not page_id:
        raise NoSuchTitle("the wiki has no such page")
    if b"</html" not in body[-1000:].lower():
        raise ShapeError("the page breaks off before its end")
    tree = markup.root(html)
    _check_wiki(tree, wiki)
    title = _config(html, "wgPageName", str)
    if title is None:
        raise ShapeError("RLCONF.wgPageName is missing")
    heading = first(tree, f"//h1[@id='firstHeading' or {has_class('page-header__title')}]")
    return Document(
        wiki=wiki,
        page_id=page_id,
        revision_id=_config(html, "wgRevisionId", int) or None,
        title=title.replace("_", " "),
        display_title=markup.plain(heading) if heading is not None else None,
        categories=_config(html, "wgCategories", list),
        redirected_from=_config(html, "wgRedirectedFrom", str),
        content=_article(tree),
    )


def is_wiki_page(body: bytes) -> bool:
    """Whether a body is a page of a wiki, if only to say that there is none; a check for humans is none."""
    return not body.strip() or b'"wgArticleId"' in body or _says_missing(body)


def _says_missing(body: bytes) -> bool:
    lowered = body.lower()
    return any(words in lowered for words in _MISSING)


def _check_wiki(tree: Element, wiki: Wiki) -> None:
    """Raise WrongPage where the page says that it belongs to another wiki: a closed one leads to Fandom's own."""
    address = first(tree, "//link[@rel='canonical']/@href")
    if address is not None and wiki.title_of(address) is None:
        raise WrongPage(f"asked {wiki.key}, the page belongs to {address}")


def _config(html: str, name: str, kind: type[Any]) -> Any:
    """A value of the page's RLCONF, which is JavaScript and only nearly JSON; None where it is absent."""
    mark = f'"{name}":'
    start = html.find(mark)
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(html, start + len(mark))
    except ValueError as error:
        raise ShapeError(f"RLCONF.{name} cannot be read") from error
    if type(value) is not kind or (isinstance(value, int) and not 0 <= value <= LARGEST):
        raise ShapeError(f"RLCONF.{name} is {value!r} where {kind.__name__} was expected")
    if isinstance(value, list):
        return [_words(name, entry) for entry in value]
    return _words(name, value) if isinstance(value, str) else value


def _words(name: str, value: object) -> str:
    """A text without what no text can hold: JavaScript can write halves of characters."""
    words = text.clean(value) if isinstance(value, str) else None
    if words is None:
        raise ShapeError(f"RLCONF.{name} holds {value!r} where a text was expected")
    return words


def _article(tree: Element) -> Element:
    article = first(tree, f"//*[{has_class('mw-parser-output')}]")
    if article is None:
        raise ShapeError("the page holds no article (mw-parser-output)")
    return article
