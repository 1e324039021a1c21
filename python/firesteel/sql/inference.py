"""Types of Python's values: what a column gets when a program gives records and no schema.

Values are looked at by their exact class, so that a subclass of int is an object with attributes, as in PySpark.
NumPy's scalars and arrays are refused where they stand in a record; ``.item()`` and ``.tolist()`` give Python's values.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import sys
from array import array
from collections.abc import Iterable
from typing import Any

from firesteel.sql import datatypes as plain
from firesteel.sql import temporal
from firesteel.sql.conditions import SchemaTypeError
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import DataType, NullType
from firesteel.sql.merging import _merge_type
from firesteel.sql.spatial import Geography, GeographyType, Geometry, GeometryType
from firesteel.sql.structs import StructField, StructType
from firesteel.sql.variant import VariantType, VariantVal

_type_mappings: dict[type, type[DataType]] = {
    type(None): NullType,
    Geometry: GeometryType,
    Geography: GeographyType,
    bool: plain.BooleanType,
    int: plain.LongType,
    float: plain.DoubleType,
    str: plain.StringType,
    bytearray: plain.BinaryType,
    decimal.Decimal: plain.DecimalType,
    datetime.date: temporal.DateType,
    datetime.datetime: temporal.TimestampType,
    datetime.time: temporal.TimeType,
    datetime.timedelta: temporal.DayTimeIntervalType,
    bytes: plain.BinaryType,
}


def _int_size_to_type(size: int) -> type[DataType] | None:
    """Returns the smallest type of whole numbers with so many bits; None if there is none.

    >>> _int_size_to_type(32).__name__
    'IntegerType'
    """
    for bits, kind in ((8, plain.ByteType), (16, plain.ShortType), (32, plain.IntegerType), (64, plain.LongType)):
        if size <= bits:
            return kind
    return None


def _array_types() -> dict[str, type[DataType]]:
    """Returns the types of the elements of Python's arrays, by type code, for the sizes that C has here."""
    found: dict[str, type[DataType]] = {"f": plain.FloatType, "d": plain.DoubleType}
    for codes, extra in (("bhil", 0), ("BHIL", 1)):
        for code in codes:
            # A number without a sign needs a bit more than one with.
            kind = _int_size_to_type(array(code).itemsize * 8 + extra)
            if kind is not None:
                found[code] = kind
    if sys.version_info < (3, 16):
        found["u"] = plain.StringType
    return found


_array_type_mappings = _array_types()


class _Inference:
    """What a program asked for, beside the defaults."""

    def __init__(self, dicts_are_structs: bool, first_element: bool, first_pair: bool, prefer_ntz: bool) -> None:
        self.dicts_are_structs = dicts_are_structs
        self.first_element = first_element
        self.first_pair = first_pair
        self.prefer_ntz = prefer_ntz

    def infer(self, obj: Any) -> DataType:
        if obj is None:
            return NullType()
        if hasattr(obj, "__UDT__"):
            named: DataType = obj.__UDT__
            return named
        kind = _type_mappings.get(type(obj))
        if kind is not None:
            return self.known(kind, obj)
        if isinstance(obj, VariantVal):
            return VariantType()
        if isinstance(obj, dict):
            return self.dictionary(obj)
        if isinstance(obj, list):
            return self.sequence(obj)
        if isinstance(obj, array):
            if obj.typecode not in _array_type_mappings:
                raise _unsupported(f"array({obj.typecode})", "")
            return ArrayType(_array_type_mappings[obj.typecode](), False)
        if isinstance(obj, enum.Enum):
            raise _unsupported(type(obj).__name__, " The value of a member is its .value.")
        try:
            return self.schema(obj, None)
        except TypeError as error:
            raise _unsupported(type(obj).__name__, _hint(obj, error)) from None

    def known(self, kind: type[DataType], obj: Any) -> DataType:
        if kind is plain.DecimalType:
            # Numbers differ in their digits, and a column has one type.
            return plain.DecimalType(38, 18)
        if kind is temporal.TimestampType and self.prefer_ntz and obj.tzinfo is None:
            return temporal.TimestampNTZType()
        if isinstance(obj, (Geography, Geometry)):
            return (GeographyType if isinstance(obj, Geography) else GeometryType)(obj.srid)
        return kind()

    def dictionary(self, obj: dict[Any, Any]) -> DataType:
        pairs = [(key, value) for key, value in obj.items() if key is not None and value is not None]
        if self.dicts_are_structs:
            return StructType([StructField(key, self.infer(value)) for key, value in pairs])
        if self.first_pair:
            if not pairs:
                return MapType(NullType(), NullType(), True)
            return MapType(self.infer(pairs[0][0]), self.infer(pairs[0][1]), True)
        return MapType(self.common(obj), self.common(obj.values()), True)

    def sequence(self, obj: list[Any]) -> DataType:
        if self.first_element:
            return ArrayType(self.infer(obj[0]) if obj else NullType(), True)
        return ArrayType(self.common(obj), True)

    def common(self, values: Iterable[Any]) -> DataType:
        merged: DataType = NullType()
        for value in values:
            merged = _merge_type(merged, self.infer(value))
        return merged

    def schema(self, row: Any, names: list[str] | None) -> StructType:
        fields = []
        for name, value in _items(row, names):
            try:
                fields.append(StructField(name, self.infer(value), True))
            except TypeError as error:
                raise SchemaTypeError.of(
                    "CANNOT_INFER_TYPE_FOR_FIELD", f"Unable to infer the type of the field `{name}`. {_reason(error)}"
                ) from error
        return StructType(fields)


