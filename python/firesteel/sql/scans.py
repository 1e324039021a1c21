"""Where the columns of a data frame come from: files, records of an RDD, Arrow's batches.

A scan knows its schema, and makes the engine's RDD of column batches with those of its columns that are asked for. It
is made when an action needs it, so that files are listed as late as those of RDDs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from firesteel import _native
from firesteel.sql.structs import StructType

if TYPE_CHECKING:
    from firesteel.context import SparkContext
    from firesteel.rdd import RDD

__all__ = ["DerivedScan", "FileScan", "LineScan", "RecordScan", "Scan", "StreamScan"]


class Scan:
    """The source of a data frame's columns."""

    schema: StructType

    def columns(self, wanted: Sequence[int], site: str) -> _native.Columns:
        """Returns the engine's RDD of some columns, by their positions in the schema."""
        raise NotImplementedError


class FileScan(Scan):
    """The columns of files, and of the directories that they lie in."""

    def __init__(
        self,
        sc: SparkContext,
        files: _native.Files,
        format: str,
        options: dict[str, str],
        data_schema: StructType,
        directories: list[tuple[str, str]],
        schema: StructType,
        sizes: tuple[int, int, int],
    ) -> None:
        self._sc = sc
        self.files = files
        self.format = format
        self.options = options
        self._data_schema = data_schema
        self._directories = directories
        self.schema = schema
        self._sizes = sizes

    def columns(self, wanted: Sequence[int], site: str) -> _native.Columns:
        """Reads only the columns that are wanted."""
        asked = [self.schema.fields[at].name for at in wanted]
        names = list(dict.fromkeys(asked))
        inside = [name for name, _ in self._directories]
        own = self._data_schema.names
        read = [own.index(name) for name in names if name not in inside]
        above = [inside.index(name) for name in names if name in inside]
        found = _native.read_table(
            self._sc._native,
            self.files,
            self.format,
            self.options,
            self._data_schema.json(),
            read,
            self._directories,
            above,
            self._sizes,
            site,
        )
        # Columns of directories come last; another order was perhaps asked for.
        order = [name for name in names if name not in inside] + [name for name in names if name in inside]
        return found if order == asked else found.select([order.index(name) for name in asked], site)


class RecordScan(Scan):
    """The records of an RDD, which become rows by a schema."""

    def __init__(self, rdd: RDD[Any], schema: StructType) -> None:
        self._rdd = rdd
        self.schema = schema

    def columns(self, wanted: Sequence[int], site: str) -> _native.Columns:
        """Makes columns of records; all of them are looked at, so that each is verified."""
        made = _native.to_columns(self._rdd._native, self.schema.json(), site)
        return _selected(made, wanted, len(self.schema), site)


class LineScan(Scan):
    """The lines of an RDD, read as those of a file are."""

    def __init__(
        self, lines: RDD[Any], format: str, options: dict[str, str], schema: StructType, first: str | None
    ) -> None:
        self._lines = lines
        self._format = format
        self._options = options
        self._first = first
        self.schema = schema

    def columns(self, wanted: Sequence[int], site: str) -> _native.Columns:
        """Reads only the columns that are wanted."""
        return _native.lines_to_columns(
            self._lines._native, self._format, self._options, self.schema.json(), list(wanted), self._first, site
        )


class StreamScan(Scan):
    """An RDD of streams of Arrow's, each as bytes."""

    def __init__(self, rdd: RDD[bytes], schema: StructType) -> None:
        self._rdd = rdd
        self.schema = schema

    def columns(self, wanted: Sequence[int], site: str) -> _native.Columns:
        """Takes columns from the streams."""
        schema = StructType([self.schema.fields[at] for at in wanted])
        return _native.streams_to_columns(self._rdd._native, schema.json(), site)


class DerivedScan(Scan):
    """Columns that were made of others: the first rows, fewer partitions, a persisted RDD."""

    def __init__(self, schema: StructType, make: Callable[[str], _native.Columns]) -> None:
        self.schema = schema
        self._make = make
        self._made: _native.Columns | None = None

    def columns(self, wanted: Sequence[int], site: str) -> _native.Columns:
        """Makes the columns once, so that what is persisted stays the same RDD."""
        if self._made is None:
            self._made = self._make(site)
        return _selected(self._made, wanted, len(self.schema), site)


def _selected(columns: _native.Columns, wanted: Sequence[int], count: int, site: str) -> _native.Columns:
    return columns if list(wanted) == list(range(count)) else columns.select(list(wanted), site)
