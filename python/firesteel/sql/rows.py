"""Values of columns as Python's, and back: the loops that the native module leaves to the interpreter.

Lists go in and come out, so that what is done for each value is done in C wherever there is a function in C for it.
"""

from __future__ import annotations

import calendar
import datetime
import decimal
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from typing import Any

from firesteel.sql.row import Row

_make: Callable[..., Any] = partial(tuple.__new__, Row)
_EPOCH = datetime.datetime(1970, 1, 1)
_FIRST_DAY = datetime.date(1970, 1, 1).toordinal()
_EXACT = decimal.Context(prec=80, rounding=decimal.ROUND_HALF_UP)


def rows(names: list[str], columns: list[list[Any]], count: int) -> list[Row]:
    """Returns rows, given their values by columns.

    >>> rows(["a", "b"], [[1, 2], ["x", "y"]], 2)
    [Row(a=1, b='x'), Row(a=2, b='y')]
    """
    made: list[Row] = list(map(_make, zip(*columns) if columns else repeat((), count)))
    # All rows of a batch share one dictionary; nothing can be set in it, since rows refuse that.
    deque(map(object.__setattr__, made, repeat("__dict__"), repeat({"__fields__": names})), 0)
    return made


def maps(keys: list[Any], values: list[Any], ends: list[int]) -> list[dict[Any, Any]]:
    """Returns dictionaries, given all their entries and where each ends."""
    return [dict(zip(keys[start:end], values[start:end])) for start, end in zip(ends, ends[1:])]


def dates(days: list[int | None]) -> list[datetime.date | None]:
    """Returns dates, given the days since 1970.

    >>> dates([0, None])
    [datetime.date(1970, 1, 1), None]
    """
    made = datetime.date.fromordinal
    return [None if day is None else made(day + _FIRST_DAY) for day in days]


def timestamps(micros: list[int | None]) -> list[datetime.datetime | None]:
    """Returns points in time, as PySpark does: as the time that a clock shows in this process's zone."""
    made = datetime.datetime.fromtimestamp
    return [
        None if each is None else made(each // 1_000_000).replace(microsecond=each % 1_000_000) for each in micros
    ]


def timestamps_ntz(micros: list[int | None]) -> list[datetime.datetime | None]:
    """Returns times without a zone.

    >>> timestamps_ntz([1])
    [datetime.datetime(1970, 1, 1, 0, 0, 0, 1)]
    """
    made = datetime.timedelta
    return [None if each is None else _EPOCH + made(microseconds=each) for each in micros]


def times(nanos: list[int | None]) -> list[datetime.time | None]:
    """Returns times of day, given the nanoseconds since midnight."""
    found = timestamps_ntz([None if each is None else each // 1000 for each in nanos])
    return [None if each is None else each.time() for each in found]


def durations(micros: list[int | None]) -> list[datetime.timedelta | None]:
    """Returns lengths of time, given microseconds."""
    return [None if each is None else datetime.timedelta(microseconds=each) for each in micros]


def months(numbers: list[int | None]) -> list[int | None]:
    """Returns intervals of months as their number."""
    return numbers


def decimals(texts: list[str | None]) -> list[decimal.Decimal | None]:
    """Returns decimals, given as text."""
    made = decimal.Decimal
    return [None if each is None else made(each) for each in texts]


def days(value: datetime.date, more: tuple[int, int]) -> int:
    """Returns the days since 1970.

    >>> days(datetime.date(1970, 1, 2), (0, 0))
    1
    """
    return value.toordinal() - _FIRST_DAY


def micros(value: datetime.datetime, more: tuple[int, int]) -> int:
    """Returns the microseconds since 1970 of a point in time; one without a zone is in that of this process."""
    seconds = calendar.timegm(value.utctimetuple()) if value.tzinfo else int(time.mktime(value.timetuple()))
    return seconds * 1_000_000 + value.microsecond


def micros_ntz(value: datetime.datetime, more: tuple[int, int]) -> int:
    """Returns the microseconds since 1970, as a clock shows them."""
    return calendar.timegm(value.timetuple()) * 1_000_000 + value.microsecond


def nanos(value: datetime.time, more: tuple[int, int]) -> int:
    """Returns the nanoseconds since midnight."""
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000_000 + value.microsecond * 1000


def duration(value: datetime.timedelta, more: tuple[int, int]) -> int:
    """Returns the microseconds of a length of time."""
    return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds


def unscaled(value: decimal.Decimal, more: tuple[int, int]) -> int:
    """Returns the digits of a decimal as a whole number, rounded to a scale as Spark does.

    >>> unscaled(decimal.Decimal("1.25"), (3, 1))
    13
    """
    precision, scale = more
    digits = int(value.quantize(decimal.Decimal(1).scaleb(-scale, _EXACT), context=_EXACT).scaleb(scale, _EXACT))
    if abs(digits) >= 10**precision:
        raise ValueError(f"{value} has more digits than decimal({precision},{scale})")
    return digits


def text(value: Any, more: tuple[int, int]) -> str:
    """Returns what a column of texts holds for another value, as Spark has it.

    >>> text(True, (0, 0)), text(1.5, (0, 0))
    ('true', '1.5')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def items(value: Iterable[Any], more: tuple[int, int]) -> Iterable[Any]:
    """Returns the items of a list; those of an array of numbers as Python's own numbers."""
    tolist = getattr(value, "tolist", None)
    return value if tolist is None else tolist()
