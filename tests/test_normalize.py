"""Normalizing reaches every text of an item."""

from __future__ import annotations

from trr_crawl.items import UNSET, Image
from trr_crawl.pipelines.normalize import normalized


def test_normalizing_reaches_into_lists_and_captions() -> None:
    assert normalized([" a ", "", "b  c"]) == ["a", "b c"]
    assert normalized(Image(url="u", caption=" x ")) == Image(url="u", caption="x")
    assert normalized(7) == 7
    assert normalized(UNSET) is UNSET
