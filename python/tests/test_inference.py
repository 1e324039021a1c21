"""Types of records without a schema, what several of them have in common, and records that a schema refuses."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
from array import array

import pytest

from firesteel.sql.conversion import _create_converter
from firesteel.sql.ddl import _parse_datatype_string as parse
from firesteel.sql.inference import _from_numpy_type, _infer_schema, _infer_type
from firesteel.sql.merging import _drop_metadata, _has_nulltype, _has_type, _merge_type
from firesteel.sql.types import (
    ArrayType,
    ByteType,
    CharType,
    DataType,
    Geography,
    GeographyType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    Row,
    StringType,
    StructField,
    StructType,
    UserDefinedType,
    VariantType,
    VariantVal,
)
from firesteel.sql.verification import _make_type_verifier

Pair = collections.namedtuple("Pair", "p q")


class Thing:
    """An object with attributes."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slotted:
    """An object without a dictionary of attributes."""

    __slots__ = ("a",)


@dataclasses.dataclass
class Point:
    """A record of Python's own kind."""

    y: int
    x: float


class Colour(enum.Enum):
    """Members refer to themselves."""

    RED = 1


class NameUDT(UserDefinedType):
    """Names as text."""

    @classmethod
    def sqlType(cls):
        return StringType()

    def serialize(self, obj):
        return obj.name


class Name:
    """An object that names its type."""

    __UDT__ = NameUDT()
    name = "Ada"


@pytest.mark.parametrize(
    "value,simple",
    [
        (None, "void"),
        (True, "boolean"),
        (2**70, "bigint"),
        (1.5, "double"),
        ("s", "string"),
        (b"s", "binary"),
        (bytearray(b"s"), "binary"),
        (decimal.Decimal("1.5"), "decimal(38,18)"),
        (datetime.date(2020, 1, 1), "date"),
        (datetime.datetime(2020, 1, 1), "timestamp"),
        (datetime.time(1), "time(6)"),
        (datetime.timedelta(1), "interval day to second"),
        ([], "array<void>"),
        ([None, 1], "array<bigint>"),
        ([1, "a"], "array<string>"),
        ([[], [1], [None]], "array<array<bigint>>"),
        ({}, "map<void,void>"),
        ({"a": None, "b": 2}, "map<string,bigint>"),
        ({1: "a", "b": 2}, "map<string,string>"),
        ((1, "a"), "struct<_1:bigint,_2:string>"),
        (Row(b=1, a=[Row(c="x")]), "struct<b:bigint,a:array<struct<c:string>>>"),
        (Row(1, "x"), "struct<_1:bigint,_2:string>"),
        (Pair(1, "x"), "struct<p:bigint,q:string>"),
        (Point(1, 2.0), "struct<x:double,y:bigint>"),
        (Thing(b=1, a="x"), "struct<a:string,b:bigint>"),
        (array("i", [1]), "array<int>"),
        (array("B", [1]), "array<smallint>"),
        (array("d", [1]), "array<double>"),
        (Name(), "udt"),
        (VariantVal(b"", b""), "variant"),
        (Geography(b"", 4326), "geography(4326)"),
    ],
)
def test_types_of_values(value, simple):
    assert _infer_type(value).simpleString() == simple


def test_choices_of_a_program():
    pairs = {"a": None, "b": 2}
    assert _infer_type(pairs, infer_dict_as_struct=True).simpleString() == "struct<b:bigint>"
    assert _infer_type([None, 1], infer_array_from_first_element=True) == ArrayType(NullType())
    assert _infer_type({"b": None, 1: 2, "c": "x"}, infer_map_from_first_pair=True) == MapType(LongType(), LongType())
    assert _infer_type(datetime.datetime(2020, 1, 1), prefer_timestamp_ntz=True).typeName() == "timestamp_ntz"
    aware = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    assert _infer_type(aware, prefer_timestamp_ntz=True).typeName() == "timestamp"
    schema = _infer_schema([{"a": datetime.datetime(2020, 1, 1)}], None, True, prefer_timestamp_ntz=True)
    assert schema.simpleString() == "struct<_1:struct<a:timestamp_ntz>>"


def test_schemas_of_records():
    assert _infer_schema({"b": 1, "a": None}).simpleString() == "struct<a:void,b:bigint>"
    names = ["x"]
    assert _infer_schema((1, 2, 3), names).names == ["x", "_2", "_3"] and names == ["x"]
    assert _infer_schema([1], ["x", "y"]).names == ["x"]
    assert _infer_schema(Row(a=1), ["x"]).names == ["a"] and _infer_schema(Pair(1, 2), ["x"]).names == ["p", "q"]
    assert all(field.nullable for field in _infer_schema(Row(a=1, b=None)))


