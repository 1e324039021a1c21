"""Types and schemas from the text of statements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesteel.errors import ParseError
from firesteel.sql import types as t
from firesteel.sql.ddl import _parse_datatype_string as parse
from firesteel.sql.types import ArrayType, DecimalType, MapType, StructField, StructType

PARTS = [
    ("a INT NOT NULL COMMENT 'x', b array<struct<c:decimal(10,2)>>", "struct<a:int,b:array<struct<c:decimal(10,2)>>>"),
    ("`odd name` map<string,bigint>, t timestamp_ntz", "struct<odd name:map<string,bigint>,t:timestamp_ntz>"),
    ("a: int, b: string", "struct<a:int,b:string>"),
    ("struct<a int, b:string>", "struct<a:int,b:string>"),
    ("select int, from date, not long, null byte", "struct<select:int,from:date,not:bigint,null:tinyint>"),
    ("interval interval, array array<int>, map int", "struct<interval:interval,array:array<int>,map:int>"),
    ("array<array<int>>", "array<array<int>>"),
    ("array< map <string , int > >", "array<map<string,int>>"),
    ("struct<>", "struct<>"),
    ("", "struct<>"),
    (" \n", "struct<>"),
    ("a /* x /* y */ z */ int -- and so on\n, b string", "struct<a:int,b:string>"),
    ("`a``b` int, `` int, 1a int, _ int", "struct<a`b:int,:int,1a:int,_:int>"),
    ("a\u00a0int", "struct<a:int>"),
    ("A int, a int", "struct<A:int,a:int>"),
]

ONE = {
    **dict.fromkeys(["int", "INT", "Integer", "  int  "], "int"),
    **dict.fromkeys(["bigint", "long"], "bigint"),
    **dict.fromkeys(["tinyint", "byte"], "tinyint"),
    **dict.fromkeys(["smallint", "short"], "smallint"),
    **dict.fromkeys(["float", "real"], "float"),
    **{name: name for name in ("double", "boolean", "binary", "date", "variant", "void", "timestamp_ntz", "string")},
    **dict.fromkeys(["decimal", "dec", "numeric", "decimal(10)", "DECIMAL ( 10 , 0 )"], "decimal(10,0)"),
    "decimal(38,38)": "decimal(38,38)",
    **dict.fromkeys(["char(5)", "character( 5 )", "char(5) collate UNICODE"], "char(5)"),
    "varchar(7)": "varchar(7)",
    **dict.fromkeys(["time", "time(6) without time zone"], "time(6)"),
    "time(3)": "time(3)",
    **dict.fromkeys(["timestamp", "timestamp_ltz", "timestamp(6)", "timestamp with local time zone"], "timestamp"),
    "timestamp without time zone": "timestamp_ntz",
    "interval": "interval",
    "interval day": "interval day",
    "INTERVAL DAY TO SECOND": "interval day to second",
    "interval hour to minute": "interval hour to minute",
    "interval year to month": "interval year to month",
    "interval month": "interval month",
    "geography(4326)": "geography(4326)",
    "geometry(ANY)": "geometry(any)",
    "string collate utf8_lcase": "string collate UTF8_LCASE",
    "string collate `unicode_rtrim_ci`": "string collate UNICODE_CI_RTRIM",
    "string collate system.builtin.SR_CI_AI": "string collate sr_CI_AI",
    "string collate utf8_binary": "string",
}


@pytest.mark.parametrize("text,simple", [*PARTS, *ONE.items()])
def test_texts_that_are_types(text, simple):
    assert parse(text).simpleString() == simple


def test_null_and_comments_belong_to_columns():
    schema = parse("""a int NOT NULL COMMENT 'it''s', b struct<c: int COMMENT "q" 'r'>not null, d int comment r'\\n'""")
    assert [field.nullable for field in schema] == [False, False, True]
    assert schema["a"].metadata == {"comment": "it's"} and schema["d"].metadata == {"comment": "\\n"}
    assert schema["b"].metadata == {} and schema["b"].dataType["c"].metadata == {"comment": "qr"}
    assert parse(r"a int comment '\t\u0041\101\%\q\''")["a"].metadata == {"comment": "\tAA\\%q'"}


@pytest.mark.parametrize(
    "text,condition,says",
    [
        ("a int b string", "PARSE_SYNTAX_ERROR", "',' or NOT NULL or COMMENT or the end at 'b' (line 1, pos 6)"),
        ("a int,\n  b string,", "PARSE_SYNTAX_ERROR", "the name of a column at the end of the text (line 2, pos 11)"),
        (", a int", "PARSE_SYNTAX_ERROR", "at ',' (line 1, pos 0)"),
        ("a", "PARSE_SYNTAX_ERROR", "expected a type at the end"),
        ("a int NOT", "PARSE_SYNTAX_ERROR", "expected NULL at the end"),
        ("a int COMMENT x", "PARSE_SYNTAX_ERROR", "expected the comment, in quotes, at 'x'"),
        ("a foo", "UNSUPPORTED_DATATYPE", "unknown type at 'foo' (line 1, pos 2)"),
        ("a int(5)", "UNSUPPORTED_DATATYPE", "int has no parameters"),
        ("a array int", "INCOMPLETE_TYPE_DEFINITION.ARRAY", "as ARRAY<INT>, at 'int'"),
        ("a map<int>", "PARSE_SYNTAX_ERROR", "expected ',' and the type of the values at '>'"),
        ("array<int", "PARSE_SYNTAX_ERROR", "expected '>' at the end of the text (line 1, pos 9)"),
        ("array<int>>", "PARSE_SYNTAX_ERROR", "expected the end at '>'"),
        ("struct<a:int:b>", "PARSE_SYNTAX_ERROR", "expected ',' or '>' at ':'"),
        ("a varchar", "DATATYPE_MISSING_SIZE", "as varchar(10), at the end"),
        ("a decimal(39)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "at most 38 digits, at '39'"),
        ("a decimal(5,6)", "DECIMAL_SCALE_EXCEEDS_PRECISION", "the scale is more"),
        ("a decimal(x)", "PARSE_SYNTAX_ERROR", "expected the precision, a number at 'x'"),
        ("a timestamp(3)", "INVALID_TIMESTAMP_PRECISION", "6 digits behind the seconds"),
        ("a time(10)", "UNSUPPORTED_TIME_PRECISION", "at most 9"),
        ("a interval second to day", "PARSE_SYNTAX_ERROR", "expected the end of the interval at 'to'"),
        ("a interval day to month", "PARSE_SYNTAX_ERROR", "expected hour or minute or second at 'month'"),
        ("a-b int", "INVALID_IDENTIFIER", "in backquotes, as `a-b`, at 'a'"),
        ("ä int", "INVALID_IDENTIFIER", "in backquotes, as `ä`, at 'ä'"),
        ("a.b int", "PARSE_SYNTAX_ERROR", "expected a type at '.'"),
        ("1 int", "PARSE_SYNTAX_ERROR", "expected the name of a column at '1'"),
        ("1e5 int", "PARSE_SYNTAX_ERROR", "at '1e5'"),
        ("'a' int", "PARSE_SYNTAX_ERROR", "at ''a''"),
        ("a string collate nope", "COLLATION_INVALID_NAME", "at 'nope'"),
        ("a geography(0)", "ST_INVALID_SRID_VALUE", "Known are 4326 and 'ANY'"),
        ("a int /* x", "UNCLOSED_BRACKETED_COMMENT", "append */ at '/*' (line 1, pos 6)"),
        ("a int default 5", "PARSE_SYNTAX_ERROR", "at 'default'"),
    ],
)
def test_errors_say_where_and_what_was_expected(text, condition, says):
    with pytest.raises(ParseError) as raised:
        parse(text)
    message = str(raised.value)
    assert says in message and raised.value.getCondition() == condition
    # The last line points at the place, in the line before.
    *_, line, pointer = message.splitlines()
    assert line in text.splitlines() and len(pointer) <= len(line) + 1 and pointer.endswith("^")


@pytest.mark.parametrize("text", [5, None, b"a int"])
def test_only_text_is_read(text):
    with pytest.raises(TypeError, match="should be a str"):
        parse(text)


ATOMS = st.sampled_from([parse(text) for text in ONE])
NAMES = st.text(max_size=5)


def parts(kinds):
    comments = st.none() | st.text(max_size=5).map(lambda text: {"comment": text})
    fields = st.builds(StructField, NAMES, kinds, st.booleans(), comments)
    return (
        kinds.map(ArrayType)
        | st.builds(MapType, kinds, kinds)
        | st.lists(fields, max_size=3).map(lambda found: StructType(found))
    )


KINDS = st.recursive(ATOMS, parts, max_leaves=6)


@given(KINDS, NAMES)
def test_what_a_schema_writes_is_read_back(kind, name):
    schema = StructType([StructField(name, kind)])
    assert parse(schema.toDDL()) == schema
    assert t._parse_datatype_json_string(schema.json()) == schema
    assert StructType.fromJson(schema.jsonValue()) == schema


@given(st.text("ab`'\"<>(),:;*/- \n\\1intarymsec", max_size=30))
def test_every_text_is_read_or_refused(text):
    try:
        kind = parse(text)
    except ParseError:
        return
    assert isinstance(kind, t.DataType)


def test_deep_types():
    assert parse("array<" * 50 + "decimal(5,2)" + ">" * 50).simpleString().count("array") == 50
    assert parse("decimal(5, 2)") == DecimalType(5, 2)
    for text in ("array<" * 5000, "struct<a:" * 5000, "a map<map<" * 5000):
        with pytest.raises(ParseError):
            parse(text)
