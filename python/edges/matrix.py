"""Single tables, written by both sides and read by both: all types, formats, codecs, directories.

A case is code that writes to ``path``, and expressions that read a frame from there, with ``spark`` given to both. Each
side writes, then each side reads what itself and what the other has written. All must read the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from outputs import names

Outcomes = list[tuple[bool, str]]

HEAD = """
import datetime, decimal
from decimal import Decimal as D
from datetime import date, datetime as T
inf, nan = float("inf"), float("nan")
def frame(schema, *rows, parts=1):
    return spark.createDataFrame(spark.sparkContext.parallelize(rows, parts), schema)
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
        r"""('a', 'b'), ('', 'empty'), (None, 'null'), ('"', "'"), ('a,b;c\td', '\\'), (' a ', 'ü€😀'), ('null', 'NULL'),"""
        r""" ('#x', '-'), ('\\"', '\\\\'), ('{"a":1}', '[1]'), ('1', '1.0'), ('\x01\x7f', '\u2028'), (None, None)""",
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
        "a array<int>, s struct<x:int,y:struct<z:string>>, m map<string,array<double>>, l array<struct<p:date,q:boolean>>",
        "([1, None], (1, ('z',)), {'k': [1.5, None]}, [(date(2024,1,1), True), None]), ([], (None, None), {}, []),"
        " (None,)*4, ([2], (2, (None,)), {'a': None, 'b': []}, [(None, None)])",
    ),
    "maps": ("m map<int,string>, n array<map<string,int>>, o array<array<array<bigint>>>",
             "({1: 'a', 2: None}, [{'x': 1}, None, {}], [[[1], []], [], None]), (None,)*3, ({}, [], [])"),
    "none": ("a int, b string", ""),
    "columns": ("`a b` int, `x.y` string, `ü` double, `Sel` int, `q\"` int", "(1, 'a', 1.5, 2, 3), (None,)*5"),
    "recent": ("t timestamp, n timestamp_ntz", "(T(2024,3,31,3,0), T(1999,1,1,1,1)), (T(1970,7,1,12), T(2024,2,29,0,0))"),
    "intervals": ("y interval year to month", "(None,)"),
    "daytime": ("t interval day to second", "(datetime.timedelta(days=1, seconds=2, microseconds=3),), (None,)"),
}  # fmt: skip

#: What CSV and JSON do not hold, or not as it was.
NOT_CSV = ("nested", "maps", "bytes", "intervals", "daytime")
NOT_JSON = ("intervals", "daytime")