@pytest.mark.parametrize(
    "infer,condition,says",
    [
        (lambda: _infer_schema(5), "CANNOT_INFER_SCHEMA_FOR_TYPE", "`int`"),
        (lambda: _infer_schema(Slotted()), "CANNOT_INFER_SCHEMA_FOR_TYPE", "`Slotted`"),
        (lambda: _infer_schema(Colour.RED), "CANNOT_INFER_SCHEMA_FOR_TYPE", "`Colour`"),
        (lambda: _infer_schema(Row(a=1, c=1j)), "CANNOT_INFER_TYPE_FOR_FIELD", "`c`. Unsupported DataType `complex`"),
        (lambda: _infer_schema({"k": [1, 2.0]}), "CANNOT_INFER_TYPE_FOR_FIELD", "`LongType` and `DoubleType`"),
        (lambda: _infer_type(object()), "UNSUPPORTED_DATA_TYPE", "`object`"),
        (lambda: _infer_type(Colour.RED), "UNSUPPORTED_DATA_TYPE", "its .value"),
        (lambda: _infer_type(array("Q", [1])), "UNSUPPORTED_DATA_TYPE", "`array(Q)`"),
        (lambda: _infer_type(Thing(a=1j)), "UNSUPPORTED_DATA_TYPE", "field `a`"),
        (lambda: _infer_type([1, 2.0]), "CANNOT_MERGE_TYPE", "`LongType` and `DoubleType`"),
        (lambda: _infer_type([Row(a=1), Row(a=b"")]), "CANNOT_MERGE_TYPE", "The place is field a"),
    ],
)
def test_what_cannot_be_inferred_is_named(infer, condition, says):
    with pytest.raises(TypeError) as raised:
        infer()
    assert raised.value.getCondition() == condition and says in str(raised.value)


def test_values_of_numpy_are_refused_with_what_to_do():
    numpy = pytest.importorskip("numpy")
    for value in (numpy.int64(1), numpy.float64(1), numpy.str_("a"), numpy.array([1])):
        with pytest.raises(TypeError, match=r"UNSUPPORTED_DATA_TYPE.*\.item\(\) of a scalar"):
            _infer_type(value)
    names = "int8 int16 int32 int64 float32 float64 bool U3 uint8 float16 O M8[ns]".split()
    found = [_from_numpy_type(numpy.dtype(name)) for name in names]
    assert [kind and kind.typeName() for kind in found] == [
        *("byte", "short", "integer", "long", "float", "double", "boolean", "string"),
        *(None, None, None, None),
    ]


@pytest.mark.parametrize(
    "first,second,merged",
    [
        ("void", "int", "int"),
        ("timestamp", "timestamp_ntz", "timestamp"),
        ("timestamp_ntz", "timestamp", "timestamp"),
        ("int", "string", "string"),
        ("string", "date", "string"),
        ("decimal(5,2)", "decimal(6,1)", "decimal(5,2)"),
        ("array<void>", "array<int>", "array<int>"),
        ("map<string,void>", "map<int,date>", "map<string,date>"),
        ("struct<a:int,b:void>", "struct<c:date,b:string>", "struct<a:int,b:string,c:date>"),
        ("struct<>", "struct<a:void>", "struct<a:void>"),
    ],
)
def test_types_that_have_something_in_common(first, second, merged):
    assert _merge_type(parse(first), parse(second)).simpleString() == merged


@pytest.mark.parametrize("first,second", [("int", "bigint"), ("float", "double"), ("array<int>", "string")])
def test_types_that_have_nothing_in_common(first, second):
    with pytest.raises(TypeError, match="CANNOT_MERGE_TYPE"):
        _merge_type(parse(first), parse(second))


def test_merged_parts_may_be_null_and_have_no_metadata():
    one = StructType().add("a", ArrayType(LongType(), False), False, {"m": 1})
    assert _merge_type(one, one) == StructType().add("a", ArrayType(LongType()))
    with pytest.raises(TypeError, match="place is field b in element in array field a"):
        _merge_type(parse("a array<struct<b:int>>"), parse("a array<struct<b:date>>"))


def test_types_within_types():
    assert _has_nulltype(parse("a array<map<int,struct<b:void>>>")) and not _has_nulltype(parse("a int"))
    assert _has_type(parse("a map<string,int>"), (IntegerType, ByteType))
    field = StructField("a", StructType().add("b", "long", False, {"m": 1}), False, {"m": 1})
    assert _drop_metadata(field) == StructField("a", StructType().add("b", "long", False), False)


NESTED = "a array<map<string,struct<q:tinyint NOT NULL>>>"


