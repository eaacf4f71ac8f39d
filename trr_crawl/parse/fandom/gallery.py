"""Galleries: pages such as `Name/Gallery`, and those within articles. Each picture has a caption and a heading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from trr_crawl.items import UNSET, FandomPage, GalleryEntry, Item, Picture, Unset
from trr_crawl.parse.fandom import document
from trr_crawl.parse.fandom.document import Document
from trr_crawl.parse.fandom.evidence import Finding
from trr_crawl.parse.fandom.images import FandomImage, fandom_image
from trr_crawl.parse.fandom.markup import Element, classes, first, has_class, is_silent, plain
from trr_crawl.parse.fandom.wikis import Wiki

_ITEM = f".//*[{has_class('wikia-gallery-item')} or {has_class('gallerybox')}]"
_CAPTION = f".//*[{has_class('lightbox-caption')} or {has_class('gallerytext')}]"
_NAME = f".//*[{has_class('gallery-image-wrapper')} or {has_class('thumb')}]"
SMALLEST: Final = 100
"""Pictures of fewer pixels across are icons."""

_HEADINGS = ("h2", "h3", "h4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A picture of a gallery."""

    image: FandomImage
    caption: str | None
    """Plain text."""
    section: str | None = None
    """The heading that it stands under, with those above it: "Season 5 / Promos"."""


@dataclass(slots=True)
class Entries:
    """What a gallery holds."""

    entries: list[Entry] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Names of files that it names and that are not there."""
    strange: list[str] = field(default_factory=list)
    """Addresses of pictures that are none of Fandom's."""


@dataclass(kw_only=True, slots=True)
class GalleryPage:
    """What one page of pictures holds."""

    document: Document
    found: Entries
    drift: list[str] = field(default_factory=list)
    """What nobody reads yet."""

    @property
    def total(self) -> int:
        """How many places the page has, files that are not there included."""
        return len(self.found.entries) + len(self.found.missing) + len(self.found.strange)

    @property
    def count(self) -> int:
        """How many different pictures are here."""
        return len({entry.image.picture_id for entry in self.found.entries})

    def items(self, finding: Finding, person_id: str) -> Iterator[Item]:
        """The page and its pictures; and if the person is found, the pictures' places in their gallery, from 1.

        Where a picture is shown twice, its first place counts. Files that are not there have no place.
        """
        owner = person_id if finding.attached else UNSET
        yield self.page(finding, owner)
        told: set[str] = set()
        for entry in self.found.entries:
            picture_id = entry.image.picture_id
            if picture_id in told:
                continue
            told.add(picture_id)
            yield Picture(
                source="fandom",
                picture_id=picture_id,
                url=entry.image.url,
                section=entry.section,
                caption=entry.caption,
            )
            if owner:
                yield GalleryEntry(source="fandom", picture_id=picture_id, person_id=owner, position=len(told))

    def page(self, finding: Finding, owner: str | Unset) -> FandomPage:
        """The record of the page itself."""
        source = self.document
        return FandomPage(
            source="fandom",
            wiki=source.wiki.key,
            page_id=source.page_id,
            title=source.title,
            url=source.wiki.page_url(source.title),
            revision_id=source.revision_id,
            categories=source.categories if source.categories is not None else UNSET,
            wanted_name=finding.wanted.name,
            wanted_id=finding.wanted.id if finding.wanted.id is not None else UNSET,
            evidence=finding.evidence,
            reason=finding.reason,
            person_id=owner,
        )


def parse_answer(body: bytes, wiki: Wiki) -> GalleryPage:
    """Read the answer to `document.API_PARAMETERS` for a page of pictures."""
    return read(document.parse_answer(body, wiki))


def parse_page(body: bytes, wiki: Wiki) -> GalleryPage:
    """Read the bytes of `https://{wiki}.fandom.com/wiki/{title}/Gallery`."""
    return read(document.parse_page(body, wiki))


def read(source: Document) -> GalleryPage:
    """Read all galleries of a page, in order, under its headings."""
    found = Entries()
    headings: dict[str, str] = {}
    for element in source.content.iter(*_HEADINGS, "div", "ul", "img"):
        if any(map(is_silent, element.iterancestors())):
            continue
        if element.tag in _HEADINGS:
            level = _HEADINGS.index(element.tag)
            headings = {tag: words for tag, words in headings.items() if _HEADINGS.index(tag) < level}
            headings[element.tag] = plain(element) or ""
        elif is_gallery(element) or (element.tag == "img" and _stands_alone(element)):
            section = " / ".join(filter(None, headings.values())) or None
            here = entries(element, section) if is_gallery(element) else _single(element, section)
            found.entries += here.entries
            found.missing += here.missing
            found.strange += here.strange
    return GalleryPage(document=source, found=found, drift=source.drift)


def _stands_alone(img: Element) -> bool:
    """Whether a page shows a picture by itself: in no gallery, and larger than an icon."""
    return is_large(img) and not any(map(is_gallery, img.iterancestors()))


def _single(img: Element, section: str | None) -> Entries:
    image, address = image_of(img)
    if image is None:
        return Entries(strange=[address] if is_of_fandom(address) else [])
    captions = (first(above, ".//figcaption") for above in img.iterancestors("figure"))
    caption = next((found for found in captions if found is not None), None)
    words = plain(caption) if caption is not None else None
    return Entries(entries=[Entry(image=image, caption=words, section=section)])


def is_of_fandom(address: str | None) -> TypeGuard[str]:
    """Whether an address leads to Fandom's pictures; those of others are decoration."""
    return address is not None and "wikia.nocookie.net/" in address


def is_large(img: Element) -> bool:
    """Whether a picture is more than an icon, as far as its markup tells."""
    width = img.get("width") or ""
    return not (width.isascii() and width.isdigit()) or int(width) >= SMALLEST


def is_gallery(element: Element) -> bool:
    """Whether an element is a gallery, of Fandom's or of MediaWiki's own kind."""
    found = classes(element)
    return "wikia-gallery" in found or ("gallery" in found and element.tag == "ul")


def entries(gallery: Element, section: str | None = None) -> Entries:
    """The pictures of one gallery."""
    found = Entries()
    for item in gallery.xpath(_ITEM):
        if is_silent(item):
            continue
        caption = first(item, _CAPTION)
        images = [image_of(img) for img in item.xpath(".//img")]
        image = next((image for image, _ in images if image is not None), None)
        if image is not None:
            words = plain(caption) if caption is not None else None
            found.entries.append(Entry(image=image, caption=words, section=section))
        elif images:
            found.strange.append(next((address for _, address in images if address), "img"))
        else:
            name = first(item, _NAME)
            found.missing.append((plain(name) if name is not None else None) or "a file without a name")
    return found


def image_of(img: Element) -> tuple[FandomImage | None, str | None]:
    """The picture that an `img` shows, and the address that it gives. A page that loads lazily has it in `data-src`."""
    given = [img.get("data-src"), img.get("src")]
    link = img.getparent()
    if link is not None and link.tag == "a":
        given.append(link.get("href"))
    addresses = [address for address in given if address and not address.startswith("data:")]
    for address in addresses:
        try:
            return fandom_image(address), address
        except ValueError:
            continue
    return None, addresses[0] if addresses else None
