"""Making data frames of what a program has: lists, RDDs, frames of pandas, Arrow's tables, arrays of numpy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from firesteel import _native, arrow, callsite
from firesteel.errors import FiresteelError
from firesteel.sql.datatypes import DataType
from firesteel.sql.ddl import _parse_datatype_string
from firesteel.sql.frame import DataFrame
from firesteel.sql.conversion import _create_converter
from firesteel.sql.inference import _from_numpy_type, _infer_schema
from firesteel.sql.merging import _has_nulltype, _merge_type
from firesteel.sql.scans import RecordScan, StreamScan
from firesteel.sql.structs import StructField, StructType

if TYPE_CHECKING:
    from firesteel.rdd import RDD
    from firesteel.sql.session import SparkSession

__all__ = ["create", "from_arrow", "of_rdd"]


def create(session: SparkSession, data: Any, schema: Any, ratio: float | None) -> DataFrame:
    """Makes a frame; see :meth:`firesteel.sql.SparkSession.createDataFrame`."""
    from firesteel.rdd import RDD

    if isinstance(data, DataFrame):
        raise TypeError("[INVALID_TYPE] Argument `data` should not be a DataFrame.")
    if isinstance(data, RDD):
        return of_rdd(session, data, schema, ratio)
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if kind == "numpy.ndarray":
        return _of_array(session, data, schema)
    if kind == "pandas.DataFrame":
        return _of_pandas(session, data, schema)
    if hasattr(data, "__arrow_c_stream__") or kind in ("pyarrow.Table", "pyarrow.RecordBatch"):
        return _of_table(session, data, schema)
    if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
        raise TypeError(f"[CANNOT_INFER_SCHEMA_FOR_TYPE] Can not infer schema for type: `{type(data).__name__}`.")
    return _of_list(session, list(data), schema)


def of_rdd(session: SparkSession, rdd: RDD[Any], schema: Any, ratio: float | None) -> DataFrame:
    """Makes a frame of an RDD's records. Without a schema its types are those of the first record, or of a sample."""
    parsed = _parsed(schema)
    # Rows that were persisted are taken from there, and not computed again as columns.
    kept = None if rdd.is_cached else rdd._frame
    if isinstance(parsed, StructType):
        frame = kept
        return frame if frame is not None and frame.schema == parsed else _of_records(session, rdd, parsed)
    if isinstance(parsed, DataType):
        return _of_records(session, rdd.map(_alone), _single(parsed))
    if kept is not None and parsed is None:
        return kept
    names = parsed
    if ratio is not None:
        sample = rdd if ratio >= 0.99 else rdd.sample(False, float(ratio))
        inferred: DataType = sample.map(lambda record: _infer_schema(record, names)).reduce(_merged)
    else:
        inferred = _infer_schema(rdd.first(), names)
        if _has_nulltype(inferred):
            # The first record lacks values: those after it may tell the types.
            for record in rdd.take(100)[1:]:
                inferred = _merge_type(inferred, _infer_schema(record, names))
                if not _has_nulltype(inferred):
                    break
            else:
                raise _undetermined()
    made = _named(inferred, names)
    if _by_other_names(inferred, made):
        rdd = rdd.map(_create_converter(inferred))
    return _of_records(session, rdd, made)


def from_arrow(session: SparkSession, data: Any, slices: int) -> DataFrame:
    """Makes a frame of a table of Arrow's, whose columns it keeps."""
    return _of_table(session, data, None, slices)


def _parsed(schema: Any) -> Any:
    """Returns a schema, a type, a list of names, or None."""
    if isinstance(schema, str):
        return _parse_datatype_string(schema)
    if schema is None or isinstance(schema, DataType):
        return schema
    if isinstance(schema, (list, tuple)):
        return [str(name) for name in schema]
    raise TypeError(
        "[NOT_LIST_OR_NONE_OR_STRUCT] Argument `schema` should be a list, None or StructType, got"
        f" {type(schema).__name__}."
    )


