"""What people write as Markdown, as HTML that may stand on anybody's page."""

from __future__ import annotations

from typing import Final

import nh3
from markdown_it import MarkdownIt

from trr_api.texts import REORDERING

# CommonMark without raw HTML, with ~~struck~~ text and bare addresses as they are. Pictures are not shown: whoever
# serves them would learn who reads.
_markdown: Final = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")

# The renderer makes nothing else; what a mistake in it lets through ends here.
_TAGS: Final = frozenset("p br em strong s code pre blockquote ul ol li a h1 h2 h3 h4 h5 h6 hr".split())
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
# What is refused where it is written as itself may be written as an entity: `&#x202e;`, `&#12;`.
_HIDDEN: Final = dict.fromkeys(map(ord, REORDERING | {"\f"}))


def render(text: str) -> str:
    """HTML of a text."""
    return nh3.clean(
        _markdown.render(text).translate(_HIDDEN),
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}},
        url_schemes=set(_SCHEMES),
        link_rel="nofollow noopener noreferrer ugc",
    )
