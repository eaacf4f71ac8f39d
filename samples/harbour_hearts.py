"""The demo's show: invented, with all that makes real ones hard. Specials, an unaired pilot, entities, holes."""

from __future__ import annotations

from datetime import date, timedelta

from samples.imdb_pages import SampleEpisode, SampleShow

SHOW_ID = "tt99000001"

_TITLES = {
    1: (
        "Anchors & Arguments", "The Welcome Dinner", "Who Took the Dinghy?", "Salt in the Wound", "Low Tide",
        'The "Captain" Calls', "Overboard", "Knots & Crosses", "Storm Warning", "Land Ahoy: The Finale",
    ),
    2: (
        "New Crew, Old Grudges", "Champagne & Shipwrecks", "The Lighthouse Lunch", "Don't Rock the Boat",
        "Rope Burn", "A Toast to Nobody", "Mutiny on the Terrace", "The Regatta (Part 1)", "The Regatta (Part 2)",
    ),
    3: (
        "Back to the Harbour", "The Ex Files", "Fog", "Hook, Line & Sinker", "Café Olé", "The Silent Treatment",
        "Walk the Plank", "Last Orders",
    ),
}  # fmt: skip

_STARTS = {1: date(2023, 5, 3), 2: date(2024, 5, 8), 3: date(2026, 9, 16)}
_LATEST = date(2026, 11, 4)
"""Episodes after this day have not aired: no rating, no votes."""


def _episode(season: int, number: int, title: str) -> SampleEpisode:
    released = _STARTS[season] + timedelta(weeks=number - 1)
    aired = released <= _LATEST
    return SampleEpisode(
        id=f"tt990{season:02d}{number:03d}",
        season=season,
        number=number,
        title=title,
        plot=f"Week {number} at the marina: nobody is speaking to anybody & the mooring fees are due.",
        released=released,
        rating=round(6.2 + (season * 7 + number * 3) % 23 / 10, 1) if aired else None,
        votes=40 + season * 13 + number * 5 if aired else 0,
    )


_SPECIALS = (
    SampleEpisode(
        id="tt99000101",
        season=0,
        number=1,
        title="Harbour Hearts: The Reunion, Part One",
        plot='Everybody sits down with the host. Nobody stays seated for "very" long.',
        released=date(2023, 7, 19),
        rating=8.4,
        votes=311,
    ),
    SampleEpisode(
        id="tt99000102",
        season=0,
        number=2,
        title="Secrets Revealed <Uncut>",
        released=date(2024, 8, 1),
        image=False,
    ),
)

_PILOT = SampleEpisode(id="tt99001000", season=1, number=0, title="Unaired Pilot", plot="The tape that started it all.")

SHOW = SampleShow(
    id=SHOW_ID,
    title="Harbour Hearts",
    plot="Eight strangers, four houseboats & one summer: love, feuds and parking permits in a small harbour town.",
    start_year=2023,
    rating=7.1,
    votes=5120,
    genres=("Reality-TV", "Romance"),
    cast=(("nm99000001", "Marisol Quay"), ("nm99000002", "Dex Harrow"), ("nm99000003", "Bea O'Lantern")),
    creators=(("nm99000009", "Ines Fathom"),),
    episodes=(
        *_SPECIALS,
        _PILOT,
        *(
            _episode(season, number, title)
            for season, titles in _TITLES.items()
            for number, title in enumerate(titles, start=1)
        ),
    ),
)
