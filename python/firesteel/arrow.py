"""Arrow's tables and batches, as streams of bytes that travel between the engine and ``pyarrow``.

The engine has columns of its own; ``pyarrow`` is imported only where a program asks for its objects.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from firesteel import _native

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from firesteel.sql.structs import StructType

__all__ = [
    *("BatchFunction", "PandasFunction", "batches", "of_pandas", "renamed", "schema_of", "slices", "stream", "table"),
    *("table_of", "to_pandas", "with_instants"),
]


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise ImportError(
            "[PACKAGE_NOT_INSTALLED] this needs pyarrow, which is not installed: pip install pyarrow; rows come without"
            " it, by collect() or rdd"
        ) from error
    return pyarrow


def table(streams: Sequence[bytes], schema: StructType) -> pyarrow.Table:
    """Returns the table of all batches in streams."""
    pa = _pyarrow()
    empty = pa.ipc.open_stream(_native.empty_stream(schema.json())).read_all()
    return pa.concat_tables([empty, *(pa.ipc.open_stream(each).read_all().cast(empty.schema) for each in streams)])


def batches(streams: Iterable[bytes]) -> Iterator[Any]:
    """Returns the record batches in streams."""
    pa = _pyarrow()
    for each in streams:
        yield from pa.ipc.open_stream(each)


def stream(batch: Any) -> bytes:
    """Returns the stream of a record batch or a table."""
    pa = _pyarrow()
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write(batch)
    return sink.getvalue()


def slices(data: Any, count: int) -> list[list[bytes]]:
    """Returns the streams of ``count`` parts of a table, of about as many rows each.

    Anything that has Arrow's columns is a table: those of pyarrow, Polars, DuckDB, pandas.
    """
    whole = table_of(data)
    bounds = [whole.num_rows * at // count for at in range(count + 1)]
    parts = [whole.slice(start, end - start) for start, end in zip(bounds, bounds[1:])]
    return [[stream(batch) for batch in part.to_batches()] for part in parts]


def table_of(data: Any) -> pyarrow.Table:
    """Returns the table that something with Arrow's columns is. A stream has its rows once, so this is done once."""
    pa = _pyarrow()
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    kind = type(data).__name__
    if hasattr(data, "__arrow_c_stream__"):
        try:
            return pa.table(data)
        except pa.ArrowInvalid as error:
            raise TypeError(f"a {kind} is no table that pyarrow reads: {error}") from error
    if type(data).__module__.startswith("pyarrow.") and hasattr(data, "to_table"):
        return data.to_table()  # a data set
    raise TypeError(
        f"fromArrow takes a table of Arrow's (of pyarrow, Polars, DuckDB or pandas) or a data set of pyarrow's, and not"
        f" {kind}: sc.parallelize(data) makes an RDD of a collection"
    )


def renamed(data: Any, names: list[str]) -> Any:
    """Returns a table with other names for its columns."""
    whole = table_of(data)
    if len(names) != whole.num_columns:
        raise ValueError(f"a table of {whole.num_columns} columns needs as many names, and not {len(names)}")
    return whole.rename_columns(names)


def with_instants(found: pyarrow.Table, zone: str, names: Iterable[str] | None = None) -> pyarrow.Table:
    """Returns a table whose times without a zone are points in time: what a clock in a zone shows. ``names`` are the
    columns that this is done for, if not all."""
    for at, field in enumerate(found.schema):
        if names is None or field.name in names:
            found = found.set_column(at, field.name, _instants(found.column(at), zone))
    return found


def _instants(column: Any, zone: str) -> Any:
    """Returns a column of times as points in time; other columns as they are."""
    pa = _pyarrow()
    import pyarrow.compute as pc

    from firesteel.sql.zones import zone_of

    if not pa.types.is_timestamp(column.type):
        return column
    kind = pa.timestamp("us", "UTC")
    if column.type.tz is not None:
        return column.cast(kind, safe=False)
    plain = column.cast(pa.timestamp("us"), safe=False)
    try:
        return pc.assume_timezone(plain, zone, ambiguous="latest", nonexistent="latest").cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # A zone that pyarrow does not know by this name.
        place = zone_of(zone)
        values = [each and each.replace(tzinfo=place) for each in plain.to_pylist()]
        return pa.chunked_array([pa.array(values, kind)])


