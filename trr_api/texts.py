"""What people write, checked: texts of one line and of several."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, Field

REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make what follows read otherwise than it is written."""
NOWHERE: Final = frozenset("\ufffe\uffff")
"""What no XML may have, so no feed."""


def check_text(text: str) -> str:
    """A text in normal form, without blanks around it. ValueError where it shows nothing or hides something."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    for character in text:
        if character in REORDERING:
            raise ValueError(f"it has a character that reorders text (U+{ord(character):04X})")
        if character in NOWHERE or (unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t"):
            raise ValueError(f"it has a control character (U+{ord(character):04X})")
    if all(unicodedata.category(character)[0] in "CZ" for character in text):
        raise ValueError("it is blank")
    return text


def check_line(text: str) -> str:
    """The same for a text of one line."""
    text = check_text(text)
    if "\n" in text or "\t" in text:
        raise ValueError("it must be one line")
    return text


Line = Annotated[str, Field(min_length=1), AfterValidator(check_line)]
Text = Annotated[str, Field(min_length=1), AfterValidator(check_text)]
