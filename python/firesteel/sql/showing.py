"""Rows for people: the boxes that ``show`` prints, and the tree of ``printSchema``."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

from firesteel import _native
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import DataType, FloatType
from firesteel.sql.row import Row
from firesteel.sql.structs import StructType
from firesteel.sql.temporal import TimestampType
from firesteel.sql.zones import in_zone, zone_of

__all__ = ["shown", "table"]


def table(
    schema: StructType, rows: list[Row], truncate: int, vertical: bool, has_more: bool, zone: str | None = None
) -> str:
    """Returns rows as ``show`` prints them; texts longer than ``truncate`` are cut, if it is not 0. Points in time
    are shown as a clock in ``zone`` shows them, or else in this process's zone.

    >>> from firesteel.sql.types import LongType, StringType, StructField
    >>> schema = StructType([StructField("n", LongType()), StructField("name", StringType())])
    >>> print(table(schema, [Row(1, "Ada")], 20, False, False), end="")
    +---+----+
    |  n|name|
    +---+----+
    |  1| Ada|
    +---+----+
    """
    kinds, place = [field.dataType for field in schema.fields], zone_of(zone) if zone else None
    cells = [[_cut(_one_line(shown(value, kind, place)), truncate) for value, kind in zip(row, kinds)] for row in rows]
    # Names are never cut, in Spark either.
    heads = [_one_line(name) for name in schema.names]
    count = len(rows)
    footer = f"only showing top {count} row{'' if count == 1 else 's'}" if has_more else ""
    if vertical:
        return _vertical(heads, cells) + footer
    widths = [max(3, *(_width(row[at]) for row in [heads, *cells])) for at in range(len(heads))]
    rule = "+" + ("".join("-" * width + "+" for width in widths) or "+") + "\n"
    lines = [
        "|" + ("".join(_padded(cell, width, truncate) + "|" for cell, width in zip(row, widths)) or "|") + "\n"
        for row in [heads, *cells]
    ]
    return rule + lines[0] + rule + "".join(lines[1:]) + rule + footer


def _vertical(heads: list[str], cells: list[list[str]]) -> str:
    if not cells:
        return "(0 rows)"
    left = max(3, *map(_width, heads), 3) if heads else 3
    right = max([3, *(_width(cell) for row in cells for cell in row)])
    out = []
    for number, row in enumerate(cells):
        title = f"-RECORD {number}"
        out.append(title.ljust(left + right + 5, "-") + "\n")
        out += [f" {_padded(head, left, 0)} | {_padded(cell, right, 0)} \n" for head, cell in zip(heads, row)]
    return "".join(out)


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


def shown(value: Any, kind: DataType, zone: datetime.tzinfo | None = None) -> str:
    """Returns a value of a type as Spark casts it to a string.

    >>> from firesteel.sql.types import DoubleType
    >>> shown([1.0, None], ArrayType(DoubleType()))
    '[1.0, NULL]'
    """
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _native.java_text(value, isinstance(kind, FloatType))
    if isinstance(value, (bytes, bytearray)):
        return "[" + " ".join(f"{byte:02X}" for byte in value) + "]"
    if isinstance(value, datetime.timedelta):
        return _interval(value)
    if isinstance(value, datetime.datetime):
        if zone is not None and isinstance(kind, TimestampType):
            value = in_zone(value, zone)
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return f"{text}.{value.microsecond:06d}".rstrip("0") if value.microsecond else text
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(kind, MapType):
        keys = (shown(key, kind.keyType, zone) for key in value)
        parts = map("{} -> {}".format, keys, (shown(each, kind.valueType, zone) for each in value.values()))
        return "{" + ", ".join(parts) + "}"
    if isinstance(kind, StructType):
        return "{" + ", ".join(shown(each, field.dataType, zone) for each, field in zip(value, kind.fields)) + "}"
    if isinstance(kind, ArrayType):
        return "[" + ", ".join(shown(each, kind.elementType, zone) for each in value) + "]"
    return str(value)


def _interval(value: datetime.timedelta) -> str:
    """Returns a length of time as Spark writes it.

    >>> _interval(datetime.timedelta(days=-1, microseconds=500_000))
    "INTERVAL '-0 23:59:59.5' DAY TO SECOND"
    """
    size = abs(value)
    hours, rest = divmod(size.seconds, 3600)
    text = f"{'-' if value.days < 0 else ''}{size.days} {hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    if size.microseconds:
        text += f".{size.microseconds:06d}".rstrip("0")
    return f"INTERVAL '{text}' DAY TO SECOND"
