"""Invented shows in IMDb's shape, numbered from 0: any number of pages, no two about the same episodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from typing import Final

from PIL import Image

from samples.imdb_pages import SampleEpisode, SampleShow, page

SEASONS: Final = 10
"""Seasons of a show, each with a page of its own."""
EPISODES: Final = 11
"""Episodes of a season."""

LARGE: Final = 600_000
"""Bytes of a page as IMDb serves it, translations and all."""
SMALL: Final = 35_000
"""Bytes of a page where the network costs little, so that our own work weighs most."""

_MARK: Final = b"900000"
"""Stands wherever a page of the template names its show; a show's own number takes its place, as in 900017."""
_LAST_SHOW: Final = 99_999
_FILLER: Final = b'"translationContext":{'
_ADDRESS = re.compile(rb"/title/tt9(\d{5})0000/episodes/(?:\?season=(\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Template:
    """The page of one season, in the parts that differ from show to show and the large one that does not."""

    head: bytes
    filler: bytes
    tail: bytes

    def of_show(self, number: int) -> tuple[bytes, bytes, bytes]:
        """The page about a show, in parts, so that the filler need not be copied."""
        mark = b"9%05d" % number
        return self.head.replace(_MARK, mark), self.filler, self.tail.replace(_MARK, mark)


def show_id(number: int) -> str:
    """The IMDb id of a show."""
    if not 0 <= number <= _LAST_SHOW:
        raise ValueError(f"there are shows 0 to {_LAST_SHOW}, no show {number}")
    return f"tt9{number:05d}0000"


def asked_for(target: bytes) -> tuple[int, int] | None:
    """The show and season that a request's target names; season 1 where it names none, as IMDb does it."""
    match = _ADDRESS.fullmatch(target)
    return (int(match[1]), int(match[2] or 1)) if match else None


def bodies(size: int, pages: int) -> Iterator[tuple[str, bytes]]:
    """So many pages of a size in bytes, show after show, each with its show's id."""
    for index in range(pages):
        number, season = divmod(index, SEASONS)
        yield show_id(number), b"".join(templates(size)[season].of_show(number))


@cache
def templates(size: int) -> tuple[Template, ...]:
    """The pages of all seasons of show 0, each about so many bytes long."""
    show = _show()
    bare = len(page(show, "1"))
    return tuple(_split(page(show, label, filler=size - bare)) for label in show.seasons)


def _split(body: bytes) -> Template:
    start = body.index(_FILLER)
    end = body.index(b"}", start)
    return Template(body[:start], body[start:end], body[end:])


def _show() -> SampleShow:
    """Show 0."""
    return SampleShow(
        id=show_id(0),
        title="The Quays of 900000",
        plot="Twelve strangers, one harbour & a summer that nobody planned for. Filmed over 900000 days.",
        start_year=2014,
        rating=7.1,
        votes=5120,
        genres=("Reality-TV", "Romance"),
        cast=tuple((f"nm9000000{number:03d}", f"Cast {number} of 900000") for number in range(1, 4)),
        creators=(("nm9000000009", "Maker of 900000"),),
        episodes=tuple(
            _episode(season, number) for season in range(1, SEASONS + 1) for number in range(1, EPISODES + 1)
        ),
    )


def _episode(season: int, number: int) -> SampleEpisode:
    return SampleEpisode(
        id=f"tt900000{season:02d}{number:02d}",
        season=season,
        number=number,
        title=f"Season {season}: Salt & Storm, Part {number}",
        plot=f"Week {number} at the marina of 900000: nobody is speaking to anybody & the mooring fees are due. "
        "Two of them leave, one comes back, and the ferry waits for none of them.",
        released=date(2014 + season, 5, 3) + timedelta(weeks=number - 1),
        rating=round(6.2 + (season * 7 + number * 3) % 23 / 10, 1),
        votes=40 + season * 13 + number * 5,
    )


PICTURES: Final = b"/pictures/"
"""Where the origin has pictures."""


@cache
def _picture() -> tuple[bytes, bytes]:
    """A JPEG of about 100 KB, before and behind a comment."""
    buffer = BytesIO()
    Image.effect_noise((560, 315), 80).convert("RGB").save(buffer, "JPEG", quality=84)
    content = buffer.getvalue()
    return content[:2] + b"\xff\xfe" + (2 + 16).to_bytes(2, "big"), content[2:]


def picture(number: int) -> bytes:
    """The picture of a number: they differ in a comment, so that no two have the same bytes."""
    before, behind = _picture()
    return before + b"%016d" % number + behind


def picture_asked_for(target: bytes) -> int | None:
    """Which picture a request is for."""
    name = target.removeprefix(PICTURES).removesuffix(b".jpg")
    return int(name) if target.startswith(PICTURES) and name.isdigit() else None
