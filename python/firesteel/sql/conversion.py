"""Records as a schema wants them: text where it says so, and tuples in the order of its fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firesteel.sql.conditions import SchemaTypeError
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import DataType, NullType, StringType
from firesteel.sql.structs import StructType

Converter = Callable[[Any], Any]


def _need_converter(dataType: DataType) -> bool:
    """Returns whether values of a type are changed by its converter."""
    if isinstance(dataType, ArrayType):
        return _need_converter(dataType.elementType)
    if isinstance(dataType, MapType):
        return _need_converter(dataType.keyType) or _need_converter(dataType.valueType)
    return isinstance(dataType, (StructType, NullType, StringType))


def _create_converter(dataType: DataType) -> Converter:
    """Returns a function that makes a value what the type wants.

    >>> _create_converter(StructType().add("a", "integer").add("b", "string"))({"b": 1})
    (None, '1')
    """
    if not _need_converter(dataType):
        return lambda value: value
    if isinstance(dataType, ArrayType):
        element = _create_converter(dataType.elementType)
        return lambda value: None if value is None else [element(each) for each in value]
    if isinstance(dataType, MapType):
        key, part = _create_converter(dataType.keyType), _create_converter(dataType.valueType)
        return lambda value: None if value is None else {key(each): part(value[each]) for each in value}
    if isinstance(dataType, StructType):
        return _struct_converter(dataType)
    if isinstance(dataType, NullType):
        return lambda value: None
    return _text


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _struct_converter(kind: StructType) -> Converter:
    names = kind.names
    converters = [_create_converter(field.dataType) for field in kind.fields]

    def convert(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, (tuple, list)):
            return tuple(converter(each) for converter, each in zip(converters, value))
        if not isinstance(value, dict):
            if not hasattr(value, "__dict__"):
                raise SchemaTypeError.of("UNSUPPORTED_DATA_TYPE", f"Unsupported DataType `{type(value).__name__}`.")
            value = value.__dict__
        return tuple(converter(value.get(name)) for name, converter in zip(names, converters))

    return convert
