"""Whether values are of the types of a schema: what ``verifySchema`` does with each record before it is stored.

A verifier is a function that raises TypeError for a value of a class that the type does not accept, and ValueError for
one that it cannot hold. The text gives the path to the value: ``element in array field tags``.
"""

from __future__ import annotations

import datetime
import decimal
from array import array
from collections.abc import Callable
from typing import Any

from firesteel.sql import datatypes as plain
from firesteel.sql import temporal
from firesteel.sql.conditions import SchemaTypeError, SchemaValueError
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import DataType
from firesteel.sql.spatial import Geography, GeographyType, Geometry, GeometryType
from firesteel.sql.structs import StructType
from firesteel.sql.udt import UserDefinedType
from firesteel.sql.variant import VariantType

Verifier = Callable[[Any], None]

_acceptable_types: dict[type[DataType], tuple[type, ...]] = {
    plain.BooleanType: (bool,),
    plain.ByteType: (int,),
    plain.ShortType: (int,),
    plain.IntegerType: (int,),
    plain.LongType: (int,),
    plain.FloatType: (float,),
    plain.DoubleType: (float,),
    plain.DecimalType: (decimal.Decimal,),
    plain.StringType: (str,),
    plain.CharType: (str,),
    plain.VarcharType: (str,),
    plain.BinaryType: (bytearray, bytes),
    temporal.DateType: (datetime.date, datetime.datetime),
    temporal.TimeType: (datetime.time,),
    temporal.TimestampType: (datetime.datetime,),
    temporal.TimestampNTZType: (datetime.datetime,),
    temporal.DayTimeIntervalType: (datetime.timedelta,),
    ArrayType: (list, tuple, array),
    MapType: (dict,),
    StructType: (tuple, list, dict),
    GeometryType: (Geometry,),
    GeographyType: (Geography,),
    VariantType: (
        *(bool, int, float, decimal.Decimal, str, bytearray, bytes, datetime.date, datetime.datetime),
        *(datetime.timedelta, tuple, list, dict, array),
    ),
}

_BITS: dict[type[DataType], int] = {plain.ByteType: 8, plain.ShortType: 16, plain.IntegerType: 32, plain.LongType: 64}

_ANYTHING = (plain.StringType, plain.CharType, plain.VarcharType, VariantType)
"""Types that accept every value: it is converted when it is stored."""


def _make_type_verifier(dataType: DataType, nullable: bool = True, name: str | None = None) -> Verifier:
    """Returns a function that raises an error for values which are not of the type; ``name`` is what errors call them.

    >>> _make_type_verifier(plain.ByteType())(1000)
    Traceback (most recent call last):
        ...
    firesteel.sql.conditions.SchemaValueError: [VALUE_OUT_OF_BOUNDS] Value for `obj` must be between -128 and 127
    (inclusive), got 1000
    >>> _make_type_verifier(DataType.fromDDL("tags array<string>"))({"tags": ["a", None]})
    """
    verify = _verifier(dataType, name)

    def verify_nullable(obj: Any) -> None:
        if obj is not None:
            verify(obj)
        elif not nullable:
            raise _mistake(
                SchemaValueError,
                "FIELD_NOT_NULLABLE",
                name,
                "This field is not nullable, but got None." if name else "Field is not nullable, but got None.",
            )

    return verify_nullable


def _verifier(kind: DataType, name: str | None) -> Verifier:
    """Returns the verifier of values that are not None."""
    if isinstance(kind, _ANYTHING):
        return lambda obj: None
    if isinstance(kind, UserDefinedType):
        return _udt_verifier(kind, name)
    if isinstance(kind, ArrayType):
        return _array_verifier(kind, name)
    if isinstance(kind, MapType):
        return _map_verifier(kind, name)
    if isinstance(kind, StructType):
        return _struct_verifier(kind, name)
    if type(kind) in _BITS:
        return _integer_verifier(kind, name)
    return _class_verifier(kind, name)


