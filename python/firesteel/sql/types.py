"""All of ``pyspark.sql.types``: the types of columns, schemas, and rows.

The files that this one hands on from have them by kind. Inference and verification are imported when a name of theirs
is asked for: programs that only write schemas down need neither.
"""

from __future__ import annotations

import importlib
from typing import Any

from firesteel.sql.collations import KEY as _COLLATIONS_METADATA_KEY
from firesteel.sql.collations import _assert_valid_collation_provider
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import (
    AtomicType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DataTypeSingleton,
    DecimalType,
    DoubleType,
    FloatType,
    FractionalType,
    IntegerType,
    IntegralType,
    LongType,
    NullType,
    NumericType,
    ShortType,
    StringType,
    VarcharType,
)
from firesteel.sql.jsontypes import (
    _all_complex_types,
    _all_mappable_types,
    _parse_datatype_json_string,
    _parse_datatype_json_value,
)
from firesteel.sql.row import Row, _create_row, _named
from firesteel.sql.spatial import Geography, GeographyType, Geometry, GeometryType, SpatialType
from firesteel.sql.structs import JVM_INT_MAX, StructField, StructType
from firesteel.sql.temporal import (
    AnsiIntervalType,
    AnyTimeType,
    CalendarIntervalType,
    DatetimeType,
    DateType,
    DayTimeIntervalType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    YearMonthIntervalType,
)
from firesteel.sql.udt import UserDefinedType
from firesteel.sql.variant import VariantType, VariantVal

__all__ = [
    *("DataType", "NullType", "CharType", "StringType", "VarcharType", "BinaryType", "BooleanType", "DateType"),
    *("TimeType", "TimestampType", "TimestampNTZType", "DecimalType", "DoubleType", "Geography", "Geometry"),
    *("FloatType", "ByteType", "IntegerType", "LongType", "DayTimeIntervalType", "YearMonthIntervalType"),
    *("CalendarIntervalType", "Row", "ShortType", "ArrayType", "MapType", "StructField", "StructType"),
    *("VariantType", "VariantVal", "GeographyType", "GeometryType"),
]

_atomic_types: list[type[DataType]] = [
    *(StringType, CharType, VarcharType, BinaryType, BooleanType, DecimalType, FloatType, DoubleType, ByteType),
    *(ShortType, IntegerType, LongType, DateType, TimestampType, TimestampNTZType, NullType, VariantType),
    *(YearMonthIntervalType, DayTimeIntervalType),
]
_complex_types: list[type[DataType]] = [ArrayType, MapType, StructType]

#: Names that other libraries import from here, and the files that have them.
_LATER = {
    "_parse_datatype_string": "ddl",
    **dict.fromkeys(("_infer_schema", "_infer_type", "_type_mappings", "_array_type_mappings"), "inference"),
    **dict.fromkeys(("_from_numpy_type", "_int_size_to_type"), "inference"),
    **dict.fromkeys(("_merge_type", "_has_nulltype", "_has_type", "_drop_metadata"), "merging"),
    **dict.fromkeys(("_make_type_verifier", "_acceptable_types"), "verification"),
    **dict.fromkeys(("_create_converter", "_need_converter"), "conversion"),
}


def __getattr__(name: str) -> Any:
    """Imports the file of a name that is asked for seldom."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"firesteel.sql.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
