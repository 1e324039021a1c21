"""Formats of values: what stands behind the colon in f-strings and in ``str.format``, and the places of ``%``.

They are read here, so that a program has them in parts, and so that people are told of those that the kernels lack.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

from firesteel.native.values import NotLowered

__all__ = ["fields", "percent", "spec"]

MOST_WIDTH = 4096
"""The greatest width and precision: formats beyond are interpreted."""

#: Fill, align, sign, whether there is a zero, width, grouping, precision and type.
Spec = tuple[str | None, str | None, str | None, bool, int, str | None, int | None, str]

_SPEC = re.compile(
    r"(?:(?P<fill>.)(?=[<>=^]))?(?P<align>[<>=^])?(?P<sign>[-+ ])?(?P<zero>0)?(?P<width>[0-9]+)?(?P<grouping>[,_])?"
    r"(?:\.(?P<precision>[0-9]+))?(?P<kind>[dxXobfeg%s])?",
    re.DOTALL,
)

_PLACE = re.compile(r"%(?P<flags>[-+ 0]*)(?P<width>[0-9]*)(?:\.(?P<precision>[0-9]+))?(?P<kind>[diuxXofegsr%])")


def spec(text: str) -> Spec:
    """Returns a format in its parts.

    >>> spec(">+010,.2f")
    Traceback (most recent call last):
    ...
    firesteel.native.values.NotLowered: the format '>+010,.2f'
    >>> spec("*>8")
    ('*', '>', None, False, 8, None, None, '')
    """
    found = _SPEC.fullmatch(text)
    if found is None:
        raise NotLowered(f"the format {text!r}")
    fill, align, sign, zero, width, grouping, precision, kind = found.groups()
    made = (fill, align, sign, zero is not None, int(width or 0), grouping, None, kind or "")
    # Zeros that fill up are grouped, too.
    if grouping is not None and (zero is not None or align == "=") or fill is not None and not _is_text(fill):
        raise NotLowered(f"the format {text!r}")
    return _bounded((*made[:6], None if precision is None else int(precision), made[7]), text)


def _bounded(made: Spec, text: str) -> Spec:
    if max(made[4], made[6] or 0) > MOST_WIDTH:
        raise NotLowered(f"the format {text!r}")
    return made


def _is_text(character: str) -> bool:
    return not "\ud800" <= character <= "\udfff"


def percent(template: str) -> tuple[str | Spec, ...]:
    """Returns the pieces of what stands before ``%``: texts, and the formats of values.

    >>> percent("%d of %5.1f%%")
    ((None, '>', None, False, 0, None, None, 'd'), ' of ', (None, '>', None, False, 5, None, 1, 'f'), '%')
    """
    pieces: list[str | Spec] = []
    at = 0
    while at < len(template):
        begin = template.find("%", at)
        if begin != at:
            pieces.append(template[at : begin if begin >= 0 else len(template)])
            at = begin if begin >= 0 else len(template)
            continue
        found = _PLACE.match(template, at)
        if found is None:
            raise NotLowered(f"the format {template[at : at + 4]!r}")
        at = found.end()
        pieces.append(_place(found))
    return tuple(pieces)


def _place(found: re.Match[str]) -> str | Spec:
    text, flags, width, precision, kind = found[0], *found.groups()
    if kind == "%":
        if text != "%%":
            raise NotLowered(f"the format {text!r}")
        return "%"
    is_text = kind in "sr"
    if precision is not None and not (is_text or kind in "feg") or is_text and set(flags) - {"-"}:
        raise NotLowered(f"the format {text!r}")
    sign = "+" if "+" in flags else " " if " " in flags else None
    zero = "0" in flags and "-" not in flags
    align = "<" if "-" in flags else "=" if zero else ">"
    kind = {"i": "d", "u": "d", "s": "str", "r": "repr"}.get(kind, kind)
    digits = None if precision is None else int(precision)
    return _bounded((None, align, sign, zero, int(width or 0), None, digits, kind), text)


def fields(template: str, arguments: list[Any]) -> list[tuple[str, Any, str | None, str]]:
    """Returns the pieces of a template of ``str.format``: the text before a field, its value, conversion and format.

    >>> fields("{}-{1!r}", ["a", "b"])
    Traceback (most recent call last):
    ...
    firesteel.native.values.NotLowered: a format with both {} and {0}
    """
    pieces: list[tuple[str, Any, str | None, str]] = []
    numbered = counted = 0
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise NotLowered(f"the format {template!r}: {error}") from None
    for before, name, text, conversion in parsed:
        if name is None:
            pieces.append((before, None, None, ""))
            continue
        if name and not (name.isascii() and name.isdigit()):
            raise NotLowered(f"the field {{{name}}} in a format")
        if "{" in (text or ""):
            raise NotLowered("a format within a format")
        at = int(name) if name else counted
        numbered, counted = numbered + bool(name), counted + (not name)
        if numbered and counted:
            raise NotLowered("a format with both {} and {0}")
        if at >= len(arguments):
            raise NotLowered(f"a format with the field {at} of {len(arguments)}")
        pieces.append((before, arguments[at], conversion, text or ""))
    return pieces
