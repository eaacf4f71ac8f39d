"""What people write as Markdown, as HTML that may stand on anybody's page."""

from __future__ import annotations

from typing import Final

import nh3
from markdown_it import MarkdownIt

# CommonMark without raw HTML, with ~~struck~~ text and bare addresses as they are. Pictures are not shown: whoever
# serves them would learn who reads.
_markdown: Final = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")

# The renderer makes nothing else; what a mistake in it lets through ends here.
_TAGS: Final = frozenset("p br em strong s code pre blockquote ul ol li a h1 h2 h3 h4 h5 h6 hr".split())
_SCHEMES: Final = frozenset({"http", "https", "mailto"})


def render(text: str) -> str:
    """HTML of a text."""
    return nh3.clean(
        _markdown.render(text),
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}},
        url_schemes=set(_SCHEMES),
        link_rel="nofollow noopener noreferrer ugc",
    )
