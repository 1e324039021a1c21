"""Structs, the types of records, and their fields. The schema of a table is a struct.

A struct can be looked through as a list of fields or by their names, grows by ``add``, and turns records into what the
engine holds: dictionaries, objects and rows become tuples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

from firesteel.sql.collations import KEY as _COLLATIONS_METADATA_KEY
from firesteel.sql.collations import collated_name, field_metadata, without_collations
from firesteel.sql.conditions import SchemaIndexError, SchemaKeyError, SchemaTypeError, SchemaValueError, check
from firesteel.sql.containers import ArrayType, MapType, check_type, tree_line
from firesteel.sql.datatypes import DataType, StringType
from firesteel.sql.jsontypes import _all_complex_types, _parse_datatype_json_value
from firesteel.sql.row import Row, _named
from firesteel.sql.text import quoted, shown, sql_string

__all__ = ["StructField", "StructType"]

JVM_INT_MAX = (1 << 31) - 1


class StructField(DataType):
    """A field of a struct: its name, its type, whether it may be null, and notes of the program about it.

    >>> from firesteel.sql.types import LongType
    >>> StructField("id", LongType(), nullable=False)
    StructField('id', LongType(), False)
    """

    def __init__(
        self, name: str, dataType: DataType, nullable: bool = True, metadata: dict[str, Any] | None = None
    ) -> None:
        check_type("dataType", dataType)
        check(isinstance(name, str), f"field name {name} should be a string")
        self.name = name
        self.dataType = dataType
        self.nullable = nullable
        self.metadata = metadata or {}

    def simpleString(self) -> str:
        """Returns the name with the type."""
        return f"{self.name}:{self.dataType.simpleString()}"

    def __repr__(self) -> str:
        return f"StructField('{self.name}', {self.dataType}, {self.nullable})"

    def jsonValue(self) -> dict[str, Any]:
        """Returns what :meth:`json` writes; collations stand in the metadata, where older readers ignore them."""
        collations = self.getCollationMetadata()
        return {
            "name": self.name,
            "type": self._dataTypeJsonValue(collations),
            "nullable": self.nullable,
            "metadata": {**self.metadata, _COLLATIONS_METADATA_KEY: collations} if collations else self.metadata,
        }

    def _dataTypeJsonValue(self, collationMetadata: dict[str, str]) -> str | dict[str, Any]:
        """Returns the type as JSON, without the collations that the metadata names."""
        value = self.dataType.jsonValue()
        # A struct within names its collations in its own fields.
        return without_collations(value) if collationMetadata else value

    @classmethod
    def fromJson(cls, json: dict[str, Any]) -> StructField:
        """Makes the field that :meth:`jsonValue` wrote.

        >>> StructField.fromJson({"name": "id", "type": "long", "nullable": False, "metadata": {}})
        StructField('id', LongType(), False)
        """
        metadata = dict(json.get("metadata") or {})
        collations = field_metadata(metadata)
        kind = _parse_datatype_json_value(json["type"], json["name"], collations)
        return cls(json["name"], kind, json.get("nullable", True), metadata)

    def getCollationsMap(self, metadata: dict[str, Any]) -> dict[str, str]:
        """Returns the collations that metadata names, by their places in the type."""
        return field_metadata(dict(metadata))

    def getCollationMetadata(self) -> dict[str, str]:
        """Returns the collations in the type, by their places: ``{"tags.element": "icu.UNICODE"}``."""
        return dict(self._collations(self.name, self.dataType))

    def _collations(self, path: str, kind: DataType) -> Iterator[tuple[str, str]]:
        if isinstance(kind, ArrayType):
            yield from self._collations(f"{path}.element", kind.elementType)
        elif isinstance(kind, MapType):
            yield from self._collations(f"{path}.key", kind.keyType)
            yield from self._collations(f"{path}.value", kind.valueType)
        elif self._isCollatedString(kind):
            yield path, self.schemaCollationValue(kind)

    def _isCollatedString(self, dt: DataType) -> bool:
        return isinstance(dt, StringType) and not dt.isUTF8BinaryCollation()

    def schemaCollationValue(self, dt: DataType) -> str:
        """Returns a text's collation with who defines it."""
        check(isinstance(dt, StringType), f"{dt} should be a StringType")
        assert isinstance(dt, StringType)
        return collated_name(dt)

    def needConversion(self) -> bool:
        """Returns whether values have another form in the engine."""
        return self.dataType.needConversion()

    def toInternal(self, obj: Any) -> Any:
        """Returns the engine's form of a value."""
        return self.dataType.toInternal(obj)

    def fromInternal(self, obj: Any) -> Any:
        """Returns the value that the engine's form stands for."""
        return self.dataType.fromInternal(obj)

    def typeName(self) -> str:  # type: ignore[override]
        """Refuses: the type of a field has a name, the field is none."""
        raise SchemaTypeError.of(
            "INVALID_TYPENAME_CALL",
            "StructField does not have typeName. Use typeName on its type explicitly instead, as in"
            " field.dataType.typeName().",
        )

    def _sql(self) -> str:
        return self._column(": ")

    def _column(self, between: str) -> str:
        """Returns the field as a statement declares it."""
        null = "" if self.nullable else " NOT NULL"
        comment = self.metadata.get("comment")
        note = f" COMMENT {sql_string(comment)}" if isinstance(comment, str) else ""
        return f"{quoted(self.name)}{between}{self.dataType._sql()}{null}{note}"

    def _tree(self, prefix: str, depth: int) -> Iterator[str]:
        if depth > 0:
            yield tree_line(prefix, shown(self.name), self.dataType, "nullable", self.nullable)
            yield from self.dataType._tree(f"{prefix}    |", depth - 1)