#: The names of directories that have to be escaped, and values that look like others.
KEYS = {
    "strings": ("k string", "'a', 'a/b', 'x=y', 'a b', 'ü%', '', None, 'a:b\"c', '..', '{z}', '[1]', 'a*b?', '\\\\', '+', '#'"),
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


@dataclass(frozen=True)
class Case:
    """One table, and the ways to read it."""

    name: str
    write: str
    #: Expressions that give a frame, by names.
    reads: tuple[tuple[str, str], ...]
    #: Whether only Spark writes, since it is about files that Firesteel never makes.
    by_spark: bool = False
    #: Whether rows are given in their order.
    ordered: bool = False


@dataclass(frozen=True)
class Known:
    """A difference that is wanted: the reason, rows by the pattern of their names, and what is in what was found."""

    reason: str
    rows: str
    found: str


ENCODINGS = "Text is written in UTF-8; CSV in ISO-8859-1 and US-ASCII, too"

#: What differs on purpose. Each reason stands in docs/python.md.
KNOWN = (
    Known("Parquet has the codecs snappy, zstd, gzip and none", "parquet/codec lz4_raw > write", "no codec"),
    Known(ENCODINGS, "csv/option utf16 > write", "encoding"),
    Known(ENCODINGS, "json/option utf16 > write", "encoding"),
    Known("Intervals are stored in Parquet and JSON only", "csv/daytime > write", "UNSUPPORTED_DATA_TYPE"),
    Known("A row of one null is an empty line of CSV", "csv/*days > text", "Row(value='')"),
    Known("A row of one null is an empty line of CSV", "csv/option * > text", "Row(value='')"),
    Known("Text is compressed by zstd, too", "codecs/* zstd > write", "CODEC_NOT_AVAILABLE"),
    Known("A table without files has no columns of directories", "directories/two > nothing", '"name": "a"'),
    Known("Dates are read by patterns with names of days", "json/option week > schema", "DATETIME_PATTERN_RECOGNITION"),
)

#: Those that a row has confirmed.
seen: set[Known] = set()


def reason_for(name: str, found: list[str]) -> str:
    """The reason why a row may differ so; nothing if there is none."""
    for known in KNOWN:
        if fnmatchcase(name, known.rows) and any(known.found in each for each in found):
            seen.add(known)
            return known.reason
    return ""


def cases() -> list[Case]:
    """All cases, in their order."""
    return [*parquet(), *texts(), *directories(), *codecs(), *schemas()]


def _writes(table: str, ending: str) -> str:
    schema, rows = TABLES[table]
    return f"frame({schema!r}, {rows}){ending}" if rows else f"frame({schema!r}){ending}"


def parquet() -> Iterator[Case]:
    """Every table in Parquet, and what Spark writes only if it is told to."""
    for table in TABLES:
        yield Case(f"parquet/{table}", _writes(table, ".write.parquet(path)"), (("all", "spark.read.parquet(path)"),))
    for kind in ("TIMESTAMP_MICROS", "TIMESTAMP_MILLIS", "INT96"):
        key = "spark.sql.parquet.outputTimestampType"
        write = f"spark.conf.set({key!r}, {kind!r})\n{_writes('times', '.write.parquet(path)')}\nspark.conf.unset({key!r})"
        yield Case(f"parquet/times as {kind}", write, (("all", "spark.read.parquet(path)"),), by_spark=True)
    key = "spark.sql.parquet.writeLegacyFormat"
    for table in ("decimals", "nested", "maps"):
        write = f"spark.conf.set({key!r}, 'true')\n{_writes(table, '.write.parquet(path)')}\nspark.conf.unset({key!r})"
        yield Case(f"parquet/{table} of old", write, (("all", "spark.read.parquet(path)"),), by_spark=True)
    for codec in ("none", "uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli", "nonsense"):
        write = _writes("texts", f".write.option('compression', {codec!r}).parquet(path)")
        yield Case(f"parquet/codec {codec}", write, (("all", "spark.read.parquet(path)"),))


def texts() -> Iterator[Case]:
    """Every table in CSV and JSON, with the options that people give."""
    for table, (schema, _) in TABLES.items():
        if table not in NOT_CSV:
            reads = (
                ("schema", f"spark.read.schema({schema!r}).csv(path, header=True, multiLine=True)"),
                ("inferred", "spark.read.csv(path, header=True, inferSchema=True, multiLine=True)"),
                ("text", "spark.read.text(path)"),
            )
            yield Case(f"csv/{table}", _writes(table, ".write.csv(path, header=True)"), reads)
        else:
            yield Case(f"csv/{table}", _writes(table, ".write.csv(path, header=True)"), (("text", "spark.read.text(path)"),))
        if table not in NOT_JSON:
            by_schema = (("schema", f"spark.read.schema({schema!r}).json(path)"),) if table != "maps" else ()
            reads = (*by_schema, ("inferred", "spark.read.json(path)"), ("text", "spark.read.text(path)"))
            yield Case(f"json/{table}", _writes(table, ".write.json(path)"), reads)
    options = {
        "sep": "sep='|'",
        "quotes": "quote=\"'\", escape='^'",
        "all quoted": "quoteAll=True, nullValue='-'",
        "empty": "emptyValue='EMPTY', nullValue='NULL'",
        "spaces": "ignoreLeadingWhiteSpace=False, ignoreTrailingWhiteSpace=False",
        "lines": "lineSep='\\r'",
        "latin": "encoding='ISO-8859-1'",
        "utf16": "encoding='UTF-16LE'",
        "quote escapes": "escape='\"', charToEscapeQuoteEscaping='^'",
    }
    for name, option in options.items():
        reads = (("same options", f"spark.read.csv(path, {_reading(option)})"),)
        yield Case(f"csv/option {name}", _writes("texts", f".write.csv(path, {option})"), reads)
    for name, option in {"days": "dateFormat='dd/MM/yyyy'", "short": "dateFormat='d MMM yy'", "week": "dateFormat='E, d. MMMM y'"}.items():
        reads = (("schema", f"spark.read.csv(path, schema='d date', {option})"), ("text", "spark.read.text(path)"))
        yield Case(f"csv/option {name}", _writes("days", f".write.csv(path, {option})"), reads)
        reads = (("schema", f"spark.read.json(path, schema='d date', {option})"), ("text", "spark.read.text(path)"))
        yield Case(f"json/option {name}", _writes("days", f".write.json(path, {option})"), reads)
    for name, option in {
        "times": "timestampFormat='yyyy-MM-dd HH:mm:ss.SSSSSSXXX'",
        "zone names": "timestampFormat='d.M.yyyy h:mm a z'",
        "zone": "timeZone='America/New_York'",
        "odd zone": "timeZone='+05:30'",
    }.items():
        for format in ("csv", "json"):
            split = option.split("=", 1)
            options_ = f".option({split[0]!r}, {split[1]})"
            reads = (
                ("schema", f"spark.read.schema('t timestamp, n timestamp_ntz'){options_}.{format}(path)"),
                ("text", "spark.read.text(path)"),
            )
            table = "recent" if name == "zone names" else "times"
            yield Case(f"{format}/option {name}", _writes(table, f".write{options_}.{format}(path)"), reads)
    for name, option in {"nulls": "ignoreNullFields=False", "utf16": "encoding='UTF-16BE', lineSep='\\n'", "lines": "lineSep='~'"}.items():
        reads = (("same options", f"spark.read.json(path, {_reading(option)})"),) if "Null" not in option else ()
        reads = (*reads, ("text", "spark.read.text(path)")) if "16" not in option else reads
        yield Case(f"json/option {name}", _writes("nested", f".write.json(path, {option})"), reads)


def _reading(option: str) -> str:
    """The options for reading that belong to those for writing."""
    return option.replace("quoteAll=True, ", "")


def directories() -> Iterator[Case]:
    """Directories named after values, read with types inferred, given and as text; and parts of the tree."""
    for name, (schema, values) in KEYS.items():
        rows = f"*[(n, k) for n, k in enumerate([{values}])]"
        kind = schema.removeprefix("k ")
        for format in ("parquet", "json"):
            reads = (
                ("inferred", f"spark.read.schema('n int').{format}(path)" if format == "json" else "spark.read.parquet(path)"),
                ("given", f"spark.read.schema('n int, k {kind}').{format}(path)"),
            )
            if format == "parquet":
                reads += (("chosen", "spark.read.parquet(path).select('k')"),)
            yield Case(
                f"directories/{name} {format}", f"frame('n int, {schema}', {rows}).write.partitionBy('k').{format}(path)", reads
            )
    two = "frame('n int, a int, b string', *[(n, n % 3, 'xyz'[n % 2]) for n in range(12)], parts=2)"
    reads = (
        ("all", "spark.read.csv(path, schema='n int')"),
        ("one", "spark.read.csv(path + '/a=1', schema='n int')"),
        ("one with base", "spark.read.option('basePath', path).csv(path + '/a=1', schema='n int')"),
        ("several", "spark.read.option('basePath', path).csv([path + '/a=1', path + '/a=2/b=x'], schema='n int')"),
        ("pattern", "spark.read.csv(path + '/a=*/b=x', schema='n int')"),
        ("pattern with base", "spark.read.option('basePath', path).csv(path + '/a=*/b=x', schema='n int')"),
        ("recursive", "spark.read.option('recursiveFileLookup', True).csv(path, schema='n int')"),
        ("by name", "spark.read.option('pathGlobFilter', '*00000*').csv(path, schema='n int')"),
        ("nothing", "spark.read.option('pathGlobFilter', 'q*').csv(path, schema='n int')"),
        ("missing", "spark.read.csv(path + '/a=7', schema='n int')"),
    )
    yield Case("directories/two", f"{two}.write.partitionBy('a', 'b').csv(path)", reads)
    yield Case("directories/in another order", f"{two}.write.partitionBy('b', 'a').parquet(path)",
               (("all", "spark.read.parquet(path)"),))  # fmt: skip
    yield Case("directories/all columns", f"{two}.write.partitionBy('a', 'b', 'n').parquet(path)", ())
    yield Case("directories/rows per file", f"{two}.write.option('maxRecordsPerFile', 4).json(path)",
               (("all", "spark.read.json(path)"),))  # fmt: skip


def codecs() -> Iterator[Case]:
    """Compressed text."""
    rows = "*[(n, 'line %d' % n) for n in range(200)], parts=2"
    for codec in ("none", "gzip", "bzip2", "deflate", "zstd", "lz4", "snappy", "xz"):
        table = f"frame('n int, t string', {rows})"
        yield Case(f"codecs/csv {codec}", f"{table}.write.csv(path, compression={codec!r})",
                   (("schema", "spark.read.schema('n int, t string').csv(path)"),))  # fmt: skip
        yield Case(f"codecs/json {codec}", f"{table}.write.json(path, compression={codec!r})",
                   (("inferred", "spark.read.json(path)"),))  # fmt: skip
        yield Case(f"codecs/text {codec}", f"{table}.select('t').write.text(path, compression={codec!r})",
                   (("lines", "spark.read.text(path)"),))  # fmt: skip


def schemas() -> Iterator[Case]:
    """Schemas that are not the files' own; settings of the session."""
    numbers = "frame('a int, b float, c string, d decimal(9,2)', (1, 0.5, 'x', D('1.25')), (None,)*4)"
    wanted = {
        "fewer": "c string",
        "reordered": "c string, a int",
        "more": "a int, z date, c string",
        "other case": "A int, C string",
        "wider": "a bigint, b double, d decimal(20,4)",
        "int as double": "a double",
        "text as int": "c int",
        "int as text": "a string",
        "not null": "a int not null",
    }
    reads = tuple((name, f"spark.read.schema({schema!r}).parquet(path)") for name, schema in wanted.items())
    yield Case("schemas/parquet", f"{numbers}.write.parquet(path)", reads)
    reads = tuple((name, f"spark.read.schema({schema!r}).json(path)") for name, schema in wanted.items())
    yield Case("schemas/json", f"{numbers}.write.json(path)", reads)
    reads = tuple((name, f"spark.read.schema({schema!r}).csv(path, header=True)") for name, schema in wanted.items())
    yield Case("schemas/csv", f"{numbers}.write.csv(path, header=True)", reads)
    inside = "frame('s struct<a:int,b:string>, l array<struct<x:int,y:int>>', ((1, 'x'), [(1, 2)]), (None, None))"
    reads = (
        ("fewer", "spark.read.schema('s struct<b:string>').parquet(path)"),
        ("more", "spark.read.schema('s struct<b:string,c:int>, l array<struct<y:int>>').parquet(path)"),
    )
    yield Case("schemas/parquet within", f"{inside}.write.parquet(path)", reads)
    two = (
        "frame('a int, b int', (1, 2)).write.parquet(path + '/one')\n"
        "frame('a int, c string', (3, 'x')).write.parquet(path + '/two')"
    )
    reads = (
        ("merged", "spark.read.option('mergeSchema', True).parquet(path + '/one', path + '/two')"),
        ("recursive", "spark.read.option('recursiveFileLookup', True).option('mergeSchema', 'true').parquet(path)"),
    )
    yield Case("schemas/merged", two, reads)
    other = (
        "frame('a int', (1,)).write.parquet(path)\n"
        "frame('a string', ('x',)).write.mode('append').parquet(path)"
    )
    yield Case("schemas/that do not merge", other, (("merged", "spark.read.option('mergeSchema', True).parquet(path)"),))
    for key, value, write in (
        ("spark.sql.parquet.compression.codec", "zstd", ".write.parquet(path)"),
        ("spark.sql.sources.default", "json", ".write.save(path)"),
        ("spark.sql.files.maxRecordsPerFile", "1", ".write.json(path)"),
        ("spark.sql.jsonGenerator.ignoreNullFields", "false", ".write.json(path)"),
        ("spark.sql.session.timeZone", "Asia/Kolkata", ".write.json(path)"),
    ):
        code = f"spark.conf.set({key!r}, {value!r})\n{_writes('times', write)}\nspark.conf.unset({key!r})"
        yield Case(f"settings/{key}", code, (("text", "spark.read.text(path)"),) if "json" in write + value else ())


def rows(cases: list[Case], both: Callable[[object, object], Outcomes], root: Path) -> Iterator[tuple[str, list[str]]]:
    """The name of each row, and where the two sides differ."""
    for number, case in enumerate(cases):
        paths = [str(root / package / str(number) / "out") for package in ("spark", "firesteel")]
        for path in paths:
            Path(path).parent.mkdir(parents=True)
        wrote = both(*({"code": HEAD + case.write, "names": {"path": path}} for path in paths))
        good = [outcome[0] for outcome in wrote]
        if case.by_spark:
            paths = paths[:1]
        elif good[0] != good[1]:
            yield f"{case.name} > write", [f"Spark: {_shown(wrote[0])}", f"Firesteel: {_shown(wrote[1])}"]
            continue
        elif (theirs := names(Path(paths[0]))) != (ours := names(Path(paths[1]))):
            yield f"{case.name} > names", [f"Spark: {theirs}", f"Firesteel: {ours}"]
        if not good[0]:
            yield f"{case.name} > write", [] if case.by_spark is False else [f"Spark: {wrote[0][1]}"]
            continue
        request = {"code": HEAD + _READ, "names": {"paths": paths, "reads": case.reads, "ordered": case.ordered}}
        of_spark, of_firesteel = both(request, request)
        if not of_spark[0] or not of_firesteel[0]:
            yield f"{case.name} > read", [of_spark[1], of_firesteel[1]]
            continue
        answers = zip(json.loads(of_spark[1]), json.loads(of_firesteel[1]), strict=True)
        for (name, _), (theirs, ours) in zip(case.reads, answers, strict=True):
            yield f"{case.name} > {name}", _different(theirs, ours)


_READ = """
import json
def read(path, text):
    try:
        return [True, told(eval(text), ordered)]
    except Exception as error:
        return [False, said(error)]
answer = json.dumps([[read(path, text) for path in paths] for _, text in reads])
"""


def _different(theirs: Outcomes, ours: Outcomes) -> list[str]:
    """What differs in what Spark and Firesteel read, each of what Spark and what Firesteel wrote."""
    found = []
    for whose, their, our in zip(("Spark's", "Firesteel's"), theirs, ours):
        if their[0] != our[0] or (their[0] and their[1] != our[1]):
            found.append(f"of {whose}: {_lines(their, our)}")
    if len(theirs) > 1 and theirs[0][0] and theirs[0][1] != theirs[1][1]:
        found.append(f"Spark reads Firesteel's files otherwise than its own: {_lines(theirs[0], theirs[1])}")
    return found


def _lines(one: tuple[bool, str], other: tuple[bool, str]) -> str:
    """The lines that only one of two has."""
    if not one[0] or not other[0]:
        return f"\n        {_shown(one)}\n        {_shown(other)}"
    first, second = one[1].splitlines(), other[1].splitlines()
    only = [line for line in first if line not in second], [line for line in second if line not in first]
    return "".join(f"\n      {sign} {line}" for sign, lines in zip("-+", only) for line in lines[:6])


def _shown(outcome: tuple[bool, str]) -> str:
    return outcome[1].replace("\n", " ")[:240] if outcome[0] else f"fails: {outcome[1][:240]}"