def _of_list(session: SparkSession, data: list[Any], schema: Any) -> DataFrame:
    parsed = _parsed(schema)
    if isinstance(parsed, DataType) and not isinstance(parsed, StructType):
        data, parsed = [_alone(record) for record in data], _single(parsed)
    if not isinstance(parsed, StructType):
        names = parsed
        if not data:
            raise ValueError("[CANNOT_INFER_EMPTY_SCHEMA] Can not infer schema from an empty dataset.")
        inferred: DataType = _infer_schema(data[0], names)
        for record in data[1:]:
            inferred = _merge_type(inferred, _infer_schema(record, names))
        if _has_nulltype(inferred):
            raise _undetermined()
        parsed = _named(inferred, names)
        if _by_other_names(inferred, parsed):
            data = list(map(_create_converter(inferred), data))
    # Made here, so that a record that does not fit is told of at this line.
    sc = session._sc
    count = sc.defaultParallelism
    bounds = [len(data) * at // count for at in range(count + 1)]
    text = parsed.json()
    streams = [_native.records_stream(data[start:end], text) for start, end in zip(bounds, bounds[1:])]
    return DataFrame(session, StreamScan(_of_streams(session, [[each] for each in streams]), parsed))


def _of_streams(session: SparkSession, streams: list[list[bytes]]) -> RDD[bytes]:
    from firesteel.pickling import dump_records

    sc, site = session._sc, callsite.here("createDataFrame")
    partitions = [[dump_records(each)] if each else [] for each in streams]
    return sc._rdd(sc._native.parallelize(partitions, site), site, "ParallelCollectionRDD")


def _of_records(session: SparkSession, rdd: RDD[Any], schema: StructType) -> DataFrame:
    return DataFrame(session, RecordScan(rdd, schema))


def _of_table(session: SparkSession, data: Any, schema: Any, slices: int | None = None) -> DataFrame:
    from firesteel.sql.reading import _of_json

    parsed, data = _parsed(schema), arrow.table_of(data)
    found = _of_json(arrow.schema_of(data))
    if isinstance(parsed, list):
        found = _named(found, parsed)
        data = arrow.renamed(data, found.names)
        parsed = None
    streams = arrow.slices(data, slices or session._sc.defaultParallelism)
    return DataFrame(session, StreamScan(_of_streams(session, streams), parsed or found))


def _of_pandas(session: SparkSession, data: Any, schema: Any) -> DataFrame:
    parsed = _parsed(schema)
    own = [str(name) for name in data.columns]
    if isinstance(parsed, StructType) and len(parsed) != len(own):
        raise ValueError(
            f"the frame of pandas has {len(own)} columns ({', '.join(own)}), and the schema {len(parsed)}:"
            f" {parsed.simpleString()}. They are taken by their positions."
        )
    given = parsed.names if isinstance(parsed, StructType) else parsed or []
    names = [*given, *own[len(given) :]][: len(own)]
    wanted = parsed if isinstance(parsed, StructType) else None
    try:
        import pyarrow
    except ImportError:
        return _of_list(session, _records(data), wanted or names)
    try:
        table = arrow.of_pandas(data, wanted, names, session._zone())
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        # Objects of several types in one column: as records they are merged, or the error names them.
        return _of_list(session, _records(data), wanted or names)
    return _of_table(session, table, wanted)


def _records(data: Any) -> list[Any]:
    return [tuple(row) for row in data.astype(object).where(data.notna(), None).values.tolist()]


def _of_array(session: SparkSession, data: Any, schema: Any) -> DataFrame:
    """Makes a frame of an array of numpy, whose type its columns have."""
    if data.ndim not in (1, 2):
        raise ValueError(
            f"[INVALID_NDARRAY_DIMENSION] NumPy array input should be of 1 or 2 dimensions, and has {data.ndim}."
        )
    records = [(each,) for each in data.tolist()] if data.ndim == 1 else [tuple(row) for row in data.tolist()]
    names = ["value"] if data.ndim == 1 else _numbered(data.shape[1])
    kind = _from_numpy_type(data.dtype)
    parsed = _parsed(schema)
    if kind is not None and (parsed is None or isinstance(parsed, list)):
        given = StructType([StructField(name, kind, True) for name in names])
        return _of_list(session, records, _named(given, parsed))
    return _of_list(session, records, names if parsed is None else parsed)


def _merged(one: Any, other: Any) -> Any:
    return _merge_type(one, other)


def _alone(record: Any) -> tuple[Any]:
    return (record,)


def _single(kind: DataType) -> StructType:
    return StructType([StructField("value", kind, True)])


def _numbered(count: int) -> list[str]:
    return [f"_{number + 1}" for number in range(count)]


def _named(inferred: Any, names: Any) -> StructType:
    if not names:
        return inferred  # type: ignore[no-any-return]
    if len(names) > len(inferred):
        raise ValueError(
            f"there are {len(names)} names ({', '.join(map(str, names))}), and the records have {len(inferred)} values"
        )
    fields = [
        StructField(str(names[at]) if at < len(names) else each.name, each.dataType, each.nullable, each.metadata)
        for at, each in enumerate(inferred.fields)
    ]
    return StructType(fields)


def _by_other_names(inferred: Any, made: StructType) -> bool:
    """Returns whether records that have names, such as dictionaries, have others than the columns."""
    return bool(inferred.names != made.names)


def _undetermined() -> FiresteelError:
    return FiresteelError(
        "[CANNOT_DETERMINE_TYPE] Some of types cannot be determined after inferring: a column has no value but None in"
        ' the records that were looked at. Give a schema: createDataFrame(data, "a int, b string").'
    )
