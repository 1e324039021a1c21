"""Types of dates, times and durations, and what the engine holds for their values: days, micro- and nanoseconds.

A timestamp is a moment: a datetime without a zone is one in the zone of this machine. A timestamp without time zone is
what a clock shows, wherever that hangs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from firesteel.sql.conditions import SchemaError, UnsupportedError
from firesteel.sql.datatypes import AtomicType, DataType, DataTypeSingleton

if TYPE_CHECKING:
    import datetime

__all__ = [
    "AnsiIntervalType",
    "AnyTimeType",
    "CalendarIntervalType",
    "DateType",
    "DatetimeType",
    "DayTimeIntervalType",
    "TimeType",
    "TimestampNTZType",
    "TimestampType",
    "YearMonthIntervalType",
]

_EPOCH_ORDINAL = 719163
"""The number of 1 January 1970 among the days that Python counts."""


class DatetimeType(AtomicType):
    """The base of dates and times."""


class AnyTimeType(DatetimeType):
    """The base of times of day."""


class AnsiIntervalType(AtomicType):
    """The base of durations in months, and of durations in microseconds."""


class DateType(DatetimeType, metaclass=DataTypeSingleton):
    """Days; the engine holds days since 1 January 1970.

    >>> import datetime
    >>> DateType().toInternal(datetime.date(1970, 1, 2)), DateType().fromInternal(-1)
    (1, datetime.date(1969, 12, 31))
    """

    EPOCH_ORDINAL = _EPOCH_ORDINAL

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, d: datetime.date | None) -> int | None:
        """Returns days since 1 January 1970."""
        return None if d is None else d.toordinal() - _EPOCH_ORDINAL

    def fromInternal(self, v: int | None) -> datetime.date | None:
        """Returns the date."""
        import datetime

        return None if v is None else datetime.date.fromordinal(v + _EPOCH_ORDINAL)


class TimeType(AnyTimeType):
    """Times of day, with the digits of their seconds behind the point; the engine holds nanoseconds.

    >>> import datetime
    >>> TimeType(3), TimeType().toInternal(datetime.time(0, 0, 1, 5))
    (TimeType(3), 1000005000)
    """

    def __init__(self, precision: int = 6) -> None:
        self.precision = precision

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, t: datetime.time | None) -> int | None:
        """Returns nanoseconds since midnight."""
        if t is None:
            return None
        return (((t.hour * 60 + t.minute) * 60 + t.second) * 1_000_000 + t.microsecond) * 1000

    def fromInternal(self, nano: int | None) -> datetime.time | None:
        """Returns the time; Python's has microseconds, so that what is smaller is cut off."""
        import datetime

        if nano is None:
            return None
        seconds, micros = divmod(nano // 1000, 1_000_000)
        return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)

    def simpleString(self) -> str:
        """Returns ``time`` with the precision."""
        return f"time({self.precision:d})"

    def jsonValue(self) -> str:
        """Returns what :meth:`simpleString` returns."""
        return self.simpleString()

    def _tree_name(self) -> str:
        return self.simpleString()

    def __repr__(self) -> str:
        return f"TimeType({self.precision:d})"


class TimestampType(DatetimeType, metaclass=DataTypeSingleton):
    """Moments; the engine holds microseconds since 1970 in UTC.

    >>> import datetime
    >>> TimestampType().toInternal(datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc))
    1000000
    """

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, dt: datetime.datetime | None) -> int | None:
        """Returns microseconds since 1970; a datetime without a zone is one in this machine's."""
        import calendar
        import time

        if dt is None:
            return None
        seconds = calendar.timegm(dt.utctimetuple()) if dt.tzinfo else time.mktime(dt.timetuple())
        return int(seconds) * 1_000_000 + dt.microsecond

    def fromInternal(self, ts: int | None) -> datetime.datetime | None:
        """Returns the datetime in this machine's zone, without naming it."""
        import datetime

        if ts is None:
            return None
        return datetime.datetime.fromtimestamp(ts // 1_000_000).replace(microsecond=ts % 1_000_000)


class TimestampNTZType(DatetimeType, metaclass=DataTypeSingleton):
    """What a calendar and a clock show, in no zone; the engine holds microseconds since 1970.

    >>> import datetime
    >>> TimestampNTZType().toInternal(datetime.datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """

    @classmethod
    def typeName(cls) -> str:
        """Returns ``timestamp_ntz``."""
        return "timestamp_ntz"

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, dt: datetime.datetime | None) -> int | None:
        """Returns microseconds since 1970 on the clock; a zone is left out of account."""
        import calendar

        return None if dt is None else calendar.timegm(dt.timetuple()) * 1_000_000 + dt.microsecond

    def fromInternal(self, ts: int | None) -> datetime.datetime | None:
        """Returns the datetime, without a zone."""
        import datetime

        return None if ts is None else datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=ts)


