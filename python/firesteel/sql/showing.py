"""Rows for people: the boxes that ``show`` prints, and the tree of ``printSchema``."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

from firesteel.sql.types import Row

__all__ = ["java_number", "shown", "table"]


def table(names: list[str], rows: list[Row], truncate: int, vertical: bool, has_more: bool) -> str:
    """Returns rows as ``show`` prints them; texts longer than ``truncate`` are cut, if it is not 0.

    >>> print(table(["n", "name"], [Row(1, "Ada")], 20, False, False), end="")
    +---+----+
    |  n|name|
    +---+----+
    |  1| Ada|
    +---+----+
    <BLANKLINE>
    """
    cells = [[_cut(shown(value, True), truncate) for value in row] for row in rows]
    heads = [_cut(_one_line(name), truncate) for name in names]
    count = len(rows)
    footer = f"only showing top {count} row{'' if count == 1 else 's'}\n" if has_more else ""
    if vertical:
        return _vertical(heads, cells) + footer
    widths = [max(3, *(_width(row[at]) for row in [heads, *cells])) for at in range(len(names))]
    rule = "+" + "".join("-" * width + "+" for width in widths) + "\n"
    lines = [
        "|" + "".join(_padded(cell, width, truncate) + "|" for cell, width in zip(row, widths)) + "\n"
        for row in [heads, *cells]
    ]
    return rule + lines[0] + rule + "".join(lines[1:]) + rule + ("" if has_more else "\n") + footer


def _vertical(heads: list[str], cells: list[list[str]]) -> str:
    if not cells:
        return "(0 rows)\n"
    left = max(3, *map(_width, heads), 3) if heads else 3
    right = max([3, *(_width(cell) for row in cells for cell in row)])
    out = []
    for number, row in enumerate(cells):
        title = f"-RECORD {number}"
        out.append(title.ljust(left + right + 5, "-") + "\n")
        out += [f" {head.ljust(left)} | {cell.ljust(right)} \n" for head, cell in zip(heads, row)]
    return "".join(out) + "\n"


def _padded(cell: str, width: int, truncate: int) -> str:
    # Cut texts stand at the right, whole ones at the left, as Spark has them.
    space = " " * (width - _width(cell))
    return space + cell if truncate > 0 else cell + space


def _width(text: str) -> int:
    """Returns the number of columns that a terminal shows a text in."""
    import unicodedata

    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, truncate: int) -> str:
    if truncate <= 0 or len(text) <= truncate:
        return text
    return text[:truncate] if truncate < 4 else text[: truncate - 3] + "..."


_LINE_ENDS = str.maketrans(
    {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b", "\u000b": "\\v", "\u0007": "\\a"}
)


def _one_line(text: str) -> str:
    return text.translate(_LINE_ENDS)


def shown(value: Any, is_top: bool = False) -> str:
    """Returns a value as Spark casts it to a string.

    >>> shown([1.0, None, {"a": True}])
    '[1.0, NULL, {a -> true}]'
    """
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return _one_line(value) if is_top else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_number(value)
    if isinstance(value, (bytes, bytearray)):
        return "[" + " ".join(f"{byte:02X}" for byte in value) + "]"
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(key)} -> {shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(shown, value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def java_number(value: float) -> str:
    """Returns a number as Java prints it.

    >>> [java_number(each) for each in (1.0, 1e10, 1.5e-5, float("inf"), float("nan"))]
    ['1.0', '1.0E10', '1.5E-5', 'Infinity', 'NaN']
    """
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    digits = decimal.Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits.digits))
    exponent = len(text) - 1 + int(digits.exponent)
    return f"{'-' if digits.sign else ''}{text[0]}.{text[1:] or '0'}E{exponent}"
