"""Types of columns: the base of all, and those whose values Python holds as they are (numbers, text, bytes).

A type is a small value: equal by class and parameters, shown as the expression that makes it, written as JSON for the
engine and for files. Types without parameters exist once. ``temporal``, ``nested``, ``spatial``, ``variant`` and
``udt`` have the others; ``firesteel.sql.types`` hands on all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "AtomicType",
    "BinaryType",
    "BooleanType",
    "ByteType",
    "CharType",
    "DataType",
    "DataTypeSingleton",
    "DecimalType",
    "DoubleType",
    "FloatType",
    "FractionalType",
    "IntegerType",
    "IntegralType",
    "LongType",
    "NullType",
    "NumericType",
    "ShortType",
    "StringType",
    "VarcharType",
]

T = TypeVar("T")


class DataType:
    """The base of all types.

    >>> IntegerType() == IntegerType(), IntegerType() == LongType()
    (True, False)
    >>> DecimalType(5, 2).simpleString(), LongType().simpleString(), LongType().json()
    ('decimal(5,2)', 'bigint', '"long"')
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    def __ne__(self, other: Any) -> bool:
        return not self == other

    @classmethod
    def typeName(cls) -> str:
        """Returns the name of the type without its parameters.

        >>> DecimalType.typeName(), NullType.typeName()
        ('decimal', 'void')
        """
        return cls.__name__.removesuffix("Type").lower()

    def simpleString(self) -> str:
        """Returns the type as SQL and ``printSchema`` of other systems write it."""
        return self.typeName()

    def jsonValue(self) -> str | dict[str, Any]:
        """Returns what :meth:`json` writes, as Python's strings and dictionaries."""
        return self.typeName()

    def json(self) -> str:
        """Returns the type as JSON, as Spark writes it into files and the engine reads it.

        >>> DecimalType(5, 2).json()
        '"decimal(5,2)"'
        """
        import json

        return json.dumps(self.jsonValue(), separators=(",", ":"), sort_keys=True)

    def needConversion(self) -> bool:
        """Returns whether values differ from what the engine holds, so that :meth:`toInternal` changes them."""
        return False

    def toInternal(self, obj: Any) -> Any:
        """Returns the engine's form of a value."""
        return obj

    def fromInternal(self, obj: Any) -> Any:
        """Returns the value that the engine's form stands for."""
        return obj

    def _sql(self) -> str:
        """Returns the type as statements write it."""
        return self.simpleString().upper()

    def _tree_name(self) -> str:
        """Returns the type as ``treeString`` shows it."""
        return self.typeName()

    def _tree(self, prefix: str, depth: int) -> Iterator[str]:
        """Gives the lines of ``treeString`` about what is in the type: none, unless it has parts."""
        return iter(())

    def _as_nullable(self) -> DataType:
        """Returns the type with all that is in it allowed to be null."""
        return self

    @classmethod
    def fromDDL(cls, ddl: str) -> DataType:
        """Returns the type that a text describes; a list of columns is a struct.

        >>> DataType.fromDDL("decimal(5,2)")
        DecimalType(5,2)
        >>> DataType.fromDDL("id bigint NOT NULL, tags array<string>").simpleString()
        'struct<id:bigint,tags:array<string>>'
        """
        # The parser makes types, so it imports this file; only this method goes the other way.
        from firesteel.sql.ddl import _parse_datatype_string

        return _parse_datatype_string(ddl)


class DataTypeSingleton(type):
    """The class of types without parameters: calling one of these gives the same value each time.

    >>> IntegerType() is IntegerType()
    True
    """

    _instances: ClassVar[dict[type, Any]] = {}

    def __call__(cls: type[T]) -> T:
        """Returns the only value."""
        instances = DataTypeSingleton._instances
        if cls not in instances:
            instances[cls] = type.__call__(cls)
        found: T = instances[cls]
        return found


class NullType(DataType, metaclass=DataTypeSingleton):
    """The type of None where nothing else is known."""

    @classmethod
    def typeName(cls) -> str:
        """Returns ``void``."""
        return "void"


class AtomicType(DataType):
    """The base of types whose values have no parts."""


class NumericType(AtomicType):
    """The base of numbers."""


class IntegralType(NumericType, metaclass=DataTypeSingleton):
    """The base of whole numbers."""


class FractionalType(NumericType):
    """The base of numbers with digits behind the point."""


