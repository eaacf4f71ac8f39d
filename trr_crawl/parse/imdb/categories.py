"""The trades in which people are credited: one word for each, whatever a layout calls it.

IMDb names a trade by an id ("sound_department"), since 2025 by another ("amzn1.imdb.concept.name_credit…"),
by a text ("Director"), and by the heading of its list ("Directors", "Casting"). All of them lead to the same trade.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade."""

    slug: str
    """As in `Credit.category`."""
    name: str
    """As in `Credit.category_name`."""
    known: bool = True
    """False for one that is not in the table below: its slug is made of the source's own words."""


_OTHER_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "Cast": (
        "actor",
        "actress",
        "self",
        "archive_footage",
        "archive_sound",
        "top_cast",
        "star",
        "stars",
        "7caf7d16-5db9-4f4f-8864-d4c6e711c686",
        "7510356e-fde9-438e-b3ad-0099ba6bc8ce",
        "a9ab2a8b-9153-4edb-a27a-7c2346830d77",
        "7f6d81aa-23aa-4503-844d-38201eb08761",
        "d6017bdb-c3e7-4ca5-944b-68d74b9de6b6",
        "6e871823-beae-458a-b972-2cdd635ec0d7",
    ),
    "Creator": ("creators", "85198717-6c2d-481e-93a5-47858774bcce"),
    "Director": ("directors", "ace5cb4c-8708-4238-9542-04641e7c8171"),
    "Writer": ("writers", "c84ecaff-add5-4f2e-81db-102a41881fe3"),
    "Producer": ("producers", "0af123ce-1605-4a51-93cf-7ad477b11832"),
    "Composer": ("composers", "00f5faa0-5f76-4eb5-87a1-ec8d484d1779"),
    "Cinematographer": ("cinematographers", "e2bf7217-c947-461b-aa58-47e27da1c78e"),
    "Editor": ("editors", "63b1f9c6-9d3b-4be6-88fc-6321c9fa5ae2"),
    "Casting Director": ("casting_directors", "casting", "67b6990c-f7de-4882-916b-dad87ec4406a"),
    "Production Designer": ("production_designers", "production_design", "ce558628-5755-438c-92d7-757518864a00"),
    "Art Director": ("art_directors", "art_direction", "60a44752-af76-44f7-9de0-ec51aea2180d"),
    "Set Decorator": ("set_decorators", "set_decoration", "359a8a76-1c15-4fd1-bd31-26c7e2a046f8"),
    "Costume Designer": ("costume_designers", "costume_design", "a2d21716-45de-40e2-9f7d-9de01fc34a71"),
    "Makeup Department": ("make_up_department", "c3f25a53-cdb2-4260-ab78-1ef0a6052ee1"),
    "Production Management": (
        "production_manager",
        "production_managers",
        "b3eac1a6-a62b-4f46-8b93-5331b94f6af3",
    ),
    "Assistant Director": (
        "assistant_directors",
        "second_unit_or_assistant_director",
        "second_unit_director_or_assistant_director",
        "second_unit_directors_or_assistant_directors",
        "306aa45f-30d6-4786-a7f9-b3103ebca806",
    ),
    "Art Department": ("d782ea94-18fe-4513-a71c-7cdd652ef2d8",),
    "Sound Department": ("ce258419-131b-41f0-b2c5-227f5d9b719f",),
    "Special Effects": ("856eb49a-7610-47d5-9a07-c7df3f715075",),
    "Visual Effects": ("fcb0b804-e618-4044-8a74-79e94d17e3cd",),
    "Stunts": ("79cc5241-902a-4d4b-971d-27a3590fa1f4",),
    "Camera and Electrical Department": ("camera_department", "daf5bc70-1a41-413b-af5a-af1e285bf049"),
    "Animation Department": ("44d5f7aa-fe79-46e8-a72a-0f861c37bfff",),
    "Casting Department": ("5c60f6fa-29f1-40a4-8fe5-b4c26a6a7db4",),
    "Costume and Wardrobe Department": ("costume_department", "19e9f38d-89a0-4963-91c1-e3958f1d4534"),
    "Editorial Department": ("2677b7dc-373c-41d1-8b13-7bdc171ca372",),
    "Location Management": ("95338d09-b2a1-4188-ac9f-55f5255bb437",),
    "Music Department": ("aad1533c-6974-45a4-ba98-5f2f43286cfc",),
    "Script and Continuity Department": ("script_department", "bf32c344-897c-4e0a-b401-36bfa2c3669e"),
    "Transportation Department": ("8c952a79-f27c-4e5a-be85-b114b0ecd04e",),
    "Additional Crew": ("miscellaneous", "a7c2d410-e513-4bd7-85d5-73060ec46a84"),
    "Thanks": ("90de891d-6d5e-4711-9179-3eda18bd18e1",),
    "Choreographer": ("choreographers", "choreography", "d7346bfb-3f3f-4d38-ad4f-a9db4611290d"),
    "Color Department": ("ed26d7e5-8124-43d8-8280-bd818cf80873",),
    "Craft Services": ("a7d0343f-d4c8-4684-8c82-590e070079ec",),
    "Production Department": ("990a90e2-4761-41d9-bfd6-3bd90e122762",),
    "Production Finance and Accounting": (),
    "Property Department": ("728a6705-9999-465a-abd7-2a89193d9f75",),
    "Publicity": ("f49f3db9-3260-4a39-9741-9d27a5319d3c",),
    "Soundtrack": ("4df03a1e-b90d-4c4a-8638-29eea26a156b",),
    "Accountant": ("accountants",),
    "Assistant": ("assistants",),
    "Costume Supervisor": ("costume_supervisors",),
    "Electrical Department": (),
    "Executive": ("executives",),
    "Hair Stylist": ("hair_stylists",),
    "Intimacy Coordinator": ("intimacy_coordinators",),
    "Legal": (),
    "Make-Up Artist": ("make_up_artists", "makeup_artist", "makeup_artists"),
    "Manager": ("managers",),
    "Music Artist": ("music_artists",),
    "Music Supervisor": ("music_supervisors",),
    "Podcaster": ("podcasters",),
    "Property Master": ("property_masters",),
    "Publicist": ("publicists",),
    "Script Supervisor": ("script_supervisors",),
    "Showrunner": ("showrunners",),
    "Stunt Coordinator": ("stunt_coordinators",),
    "Talent Agent": ("talent_agents",),
}
"""Each trade's name, which also gives its slug, and the other words for it: ids and headings."""

