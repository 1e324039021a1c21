"""Time zones by their names, as settings have them: where points in time become what a clock shows."""

from __future__ import annotations

import datetime
import importlib
import os
import re

__all__ = ["in_zone", "zone_of"]

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?")


def zone_of(name: str) -> datetime.tzinfo:
    """Returns a zone by the name of its place, or by its difference from UTC. What the variable TZ says in
    another form is this process's own zone.

    >>> zone_of("+05:30")
    datetime.timezone(datetime.timedelta(seconds=19800))
    """
    import zoneinfo

    found = _OFFSET.fullmatch(name)
    if found is not None:
        sign, hours, minutes = found.groups()
        size = datetime.timedelta(hours=int(hours), minutes=int(minutes or 0))
        return datetime.timezone(-size if sign == "-" else size)
    try:
        return zoneinfo.ZoneInfo(name.removeprefix(":"))
    except (OSError, ValueError, KeyError):
        if name == os.environ.get("TZ"):
            return _own()
        raise ValueError(
            f"[INVALID_CONF_VALUE.TIME_ZONE] spark.sql.session.timeZone: there is no time zone {name!r}. Use a region"
            " (Europe/Berlin) or an offset (+02:00)"
        ) from None


def _own() -> datetime.tzinfo:
    """Returns this process's zone; where pandas is, its dateutil is, too, which knows the differences at all times."""
    try:
        found: datetime.tzinfo = importlib.import_module("dateutil.tz").tzlocal()
    except ImportError:
        return datetime.datetime.now().astimezone().tzinfo or datetime.timezone.utc
    return found


def in_zone(value: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """Returns what a clock in a zone shows when one in this process's zone shows ``value``."""
    try:
        return value.astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return value  # at the ends of what Python's years reach
