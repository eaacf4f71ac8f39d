"""The routers of features, and how the application takes them in."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from trr_api.binding import BoundRoute
from trr_api.problems import ProblemDetails

PREFIX: Final = "/api/v1"

LARGEST_BODY: Final = 100_000
"""Bytes of a request's body."""

LARGEST_AVATAR: Final = 2_000_000
"""Bytes of the body that is a picture."""

LARGER_BODIES: Final = {f"{PREFIX}/me/avatar": LARGEST_AVATAR}
"""Path -> bytes, where more is meant."""


def router(prefix: str, tag: str, *, max_body_size: int | None = None) -> APIRouter:
    """A router for the paths of a feature: `prefix` with PREFIX before it, problems documented.

    `max_body_size` is for those that read bodies.
    """
    return APIRouter(
        route_class=BoundRoute,
        max_body_size=max_body_size,
        prefix=PREFIX + prefix,
        tags=[tag],
        responses={
            "4XX": {"model": ProblemDetails, "description": "The request is wrong."},
            "5XX": {"model": ProblemDetails, "description": "The catalog is away, or an error that is ours."},
        },
        generate_unique_id_function=operation_id,
    )


def operation_id(route: APIRoute) -> str:
    """The function's name: generated clients call their methods after it."""
    return route.name


def take_in(app: FastAPI, *routers: APIRouter) -> None:
    """Add the routes of features, those asked for most first.

    `include_router` would look for the route of a request once more at every level; one flat list is searched once.
    """
    for found in routers:
        app.router.routes.extend(found.routes)
