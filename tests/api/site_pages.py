"""Pages of the site as the tests read them, and browsers without scripts that ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from lxml import html

Enter = Callable[..., httpx.Client]
"""See the fixture `enter`."""


def keep(client: httpx.Client, name: str, token: str) -> None:
    """Give a client a cookie, as the site does."""
    client.cookies.set(name, token, domain="127.0.0.1", path="/app")


def page(answer: httpx.Response, status: int = 200) -> Any:
    """The document of an answer, which runs and loads nothing but files of this server."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    document = html.fromstring(answer.text)
    for element in document.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"], element.attrib
        for name in ("src", "action"):
            assert element.get(name, "/").startswith("/"), element.attrib
    assert [script.text for script in document.iter("script") if script.text] == []
    assert document.xpath("count(//h1)") == 1
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))
    for field in document.xpath("//input[not(@type='hidden' or @type='radio' or @type='checkbox')] | //textarea"):
        assert field.xpath("ancestor::label") or document.xpath("//label[@for=$id]", id=field.get("id")), field.attrib
    for image in document.iter("img"):
        assert image.get("alt") is not None
    return document


def text(document: Any) -> str:
    """What is read on a page, beside its charts."""
    found = " ".join(document.xpath(".//text()[not(ancestor::svg)]"))
    return " ".join(found.split()).replace(" ,", ",")
