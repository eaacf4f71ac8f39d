"""On which terms each source gives what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of a source, by a tag that programs can read."""

    tag: str
    """An SPDX identifier, or `LicenseRef-…` where there is none."""
    terms: str
    """Where the terms stand."""
    attribution: str
    """What whoever shows the values must say."""
    non_commercial: bool
    """Whether the values are left out of exports unless the operator says otherwise."""


LICENCES: Final = {
    "imdb": Licence(
        "LicenseRef-IMDb-Conditions-of-Use", "https://www.imdb.com/conditions", "Information courtesy of IMDb.", False
    ),
    "imdb_datasets": Licence(
        "LicenseRef-IMDb-Non-Commercial-Datasets",
        "https://developer.imdb.com/non-commercial-datasets/",
        "Information courtesy of IMDb (https://www.imdb.com). Used with permission.",
        True,
    ),
    "imdb_exports": Licence(
        "LicenseRef-IMDb-Conditions-of-Use", "https://www.imdb.com/conditions", "Information courtesy of IMDb.", False
    ),
    "tmdb": Licence(
        "LicenseRef-TMDB-API-Terms",
        "https://www.themoviedb.org/api-terms-of-use",
        "This product uses the TMDB API but is not endorsed or certified by TMDB.",
        False,
    ),
    "fandom": Licence(
        "CC-BY-SA-3.0", "https://www.fandom.com/licensing", "From Fandom, by the editors of the wiki named.", False
    ),
    "override": Licence("LicenseRef-Operator", "", "", False),
}
"""Source, as in `provenance` -> its terms."""

NON_COMMERCIAL: Final = tuple(source for source, licence in LICENCES.items() if licence.non_commercial)
