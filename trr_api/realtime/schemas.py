"""What one may ask of the stream of events."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from trr_api.parameters import Parameters
from trr_api.realtime.queries import TOPICS

MOST_TOPICS: Final = 50

TOPIC: Final = re.compile(f"^({'|'.join(TOPICS)}):[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$")
SEQ: Final = re.compile("^[0-9]{0,18}$")
"""As text; empty for none."""

Topic = Annotated[str, StringConstraints(pattern=TOPIC.pattern)]


class EventsParameters(Parameters):
    """Of what, and from where on."""

    topic: Annotated[list[Topic], Field(min_length=1, max_length=MOST_TOPICS)] = Field(
        examples=[["episode:0199c0de-0000-7000-8000-000000000001"]]
    )
    """One or more, each as a parameter of its own."""
    after: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    """The last seq that the caller has; `Last-Event-ID` goes before it."""
