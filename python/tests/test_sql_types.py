"""Types of columns: what they show, the JSON that they write and read, and the engine's form of their values."""

from __future__ import annotations

import copy
import datetime
import decimal
import json
import os
import pickle
import subprocess
import sys
import types as modules

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesteel.sql import types as t
from firesteel.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    Geography,
    GeographyType,
    Geometry,
    GeometryType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    Row,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    UserDefinedType,
    VarcharType,
    VariantType,
    VariantVal,
    YearMonthIntervalType,
)

NAMES = (
    "ArrayType BinaryType BooleanType ByteType CalendarIntervalType CharType DataType DateType DayTimeIntervalType"
    " DecimalType DoubleType FloatType Geography GeographyType Geometry GeometryType IntegerType LongType MapType"
    " NullType Row ShortType StringType StructField StructType TimeType TimestampNTZType TimestampType VarcharType"
    " VariantType VariantVal YearMonthIntervalType"
).split()
"""What ``from pyspark.sql.types import *`` gives in PySpark 4.3."""

PRIVATE = (
    "_parse_datatype_string _parse_datatype_json_string _parse_datatype_json_value _infer_schema _infer_type"
    " _merge_type _create_row _make_type_verifier _has_nulltype _has_type _type_mappings _acceptable_types"
    " _array_type_mappings _create_converter _need_converter _drop_metadata _from_numpy_type _int_size_to_type"
    " _atomic_types _complex_types _all_complex_types _all_mappable_types _COLLATIONS_METADATA_KEY JVM_INT_MAX"
    " UserDefinedType AtomicType NumericType IntegralType FractionalType DatetimeType AnsiIntervalType SpatialType"
    " DataTypeSingleton AnyTimeType"
).split()
"""What other libraries import by name."""


def test_the_names_are_pysparks():
    assert sorted(t.__all__) == NAMES
    assert all(hasattr(t, name) and name in dir(t) for name in PRIVATE)
    with pytest.raises(AttributeError, match="_no_such_name"):
        t._no_such_name


