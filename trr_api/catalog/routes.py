"""All resources of the catalog."""

from fastapi import APIRouter

from trr_api.catalog.shows.routes import router as shows

router = APIRouter()
router.include_router(shows)
