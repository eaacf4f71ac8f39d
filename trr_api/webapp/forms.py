"""What is wrong with a form, field by field, in words for whoever filled it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trr_api.problems import Problem

ADVICE: Final = {
    "email": "Give an e-mail address, like ada@example.com.",
    "name": "3 to 30 small letters, digits and underscores.",
    "password": "10 to 200 characters.",
    "token": "This link is not whole. Open it out of the mail once more.",
}
"""Fields whose rules are patterns, which say little to people."""


LONGEST_NUMBER: Final = 6
"""Digits of a season or an episode."""


def whole(fields: Mapping[str, str], name: str) -> int | None:
    """The whole number in a field; None where there is none."""
    text = fields.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def mistakes(problem: Problem | None) -> dict[str, str]:
    """Name of a field -> what is wrong with it."""
    if problem is None:
        return {}
    found = {}
    for error in problem.errors:
        name = error.parameter.rpartition(".")[2]
        found[name] = ADVICE.get(name) or f"{error.detail[:1].upper()}{error.detail[1:]}".rstrip(".") + "."
    return found