def test_a_star_import_under_pysparks_name_gives_the_same():
    code = (
        "from firesteel import as_pyspark; as_pyspark.install()\n"
        "import sys; before = set(dir())\n"
        "from pyspark.sql.types import *\n"
        "print(*sorted(set(dir()) - before - {'before'}))\n"
        "from pyspark.sql.types import _infer_schema, _parse_datatype_string, UserDefinedType\n"
        "from pyspark.errors import PySparkTypeError, PySparkException, ParseException\n"
        "try: _infer_schema(5)\n"
        "except PySparkTypeError as error: print(error.getCondition(), isinstance(error, PySparkException))\n"
        "try: _parse_datatype_string('a int,')\n"
        "except ParseException as error: print(error.getCondition())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    expected = [" ".join(NAMES), "CANNOT_INFER_SCHEMA_FOR_TYPE True", "PARSE_SYNTAX_ERROR"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_importing_firesteel_imports_no_types():
    code = (
        "import sys, firesteel; print([m for m in sys.modules if 'firesteel.sql' in m])\n"
        "import firesteel.sql; print('firesteel.sql.datatypes' in sys.modules)\n"
        "import firesteel.sql.types; print('firesteel.sql.inference' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\nFalse\nFalse\n", done.stderr


SHOWN = [
    (NullType(), "NullType()", "void", '"void"'),
    (CharType(3), "CharType(3)", "char(3)", '"char(3)"'),
    (VarcharType(4), "VarcharType(4)", "varchar(4)", '"varchar(4)"'),
    (StringType(), "StringType()", "string", '"string"'),
    (StringType("UNICODE"), "StringType('UNICODE')", "string collate UNICODE", '"string collate UNICODE"'),
    (BinaryType(), "BinaryType()", "binary", '"binary"'),
    (BooleanType(), "BooleanType()", "boolean", '"boolean"'),
    (DateType(), "DateType()", "date", '"date"'),
    (TimeType(), "TimeType(6)", "time(6)", '"time(6)"'),
    (TimestampType(), "TimestampType()", "timestamp", '"timestamp"'),
    (TimestampNTZType(), "TimestampNTZType()", "timestamp_ntz", '"timestamp_ntz"'),
    (DecimalType(), "DecimalType(10,0)", "decimal(10,0)", '"decimal(10,0)"'),
    (DoubleType(), "DoubleType()", "double", '"double"'),
    (FloatType(), "FloatType()", "float", '"float"'),
    (ByteType(), "ByteType()", "tinyint", '"byte"'),
    (ShortType(), "ShortType()", "smallint", '"short"'),
    (IntegerType(), "IntegerType()", "int", '"integer"'),
    (LongType(), "LongType()", "bigint", '"long"'),
    (DayTimeIntervalType(), "DayTimeIntervalType(0, 3)", "interval day to second", '"interval day to second"'),
    (DayTimeIntervalType(1), "DayTimeIntervalType(1, 1)", "interval hour", '"interval hour"'),
    (YearMonthIntervalType(), "YearMonthIntervalType(0, 1)", "interval year to month", '"interval year to month"'),
    (CalendarIntervalType(), "CalendarIntervalType()", "interval", '"interval"'),
    (VariantType(), "VariantType()", "variant", '"variant"'),
    (GeographyType("ANY"), "GeographyType(ANY)", "geography(any)", '"geography(SRID:ANY, SPHERICAL)"'),
    (GeometryType(4326), "GeometryType(4326)", "geometry(4326)", '"geometry(OGC:CRS84)"'),
    (
        ArrayType(IntegerType(), False),
        "ArrayType(IntegerType(), False)",
        "array<int>",
        '{"containsNull":false,"elementType":"integer","type":"array"}',
    ),
    (
        MapType(StringType(), LongType()),
        "MapType(StringType(), LongType(), True)",
        "map<string,bigint>",
        '{"keyType":"string","type":"map","valueContainsNull":true,"valueType":"long"}',
    ),
    (
        StructType([StructField("a", IntegerType(), False, {"x": 1})]),
        "StructType([StructField('a', IntegerType(), False)])",
        "struct<a:int>",
        '{"fields":[{"metadata":{"x":1},"name":"a","nullable":false,"type":"integer"}],"type":"struct"}',
    ),
]


@pytest.mark.parametrize("kind,shown,simple,written", SHOWN, ids=lambda value: str(value)[:40])
def test_each_type_is_shown_written_read_and_pickled(kind, shown, simple, written):
    assert (repr(kind), kind.simpleString(), kind.json()) == (shown, simple, written)
    assert t._parse_datatype_json_string(written) == kind
    assert json.loads(written) == kind.jsonValue()
    for back in (pickle.loads(pickle.dumps(kind)), copy.deepcopy(kind)):
        assert back == kind and hash(back) == hash(kind) and not back != kind
    assert all((other == kind) == (other is kind) for other, *_ in SHOWN)


def test_types_without_parameters_exist_once():
    for kind in (IntegerType, NullType, DateType, TimestampType, CalendarIntervalType, BinaryType):
        assert kind() is kind()


def test_a_schema_is_a_list_of_fields_with_names():
    schema = StructType([StructField("a", IntegerType()), StructField("b", StringType())])
    assert schema["a"] is schema[0] is list(schema)[0] and schema[-1].name == "b"
    assert schema[0:1] == StructType([schema[0]]) and len(schema) == 2 and schema.names == schema.fieldNames()
    assert schema[0] in schema and "a" not in schema and not StructType()
    assert schema.add("c", "decimal(5,2)", False, {"k": 1}) is schema
    assert schema["c"] == StructField("c", DecimalType(5, 2), False, {"k": 1})
    assert schema.add(StructField("d", DateType())).names == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "make,error,condition",
    [
        (lambda: StructType()["zz"], KeyError, "KEY_NOT_EXISTS"),
        (lambda: StructType()[0], IndexError, "INDEX_OUT_OF_RANGE"),
        (lambda: StructType()[None], TypeError, "NOT_EXPECTED_TYPE"),
        (lambda: StructType([5]), TypeError, "NOT_LIST_OF_STRUCT_FIELDS"),
        (lambda: StructType().add("a"), ValueError, "ARGUMENT_REQUIRED"),
        (lambda: StructType().add("a", "int"), ValueError, "CANNOT_PARSE_DATATYPE"),
        (lambda: StructField("a", LongType()).typeName(), TypeError, "INVALID_TYPENAME_CALL"),
        (lambda: DayTimeIntervalType(5), RuntimeError, "INVALID_INTERVAL_CASTING"),
        (lambda: YearMonthIntervalType(None, 1), RuntimeError, "INVALID_INTERVAL_CASTING"),
        (lambda: GeometryType(1), ValueError, "ST_INVALID_SRID_VALUE"),
        (lambda: t._parse_datatype_json_string('"geometry(EPSG:4326)"'), ValueError, "ST_INVALID_CRS_VALUE"),
        (lambda: t._parse_datatype_json_string('"nope"'), ValueError, "CANNOT_PARSE_DATATYPE"),
        (lambda: t._parse_datatype_json_string('{"type":"nope"}'), ValueError, "UNSUPPORTED_DATA_TYPE"),
        (lambda: t._parse_datatype_json_string("5"), TypeError, "CANNOT_PARSE_DATATYPE"),
        (lambda: YearMonthIntervalType().toInternal(5), NotImplementedError, "NOT_IMPLEMENTED"),
        (lambda: GeometryType(0).toInternal(Geometry(b"", 0)), NotImplementedError, "NOT_IMPLEMENTED"),
        (lambda: GeographyType(4326).fromInternal({}), NotImplementedError, "NOT_IMPLEMENTED"),
        (lambda: VariantVal.parseJson("1"), NotImplementedError, "NOT_IMPLEMENTED"),
        (lambda: VariantType().toInternal(VariantVal(b"", b"")), NotImplementedError, "NOT_IMPLEMENTED"),
        (lambda: UserDefinedType.sqlType(), NotImplementedError, "NOT_IMPLEMENTED"),
        (lambda: StructType().toInternal(5), ValueError, "UNEXPECTED_TUPLE_WITH_STRUCT"),
    ],
)
def test_mistakes_have_pysparks_conditions(make, error, condition):
    with pytest.raises(error) as raised:
        make()
    assert raised.value.getCondition() == condition
    assert str(raised.value).startswith(f"[{condition}] ")
    assert type(pickle.loads(pickle.dumps(raised.value))) is type(raised.value)


def test_a_name_that_only_sql_has_is_answered_with_the_one_that_json_has():
    with pytest.raises(ValueError, match="Its name here is 'long'"):
        StructType().add("a", "bigint")


@pytest.mark.parametrize(
    "make", [lambda: ArrayType("int"), lambda: MapType(LongType, LongType()), lambda: StructField(5, LongType())]
)
def test_wrong_arguments_fail_even_without_asserts(make):
    with pytest.raises(AssertionError, match="should be a"):
        make()


def test_collations_stand_in_the_metadata_of_fields():
    inner = StructType([StructField("z", ArrayType(StringType("UNICODE")))])
    kind = MapType(StringType("UTF8_LCASE"), inner)
    schema = StructType([StructField("a", kind, metadata={"k": "v"})])
    field = schema.jsonValue()["fields"][0]
    assert field["metadata"] == {"k": "v", "__COLLATIONS": {"a.key": "spark.UTF8_LCASE"}}
    assert field["type"]["keyType"] == "string"
    assert field["type"]["valueType"] == inner.jsonValue()
    back = StructType.fromJson(schema.jsonValue())
    assert back == schema and back["a"].metadata == {"k": "v"}
    assert schema["a"].metadata == {"k": "v"}
    for collations, error in (({"a": "foo.UNICODE"}, ValueError), ({"a": "icu.UNICODE"}, TypeError)):
        with pytest.raises(error):
            StructField.fromJson({"name": "a", "type": "integer", "metadata": {"__COLLATIONS": collations}})


def test_trees_end_at_their_depth():
    schema = StructType().add("m", MapType(StringType(), StructType().add("x", "long", False))).add("a\tb", "string")
    assert schema.treeString() == (
        "root\n |-- m: map (nullable = true)\n |    |-- key: string\n"
        " |    |-- value: struct (valueContainsNull = true)\n |    |    |-- x: long (nullable = false)\n"
        " |-- a\\tb: string (nullable = true)\n"
    )
    assert schema.treeString(1) == "root\n |-- m: map (nullable = true)\n |-- a\\tb: string (nullable = true)\n"
    assert "x: long" not in schema.treeString(2) and "key: string" in schema.treeString(2)
    assert schema.treeString(0) == schema.treeString(-1) == schema.treeString()


def test_nullable_all_the_way_down():
    schema = StructType().add("a", ArrayType(MapType(StringType(), LongType(), False), False), False, {"m": 1})
    assert schema.toNullable() == StructType().add("a", ArrayType(MapType(StringType(), LongType())), True, {"m": 1})


UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    "kind,value,internal",
    [
        (DateType(), datetime.date(2020, 1, 2), 18263),
        (TimeType(), datetime.time(1, 2, 3, 4), 3723000004000),
        (TimestampNTZType(), datetime.datetime(2020, 1, 2, 3, 4, 5, 678), 1577934245000678),
        (TimestampNTZType(), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), -1),
        (DayTimeIntervalType(), datetime.timedelta(days=-1, microseconds=5), -86399999995),
        (ArrayType(DateType()), [datetime.date(1970, 1, 2), None], [1, None]),
        (MapType(StringType(), DateType()), {"a": datetime.date(1970, 1, 2)}, {"a": 1}),
        (LongType(), 5, 5),
        (DecimalType(5, 2), decimal.Decimal("1.50"), decimal.Decimal("1.50")),
    ],
)
def test_values_become_the_engines_and_come_back(kind, value, internal):
    assert kind.toInternal(value) == internal and kind.fromInternal(internal) == value
    assert kind.toInternal(None) is None and kind.fromInternal(None) is None


