"""Queries of requests: exactly the known parameters, and lists of names by commas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, core_schema


def _shaped(pattern: str, shape: str) -> BeforeValidator:
    """Only this spelling: pydantic would take numbers for times, too."""

    def check(value: Any) -> Any:
        if not isinstance(value, date) and not (isinstance(value, str) and re.match(pattern, value)):
            raise ValueError(f"it must look like {shape}")
        return value

    return BeforeValidator(check)


def _check_year(when: date) -> date:
    if not 1800 <= when.year <= 2200:
        raise ValueError("its year must be between 1800 and 2200")
    return when


def _in_utc(when: datetime) -> datetime:
    _check_year(when)
    return when.astimezone(UTC)


Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Day = Annotated[date, _shaped(r"\d{4}-\d\d-\d\d$", "2026-11-28"), AfterValidator(_check_year)]
Moment = Annotated[
    AwareDatetime, _shaped(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", "2026-11-28T12:00:00Z"), AfterValidator(_in_utc)
]


class Parameters(BaseModel):
    """The query of a request: exactly these parameters, others are refused by name."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Names:
    """`Annotated[str | None, Names(…)]`: names by commas, unknown ones refused by name. `split` takes them apart."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = tuple(known)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        one = "|".join(self.known)
        return {"type": "string", "pattern": f"^({one})(,({one}))*$"}

    def check(self, text: str | None) -> str | None:
        """ValueError for a name that is not known."""
        for name in text.split(",") if text is not None else ():
            if name not in self.known:
                raise ValueError(f"there is no {name[:50]!r}; there are {', '.join(self.known)}")
        return text


def split(text: str | None) -> tuple[str, ...]:
    """The names in such a parameter, each once."""
    return tuple(dict.fromkeys(text.split(","))) if text else ()