@pytest.mark.parametrize(
    "schema,value,error,says",
    [
        ("boolean", 1, TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] BooleanType() can not accept object 1 in type"),
        ("int", True, TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("double", 1, TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("date", "2020-01-01", TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("array<int>", {1}, TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("map<string,int>", collections.OrderedDict(a=1), TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("a int", "x", TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("a int", Slotted(), TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE] "),
        ("tinyint", 128, ValueError, "[VALUE_OUT_OF_BOUNDS] Value for `obj` must be between -128 and 127"),
        ("smallint", -32769, ValueError, "[VALUE_OUT_OF_BOUNDS] "),
        ("int", 1 << 31, ValueError, "[VALUE_OUT_OF_BOUNDS] "),
        ("bigint", -(1 << 63) - 1, ValueError, "[VALUE_OUT_OF_BOUNDS] "),
        ("a int, b int", (1,), ValueError, "[FIELD_STRUCT_LENGTH_MISMATCH] Length of object (1) does not match"),
        ("a struct<b:int>", ((1, 2),), ValueError, "[FIELD_STRUCT_LENGTH_MISMATCH_WITH_NAME] field a: Length"),
        ("a int NOT NULL", {}, ValueError, "[FIELD_NOT_NULLABLE_WITH_NAME] field a: This field is not nullable"),
        ("map<string,int>", {None: 1}, ValueError, "[FIELD_NOT_NULLABLE_WITH_NAME] key of map: "),
        ("a array<int>", (["x"],), TypeError, "[FIELD_DATA_TYPE_UNACCEPTABLE_WITH_NAME] element in array field a: Int"),
        (
            NESTED,
            Row(a=[{"k": Row(q=300)}]),
            ValueError,
            "[VALUE_OUT_OF_BOUNDS] Value for `field q in value of map element in array field a` must be",
        ),
        ("void", 1, AssertionError, "unknown datatype: NullType() for object 1"),
        ("interval", 1, AssertionError, "unknown datatype"),
    ],
)
def test_records_that_a_schema_refuses(schema, value, error, says):
    with pytest.raises(error) as raised:
        _make_type_verifier(parse(schema))(value)
    assert str(raised.value).startswith(says)


@pytest.mark.parametrize(
    "schema,values",
    [
        ("tinyint", [None, 127, -128]),
        ("string", [None, 1, object(), [1]]),
        ("binary", [b"x", bytearray(b"x")]),
        ("date", [datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1)]),
        ("array<int>", [[], (1, None), array("q", [1])]),
        ("a int, b string", [(1, "x"), [1, 5], {"b": "x"}, {}, Row(a=1, b="x"), Pair(1, 2), Thing(a=1), None]),
        (NESTED, [{"a": [{"k": (1,)}]}, {"a": [None, {"k": None}]}]),
        ("variant", [object()]),
    ],
)
def test_records_that_a_schema_accepts(schema, values):
    verify = _make_type_verifier(parse(schema))
    for value in values:
        verify(value)


def test_names_of_values_and_what_may_be_null():
    with pytest.raises(ValueError, match=r"^\[FIELD_NOT_NULLABLE\] Field is not nullable, but got None.$"):
        _make_type_verifier(LongType(), nullable=False)(None)
    with pytest.raises(ValueError, match=r"^\[FIELD_NOT_NULLABLE_WITH_NAME\] id: This field"):
        _make_type_verifier(LongType(), False, "id")(None)
    with pytest.raises(TypeError, match="_WITH_NAME. field a in row: "):
        _make_type_verifier(parse("a int"), name="row")({"a": "x"})
    with pytest.raises(AssertionError, match="^row: unknown datatype"):
        _make_type_verifier(DataType(), name="row")(1)
    for kind in (CharType(1), VariantType(), GeographyType(4326)):
        _make_type_verifier(kind)(None)


def test_objects_of_types_of_programs():
    verify = _make_type_verifier(NameUDT())
    verify(Name())
    with pytest.raises(ValueError, match=r"^\[FIELD_TYPE_MISMATCH\] 'Ada' is not an instance of type NameUDT\(\)"):
        verify("Ada")
    assert _infer_schema(Row(n=Name())) == StructType().add("n", NameUDT())


def test_converters_make_text_and_tuples():
    convert = _create_converter(parse("a int, b string, c array<struct<d:string>>, e void"))
    assert convert({"b": True, "c": [{"d": 1.5}, None]}) == (None, "true", [("1.5",), None], None)
    assert convert(Thing(a=1)) == (1, None, None, None) and convert([1, 2, [(3,)], 4]) == (1, "2", [("3",)], None)
    assert convert(None) is None and _create_converter(parse("map<string,date>"))({1: 2}) == {"1": 2}
    with pytest.raises(TypeError, match="UNSUPPORTED_DATA_TYPE"):
        convert(5)