@given(st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2036, 1, 1)))
def test_moments_come_back(moment):
    kind = TimestampType()
    assert kind.toInternal(moment.replace(tzinfo=UTC)) == TimestampNTZType().toInternal(moment)
    assert TimestampNTZType().fromInternal(TimestampNTZType().toInternal(moment)) == moment
    back = kind.fromInternal(kind.toInternal(moment.replace(tzinfo=UTC)))
    assert back.astimezone(UTC) == moment.replace(tzinfo=UTC)


class Plain:
    """An object with attributes."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@pytest.mark.parametrize("needs", [False, True])
def test_records_of_all_kinds_become_tuples(needs):
    schema = StructType().add("a", "long").add("b", "date" if needs else "string")
    stored = 1 if needs else "x"
    value = datetime.date(1970, 1, 2) if needs else "x"
    for record in ((5, value), [5, value], {"b": value, "a": 5}, Row(a=5, b=value), Plain(a=5, b=value)):
        assert schema.toInternal(record) == (5, stored)
    assert schema.toInternal({"a": 5}) == (5, None)
    back = schema.fromInternal((5, stored))
    assert isinstance(back, Row) and back == Row(a=5, b=value) and back.__fields__ == ["a", "b"]
    assert schema.fromInternal(back) is back and schema.toInternal(None) is None is schema.fromInternal(None)


class PointUDT(UserDefinedType):
    """Points as arrays of two numbers."""

    @classmethod
    def sqlType(cls):
        return ArrayType(DoubleType(), False)

    @classmethod
    def module(cls):
        return "made_up_points"

    def serialize(self, obj):
        return [obj.x, obj.y]

    def deserialize(self, datum):
        return Plain(x=datum[0], y=datum[1])


def test_types_of_programs(monkeypatch):
    kind = PointUDT()
    assert kind.toInternal(Plain(x=1.0, y=2.0)) == [1.0, 2.0] and kind.fromInternal([1.0, 2.0]).y == 2.0
    assert kind.fromInternal(None) is None is kind.toInternal(None)
    assert (kind.simpleString(), kind.typeName(), repr(kind)) == ("udt", "pointudt", "PointUDT()")
    assert kind == PointUDT() and kind != UserDefinedType() and pickle.loads(pickle.dumps(kind)) == kind
    schema = StructType().add("p", kind)
    assert schema.toDDL() == "p ARRAY<DOUBLE>" and "p: pointudt" in schema.treeString()
    with pytest.raises(ValueError, match="made_up_points.PointUDT cannot be imported"):
        t._parse_datatype_json_string(schema.json())
    module = modules.ModuleType("made_up_points")
    module.PointUDT = PointUDT
    monkeypatch.setitem(sys.modules, "made_up_points", module)
    assert t._parse_datatype_json_string(schema.json()) == schema


def test_a_pickled_class_in_a_schema_is_not_loaded():
    code = {"type": "udt", "pyClass": "os.nothing", "serializedClass": "gASVAAAA", "sqlType": "long"}
    with pytest.raises(ValueError, match="cannot be imported"):
        t._parse_datatype_json_string(json.dumps(code))
    with pytest.raises(ValueError, match="no class of a user-defined type"):
        t._parse_datatype_json_string(json.dumps({**code, "pyClass": "os.system"}))


def test_shapes_and_variants_are_values():
    assert Geometry(b"x", 0) == Geometry.fromWKB(b"x", 0) != Geography(b"x", 0)
    assert repr(Geography(b"x", 4326)) == "Geography(b'x', 4326)" and Geography(b"x", 4326).getBytes() == b"x"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Geometry(b"x", 0))
    assert repr(VariantVal(b"v", b"m")) == "VariantVal(b'v', b'm')"


def test_rows_pickled_under_older_names_are_found():
    # What PySpark's pickled rows name, and what earlier ones of Firesteel name.
    assert t._create_row(["a"], (1,)) == t._named(["a"], [1]) == Row(a=1)
    old = b"cfiresteel.sql.types\n_named\n((lVa\na(lI1\natR."
    assert repr(pickle.loads(old)) == "Row(a=1)"


def test_a_text_is_read_by_the_class_of_all_types():
    assert DataType.fromDDL("a int") == StructType().add("a", "integer") == StructType.fromDDL("a int")
