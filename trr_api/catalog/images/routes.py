"""…/images of shows and people, /images."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.catalog.images import queries
from trr_api.catalog.images.schemas import GalleryImage, Image, ImagesParameters
from trr_api.catalog.places import Id, PersonKey, ShowKey, id_of, one, some
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging
from trr_api.parameters import Parameters

router = routing.router("", "images")


@router.get("/shows/{show}/images", response_model=Page[GalleryImage], summary="Pictures of a show")
async def list_show_images(
    request: Request, database: Catalog, cursors: Paging, show: ShowKey, asked: Annotated[ImagesParameters, Query()]
) -> Response:
    """The primary one first, then as the gallery has them."""
    statement = queries.of_show(show, asked, cursors.after("show-images", asked.cursor))
    return await some(database, request, cursors, statement, "show-images", "show", show)


@router.get("/people/{person}/images", response_model=Page[GalleryImage], summary="Pictures of a person")
async def list_person_images(
    request: Request, database: Catalog, cursors: Paging, person: PersonKey, asked: Annotated[ImagesParameters, Query()]
) -> Response:
    """The primary one first, then as the gallery has them."""
    statement = queries.of_person(person, asked, cursors.after("person-images", asked.cursor))
    return await some(database, request, cursors, statement, "person-images", "person", person)


@router.get("/images/{image}", response_model=Image, summary="A picture")
async def get_image(
    request: Request, database: Catalog, image: Annotated[Id, id_of("picture")], _: Annotated[Parameters, Query()]
) -> Response:
    """With the people in it."""
    return await one(database, request, queries.image(image), "image", image)
