"""Types from JSON schemas: those without parts by name (``decimal(5,2)``), those with parts from dictionaries.

``containers`` and ``structs`` enter the types with parts here, since they read the types of their parts with these
functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from firesteel.sql import datatypes as plain
from firesteel.sql import spatial, temporal
from firesteel.sql.conditions import SchemaTypeError, SchemaValueError
from firesteel.sql.datatypes import DataType, StringType
from firesteel.sql.udt import UserDefinedType
from firesteel.sql.variant import VariantType

__all__ = ["named"]

_all_mappable_types: dict[str, type[DataType]] = {
    **{kind.typeName(): kind for kind in (plain.StringType, plain.BinaryType, plain.BooleanType, plain.DecimalType)},
    **{kind.typeName(): kind for kind in (plain.FloatType, plain.DoubleType, plain.ByteType, plain.ShortType)},
    **{kind.typeName(): kind for kind in (plain.IntegerType, plain.LongType, temporal.DateType)},
    **{kind.typeName(): kind for kind in (temporal.TimestampType, temporal.TimestampNTZType, plain.NullType)},
    **{kind.typeName(): kind for kind in (VariantType, temporal.CalendarIntervalType)},
}

#: The types with parts, which their files enter.
_all_complex_types: dict[str, Any] = {}


def _interval(kind: type[temporal._FieldsInterval]) -> Callable[[re.Match[str]], DataType]:
    fields = kind._inverted_fields
    return lambda found: kind(fields[found[1]], fields[found[2]] if found[2] else None)


def _geography(found: re.Match[str]) -> DataType:
    kind = spatial.GeographyType
    crs, _, alg = (part.strip() for part in found[1].partition(","))
    if not alg and crs == kind.DEFAULT_ALG:
        crs, alg = kind.DEFAULT_CRS, crs
    return kind._from_crs(crs, alg or kind.DEFAULT_ALG)


#: Patterns of names with parameters, and what makes a type of them; each is compiled when it is first asked for.
_PATTERNS: list[tuple[str, Callable[[re.Match[str]], DataType]]] = [
    (r"decimal\(\s*(\d+)\s*,\s*(-?\d+)\s*\)", lambda m: plain.DecimalType(int(m[1]), int(m[2]))),
    (r"string collate (\w+)", lambda m: plain.StringType(m[1])),
    (r"char\(\s*(\d+)\s*\)", lambda m: plain.CharType(int(m[1]))),
    (r"varchar\(\s*(\d+)\s*\)", lambda m: plain.VarcharType(int(m[1]))),
    (r"time\(\s*(\d+)\s*\)", lambda m: temporal.TimeType(int(m[1]))),
    (
        r"interval (day|hour|minute|second)(?: to (day|hour|minute|second))?",
        _interval(temporal.DayTimeIntervalType),
    ),
    (r"interval (year|month)(?: to (year|month))?", _interval(temporal.YearMonthIntervalType)),
    (r"geometry", lambda m: spatial.GeometryType(spatial.GeometryType.DEFAULT_SRID)),
    (r"geography", lambda m: spatial.GeographyType(spatial.GeographyType.DEFAULT_SRID)),
    (r"geometry\(\s*([\w.-]+:-?[\w.-]+)\s*\)", lambda m: spatial.GeometryType._from_crs(m[1])),
    (r"geography\(\s*([\w.-]+:-?[\w.-]+(?:\s*,\s*\w+)?|[A-Z]\w*)\s*\)", _geography),
]


def named(name: object) -> DataType:
    """Returns the type of a name that a JSON schema has.

    >>> named("integer"), named("decimal(5,2)"), named("interval day to hour")
    (IntegerType(), DecimalType(5,2), DayTimeIntervalType(0, 1))
    """
    if not isinstance(name, str):
        raise SchemaTypeError.of("CANNOT_PARSE_DATATYPE", f"Unable to parse datatype. {name!r} is not a name.")
    kind = _all_mappable_types.get(name)
    if kind is not None:
        return kind()
    for pattern, make in _PATTERNS:
        found = re.fullmatch(pattern, name)
        if found:
            return make(found)
    raise SchemaValueError.of("CANNOT_PARSE_DATATYPE", f"Unable to parse datatype. {name}.{_hint(name)}")


def _hint(name: str) -> str:
    """Returns what to write in place of a name that only SQL has."""
    for kind in _all_mappable_types.values():
        if kind().simpleString() == name:
            return f" Its name here is {kind.typeName()!r}; DataType.fromDDL reads the names of SQL."
    return " Names are written as in a JSON schema, such as 'integer'; DataType.fromDDL reads the names of SQL."


def _parse_datatype_json_value(
    json_value: dict[str, Any] | str, fieldPath: str = "", collationsMap: dict[str, str] | None = None
) -> DataType:
    """Returns the type that :meth:`DataType.jsonValue` wrote."""
    collation = (collationsMap or {}).get(fieldPath)
    if collation is not None:
        if json_value != "string":
            raise SchemaTypeError.of(
                "INVALID_JSON_DATA_TYPE_FOR_COLLATIONS",
                f"Collations can only be applied to string types, but the JSON data type is {json_value}.",
            )
        return StringType(collation)
    if not isinstance(json_value, dict):
        return named(json_value)
    kind = json_value["type"]
    if kind == "udt":
        return UserDefinedType.fromJson(json_value)
    if kind not in _all_complex_types:
        raise SchemaValueError.of(
            "UNSUPPORTED_DATA_TYPE", f"Unsupported DataType `{kind}`: types with parts are struct, array, map and udt."
        )
    parts: DataType = _all_complex_types[kind].fromJson(json_value, fieldPath, collationsMap)
    return parts


def _parse_datatype_json_string(json_string: str) -> DataType:
    """Returns the type that :meth:`DataType.json` wrote."""
    import json

    return _parse_datatype_json_value(json.loads(json_string))
