"""What a route's function is called with, known when the application starts.

FastAPI looks at the annotations of every parameter and dependency anew for every request, and opens stacks for what may
have to be closed: more than all the rest of a request that asks the database once. So routes that take JSON or nothing,
and whose dependencies are functions like themselves, are called here. The document, the errors and the values are
FastAPI's own.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Match, compile_path
from starlette.types import Scope

from trr_api.parameters import Parameters

Function = Callable[..., Awaitable[Any]]

_MISSING: Final = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


@dataclass(slots=True)
class Binding:
    """A function, and where the values of its parameters come from."""

    function: Function
    request: str | None = None
    """Which parameter gets the request itself."""
    path: dict[str, TypeAdapter[Any]] = field(default_factory=dict)
    query: tuple[str, TypeAdapter[Any]] | None = None
    body: tuple[str, TypeAdapter[Any]] | None = None
    needed: dict[str, Binding] = field(default_factory=dict)
    """Dependencies."""

    async def __call__(self, request: Request) -> Any:
        return await self._call(request, {})

    async def _call(self, request: Request, made: dict[Function, Any]) -> Any:
        values: dict[str, Any] = {}
        for name, binding in self.needed.items():
            if binding.function not in made:  # each one once a request
                made[binding.function] = await binding._call(request, made)
            values[name] = made[binding.function]
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
        if self.body is not None:
            name, adapter = self.body
            content = await request.body()
            try:
                values[name] = adapter.validate_python(_loaded(request, content), from_attributes=True)
            except ValidationError as error:
                errors += _placed(error, "body") if content else [_MISSING]
        if errors:
            raise RequestValidationError(errors)
        if self.request is not None:
            values[self.request] = request
        return await self.function(**values)


class BoundRoute(APIRoute):
    """A route, called through a `Binding` where there is one."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        answers = inspect.isclass(told := get_type_hints(endpoint).get("return")) and issubclass(told, Response)
        self._binding = bind(endpoint, set(compile_path(path)[2])) if answers else None
        self._begins = path.partition("{")[0]
        super().__init__(path, endpoint, **options)

    @property
    def is_bound(self) -> bool:
        """Whether FastAPI's own way is not taken."""
        return self._binding is not None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self._binding.__call__ if self._binding is not None else super().get_route_handler()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # Most routes are not the one: told by a comparison, not by a regular expression.
        if not scope.get("root_path") and not scope["path"].startswith(self._begins):
            return Match.NONE, {}
        return super().matches(scope)


def bind(function: Callable[..., Any], in_path: set[str]) -> Binding | None:
    """How to call a function; None where it is one of a thread or a generator, or asks for more than is bound here."""
    # Or an object that can be called.
    called: Any = function if inspect.isfunction(function) else type(function).__call__
    if not inspect.iscoroutinefunction(called):
        return None
    binding = Binding(function)
    for name, hint in get_type_hints(called, include_extras=True).items():
        kind, marks = (get_args(hint)[0], get_args(hint)[1:]) if get_origin(hint) is Annotated else (hint, ())
        needed = next((mark.dependency for mark in marks if isinstance(mark, Depends)), None)
        if name == "return":
            continue
        if name in in_path:
            binding.path[name] = TypeAdapter(hint)
        elif kind in (Request, HTTPConnection):
            binding.request = name
        elif needed is not None and (found := bind(needed, set())) is not None:
            binding.needed[name] = found
        elif inspect.isclass(kind) and issubclass(kind, Parameters):
            binding.query = name, TypeAdapter(kind)
        elif inspect.isclass(kind) and issubclass(kind, BaseModel) and not marks and binding.body is None:
            binding.body = name, TypeAdapter(kind)
        else:
            return None
    return binding


@lru_cache(maxsize=256)
def _pairs(query: bytes) -> Sequence[tuple[str, str]]:
    return tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _loaded(request: Request, content: bytes) -> object:
    """What a body says: JSON where it is said to be that, the bytes themselves where not."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content or not (kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))):
        return content
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        found = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([{**found, "ctx": {"error": error.msg}}]) from error
    except (ValueError, RecursionError) as error:  # bytes that are no text, brackets without end
        raise HTTPException(400, "There was an error parsing the body") from error


def _placed(error: ValidationError, *where: str) -> list[Any]:
    return [{**found, "loc": (*where, *found["loc"])} for found in error.errors(include_url=False)]
