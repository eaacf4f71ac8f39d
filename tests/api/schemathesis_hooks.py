"""Loaded by schemathesis: what it must know of the catalog to ask for things that are there."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

THERE: dict[str, str] = json.loads(os.environ["SCHEMATHESIS_THERE"])
"""Parameter of a path -> something that the catalog has."""


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Paths lead to what is there; no cursor, which comes out of a page and cannot be made up (tested elsewhere)."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            parameters = operation.get("parameters", [])
            operation["parameters"] = [found for found in parameters if found["name"] != "cursor"]
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in THERE:
                    parameter["schema"] = {"type": "string", "enum": [THERE[parameter["name"]]]}
