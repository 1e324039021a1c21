"""Writing data frames to files: ``df.write.mode(...).option(...).partitionBy(...).parquet(path)``.

A directory gets part files with Spark's names and ``_SUCCESS``; it appears whole or not at all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from firesteel import callsite
from firesteel.errors import FiresteelError
from firesteel.sql.refusing import Refusing
from firesteel.sql.structs import StructField, StructType

if TYPE_CHECKING:
    from firesteel.sql.frame import DataFrame

__all__ = ["DataFrameWriter"]

_MODES = {
    "append": "append",
    "overwrite": "overwrite",
    "ignore": "ignore",
    "error": "refuse",
    "errorifexists": "refuse",
    "default": "refuse",
}


#: Options of writing that a session's settings stand for.
_OF_SESSION = {"spark.sql.files.maxRecordsPerFile": "maxrecordsperfile"}

#: The same for one format.
_OF_FORMATS = {
    "parquet": ("compression", "spark.sql.parquet.compression.codec"),
    "json": ("ignorenullfields", "spark.sql.jsonGenerator.ignoreNullFields"),
}


def _with_names(schema: StructType, given: dict[int, str]) -> StructType:
    """Returns a schema whose columns have the names that the program gave them, where only their case differs."""
    fields = [
        StructField(given[at], each.dataType, each.nullable, each.metadata)
        if given.get(at, "").lower() == each.name.lower()
        else each
        for at, each in enumerate(schema.fields)
    ]
    return StructType(fields)


class DataFrameWriter(Refusing):
    """Collects how a frame is written; all setters return the writer.

    >>> import os, tempfile
    >>> spark = SparkSession.builder.getOrCreate()
    >>> path = os.path.join(tempfile.mkdtemp(), "people")
    >>> spark.createDataFrame([("Ada", 36)], ["name", "age"]).write.partitionBy("age").json(path)
    >>> spark.read.json(path).collect()
    [Row(name='Ada', age=36)]
    """

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame
        self._options: dict[str, str] = {}
        self._format = frame.sparkSession.conf.get("spark.sql.sources.default", "parquet") or "parquet"
        self._mode = "refuse"
        self._columns: list[str] = []

    def mode(self, saveMode: str | None) -> DataFrameWriter:
        """Sets what happens if there is something already: ``error`` (the default), ``append``, ``overwrite``,
        ``ignore``."""
        if saveMode is not None:
            if str(saveMode).lower() not in _MODES:
                raise ValueError(
                    f"[INVALID_SAVE_MODE] The specified save mode {saveMode!r} is invalid. Valid save modes include"
                    ' "append", "overwrite", "ignore", "error", "errorifexists", and "default".'
                )
            self._mode = _MODES[str(saveMode).lower()]
        return self

    def format(self, source: str) -> DataFrameWriter:
        """Sets the format: ``parquet``, ``csv``, ``json``, ``text``."""
        self._format = source
        return self

    def option(self, key: str, value: Any) -> DataFrameWriter:
        """Sets an option of the format."""
        return self.options(**{key: value})

    def options(self, **options: Any) -> DataFrameWriter:
        """Sets options of the format. None unsets one."""
        from firesteel.sql.reading import set_options

        set_options(self._options, options)
        return self

    def partitionBy(self, *cols: Any) -> DataFrameWriter:
        """Makes a directory for each value of these columns: ``city=Ulm/part-...``. They are not in the files."""
        self._columns = [each for col in cols for each in (col if isinstance(col, (list, tuple)) else [col])]
        return self

    def save(self, path: Any = None, format: str | None = None, mode: str | None = None, partitionBy: Any = None,
             **options: Any) -> None:
        """Writes the files."""
        self.mode(mode).options(**options)
        if partitionBy is not None:
            self.partitionBy(partitionBy)
        if format is not None:
            self.format(format)
        target = path if path is not None else self._options.get("path")
        if target is None:
            raise FiresteelError("save needs a path: df.write.save(path), or the option path.")
        self._save(str(os.fspath(target)), callsite.here("save"))

    def parquet(
        self, path: Any, mode: str | None = None, partitionBy: Any = None, compression: str | None = None
    ) -> None:
        """Writes Parquet files, compressed with snappy unless ``compression`` says otherwise."""
        self.options(compression=compression).save(path, "parquet", mode, partitionBy)

    def csv(self, path: Any, mode: str | None = None, compression: str | None = None, sep: str | None = None,
            quote: str | None = None, escape: str | None = None, header: bool | str | None = None,
            nullValue: str | None = None, escapeQuotes: bool | str | None = None, quoteAll: bool | str | None = None,
            dateFormat: str | None = None, timestampFormat: str | None = None,
            ignoreLeadingWhiteSpace: bool | str | None = None, ignoreTrailingWhiteSpace: bool | str | None = None,
            charToEscapeQuoteEscaping: str | None = None, encoding: str | None = None, emptyValue: str | None = None,
            lineSep: str | None = None) -> None:
        """Writes CSV files; ``header=True`` names the columns in each."""
        given = {
            "compression": compression, "sep": sep, "quote": quote, "escape": escape, "header": header,
            "nullValue": nullValue, "escapeQuotes": escapeQuotes, "quoteAll": quoteAll, "dateFormat": dateFormat,
            "timestampFormat": timestampFormat, "ignoreLeadingWhiteSpace": ignoreLeadingWhiteSpace,
            "ignoreTrailingWhiteSpace": ignoreTrailingWhiteSpace,
            "charToEscapeQuoteEscaping": charToEscapeQuoteEscaping, "encoding": encoding, "emptyValue": emptyValue,
            "lineSep": lineSep,
        }
        self.options(**given).save(path, "csv", mode)

    def json(self, path: Any, mode: str | None = None, compression: str | None = None, dateFormat: str | None = None,
             timestampFormat: str | None = None, lineSep: str | None = None, encoding: str | None = None,
             ignoreNullFields: bool | str | None = None) -> None:
        """Writes a JSON object on each line."""
        given = {
            "compression": compression, "dateFormat": dateFormat, "timestampFormat": timestampFormat,
            "lineSep": lineSep, "encoding": encoding, "ignoreNullFields": ignoreNullFields,
        }
        self.options(**given).save(path, "json", mode)

    def text(self, path: Any, compression: str | None = None, lineSep: str | None = None) -> None:
        """Writes the only column, of strings, as lines."""
        self.options(compression=compression, lineSep=lineSep).save(path, "text")

    def _save(self, path: str, site: str) -> None:
        from firesteel.sql.frame import DataFrame
        from firesteel.sql.reading import FORMATS, format_refused
        from firesteel.sql.scans import RecordScan

        frame, format = self._frame, self._format.lower()
        if format not in FORMATS:
            raise format_refused(self._format)
        names = frame.columns
        above = [frame._position(name) for name in self._columns]
        self._verify_names(names, above, format)
        if above and len(above) == len(names):
            raise FiresteelError(
                "[ALL_PARTITION_COLUMNS_NOT_ALLOWED] Cannot use all columns for partition columns: the files would be"
                " empty."
            )
        session = frame.sparkSession
        options = {**session._options(_OF_SESSION), **self._options}
        if format in _OF_FORMATS:
            name, setting = _OF_FORMATS[format]
            value = session.conf.get(setting, None)
            options = {**({name: value} if value else {}), **options}
        overwrites = options.get("partitionoverwritemode") or session.conf.get(
            "spark.sql.sources.partitionOverwriteMode", "static"
        )
        if self._mode == "overwrite" and above and str(overwrites).lower() == "dynamic":
            raise FiresteelError(
                "overwriting only the directories that get rows (partitionOverwriteMode dynamic) is not here, and"
                " overwriting all would remove the others: write to the directories by themselves, or set the mode to"
                " static."
            )
        columns = frame._columns("save")
        if columns.partitions == 0:
            # A table without rows has its columns all the same, in one file.
            columns = DataFrame(session, RecordScan(session._sc.parallelize([], 1), frame.schema))._columns("save")
        session._sc._before_job()
        schema = _with_names(frame.schema, dict(zip(above, self._columns))).json()
        columns.save(path, format, options, schema, above, self._mode, session._sc._hadoop_settings, site)

    def _verify_names(self, names: list[str], above: list[int], format: str) -> None:
        """Raises unless what is written can be read again: columns are found by their names, in any case."""
        if not names:
            raise FiresteelError(
                "[EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE] A table without columns cannot be written: the files would"
                " not tell the number of rows."
            )
        is_exact = self._frame.sparkSession.conf.get("spark.sql.caseSensitive", "false") == "true"
        inside = [name for at, name in enumerate(names) if at not in above]
        # Files of CSV have their columns by position.
        for group in ([names[at] for at in above], [] if format in ("csv", "text") else inside):
            seen = set()
            for name in group:
                key = name if is_exact else name.lower()
                if key in seen:
                    raise FiresteelError(
                        f"[COLUMN_ALREADY_EXISTS] The column `{key}` already exists. Choose another name or rename the"
                        f" existing column: df.toDF(...) does it; the columns are {', '.join(group)}."
                    )
                seen.add(key)
