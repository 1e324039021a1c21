"""What a row of the table comes to, and where Firesteel is knowingly better, each with the reason.

Every reason stands in the documentation by its name (``docs/storage.md``), and is of use: one that no row bears out any
more is told, so that this table does not outlive what it excuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Verdict(Enum):
    """What two outcomes are to each other."""

    EQUAL = "equal"
    REFUSED = "refused on both sides"
    BETTER = "better"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True)
class Outcome:
    """What came of a program on one side."""

    good: bool
    text: str

    @property
    def shown(self) -> str:
        """As the table shows it."""
        return self.text if self.good else f"refused: {self.text}"


@dataclass(frozen=True)
class Row:
    """A line of the table. Where both sides wrote, each side's outcomes are of its own files and of the other's."""

    name: str
    spark: tuple[Outcome, ...]
    firesteel: tuple[Outcome, ...]


@dataclass(frozen=True)
class Better:
    """A difference that is wanted: rows by their names, what either side must say in them, and why."""

    rows: str
    spark: str
    firesteel: str
    reason: str

    def covers(self, row: Row) -> bool:
        """Whether this is the row's difference, in everything that both sides said."""
        return (
            any(fnmatchcase(row.name, pattern) for pattern in self.rows.split(" | "))
            and all(re.search(self.spark, outcome.shown) for outcome in row.spark)
            and all(re.search(self.firesteel, outcome.shown) for outcome in row.firesteel)
        )


#: Each reason is a heading of the documentation.
BETTER: tuple[Better, ...] = ()

#: What no refusal may look like.
ACCIDENTS = re.compile(r"panicked|unwrap|index out of|Traceback|UnpicklingError|AttributeError|KeyError|NameError")


def verdict(row: Row) -> tuple[Verdict, str]:
    """What the row comes to; for what is better, why."""
    outcomes = {outcome.text if outcome.good else None for outcome in (*row.spark, *row.firesteel)}
    if len(outcomes) == 1:
        return (Verdict.EQUAL, "") if None not in outcomes else _refused(row)
    for better in BETTER:
        if better.covers(row):
            return Verdict.BETTER, better.reason
    return Verdict.DIFFERENT, ""


def _refused(row: Row) -> tuple[Verdict, str]:
    """Both sides refused; Firesteel must have meant to."""
    accident = any(ACCIDENTS.search(outcome.text) for outcome in row.firesteel)
    return (Verdict.DIFFERENT if accident else Verdict.REFUSED), ""


def unused(rows: list[Row]) -> list[Better]:
    """What nothing bears out."""
    return [better for better in BETTER if not any(better.covers(row) for row in rows)]