class _FieldsInterval(AnsiIntervalType):
    """A duration from one field, such as days, to a smaller one."""

    _fields: ClassVar[dict[int, str]] = {}
    _inverted_fields: ClassVar[dict[str, int]] = {}

    def __init__(self, startField: int | None = None, endField: int | None = None) -> None:
        if startField is None and endField is None:
            startField, endField = min(self._fields), max(self._fields)
        elif startField is not None and endField is None:
            endField = startField
        if startField not in self._fields or endField not in self._fields:
            known = ", ".join(f"{number} ({name})" for number, name in self._fields.items())
            raise SchemaError.of(
                "INVALID_INTERVAL_CASTING", f"Interval {startField} to {endField} is invalid: the fields are {known}."
            )
        self.startField = startField
        self.endField = endField

    def simpleString(self) -> str:
        """Returns ``interval`` with the fields.

        >>> DayTimeIntervalType().simpleString(), DayTimeIntervalType(DayTimeIntervalType.HOUR).simpleString()
        ('interval day to second', 'interval hour')
        """
        start, end = self._fields[self.startField], self._fields[self.endField]
        return f"interval {start}" if start == end else f"interval {start} to {end}"

    def _str_repr(self) -> str:
        return self.simpleString()

    def jsonValue(self) -> str:
        """Returns what :meth:`simpleString` returns."""
        return self.simpleString()

    def _tree_name(self) -> str:
        return self.simpleString()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.startField}, {self.endField})"

    def needConversion(self) -> bool:
        """Returns True."""
        return True

class DayTimeIntervalType(_FieldsInterval):
    """Durations in days to seconds, timedelta in Python; the engine holds microseconds.

    >>> import datetime
    >>> DayTimeIntervalType().toInternal(datetime.timedelta(seconds=1, microseconds=5))
    1000005
    """

    DAY = 0
    HOUR = 1
    MINUTE = 2
    SECOND = 3
    _fields: ClassVar[dict[int, str]] = {DAY: "day", HOUR: "hour", MINUTE: "minute", SECOND: "second"}
    _inverted_fields: ClassVar[dict[str, int]] = {name: number for number, name in _fields.items()}

    def toInternal(self, dt: datetime.timedelta | None) -> int | None:
        """Returns microseconds."""
        return None if dt is None else (dt.days * 86400 + dt.seconds) * 1_000_000 + dt.microseconds

    def fromInternal(self, micros: int | None) -> datetime.timedelta | None:
        """Returns the timedelta."""
        import datetime

        return None if micros is None else datetime.timedelta(microseconds=micros)


class YearMonthIntervalType(_FieldsInterval):
    """Durations in years and months. Python has no values of this kind, so that only queries use them.

    >>> YearMonthIntervalType().simpleString()
    'interval year to month'
    """

    YEAR = 0
    MONTH = 1
    _fields: ClassVar[dict[int, str]] = {YEAR: "year", MONTH: "month"}
    _inverted_fields: ClassVar[dict[str, int]] = {name: number for number, name in _fields.items()}

    def toInternal(self, obj: Any) -> NoReturn:
        """Refuses: there is no such value in Python."""
        _refuse(self, "toInternal")

    def fromInternal(self, obj: Any) -> NoReturn:
        """Refuses: there is no such value in Python."""
        _refuse(self, "fromInternal")


class CalendarIntervalType(DataType, metaclass=DataTypeSingleton):
    """Durations in months, days and microseconds side by side. Python has no values of this kind."""

    @classmethod
    def typeName(cls) -> str:
        """Returns ``interval``."""
        return "interval"

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, obj: Any) -> NoReturn:
        """Refuses: there is no such value in Python."""
        _refuse(self, "toInternal")

    def fromInternal(self, obj: Any) -> NoReturn:
        """Refuses: there is no such value in Python."""
        _refuse(self, "fromInternal")


def _refuse(kind: DataType, method: str) -> NoReturn:
    raise UnsupportedError.of(
        "NOT_IMPLEMENTED",
        f"{type(kind).__name__}.{method} is not implemented: Python has no value for it. Cast the column to a string"
        " or a number first.",
    )
