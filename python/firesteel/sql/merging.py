"""What two records' types have in common: the type of a column whose values were inferred one by one."""

from __future__ import annotations

from firesteel.sql.conditions import SchemaTypeError
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import AtomicType, DataType, NullType, StringType
from firesteel.sql.structs import StructField, StructType
from firesteel.sql.temporal import TimestampNTZType, TimestampType


def _has_type(dt: DataType, dts: type | tuple[type, ...]) -> bool:
    """Returns whether a type, or one within it, is of one of these classes.

    >>> _has_type(ArrayType(NullType()), NullType)
    True
    """
    if isinstance(dt, dts):
        return True
    if isinstance(dt, StructType):
        return any(_has_type(field.dataType, dts) for field in dt.fields)
    if isinstance(dt, ArrayType):
        return _has_type(dt.elementType, dts)
    if isinstance(dt, MapType):
        return _has_type(dt.keyType, dts) or _has_type(dt.valueType, dts)
    return False


def _has_nulltype(dt: DataType) -> bool:
    """Returns whether something in a type is not known yet: all values were None, or all lists empty."""
    return _has_type(dt, NullType)


def _merge_type(a: DataType, b: DataType, name: str | None = None) -> DataType:
    """Returns the type that holds the values of both; raises TypeError if there is none, with the place by name.

    >>> _merge_type(ArrayType(NullType()), ArrayType(StringType()))
    ArrayType(StringType(), True)
    """
    if isinstance(a, NullType):
        return b
    if isinstance(b, NullType):
        return a
    if isinstance(a, TimestampType) and isinstance(b, TimestampNTZType):
        return a
    if isinstance(a, TimestampNTZType) and isinstance(b, TimestampType):
        return b
    # Text holds every value without parts.
    if isinstance(a, AtomicType) and isinstance(b, StringType):
        return b
    if isinstance(a, StringType) and isinstance(b, AtomicType):
        return a
    if type(a) is not type(b):
        place = f" The place is {name}." if name else ""
        raise SchemaTypeError.of(
            "CANNOT_MERGE_TYPE", f"Can not merge type `{type(a).__name__}` and `{type(b).__name__}`.{place}"
        )
    if isinstance(a, StructType) and isinstance(b, StructType):
        return _merge_structs(a, b, name)
    if isinstance(a, ArrayType) and isinstance(b, ArrayType):
        return ArrayType(_merge_type(a.elementType, b.elementType, _within("element in array", name)), True)
    if isinstance(a, MapType) and isinstance(b, MapType):
        key = _merge_type(a.keyType, b.keyType, _within("key of map", name))
        return MapType(key, _merge_type(a.valueType, b.valueType, _within("value of map", name)), True)
    return a


def _merge_structs(a: StructType, b: StructType, name: str | None) -> StructType:
    """Merges fields of the same name; those of the second alone come last."""
    others = {field.name: field.dataType for field in b.fields}
    fields = []
    for field in a.fields:
        place = f"field {field.name}" + (f" in {name}" if name else "")
        fields.append(StructField(field.name, _merge_type(field.dataType, others.get(field.name, NullType()), place)))
    known = set(a.names)
    fields += [StructField(other, kind) for other, kind in others.items() if other not in known]
    return StructType(fields)


def _within(part: str, name: str | None) -> str:
    return f"{part} {name}" if name else part


def _drop_metadata(d: DataType) -> DataType:
    """Returns a type without the metadata of fields within."""
    if isinstance(d, StructField):
        return StructField(d.name, _drop_metadata(d.dataType), d.nullable)
    if isinstance(d, StructType):
        fields = [StructField(field.name, _drop_metadata(field.dataType), field.nullable) for field in d.fields]
        return StructType(fields)
    if isinstance(d, ArrayType):
        return ArrayType(_drop_metadata(d.elementType), d.containsNull)
    if isinstance(d, MapType):
        return MapType(_drop_metadata(d.keyType), _drop_metadata(d.valueType), d.valueContainsNull)
    return d
