"""The tables that are written and read: schemas, and rows as Python writes them."""

from __future__ import annotations

#: What all code begins with.
HEAD = """
import datetime, decimal
from decimal import Decimal as D
from datetime import date, datetime as T
inf, nan = float("inf"), float("nan")
def frame(schema, *rows, parts=1):
    made = spark.createDataFrame(list(rows), schema)
    return made.coalesce(parts) if parts == 1 else made
"""

#: Tables by name: the schema, and rows as Python writes them.
TABLES = {
    "numbers": (
        "b tinyint, s smallint, i int, l bigint, f float, d double, ok boolean",
        "(-128, -32768, -2**31, -2**63, -1.5, -1e300, True), (127, 32767, 2**31-1, 2**63-1, 3.4028234663852886e38,"
        " 1.7976931348623157e308, False), (0, 0, 0, 0, 0.0, -0.0, None), (None,)*7, (1, 1, 1, 1, 0.1, 0.1, True),"
        " (2, 2, 2, 2, 1e7, 1e7, True), (3, 3, 3, 3, 1e-3, 9.99e-4, True), (4, 4, 4, 4, 2.5e-38, 5e-324, True)",
    ),
    "special": ("f float, d double", "(inf, inf), (-inf, -inf), (nan, nan), (None, None)"),
    "texts": (
        "t string, u string",
        r"""('a', 'b'), ('', 'empty'), (None, 'null'), ('"', "'"), ('a,b;c\td', '\\'), (' a ', 'ü€😀'),"""
        r""" ('null', 'NULL'), ('#x', '-'), ('\\"', '\\\\'), ('{"a":1}', '[1]'), ('1', '1.0'),"""
        r""" ('\x01\x7f', '\u2028'), (None, None)""",
    ),
    "lines": ("t string, n int", r"('a\nb', 1), ('a\r\nb', 2), ('\n', 3), ('x', 4)"),
    "days": (
        "d date",
        "(date(1,1,1),), (date(1582,10,4),), (date(1582,10,15),), (date(1900,1,1),), (date(1969,12,31),),"
        " (date(2024,2,29),), (date(9999,12,31),), (None,)",
    ),
    "times": (
        "t timestamp, n timestamp_ntz",
        "(T(2024,3,31,3,0), T(2024,3,31,2,30)), (T(1969,12,31,23,59,59,999999), T(1969,12,31,23,59,59,999999)),"
        " (T(2038,1,19,4,14,8,1), T(1,1,1)), (T(1999,1,1,1,1,1,120000), T(9999,12,31,23,59,59,999999)), (None, None),"
        " (T(1900,1,1,12), T(1900,1,1,12)), (T(2024,10,27,1,59,59), T(2024,10,27,2,30))",
    ),
    "decimals": (
        "a decimal(1,0), b decimal(9,2), c decimal(18,6), d decimal(19,0), e decimal(38,18), g decimal(38,38)",
        "(D('-9'), D('9999999.99'), D('-123456789012.123456'), D('9'*19), D('9'*20+'.'+'9'*18), D('0.'+'9'*38)),"
        " (D(1), D('0.01'), D('0.000001'), D('-1'), D('-1e-18'), D('0.1')), (None,)*6, (D(0),)*6",
    ),
    "bytes": ("b binary, n int", r"(b'', 1), (b'\x00\xff', 2), (b'abc', 3), (None, 4)"),
    "nested": (
        "a array<int>, s struct<x:int,y:struct<z:string>>, m map<string,array<double>>,"
        " l array<struct<p:date,q:boolean>>",
        "([1, None], (1, ('z',)), {'k': [1.5, None]}, [(date(2024,1,1), True), None]), ([], (None, None), {}, []),"
        " (None,)*4, ([2], (2, (None,)), {'a': None, 'b': []}, [(None, None)])",
    ),
    "maps": ("m map<int,string>, n array<map<string,int>>, o array<array<array<bigint>>>",
             "({1: 'a', 2: None}, [{'x': 1}, None, {}], [[[1], []], [], None]), (None,)*3, ({}, [], [])"),
    "none": ("a int, b string", ""),
    "columns": ("`a b` int, `x.y` string, `ü` double, `Sel` int, `q\"` int", "(1, 'a', 1.5, 2, 3), (None,)*5"),
    "recent": ("t timestamp, n timestamp_ntz",
               "(T(2024,3,31,3,0), T(1999,1,1,1,1)), (T(1970,7,1,12), T(2024,2,29,0,0))"),
    "intervals": ("y interval year to month", "(None,)"),
    "daytime": ("t interval day to second", "(datetime.timedelta(days=1, seconds=2, microseconds=3),), (None,)"),
}  # fmt: skip

#: What CSV and JSON do not hold, or not as it was.
NOT_CSV = ("nested", "maps", "bytes", "intervals", "daytime")
NOT_JSON = ("intervals", "daytime")

#: The names of directories that have to be escaped, and values that look like others.
KEYS = {
    "strings": (
        "k string",
        "'a', 'a/b', 'x=y', 'a b', 'ü%', '', None, 'a:b\"c', '..', '{z}', '[1]', 'a*b?', '\\\\', '+', '#'",
    ),
    "like numbers": ("k string", "'1', '2', '-3'"),
    "leading zeros": ("k string", "'01', '02'"),
    "numbers and words": ("k string", "'1', 'x'"),
    "large": ("k bigint", "1, 2**40, None"),
    "halves": ("k double", "0.5, -1e20, 3.0"),
    "days": ("k date", "date(2024,2,29), date(1969,12,31), None"),
    "times": ("k timestamp", "T(2024,1,1,12,30), T(2024,1,1,12,30,0,500000)"),
    "decimals": ("k decimal(10,2)", "D('1.50'), D('-0.01')"),
    "truth": ("k boolean", "True, False"),
    "micros": ("k timestamp", "T(2024,1,1,12,30,0,123456), T(2024,1,1,12,30)"),
    "days and times": ("k string", "'2024-01-01', '2024-01-01 12:00:00'"),
    "whole and halves": ("k string", "'0.5', '1'"),
    "long and halves": ("k string", "'0.5', '10000000000'"),
    "long and longer": ("k string", "'1E21', '10000000000'"),
    "long decimals": ("k decimal(38,0)", "D('9'*30), D(1)"),
}  # fmt: skip
