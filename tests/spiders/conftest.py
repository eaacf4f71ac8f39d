"""A stand-in for IMDb that each module of tests can speak for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from origin import Origin, serving


@pytest.fixture
def origin(request: pytest.FixtureRequest) -> Iterator[Origin]:
    """A server that knows no show; the module's function `answer`, if it has one, answers in its place."""
    with serving(Origin()) as served:
        served.misbehave = getattr(request.module, "answer", served.misbehave)
        yield served
