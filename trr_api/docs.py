"""/docs: the OpenAPI document as a page, served without any other host; /problems: what the types of problems mean."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from trr_api.problems import KINDS, Problem

STATIC: Final = "/docs-static"


def add_to(app: FastAPI) -> None:
    """Add the page, the files that it is made of (Swagger UI, out of the package fastapi-offline), and /problems."""
    assert app.openapi_url is not None
    page = get_swagger_ui_html(
        openapi_url=app.openapi_url,
        title=app.title,
        swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{STATIC}/favicon.png",
    )

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return page

    @app.get("/problems/{name}", include_in_schema=False)
    async def problem(name: str) -> dict[str, str | int]:
        if name not in KINDS:
            raise Problem("not-found", f"There is no problem of the type {name[:50]!r}.")
        kind = KINDS[name]
        return {"type": kind.type, "title": kind.title, "status": kind.status}

    app.mount(STATIC, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs-static")
