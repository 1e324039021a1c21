"""Parquet into rows in plain Python: pyarrow's columns, a named tuple for each row, the same function."""

from collections import namedtuple

import pyarrow.parquet
from peer import measure
from plain import pool
from table import NAMES, paths

Row = namedtuple("Row", NAMES)
amount = lambda row: row.amount  # noqa: E731, the lambda of the other peers


def total(path: str) -> float:
    """The sum of one file."""
    table = pyarrow.parquet.ParquetFile(path).read(use_threads=False)
    return sum(map(amount, map(Row, *(column.to_pylist() for column in table.columns))))


files = paths("parquet")
processes = pool()


def job() -> str:
    return f"sum={sum(processes.map(total, files, chunksize=1)):.2f}"


measure(job)
