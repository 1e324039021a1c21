"""Regular expressions that the kernels can split texts by: one of some characters, any number of these, or a text."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["is_pattern", "separators"]

#: What means something else in an expression than itself.
_SPECIAL = frozenset(".^$*+?{}[]\\|()")

#: Escapes that stand for one character.
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}


def is_pattern(value: Any) -> bool:
    """Returns whether a value is a compiled expression."""
    return type(value) is re.Pattern


def separators(pattern: Any) -> str | tuple[str, bool, bool] | None:
    r"""Returns what an expression, or its text, splits texts by; None of one that the kernels do not know.

    That is a text; or characters, whether spaces are among them, and whether those side by side are taken together.

    >>> separators(r"\s+"), separators("[,;]"), separators("::"), separators(r"\|"), separators("a*")
    (('', True, True), (',;', False, False), '::', '|', None)
    """
    text = pattern.pattern if is_pattern(pattern) else pattern
    if type(text) is not str or is_pattern(pattern) and pattern.flags != re.UNICODE:
        return None
    characters = _of_set(text[1:-1]) if text.startswith("[") and text.endswith("]") else None
    if characters is not None:
        return (*characters, False)
    if text.startswith("[") and text.endswith("]+"):
        characters = _of_set(text[1:-2])
        return None if characters is None else (*characters, True)
    repeats = text.endswith("+") and not text.endswith("\\+")
    units = _units(text.removesuffix("+") if repeats else text)
    if not units:
        return None
    if len(units) > 1 or not repeats and units[0] is not None:
        return None if repeats or None in units else "".join(map(str, units))
    return ("", True, repeats) if units[0] is None else (units[0], False, repeats)


def _units(text: str) -> list[str | None] | None:
    """Returns the characters that an expression wants one behind the other, None for a space; None if it is of more."""
    units: list[str | None] = []
    rest = iter(text)
    for character in rest:
        if character == "\\":
            escaped = _escaped(next(rest, ""))
            if escaped is None:
                return None
            units.append(escaped or None)
        elif character in _SPECIAL:
            return None
        else:
            units.append(character)
    return units


def _escaped(character: str) -> str | None:
    """Returns the character that an escape stands for, nothing for a space; None of another escape."""
    if character == "s":
        return ""
    if character in _ESCAPES:
        return _ESCAPES[character]
    return None if not character or character.isalnum() or not character.isascii() else character


def _of_set(text: str) -> tuple[str, bool] | None:
    """Returns the characters of a set, and whether spaces are among them; None of a set of another kind."""
    characters, has_spaces = "", False
    rest = iter(text)
    for character in rest:
        if character == "\\":
            escaped = _escaped(next(rest, ""))
            if escaped is None:
                return None
            characters, has_spaces = characters + escaped, has_spaces or not escaped
        # A range, what is not in a set, and what may mean an operation between sets one day.
        elif character in "^-[]&~|":
            return None
        else:
            characters += character
    return (characters, has_spaces) if text else None