class StringType(AtomicType):
    """Text; a collation says how it is compared.

    >>> StringType(), StringType("UTF8_LCASE")
    (StringType(), StringType('UTF8_LCASE'))
    >>> StringType("UNICODE_CI").simpleString()
    'string collate UNICODE_CI'
    """

    providerSpark = "spark"
    providerICU = "icu"
    providers: ClassVar[list[str]] = [providerSpark, providerICU]

    def __init__(self, collation: str = "UTF8_BINARY") -> None:
        self.collation = str(collation)

    @classmethod
    def collationProvider(cls, collationName: str) -> str:
        """Returns who defines a collation: Spark itself, or the ICU library.

        >>> StringType.collationProvider("UTF8_LCASE"), StringType.collationProvider("UNICODE")
        ('spark', 'icu')
        """
        return cls.providerSpark if collationName.startswith("UTF8") else cls.providerICU

    def isUTF8BinaryCollation(self) -> bool:
        """Returns whether texts are compared byte by byte, which is the default."""
        return self.collation == "UTF8_BINARY"

    def simpleString(self) -> str:
        """Returns ``string``, with the collation unless it is the default."""
        return "string" if self.isUTF8BinaryCollation() else f"string collate {self.collation}"

    def jsonValue(self) -> str:
        """Returns what :meth:`simpleString` returns."""
        return self.simpleString()

    def _sql(self) -> str:
        return "STRING" if self.isUTF8BinaryCollation() else f"STRING COLLATE {self.collation}"

    def __repr__(self) -> str:
        return "StringType()" if self.isUTF8BinaryCollation() else f"StringType('{self.collation}')"


class _OfLength(AtomicType):
    """Text whose length is bounded; readers and writers of tables obey it, Python values are not cut."""

    def __init__(self, length: int) -> None:
        self.length = length

    def simpleString(self) -> str:
        """Returns the name with the length."""
        return f"{self.typeName()}({self.length})"

    def jsonValue(self) -> str:
        """Returns what :meth:`simpleString` returns."""
        return self.simpleString()

    def _tree_name(self) -> str:
        return self.simpleString()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.length})"


class CharType(_OfLength):
    """Text of a fixed length.

    >>> CharType(3).simpleString()
    'char(3)'
    """


class VarcharType(_OfLength):
    """Text of at most a length.

    >>> VarcharType(3).simpleString()
    'varchar(3)'
    """


class BinaryType(AtomicType, metaclass=DataTypeSingleton):
    """Bytes."""


class BooleanType(AtomicType, metaclass=DataTypeSingleton):
    """True or False."""


class DecimalType(FractionalType):
    """Exact numbers, with the digits in all and those behind the point.

    >>> DecimalType(), DecimalType(38, 18)
    (DecimalType(10,0), DecimalType(38,18))
    """

    def __init__(self, precision: int = 10, scale: int = 0) -> None:
        self.precision = precision
        self.scale = scale
        self.hasPrecisionInfo = True

    def simpleString(self) -> str:
        """Returns ``decimal`` with both parameters."""
        return f"decimal({self.precision},{self.scale})"

    def jsonValue(self) -> str:
        """Returns what :meth:`simpleString` returns."""
        return self.simpleString()

    def _tree_name(self) -> str:
        return self.simpleString()

    def __repr__(self) -> str:
        return f"DecimalType({self.precision},{self.scale})"


class DoubleType(FractionalType, metaclass=DataTypeSingleton):
    """Floating-point numbers of 64 bits, as Python's are."""


class FloatType(FractionalType, metaclass=DataTypeSingleton):
    """Floating-point numbers of 32 bits."""


class ByteType(IntegralType):
    """Whole numbers of 8 bits: -128 to 127."""

    def simpleString(self) -> str:
        """Returns ``tinyint``."""
        return "tinyint"


class ShortType(IntegralType):
    """Whole numbers of 16 bits."""

    def simpleString(self) -> str:
        """Returns ``smallint``."""
        return "smallint"


class IntegerType(IntegralType):
    """Whole numbers of 32 bits."""

    def simpleString(self) -> str:
        """Returns ``int``."""
        return "int"


class LongType(IntegralType):
    """Whole numbers of 64 bits, which Python's numbers become unless a schema says otherwise."""

    def simpleString(self) -> str:
        """Returns ``bigint``."""
        return "bigint"
