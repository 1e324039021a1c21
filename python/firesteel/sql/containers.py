"""Arrays and maps: types of lists, and of dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from firesteel.sql.conditions import check
from firesteel.sql.datatypes import DataType, StringType
from firesteel.sql.jsontypes import _all_complex_types, _parse_datatype_json_value

__all__ = ["ArrayType", "MapType", "check_type", "tree_line"]


def check_type(what: str, kind: object) -> None:
    """Raises AssertionError unless this is a type, rather than its name or its class."""
    check(isinstance(kind, DataType), f"{what} {kind} should be an instance of {DataType}")


def tree_line(prefix: str, name: str, kind: DataType, flag: str, may: bool) -> str:
    """Returns a line of ``treeString``."""
    return f"{prefix}-- {name}: {kind._tree_name()} ({flag} = {str(may).lower()})\n"


class ArrayType(DataType):
    """Lists of values of one type.

    >>> from firesteel.sql.types import LongType
    >>> ArrayType(LongType())
    ArrayType(LongType(), True)
    """

    def __init__(self, elementType: DataType, containsNull: bool = True) -> None:
        check_type("elementType", elementType)
        self.elementType = elementType
        self.containsNull = containsNull

    def simpleString(self) -> str:
        """Returns ``array`` with the type of the elements."""
        return f"array<{self.elementType.simpleString()}>"

    def _sql(self) -> str:
        return f"ARRAY<{self.elementType._sql()}>"

    def _as_nullable(self) -> ArrayType:
        return ArrayType(self.elementType._as_nullable(), True)

    def toNullable(self) -> ArrayType:
        """Returns the type with all that is in it allowed to be null."""
        return self._as_nullable()

    def __repr__(self) -> str:
        return f"ArrayType({self.elementType}, {self.containsNull})"

    def jsonValue(self) -> dict[str, Any]:
        """Returns what :meth:`json` writes, as Python's strings and dictionaries."""
        return {"type": "array", "elementType": self.elementType.jsonValue(), "containsNull": self.containsNull}

    @classmethod
    def fromJson(
        cls, json: dict[str, Any], fieldPath: str = "", collationsMap: dict[str, str] | None = None
    ) -> ArrayType:
        """Makes the type that :meth:`jsonValue` wrote.

        >>> ArrayType.fromJson({"type": "array", "elementType": "long", "containsNull": False})
        ArrayType(LongType(), False)
        """
        element = _parse_datatype_json_value(json["elementType"], f"{fieldPath}.element", collationsMap)
        return cls(element, json["containsNull"])

    def needConversion(self) -> bool:
        """Returns whether elements have another form in the engine."""
        return self.elementType.needConversion()

    def toInternal(self, obj: Any) -> Any:
        """Returns the engine's form of the elements."""
        if not self.needConversion():
            return obj
        return obj and [self.elementType.toInternal(value) for value in obj]

    def fromInternal(self, obj: Any) -> Any:
        """Returns the elements that the engine's forms stand for."""
        if not self.needConversion():
            return obj
        return obj and [self.elementType.fromInternal(value) for value in obj]

    def _tree(self, prefix: str, depth: int) -> Iterator[str]:
        if depth > 0:
            yield tree_line(prefix, "element", self.elementType, "containsNull", self.containsNull)
            yield from self.elementType._tree(f"{prefix}    |", depth - 1)


class MapType(DataType):
    """Dictionaries whose keys have one type, and whose values another.

    >>> from firesteel.sql.types import LongType
    >>> MapType(StringType(), LongType())
    MapType(StringType(), LongType(), True)
    """

    def __init__(self, keyType: DataType, valueType: DataType, valueContainsNull: bool = True) -> None:
        check_type("keyType", keyType)
        check_type("valueType", valueType)
        self.keyType = keyType
        self.valueType = valueType
        self.valueContainsNull = valueContainsNull

    def simpleString(self) -> str:
        """Returns ``map`` with the types of keys and values."""
        return f"map<{self.keyType.simpleString()},{self.valueType.simpleString()}>"

    def _sql(self) -> str:
        return f"MAP<{self.keyType._sql()}, {self.valueType._sql()}>"

    def _as_nullable(self) -> MapType:
        return MapType(self.keyType._as_nullable(), self.valueType._as_nullable(), True)

    def toNullable(self) -> MapType:
        """Returns the type with all that is in it allowed to be null."""
        return self._as_nullable()

    def __repr__(self) -> str:
        return f"MapType({self.keyType}, {self.valueType}, {self.valueContainsNull})"

    def jsonValue(self) -> dict[str, Any]:
        """Returns what :meth:`json` writes, as Python's strings and dictionaries."""
        return {
            "type": "map",
            "keyType": self.keyType.jsonValue(),
            "valueType": self.valueType.jsonValue(),
            "valueContainsNull": self.valueContainsNull,
        }

    @classmethod
    def fromJson(
        cls, json: dict[str, Any], fieldPath: str = "", collationsMap: dict[str, str] | None = None
    ) -> MapType:
        """Makes the type that :meth:`jsonValue` wrote."""
        key = _parse_datatype_json_value(json["keyType"], f"{fieldPath}.key", collationsMap)
        value = _parse_datatype_json_value(json["valueType"], f"{fieldPath}.value", collationsMap)
        return cls(key, value, json["valueContainsNull"])

    def needConversion(self) -> bool:
        """Returns whether keys or values have another form in the engine."""
        return self.keyType.needConversion() or self.valueType.needConversion()

    def toInternal(self, obj: Any) -> Any:
        """Returns the engine's form of keys and values."""
        if not self.needConversion():
            return obj
        key, value = self.keyType.toInternal, self.valueType.toInternal
        return obj and {key(each): value(obj[each]) for each in obj}

    def fromInternal(self, obj: Any) -> Any:
        """Returns the keys and values that the engine's forms stand for."""
        if not self.needConversion():
            return obj
        key, value = self.keyType.fromInternal, self.valueType.fromInternal
        return obj and {key(each): value(obj[each]) for each in obj}

    def _tree(self, prefix: str, depth: int) -> Iterator[str]:
        if depth > 0:
            yield f"{prefix}-- key: {self.keyType._tree_name()}\n"
            yield from self.keyType._tree(f"{prefix}    |", depth - 1)
            yield tree_line(prefix, "value", self.valueType, "valueContainsNull", self.valueContainsNull)
            yield from self.valueType._tree(f"{prefix}    |", depth - 1)


_all_complex_types.update(array=ArrayType, map=MapType)
