"""The OpenAPI document: what FastAPI makes of the routes, with problems as they are sent, and examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from trr_api.problems import KINDS, MEDIA_TYPE

PATH: Final = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"
"""Where the document is committed."""

Json = dict[str, Any]

_OF_FORMAT: Final = {
    "uuid": "0199c0de-0000-7000-8000-000000000001",
    "date": "2026-11-04",
    "date-time": "2026-11-28T12:00:00+00:00",
}
_OF_TYPE: Final[dict[str, Any]] = {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "object": {}}


def document(app: FastAPI) -> Json:
    """The document of an application."""
    made: Json = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=app.openapi_version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = made["components"]["schemas"]
    for operation in (found for path in made["paths"].values() for found in path.values()):
        responses = operation["responses"]
        # FastAPI's own shape of a mistake is never sent.
        responses.pop("422", None)
        for status, response in responses.items():
            content = response.get("content", {})
            if status[0] in "45":
                content[MEDIA_TYPE] = content.pop("application/json")
                content[MEDIA_TYPE]["example"] = _problem(status)
            elif "application/json" in content:
                body = content["application/json"]
                body["example"] = example(body["schema"], schemas)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return made


def text(app: FastAPI) -> str:
    """The document as it is committed."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def example(schema: Json, schemas: Json) -> Any:
    """An example of a schema: its own, or put together of those of its parts. What may be null or absent is shown."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "properties" in schema:
        return {name: example(found, schemas) for name, found in schema["properties"].items()}
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return [example(items, schemas)] if items else []
    if "format" in schema and schema["format"] in _OF_FORMAT:
        return _OF_FORMAT[schema["format"]]
    return _OF_TYPE.get(schema.get("type", ""))


def _problem(status: str) -> Json:
    kind = KINDS["not-found" if status[0] == "4" else "unavailable"]
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": "The catalog has no show harbour-hearts." if status[0] == "4" else "The database does not answer.",
        "instance": "/api/v1/shows/harbour-hearts",
        "request_id": "6f9619ff8b86d011b42d00c04fc964ff",
    }
