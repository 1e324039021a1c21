"""Reading files as data frames: ``spark.read.option(...).schema(...).csv(path)``.

Options, inference and the cut into partitions are Spark's. Files are listed, and a schema is found, when the frame is
made, as in Spark; rows are read when an action needs them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from firesteel import _native, callsite
from firesteel.errors import FiresteelError
from firesteel.sql.containers import ArrayType
from firesteel.sql.datatypes import DataType, StringType
from firesteel.sql.ddl import _parse_datatype_string
from firesteel.sql.frame import DataFrame
from firesteel.sql.refusing import Refusing
from firesteel.sql.scans import FileScan, LineScan
from firesteel.sql.structs import StructField, StructType

if TYPE_CHECKING:
    from firesteel.rdd import RDD
    from firesteel.sql.session import SparkSession

__all__ = ["FORMATS", "DataFrameReader", "check_names", "format_refused", "set_options"]

FORMATS = ("parquet", "csv", "json", "text")

#: Options of reading that choose files, and do not concern their format.
_OF_FILES = ("path", "paths", "basepath", "recursivefilelookup", "pathglobfilter", "mergeschema")


#: Options of reading that a session's settings stand for.
_OF_SESSION = {
    "spark.sql.files.ignoreCorruptFiles": "ignorecorruptfiles",
    "spark.sql.files.ignoreMissingFiles": "ignoremissingfiles",
    "spark.sql.parquet.binaryAsString": "binaryasstring",
}


def set_options(target: dict[str, str], options: dict[str, Any]) -> None:
    """Sets options, whose names are taken in any case; None leaves one as it is."""
    for name, value in options.items():
        if value is not None:
            target[name.lower()] = ("true" if value else "false") if isinstance(value, bool) else str(value)


def check_names(names: list[str]) -> None:
    """Raises an error for two columns whose names differ in their case alone: neither could be asked for."""
    seen: dict[str, int] = {}
    for at, name in enumerate(names):
        first = seen.setdefault(name.lower(), at)
        if first != at:
            raise FiresteelError(
                f"[COLUMN_ALREADY_EXISTS] The column `{name}` already exists, as `{names[first]}`. Choose another name"
                " or rename the existing column; spark.read.schema(...) gives names of your own."
            )


def format_refused(name: str) -> FiresteelError:
    """Returns the error for a format that there is not."""
    return FiresteelError(
        f"[DATA_SOURCE_NOT_FOUND] Firesteel reads and writes {', '.join(FORMATS)}, and not {name!r}:"
        " sc.binaryFiles(path) with a reader of that format for Python makes records, and rdd.toDF(schema) makes rows"
        " of them."
    )


class DataFrameReader(Refusing):
    """Collects how files are read; all setters return the reader.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "people.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("name,age\\nAda,36\\n")
    >>> spark = SparkSession.builder.getOrCreate()
    >>> spark.read.csv(path, header=True, inferSchema=True).collect()
    [Row(name='Ada', age=36)]
    """

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._format = spark.conf.get("spark.sql.sources.default", "parquet") or "parquet"
        self._options: dict[str, str] = {}
        self._schema: StructType | None = None

    def format(self, source: str) -> DataFrameReader:
        """Sets the format: ``parquet`` (the default), ``csv``, ``json``, ``text``."""
        self._format = source
        return self

    def schema(self, schema: StructType | str) -> DataFrameReader:
        """Sets names and types of the columns, so that they need not be inferred."""
        parsed: DataType = _parse_datatype_string(schema) if isinstance(schema, str) else schema
        if not isinstance(parsed, StructType):
            raise TypeError(
                f"[NOT_STR_OR_STRUCT] Argument `schema` should be a struct type or a text such as 'a int, b string',"
                f" got {type(schema).__name__}."
            )
        self._schema = parsed
        return self

    def option(self, key: str, value: Any) -> DataFrameReader:
        """Sets an option of the format."""
        set_options(self._options, {key: value})
        return self

    def options(self, **options: Any) -> DataFrameReader:
        """Sets options of the format."""
        set_options(self._options, options)
        return self

    def load(self, path: Any = None, format: str | None = None, schema: Any = None, **options: Any) -> DataFrame:
        """Reads files, directories and patterns."""
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        given = path if path is not None else self._options.get("path")
        if given is None:
            raise FiresteelError("load needs a path: spark.read.load(path), or the option path.")
        return self._load(given, callsite.here("load"))

    def parquet(self, *paths: Any, **options: Any) -> DataFrame:
        """Reads Parquet files."""
        return self.format("parquet").options(**options)._load(paths, callsite.here("parquet"))

    def text(self, paths: Any, wholetext: bool = False, lineSep: str | None = None, **options: Any) -> DataFrame:
        """Reads lines of files, as rows with the line as ``value``.

        >>> spark = SparkSession.builder.getOrCreate()
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "lines")
        >>> with open(path, "w") as file:
        ...     _ = file.write("one\\ntwo\\n")
        >>> spark.read.text(path).rdd.map(lambda row: row.value).collect()
        ['one', 'two']
        """
        given = {"wholetext": wholetext or None, "lineSep": lineSep, **options}
        return self.format("text").options(**given)._load(paths, callsite.here("text"))

    def csv(self, path: Any, schema: Any = None, sep: str | None = None, encoding: str | None = None,
            quote: str | None = None, escape: str | None = None, comment: str | None = None,
            header: bool | str | None = None, inferSchema: bool | str | None = None,
            ignoreLeadingWhiteSpace: bool | str | None = None, ignoreTrailingWhiteSpace: bool | str | None = None,
            nullValue: str | None = None, nanValue: str | None = None, positiveInf: str | None = None,
            negativeInf: str | None = None, dateFormat: str | None = None, timestampFormat: str | None = None,
            maxColumns: int | str | None = None, maxCharsPerColumn: int | str | None = None,
            maxMalformedLogPerPartition: int | str | None = None, mode: str | None = None,
            columnNameOfCorruptRecord: str | None = None, multiLine: bool | str | None = None,
            charToEscapeQuoteEscaping: str | None = None, samplingRatio: float | str | None = None,
            enforceSchema: bool | str | None = None, emptyValue: str | None = None, locale: str | None = None,
            lineSep: str | None = None, pathGlobFilter: str | None = None,
            recursiveFileLookup: bool | str | None = None, modifiedBefore: str | None = None,
            modifiedAfter: str | None = None, unescapedQuoteHandling: str | None = None) -> DataFrame:
        """Reads CSV files, or an RDD of lines; ``header=True`` takes names from the first line, ``inferSchema=True``
        types from all lines."""
        given = {name: value for name, value in locals().items() if name not in ("self", "path", "schema")}
        if schema is not None:
            self.schema(schema)
        return self.format("csv").options(**given)._load(path, callsite.here("csv"))

    def json(self, path: Any, schema: Any = None, primitivesAsString: bool | str | None = None,
             prefersDecimal: bool | str | None = None, allowComments: bool | str | None = None,
             allowUnquotedFieldNames: bool | str | None = None, allowSingleQuotes: bool | str | None = None,
             allowNumericLeadingZero: bool | str | None = None,
             allowBackslashEscapingAnyCharacter: bool | str | None = None, mode: str | None = None,
             columnNameOfCorruptRecord: str | None = None, dateFormat: str | None = None,
             timestampFormat: str | None = None, multiLine: bool | str | None = None,
             allowUnquotedControlChars: bool | str | None = None, lineSep: str | None = None,
             samplingRatio: float | str | None = None, dropFieldIfAllNull: bool | str | None = None,
             encoding: str | None = None, locale: str | None = None, pathGlobFilter: str | None = None,
             recursiveFileLookup: bool | str | None = None, modifiedBefore: str | None = None,
             modifiedAfter: str | None = None, allowNonNumericNumbers: bool | str | None = None,
             useUnsafeRow: bool | str | None = None) -> DataFrame:
        """Reads an object on each line of files, or of an RDD of lines; names and types are inferred from all lines
        unless a schema is given."""
        given = {name: value for name, value in locals().items() if name not in ("self", "path", "schema")}
        if schema is not None:
            self.schema(schema)
        return self.format("json").options(**given)._load(path, callsite.here("json"))

    def _load(self, given: Any, site: str) -> DataFrame:
        from firesteel.rdd import RDD

        format = self._format.lower()
        if format not in FORMATS:
            raise format_refused(self._format)
        options = self._options
        for name in ("modifiedBefore", "modifiedAfter"):
            if name.lower() in options:
                raise FiresteelError(
                    f"the option {name} is not here: choose the files in the program, as by os.path.getmtime, and give"
                    " their paths in a list."
                )
        sc = self._spark._sc
        if isinstance(given, RDD):
            return self._load_lines(given, format, site)
        paths = _paths(given)
        files = _native.table_files(
            sc._native, paths, options.get("basepath"), _is_set(options, "recursivefilelookup"),
            options.get("pathglobfilter"), site,
        )
        of_session = self._spark._options(_OF_SESSION)
        of_format = {**of_session, **{name: value for name, value in options.items() if name not in _OF_FILES}}
        infers = self._spark.conf.get("spark.sql.sources.partitionColumnTypeInference.enabled", "true") == "true"
        directories = files.directories(infers)
        data, schema, directories = self._schemas(format, files, of_format, directories, site)
        check_names(data.names)
        scan = FileScan(sc, files, format, of_format, data, directories, schema, self._spark._sizes())
        return DataFrame(self._spark, scan)

    def _load_lines(self, lines: RDD[Any], format: str, site: str) -> DataFrame:
        """Reads the lines of an RDD."""
        options = {**self._spark._options(_OF_SESSION), **self._options}
        first = None
        if format == "csv":
            found = lines.take(1)
            first = found[0] if found else None
        schema = self._schema
        if schema is None:
            self._spark._sc._before_job()
            schema = _of_json(_native.infer_lines(lines._native, format, options, first, site))
        check_names(schema.names)
        fields = [StructField(each.name, each.dataType, True, each.metadata) for each in schema.fields]
        named = first if _is_set(self._options, "header") else None
        return DataFrame(self._spark, LineScan(lines, format, options, StructType(fields), named))

    def _schemas(
        self,
        format: str,
        files: _native.Files,
        options: dict[str, str],
        directories: list[tuple[str, str]],
        site: str,
    ) -> tuple[StructType, StructType, list[tuple[str, str]]]:
        """Returns the schema of the files themselves, that of the frame, and the types of directories."""
        inside = [name for name, _ in directories]
        if format == "text":
            given = self._schema or StructType([StructField("value", StringType(), True)])
        elif self._schema is not None:
            given = self._schema
        else:
            given = self._inferred(format, files, options, site)
            _verify_once(given)
        fields = {field.name: field for field in given.fields}
        data = StructType([field for field in given.fields if field.name not in inside])
        # A type that the program gives to a column of directories is the one that it gets.
        typed = fields if self._schema is not None else {}
        kinds = [(name, _json_type(typed[name]) if name in typed else kind) for name, kind in directories]
        above = [_field(name, kind) for name, kind in kinds]
        nullable = [StructField(each.name, each.dataType, True, each.metadata) for each in data.fields]
        # A column that is in files and in directories stands where the files have it, with the directories' values.
        by_name = {field.name: field for field in above}
        whole = [
            by_name.pop(each.name)
            if each.name in by_name
            else StructField(each.name, each.dataType, True, each.metadata)
            for each in given.fields
        ]
        return StructType(nullable), StructType([*whole, *by_name.values()]), kinds

    def _inferred(self, format: str, files: _native.Files, options: dict[str, str], site: str) -> StructType:
        sc = self._spark._sc
        paths = files.paths
        if format == "parquet":
            if not paths:
                raise FiresteelError(
                    "[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet. It must be specified manually: there"
                    " is no file; spark.read.schema(...) gives one."
                )
            merges = self._options.get("mergeschema") or self._spark.conf.get("spark.sql.parquet.mergeSchema", "false")
            chosen = paths if str(merges).lower() == "true" else paths[:1]
            found = [_of_json(_native.parquet_schema(sc._native, path, options, site)) for path in chosen]
            merged = found[0]
            for other in found[1:]:
                merged = _merged(merged, other)
            return merged
        if not paths:
            raise FiresteelError(
                f"[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for {format.upper()}. It must be specified manually:"
                " there is no file; spark.read.schema(...) gives one."
            )
        sc._before_job()
        return _of_json(_native.infer_schema(sc._native, files, format, options, self._spark._sizes(), site))


def _paths(given: Any) -> list[str]:
    several: Sequence[Any] = given if isinstance(given, (list, tuple)) else [given]
    if not several:
        raise FiresteelError("a path is needed to read from.")
    for each in several:
        if not isinstance(each, (str, os.PathLike)):
            raise TypeError(
                "[NOT_EXPECTED_TYPE] Argument `path` should be str, list, or RDD, got"
                f" {type(each).__name__}."
            )
    return [str(os.fspath(each)) for each in several]


def _verify_once(kind: DataType) -> None:
    """Raises if two columns, or two parts of a struct, have one name, since they are found by their names."""
    if isinstance(kind, ArrayType):
        _verify_once(kind.elementType)
    if not isinstance(kind, StructType):
        return
    for at, name in enumerate(kind.names):
        if name in kind.names[:at]:
            raise FiresteelError(
                f"[COLUMN_ALREADY_EXISTS] The column `{name}` already exists: it is twice in the files. A schema with"
                " the column once takes one of them: spark.read.schema(...)."
            )
    for field in kind.fields:
        _verify_once(field.dataType)


def _is_set(options: dict[str, str], name: str) -> bool:
    return options.get(name, "false").lower() == "true"


def _of_json(text: str) -> StructType:
    import json

    return StructType.fromJson(json.loads(text))


def _json_type(field: StructField) -> str:
    kind = field.dataType.jsonValue()
    if not isinstance(kind, str):
        raise FiresteelError(f"the column {field.name!r} is in the names of directories, and cannot be a {kind}.")
    return kind


def _field(name: str, kind: str) -> StructField:
    return StructField.fromJson({"name": name, "type": kind, "nullable": True, "metadata": {}})


def _merged(one: StructType, other: StructType) -> StructType:
    """Returns the columns of both; one of the same name must have the same type."""
    known = {field.name: field for field in one.fields}
    for field in other.fields:
        if field.name in known and known[field.name].dataType != field.dataType:
            raise FiresteelError(
                f"[CANNOT_MERGE_SCHEMAS] the column {field.name!r} is {known[field.name].dataType.simpleString()} in"
                f" one file and {field.dataType.simpleString()} in another; give a schema, or read the files apart."
            )
        known.setdefault(field.name, field)
    return StructType(list(known.values()))
