"""Routes that only read, without what FastAPI does for those that do more.

FastAPI looks at the annotations of every parameter anew for every request, and opens stacks for what may have to be
closed: more than all the rest of a request that asks the database once. What an address and a query have to look like
is known when the application starts. The document, the errors and the values are those that FastAPI would give.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

from trr_api.parameters import Parameters

Held = Callable[[Request], Awaitable[object]]


@dataclass(slots=True)
class _Reader:
    """What a function asks for, by the names of its parameters."""

    call: Callable[..., Awaitable[Response]]
    request: str = ""
    path: dict[str, TypeAdapter[Any]] = field(default_factory=dict)
    query: tuple[str, TypeAdapter[Any]] | None = None
    held: dict[str, Held] = field(default_factory=dict)

    async def __call__(self, request: Request) -> Response:
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for name, adapter in self.path.items():
            try:
                values[name] = adapter.validate_python(request.path_params[name])
            except ValidationError as error:
                errors += _placed(error, "path", name)
        if self.query is not None:
            name, adapter = self.query
            try:
                # Where a name comes twice, the last one counts.
                values[name] = adapter.validate_python(dict(_pairs(request.scope["query_string"])))
            except ValidationError as error:
                errors += _placed(error, "query")
        if errors:
            raise RequestValidationError(errors)
        for name, holder in self.held.items():
            values[name] = await holder(request)
        if self.request:
            values[self.request] = request
        return await self.call(**values)


class ReadingRoute(APIRoute):
    """A route. A GET that asks for its address, its query and what the application holds `is_read` here."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        reader = _reader(endpoint, set(self.param_convertors)) if self.methods == {"GET"} else None
        self.is_read = reader is not None
        if reader is not None:
            self.app = request_response(reader)


def _reader(endpoint: Callable[..., Any], in_path: set[str]) -> _Reader | None:
    """How to call a function; None where it waits in a thread, or asks for more than a reader knows."""
    if not inspect.iscoroutinefunction(endpoint):
        return None
    reader = _Reader(endpoint)
    for name, hint in get_type_hints(endpoint, include_extras=True).items():
        kind, marks = (get_args(hint)[0], get_args(hint)[1:]) if get_origin(hint) is Annotated else (hint, ())
        holder = next((mark.dependency for mark in marks if isinstance(mark, Depends)), None)
        if name == "return":
            continue
        if name in in_path:
            reader.path[name] = TypeAdapter(hint)
        elif kind is Request:
            reader.request = name
        elif holder is not None and _is_held(holder):
            reader.held[name] = holder
        elif inspect.isclass(kind) and issubclass(kind, Parameters):
            reader.query = name, TypeAdapter(kind)
        else:
            return None
    return reader


def _is_held(holder: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(holder) and list(inspect.signature(holder).parameters) == ["request"]


@lru_cache(maxsize=1024)
def _pairs(query: bytes) -> Sequence[tuple[str, str]]:
    return tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _placed(error: ValidationError, *where: str) -> list[Any]:
    return [{**found, "loc": (*where, *found["loc"])} for found in error.errors(include_url=False)]
