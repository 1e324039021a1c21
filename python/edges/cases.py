"""What a case is: code that writes a table to ``path``, and expressions that read a frame from there."""

from __future__ import annotations

from dataclasses import dataclass

from tables import TABLES


@dataclass(frozen=True)
class Case:
    """One table, and the ways to read it."""

    name: str
    write: str
    #: Expressions that give a frame, by names.
    reads: tuple[tuple[str, str], ...]
    #: Whether only Spark writes, since it is about files that Firesteel never makes.
    by_spark: bool = False


def writes(table: str, ending: str) -> str:
    """The code that makes a table and goes on with it."""
    schema, rows = TABLES[table]
    return f"frame({schema!r}, {rows}){ending}" if rows else f"frame({schema!r}){ending}"


def with_setting(key: str, value: str, code: str) -> str:
    """The code, with a setting of the session that holds for it alone."""
    return f"spark.conf.set({key!r}, {value!r})\n{code}\nspark.conf.unset({key!r})"
