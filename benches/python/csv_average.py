"""Lines of CSV, taken apart by the program's own functions: filtered, and averaged by key."""

import os
import tempfile
from pathlib import Path

from peer import PARTITIONS, context, measure, number

sc = context()
rows = number("BENCH_N", 2_000_000)


def made() -> str:
    """The table: a number, a shop, an amount in pennies, a word."""
    folder = Path(os.environ.get("BENCH_FOLDER", tempfile.gettempdir()))
    path = folder / f"amounts-{rows}.csv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as out:
            for row in range(rows):
                mixed = row * 2654435761 % 4294967291
                out.write(f"{row},shop {mixed % 5000},{mixed % 100000},{('paid', 'open', 'lost')[mixed % 3]}\n")
        os.rename(out.name, path)
    return str(path)


def parse(line):
    fields = line.split(",")
    return fields[1], int(fields[2]), fields[3]


def job() -> str:
    records = sc.textFile(path, PARTITIONS).map(parse).filter(lambda record: record[2] != "lost" and record[1] > 100)
    sums = records.map(lambda record: (record[0], (record[1], 1))).reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    averages = sums.mapValues(lambda pair: pair[0] / pair[1])
    highest = averages.takeOrdered(3, key=lambda pair: (-pair[1], pair[0]))
    return " ".join(f"{shop}={average:.3f}" for shop, average in highest)


path = made()
measure(job)
sc.stop()