SELF: Final = frozenset(("self", "d6017bdb-c3e7-4ca5-944b-68d74b9de6b6"))
"""Words of the cast who appear as themselves."""

ARCHIVE: Final = frozenset(("archive_footage", "archive_sound", "6e871823-beae-458a-b972-2cdd635ec0d7"))
"""Words of the cast who appear in older material."""

ACTING: Final = frozenset(
    ("actor", "actress", "a9ab2a8b-9153-4edb-a27a-7c2346830d77", "7f6d81aa-23aa-4503-844d-38201eb08761")
)
"""Words of the cast who play somebody else."""

_ASKED_AS: Final[dict[str, tuple[str, ...]]] = {
    "cast": ("actor", "actress", "self", "archive_footage", "archive_sound"),
    "production_management": ("production_manager",),
    "makeup_department": ("make_up_department",),
    "camera_and_electrical_department": ("camera_department",),
    "costume_and_wardrobe_department": ("costume_department",),
    "script_and_continuity_department": ("script_department",),
    "additional_crew": ("miscellaneous",),
}
"""Trades that IMDb has under other ids than their slugs."""

_CONCEPT = re.compile(r"amzn1\.imdb\.concept\.name_credit_(?:category|group)\.")
_NO_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=1024)
def word(text: str) -> str:
    """An id or text as a word of the table: "Sound Department" is sound_department, a concept's id loses its prefix."""
    bare = _CONCEPT.sub("", text)
    return bare if bare != text else _NO_WORD.sub("_", text.lower()).strip("_")


TRADES: Final[dict[str, Trade]] = {word(name): Trade(word(name), name) for name in _OTHER_WORDS}
"""All trades by slug."""

_BY_WORD: Final = {
    entry: TRADES[word(name)] for name, others in _OTHER_WORDS.items() for entry in (word(name), *others)
}

CAST: Final = TRADES["cast"]


def asked_as(slug: str) -> tuple[str, ...]:
    """IMDb's own ids of a trade, for a question about people's credits in it."""
    return _ASKED_AS.get(slug, (slug,))


def trade(*words: str) -> Trade:
    """The trade that one of the words names; one of its own, made of the last of them, when the table has none."""
    for entry in words:
        if (found := _BY_WORD.get(word(entry))) is not None:
            return found
    return Trade(word(words[-1]), words[-1], known=False)