def _items(row: Any, names: list[str] | None) -> Iterable[tuple[str, Any]]:
    """Returns the names and values of a record."""
    if isinstance(row, dict):
        return sorted(row.items())
    if isinstance(row, (tuple, list)):
        known = getattr(row, "__fields__", None) or getattr(row, "_fields", None) or names or []
        return zip([*known, *(f"_{position}" for position in range(len(known) + 1, len(row) + 1))], row)
    if hasattr(row, "__dict__") and not isinstance(row, enum.Enum):
        return sorted(row.__dict__.items())
    raise SchemaTypeError.of(
        "CANNOT_INFER_SCHEMA_FOR_TYPE",
        f"Can not infer schema for type: `{type(row).__name__}`. A record is a row, a tuple, a list, a dictionary or an"
        " object with attributes.",
    )


def _unsupported(name: str, hint: str) -> SchemaTypeError:
    return SchemaTypeError(f"[UNSUPPORTED_DATA_TYPE] Unsupported DataType `{name}`.{hint}")


def _hint(obj: Any, error: TypeError) -> str:
    module = type(obj).__module__.partition(".")[0]
    if module == "numpy":
        return " It is NumPy's: .item() of a scalar and .tolist() of an array give Python's values."
    return f" {_reason(error)}" if "[CANNOT_INFER_TYPE_FOR_FIELD]" in str(error) else ""


def _reason(error: BaseException) -> str:
    """Returns an error's text without its condition, which is that of the place, not of the record."""
    text = str(error)
    return text.partition("] ")[2] if text.startswith("[") else text


def _infer_type(
    obj: Any,
    infer_dict_as_struct: bool = False,
    infer_array_from_first_element: bool = False,
    infer_map_from_first_pair: bool = False,
    prefer_timestamp_ntz: bool = False,
) -> DataType:
    """Returns the type of a value.

    >>> _infer_type([1, None]), _infer_type({"a": 1.5})
    (ArrayType(LongType(), True), MapType(StringType(), DoubleType(), True))
    """
    asked = infer_dict_as_struct, infer_array_from_first_element, infer_map_from_first_pair, prefer_timestamp_ntz
    return _Inference(*asked).infer(obj)


def _infer_schema(
    row: Any,
    names: list[str] | None = None,
    infer_dict_as_struct: bool = False,
    infer_array_from_first_element: bool = False,
    infer_map_from_first_pair: bool = False,
    prefer_timestamp_ntz: bool = False,
) -> StructType:
    """Returns the schema of a record; ``names`` name the values of a tuple or list that has no names.

    >>> _infer_schema((1, "x"), ["id"]).simpleString(), _infer_schema({"b": True, "a": b""}).simpleString()
    ('struct<id:bigint,_2:string>', 'struct<a:binary,b:boolean>')
    """
    asked = infer_dict_as_struct, infer_array_from_first_element, infer_map_from_first_pair, prefer_timestamp_ntz
    return _Inference(*asked).schema(row, names)


def _from_numpy_type(nt: Any) -> DataType | None:
    """Returns the type of a column of NumPy values, of their ``dtype``; None if there is none."""
    kinds: dict[str, type[DataType]] = {
        "int8": plain.ByteType,
        "int16": plain.ShortType,
        "int32": plain.IntegerType,
        "int64": plain.LongType,
        "float32": plain.FloatType,
        "float64": plain.DoubleType,
        "bool": plain.BooleanType,
    }
    kind = plain.StringType if nt.kind == "U" else kinds.get(nt.name)
    return kind() if kind else None
