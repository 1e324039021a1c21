"""CSV into rows in plain Python: the csv module, a named tuple for each row, the same function."""

import csv
import datetime
from collections import namedtuple

from peer import measure
from plain import pool
from table import NAMES, paths

Row = namedtuple("Row", NAMES)
amount = lambda row: row.amount  # noqa: E731, the lambda of the other peers


def total(path: str) -> float:
    """The sum of one file."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        next(lines)
        read = (Row(int(a), b, float(c), datetime.date.fromisoformat(d), e) for a, b, c, d, e in lines)
        return sum(map(amount, read))


files = paths("csv")
processes = pool()


def job() -> str:
    return f"sum={sum(processes.map(total, files, chunksize=1)):.2f}"


measure(job)
