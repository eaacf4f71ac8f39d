"""What one may ask of the stream of events."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from trr_api.parameters import Parameters

MOST_TOPICS = 50

Topic = Annotated[str, StringConstraints(pattern="^[a-z]{1,20}:[0-9a-f-]{36}$")]


class EventsParameters(Parameters):
    """Of what, and from where on."""

    topic: Annotated[list[Topic], Field(min_length=1, max_length=MOST_TOPICS)] = Field(
        examples=[["episode:0199c0de-0000-7000-8000-000000000001"]]
    )
    """One or more, each as a parameter of its own."""
    after: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    """The last seq that the caller has; `Last-Event-ID` goes before it."""
