"""What a program left: names of files, bytes of text formats, Parquet as pyarrow reads it; and where two differ."""

from __future__ import annotations

import bz2
import gzip
import json
import re
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

#: What differs from run to run in the name of a file.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

#: A point in time, which Spark stores as 96 bits unless it is told otherwise, and Firesteel as microseconds. Both read
#: both, and pyarrow gives one a zone.
_INSTANT = re.compile(r"(?:int96|int64)( field_id=-1 \w+)(?: \(Timestamp\(isAdjustedToUTC=true, [^)]*\)\))?;")
_ZONE = re.compile(r", tzinfo=(?:zoneinfo\.ZoneInfo\([^)]*\)|<UTC>|datetime\.timezone\.utc)")

#: How much of a line is shown where it differs.
_SHOWN = 120

_UNPACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress}


def names(folder: Path) -> list[str]:
    """The files below a folder, without what differs from run to run, and without checksums."""
    return sorted(_name(file, folder) for file in _files(folder))


def differences(spark: Path, firesteel: Path) -> list[str]:
    """Where what Firesteel left is not what Spark left; each in a line or a few."""
    ours, theirs = names(firesteel), names(spark)
    if ours != theirs:
        missing, more = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
        return [f"names: Spark alone has {missing}, Firesteel alone {more}"]
    found = []
    for name in sorted(set(theirs)):
        pairs = zip(_contents(spark, name), _contents(firesteel, name), strict=True)
        found += [f"{name}: {_first_difference(*pair)}" for pair in pairs if pair[0] != pair[1]]
    return found


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".crc"]


def _name(file: Path, folder: Path) -> str:
    return _UUID.sub("UUID", str(file.relative_to(folder)))


def _contents(folder: Path, name: str) -> list[str]:
    """The contents of all files of that name, as lines. In a directory of a value Spark keeps no order of rows."""
    found = [_text(file) for file in _files(folder) if _name(file, folder) == name]
    return sorted("\n".join(sorted(text.split("\n"))) if "=" in name else text for text in found)


def _text(file: Path) -> str:
    if file.suffix == ".parquet":
        return parquet(file)
    data = _UNPACKED.get(file.suffix, bytes)(file.read_bytes())
    # Text is compared as bytes: what is no UTF-8 stays what it is.
    return data.decode("utf-8", "surrogateescape")


def parquet(file: Path) -> str:
    """The schema and the rows that pyarrow reads, in their order, and Spark's own schema in the footer."""
    import pyarrow.parquet

    # Not as a data set: directories' names would become columns.
    read = pyarrow.parquet.ParquetFile(file, coerce_int96_timestamp_unit="us")
    schema = read.schema_arrow
    of_spark = json.loads((schema.metadata or {}).get(b"org.apache.spark.sql.parquet.row.metadata", b"null"))
    codecs = {
        read.metadata.row_group(group).column(column).compression
        for group in range(read.metadata.num_row_groups)
        for column in range(read.metadata.num_columns)
    }
    rows = [_ZONE.sub("", repr(row)) for row in read.read().to_pylist()]
    physical = _INSTANT.sub(r"point in time\1", "\n".join(str(read.schema).splitlines()[1:]))
    return "\n".join([physical, json.dumps(of_spark, sort_keys=True), f"{sorted(codecs)}", *rows])


def _first_difference(theirs: str, ours: str) -> str:
    """The first line that differs."""
    pairs = enumerate(zip_longest(theirs.split("\n"), ours.split("\n")), 1)
    number, (their, our) = next((number, pair) for number, pair in pairs if pair[0] != pair[1])
    if their is None or our is None:
        return f"line {number}: only {'Firesteel' if their is None else 'Spark'} has {their or our!r}"
    at = next((at for at, both in enumerate(zip(their, our)) if both[0] != both[1]), min(len(their), len(our)))
    shown = [line[max(0, at - _SHOWN // 2) : at + _SHOWN] for line in (their, our)]
    return f"line {number}:\n        Spark:     {shown[0]!r}\n        Firesteel: {shown[1]!r}"
