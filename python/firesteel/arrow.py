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
    *("BatchFunction", "PandasFunction", "batches", "renamed", "schema_of", "slices", "stream", "table", "to_pandas"),
    "with_instants",
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
    pa = _pyarrow()
    whole = data if isinstance(data, pa.Table) else _table_of(pa, data)
    bounds = [whole.num_rows * at // count for at in range(count + 1)]
    parts = [whole.slice(start, end - start) for start, end in zip(bounds, bounds[1:])]
    return [[stream(batch) for batch in part.to_batches()] for part in parts]


def _table_of(pa: Any, data: Any) -> Any:
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "to_table"):
        return data.to_table()  # a data set of pyarrow's
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    kind = type(data).__name__
    raise TypeError(
        f"fromArrow takes a table of Arrow's (of pyarrow, Polars, DuckDB or pandas) or a data set of pyarrow's, and not"
        f" {kind}: sc.parallelize(data) makes an RDD of a collection"
    )


def renamed(data: Any, names: list[str]) -> Any:
    """Returns a table with other names for its columns."""
    pa = _pyarrow()
    return (data if isinstance(data, pa.Table) else _table_of(pa, data)).rename_columns(names)


def with_instants(found: pyarrow.Table) -> pyarrow.Table:
    """Returns a table whose times without a zone are points in time: what a clock in this process's zone shows."""
    import datetime

    pa = _pyarrow()
    for at, field in enumerate(found.schema):
        if pa.types.is_timestamp(field.type):
            kind = pa.timestamp("us", "UTC")
            if field.type.tz is None:
                values = [
                    None if each is None else each.astimezone(datetime.timezone.utc)
                    for each in found.column(at).cast(pa.timestamp("us"), safe=False).to_pylist()
                ]
                column = pa.chunked_array([pa.array(values, kind)])
            else:
                column = found.column(at).cast(kind, safe=False)
            found = found.set_column(at, field.name, column)
    return found


def schema_of(data: Any) -> str:
    """Returns the schema of a table of Arrow's as Spark's in JSON."""
    pa = _pyarrow()
    sink = io.BytesIO()
    whole = data if isinstance(data, pa.Table) else _table_of(pa, data)
    with pa.ipc.new_stream(sink, whole.schema):
        pass
    return _native.stream_schema(sink.getvalue())


def to_pandas(found: pyarrow.Table) -> pandas.DataFrame:
    """Returns a table as a frame of pandas: points in time as clocks in this process's zone show them, without a zone.
    """
    import time

    pa = _pyarrow()
    frame = found.to_pandas(date_as_object=True)
    for field in found.schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            zone = "UTC" if time.tzname == ("UTC", "UTC") else _zone()
            frame[field.name] = frame[field.name].dt.tz_convert(zone).dt.tz_localize(None)
    return frame


def _zone() -> Any:
    """Returns this process's own time zone."""
    from datetime import datetime

    return datetime.now().astimezone().tzinfo


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
    """A user's function of frames of pandas, as one of record batches."""

    def __init__(self, function: Callable[[Iterator[Any]], Iterable[Any]]) -> None:
        self.function = function

    def __call__(self, found: Iterator[Any]) -> Iterator[Any]:
        pa = _pyarrow()
        for frame in self.function(to_pandas(pa.Table.from_batches([batch])) for batch in found):
            yield pa.Table.from_pandas(frame, preserve_index=False)
