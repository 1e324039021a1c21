"""Types that programs define: their values are objects of a class, stored as values of another type.

The class names its type: ``class Point: __UDT__ = PointUDT()``; inference and verification look there.
"""

from __future__ import annotations

import sys
from typing import Any

from firesteel.sql.conditions import SchemaValueError, UnsupportedError
from firesteel.sql.datatypes import DataType

__all__ = ["UserDefinedType"]


class UserDefinedType(DataType):
    """The base of types that programs define.

    >>> class NameUDT(UserDefinedType):
    ...     @classmethod
    ...     def sqlType(cls):
    ...         return DataType.fromDDL("array<string>")
    ...     def serialize(self, obj):
    ...         return obj.split()
    ...     def deserialize(self, datum):
    ...         return " ".join(datum)
    >>> NameUDT().toInternal("Ada Lovelace"), NameUDT().fromInternal(["Ada", "Lovelace"])
    (['Ada', 'Lovelace'], 'Ada Lovelace')
    """

    @classmethod
    def typeName(cls) -> str:
        """Returns the name of the class in lower case."""
        return cls.__name__.lower()

    @classmethod
    def sqlType(cls) -> DataType:
        """Returns the type in which values are stored; each class says which."""
        raise _not_implemented("sqlType()")

    @classmethod
    def module(cls) -> str:
        """Returns the module of the class, which readers of a schema import; each class says which."""
        raise _not_implemented("module()")

    @classmethod
    def scalaUDT(cls) -> str:
        """Returns the class of Scala that is the same type; none unless the class says so."""
        return ""

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    @classmethod
    def _cachedSqlType(cls) -> DataType:
        """Returns what :meth:`sqlType` returned the first time: conversion asks for each value."""
        if "_cached_sql_type" not in cls.__dict__:
            cls._cached_sql_type = cls.sqlType()
        return cls._cached_sql_type

    _cached_sql_type: DataType

    def toInternal(self, obj: Any) -> Any:
        """Returns the engine's form of the stored value."""
        return None if obj is None else self._cachedSqlType().toInternal(self.serialize(obj))

    def fromInternal(self, obj: Any) -> Any:
        """Returns the object of the stored value."""
        stored = self._cachedSqlType().fromInternal(obj)
        return None if stored is None else self.deserialize(stored)

    def serialize(self, obj: Any) -> Any:
        """Returns the value that is stored for an object; each class says which."""
        raise _not_implemented("toInternal()")

    def deserialize(self, datum: Any) -> Any:
        """Returns the object of a stored value; each class says which."""
        raise _not_implemented("fromInternal()")

    def simpleString(self) -> str:
        """Returns ``udt``."""
        return "udt"

    def _sql(self) -> str:
        return self.sqlType()._sql()

    def jsonValue(self) -> dict[str, Any]:
        """Returns the names of the class and its module, and the type in which values are stored.

        Unlike PySpark's, it does not hold the pickled class.
        """
        named = {
            "type": "udt",
            "pyClass": f"{self.module()}.{type(self).__name__}",
            "sqlType": self.sqlType().jsonValue(),
        }
        return {"class": self.scalaUDT(), **named} if self.scalaUDT() else named

    @classmethod
    def fromJson(cls, json: dict[str, Any]) -> UserDefinedType:
        """Makes the type that a schema names, from a module that is imported or can be.

        A pickled class in the schema is not loaded: to load it is to run what the writer of a file wrote.
        """
        path = str(json["pyClass"])
        module, _, name = path.rpartition(".")
        try:
            __import__(module)
            found = getattr(sys.modules[module], name)
        except (ImportError, AttributeError, ValueError) as error:
            raise SchemaValueError.of(
                "CANNOT_PARSE_DATATYPE", f"Unable to parse datatype. {path} cannot be imported: {error}."
            ) from error
        if not (isinstance(found, type) and issubclass(found, UserDefinedType)):
            raise SchemaValueError.of(
                "CANNOT_PARSE_DATATYPE", f"Unable to parse datatype. {path} is no class of a user-defined type."
            )
        return found()

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other)

    __hash__ = DataType.__hash__


def _not_implemented(what: str) -> Exception:
    return UnsupportedError.of("NOT_IMPLEMENTED", f"{what} is not implemented: the class of the type has to define it.")
