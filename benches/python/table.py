"""The table that is read: whole numbers, text, money, days and text again, in eight files of CSV or of Parquet.

Whoever comes first makes it, by the formulas here; amounts are quarters, so that their sum is the same in any order.
"""

from __future__ import annotations

import csv
import datetime
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from peer import number

ROWS = number("BENCH_N", 2_000_000)
FILES = 8
SCHEMA = "id int, name string, amount double, day date, note string"
NAMES = ("id", "name", "amount", "day", "note")
EPOCH = datetime.date(1970, 1, 1)


def rows(file: int) -> Iterator[tuple[int, str, float, datetime.date, str]]:
    """The rows of one file."""
    for i in range(file * ROWS // FILES, (file + 1) * ROWS // FILES):
        mixed = i * 2654435761 % 4294967291
        day = EPOCH + datetime.timedelta(days=mixed % 20000)
        yield i, f"customer {mixed % 100000}", mixed % 1000000 / 4, day, f"note, of {i % 7} words" if i % 3 else "paid"


def paths(kind: str) -> list[str]:
    """The files of the table, as CSV with a header or as Parquet."""
    root = Path(os.environ.get("BENCH_FOLDER", tempfile.gettempdir()))
    folder = root / f"{kind}-{ROWS}"
    if not folder.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=root))
        for file in range(FILES):
            (_write_csv if kind == "csv" else _write_parquet)(made / f"part-{file:05d}.{kind}", file)
        made.rename(folder)
    return sorted(map(str, folder.glob(f"*.{kind}")))


def _write_csv(path: Path, file: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows(rows(file))


def _write_parquet(path: Path, file: int) -> None:
    import pyarrow
    import pyarrow.parquet

    types = [pyarrow.int32(), pyarrow.string(), pyarrow.float64(), pyarrow.date32(), pyarrow.string()]
    columns = [pyarrow.array(values, kind) for values, kind in zip(zip(*rows(file), strict=True), types, strict=True)]
    pyarrow.parquet.write_table(pyarrow.table(dict(zip(NAMES, columns, strict=True))), path)