def _class_verifier(kind: DataType, name: str | None) -> Verifier:
    """Verifies the exact class of a value: subclasses, such as NumPy's floats, are stored in other ways."""
    accepted = _acceptable_types.get(type(kind))

    def verify(obj: Any) -> None:
        if accepted is None:
            # PySpark asserts this, and programs may catch it so.
            text = f"unknown datatype: {kind} for object {obj!r}"
            raise AssertionError(f"{name}: {text}" if name else text)
        if type(obj) not in accepted:
            raise _unacceptable(kind, name, obj)

    return verify


def _integer_verifier(kind: DataType, name: str | None) -> Verifier:
    verify_class = _class_verifier(kind, name)
    bound = 1 << (_BITS[type(kind)] - 1)

    def verify(obj: Any) -> None:
        verify_class(obj)
        if not -bound <= obj < bound:
            raise SchemaValueError.of(
                "VALUE_OUT_OF_BOUNDS",
                f"Value for `{name or 'obj'}` must be between {-bound} and {bound - 1} (inclusive), got {obj}",
            )

    return verify


def _udt_verifier(kind: UserDefinedType, name: str | None) -> Verifier:
    verify_stored = _make_type_verifier(kind.sqlType(), True, name)

    def verify(obj: Any) -> None:
        if not (hasattr(obj, "__UDT__") and obj.__UDT__ == kind):
            raise _mistake(SchemaValueError, "FIELD_TYPE_MISMATCH", name, f"{obj!r} is not an instance of type {kind}.")
        verify_stored(kind.toInternal(obj))

    return verify


def _array_verifier(kind: ArrayType, name: str | None) -> Verifier:
    verify_class = _class_verifier(kind, name)
    element = _make_type_verifier(kind.elementType, kind.containsNull, _within("element in array", name))

    def verify(obj: Any) -> None:
        verify_class(obj)
        for each in obj:
            element(each)

    return verify


def _map_verifier(kind: MapType, name: str | None) -> Verifier:
    verify_class = _class_verifier(kind, name)
    verify_key = _make_type_verifier(kind.keyType, False, _within("key of map", name))
    verify_value = _make_type_verifier(kind.valueType, kind.valueContainsNull, _within("value of map", name))

    def verify(obj: Any) -> None:
        verify_class(obj)
        for key, value in obj.items():
            verify_key(key)
            verify_value(value)

    return verify


def _struct_verifier(kind: StructType, name: str | None) -> Verifier:
    fields = []
    for field in kind.fields:
        place = f"field {field.name} in {name}" if name else f"field {field.name}"
        fields.append((field.name, _make_type_verifier(field.dataType, field.nullable, place)))

    def verify(obj: Any) -> None:
        if isinstance(obj, dict):
            for key, verify_field in fields:
                verify_field(obj.get(key))
        elif isinstance(obj, (tuple, list)):
            if len(obj) != len(fields):
                text = f"Length of object ({len(obj)}) does not match with length of fields ({len(fields)})."
                raise _mistake(SchemaValueError, "FIELD_STRUCT_LENGTH_MISMATCH", name, text)
            for value, (_, verify_field) in zip(obj, fields):
                verify_field(value)
        elif hasattr(obj, "__dict__"):
            for key, verify_field in fields:
                verify_field(obj.__dict__.get(key))
        else:
            raise _unacceptable(kind, name, obj)

    return verify


def _within(part: str, name: str | None) -> str:
    return f"{part} {name}" if name else part


def _unacceptable(kind: DataType, name: str | None, obj: Any) -> Exception:
    text = f"{kind} can not accept object {obj!r} in type {type(obj)}."
    return _mistake(SchemaTypeError, "FIELD_DATA_TYPE_UNACCEPTABLE", name, text)


def _mistake(
    error: type[SchemaTypeError | SchemaValueError], condition: str, name: str | None, text: str
) -> SchemaTypeError | SchemaValueError:
    """Makes an error; there is a condition for values with a name, and one for those without."""
    return error(f"[{condition}_WITH_NAME] {name}: {text}" if name else f"[{condition}] {text}")