def of_pandas(frame: pandas.DataFrame, schema: StructType | None, names: list[str], zone: str) -> pyarrow.Table:
    """Returns a frame of pandas as a table, by the positions of its columns: two may have one name. Values become
    those of the schema where that loses nothing."""
    pa = _pyarrow()
    kinds = pa.ipc.open_stream(_native.empty_stream(schema.json())).read_all().schema if schema is not None else None
    columns = []
    for at, name in enumerate(names):
        values = frame.iloc[:, at]
        if str(values.dtype).startswith("Sparse"):
            values = values.sparse.to_dense()
        wanted = None if kinds is None else kinds.field(at).type
        try:
            columns.append(_of_values(pa, values, wanted, zone))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError) as error:
            if wanted is None:
                raise
            raise TypeError(
                f"[FIELD_DATA_TYPE_UNACCEPTABLE_WITH_NAME] the column {name!r} of the frame has values that are no"
                f" {schema.fields[at].dataType.simpleString() if schema else wanted}: {error}"
            ) from error
    fields = [pa.field(name, column.type) for name, column in zip(names, columns)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _of_values(pa: Any, values: Any, wanted: Any, zone: str) -> Any:
    if wanted is not None and pa.types.is_string(wanted) and str(values.dtype) in ("object", "float64", "float32"):
        from firesteel.sql.rows import text

        # Texts of numbers are Python's here, as in Spark: Arrow would write 1.0 as 1.
        missing = values.isna()
        return pa.array([None if gone else text(each, (0, 0)) for each, gone in zip(values, missing)], wanted)
    try:
        found = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # The values have no type in common, but perhaps the one that is wanted.
        if wanted is None:
            raise
        return pa.Array.from_pandas(values, type=wanted)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    if wanted is None or (pa.types.is_timestamp(wanted) and wanted.tz is not None):
        found = _instants(found, zone)
    if wanted is None or found.type == wanted:
        return found
    if pa.types.is_nested(wanted):
        return pa.Array.from_pandas(values, type=wanted)
    return found.cast(wanted)


def schema_of(data: Any) -> str:
    """Returns the schema of a table of Arrow's as Spark's in JSON."""
    pa = _pyarrow()
    sink = io.BytesIO()
    whole = table_of(data)
    with pa.ipc.new_stream(sink, whole.schema):
        pass
    return _native.stream_schema(sink.getvalue())


def to_pandas(found: pyarrow.Table, zone: str) -> pandas.DataFrame:
    """Returns a table as a frame of pandas: points in time as clocks in a zone show them, without the zone."""
    from firesteel.sql.zones import zone_of

    pa = _pyarrow()
    names = found.schema.names
    # By number, since two columns may have one name.
    frame = found.rename_columns([str(at) for at in range(len(names))]).to_pandas(
        date_as_object=True, maps_as_pydicts="strict"
    )
    for at, field in enumerate(found.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            frame[str(at)] = frame[str(at)].dt.tz_convert(zone_of(zone)).dt.tz_localize(None)
    frame.columns = names
    return frame


class BatchFunction:
    """A user's function of record batches, as one of streams."""

    def __init__(self, function: Callable[[Iterator[Any]], Iterable[Any]]) -> None:
        self.function = function

    def __call__(self, streams: Iterator[bytes]) -> Iterator[bytes]:
        pa = _pyarrow()
        for batch in self.function(batches(streams)):
            if not isinstance(batch, (pa.RecordBatch, pa.Table)):
                raise TypeError(
                    "[UDF_RETURN_TYPE] Return type of the function given to mapInArrow should be iterator of"
                    f" pyarrow.RecordBatch, but is iterator of {type(batch).__name__}"
                )
            yield stream(batch)


class PandasFunction:
    """A user's function of frames of pandas, as one of record batches; ``instants`` are the columns of its frames
    that are points in time."""

    def __init__(
        self, function: Callable[[Iterator[Any]], Iterable[Any]], zone: str, instants: Sequence[str]
    ) -> None:
        self.function = function
        self.zone = zone
        self.instants = instants

    def __call__(self, found: Iterator[Any]) -> Iterator[Any]:
        pa = _pyarrow()
        import pandas

        for frame in self.function(to_pandas(pa.Table.from_batches([batch]), self.zone) for batch in found):
            if not isinstance(frame, pandas.DataFrame):
                raise TypeError(
                    "[UDF_RETURN_TYPE] Return type of the function given to mapInPandas should be iterator of"
                    f" pandas.DataFrame, but is iterator of {type(frame).__name__}"
                )
            table = pa.Table.from_pandas(frame, preserve_index=False)
            yield with_instants(table, self.zone, self.instants)