class StructType(DataType):
    """Records: named fields, each with its type. The schema of a table is one.

    >>> from firesteel.sql.types import LongType
    >>> schema = StructType([StructField("id", LongType(), False)]).add("name", "string")
    >>> schema["name"], len(schema), schema.fieldNames()
    (StructField('name', StringType(), True), 2, ['id', 'name'])
    >>> schema.toInternal({"name": "Ada", "id": 1})
    (1, 'Ada')
    """

    def __init__(self, fields: list[StructField] | None = None) -> None:
        self.fields: list[StructField] = []
        self.names: list[str] = []
        # What each conversion of a record asks for.
        self._needConversion: list[bool] = []
        self._needSerializeAnyField = False
        for field in fields or []:
            if not isinstance(field, StructField):
                raise SchemaTypeError.of(
                    "NOT_LIST_OF_STRUCT_FIELDS", f"fields should be a list of StructField, and has {field!r}."
                )
            self._append(field)

    def _append(self, field: StructField) -> None:
        needs = field.needConversion()
        self.fields.append(field)
        self.names.append(field.name)
        self._needConversion.append(needs)
        self._needSerializeAnyField |= needs

    def add(
        self,
        field: str | StructField,
        data_type: str | DataType | None = None,
        nullable: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> StructType:
        """Adds a field and returns the struct; a name needs a type, or the type's name in a JSON schema.

        >>> StructType().add("id", "long", False).add(StructField("tags", ArrayType(StringType())))
        StructType([StructField('id', LongType(), False), StructField('tags', ArrayType(StringType(), True), True)])
        """
        if isinstance(field, StructField):
            self._append(field)
        else:
            if isinstance(field, str) and data_type is None:
                raise SchemaValueError.of(
                    "ARGUMENT_REQUIRED",
                    f"Argument `data_type` is required when passing name of struct_field to create: {field!r}.",
                )
            kind = _parse_datatype_json_value(data_type) if isinstance(data_type, str) else data_type
            self._append(StructField(field, kind, nullable, metadata))
        return self

    def __iter__(self) -> Iterator[StructField]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    @overload
    def __getitem__(self, key: str | int) -> StructField: ...
    @overload
    def __getitem__(self, key: slice) -> StructType: ...
    def __getitem__(self, key: str | int | slice) -> StructField | StructType:
        """Returns the field of a name or a position, or a struct of some of the fields."""
        if isinstance(key, str):
            for field in self.fields:
                if field.name == key:
                    return field
            raise SchemaKeyError.of("KEY_NOT_EXISTS", f"Key `{key}` does not exist: the fields are {self.names}.")
        if isinstance(key, slice):
            return StructType(self.fields[key])
        if isinstance(key, int):
            try:
                return self.fields[key]
            except IndexError:
                raise SchemaIndexError.of(
                    "INDEX_OUT_OF_RANGE", f"StructType index out of range, got '{key}' of {len(self)} fields."
                ) from None
        raise SchemaTypeError.of(
            "NOT_EXPECTED_TYPE", f"Argument `key` should be int, slice or str, got {type(key).__name__}."
        )

    def simpleString(self) -> str:
        """Returns ``struct`` with its fields."""
        return f"struct<{','.join(field.simpleString() for field in self)}>"

    def _sql(self) -> str:
        return f"STRUCT<{', '.join(field._sql() for field in self)}>"

    def toDDL(self) -> str:
        """Returns the fields as columns of a statement.

        >>> StructType().add("id", "long", False).add("odd name", ArrayType(StringType())).toDDL()
        'id BIGINT NOT NULL,`odd name` ARRAY<STRING>'
        """
        return ",".join(field._column(" ") for field in self)

    def _as_nullable(self) -> StructType:
        return StructType(
            [StructField(field.name, field.dataType._as_nullable(), True, field.metadata) for field in self]
        )

    def toNullable(self) -> StructType:
        """Returns the struct with all that is in it allowed to be null."""
        return self._as_nullable()

    def __repr__(self) -> str:
        return f"StructType([{', '.join(map(repr, self))}])"

    def jsonValue(self) -> dict[str, Any]:
        """Returns what :meth:`json` writes, as Python's strings and dictionaries."""
        return {"type": "struct", "fields": [field.jsonValue() for field in self]}

    @classmethod
    def fromJson(
        cls, json: dict[str, Any], fieldPath: str = "", collationsMap: dict[str, str] | None = None
    ) -> StructType:
        """Makes the struct that :meth:`jsonValue` wrote.

        >>> StructType.fromJson(StructType().add("id", "long").jsonValue())
        StructType([StructField('id', LongType(), True)])
        """
        return cls([StructField.fromJson(field) for field in json["fields"]])

    def fieldNames(self) -> list[str]:
        """Returns the names of the fields, in a list of the caller's own."""
        return list(self.names)

    def needConversion(self) -> bool:
        """Returns True: records become tuples."""
        return True

    def toInternal(self, obj: Any) -> Any:
        """Returns a tuple with the engine's form of a record's values.

        Dictionaries and objects are looked into by name, lists and tuples, rows too, are taken in order.
        """
        if obj is None:
            return None
        values: Any
        if isinstance(obj, dict):
            values = [obj.get(name) for name in self.names]
        elif isinstance(obj, (tuple, list)):
            values = obj
        elif hasattr(obj, "__dict__"):
            values = [obj.__dict__.get(name) for name in self.names]
        else:
            raise SchemaValueError.of(
                "UNEXPECTED_TUPLE_WITH_STRUCT",
                f"Unexpected tuple {obj} with StructType: a record is a tuple, a list, a dictionary or an object.",
            )
        if not self._needSerializeAnyField:
            return tuple(values)
        parts = zip(self.fields, values, self._needConversion)
        return tuple(field.toInternal(value) if needs else value for field, value, needs in parts)

    def fromInternal(self, obj: Any) -> Any:
        """Returns the row of a record in the engine's form."""
        if obj is None or isinstance(obj, Row):
            return obj
        if not self._needSerializeAnyField:
            return _named(self.names, list(obj))
        parts = zip(self.fields, obj, self._needConversion)
        return _named(self.names, [field.fromInternal(value) if needs else value for field, value, needs in parts])

    def _tree(self, prefix: str, depth: int) -> Iterator[str]:
        for field in self.fields:
            yield from field._tree(prefix, depth)

    def treeString(self, maxDepth: int = JVM_INT_MAX) -> str:
        """Returns the fields as a tree, a line for each; ``maxDepth`` says how far structs are looked into.

        >>> print(StructType().add("tags", ArrayType(StringType())).treeString())
        root
         |-- tags: array (nullable = true)
         |    |-- element: string (containsNull = true)
        <BLANKLINE>
        """
        depth = maxDepth if maxDepth > 0 else JVM_INT_MAX
        return "root\n" + "".join(self._tree(" |", depth))


_all_complex_types["struct"] = StructType
