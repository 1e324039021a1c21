"""Cases of what is around a format: directories, codecs, schemas that are not the files' own, settings."""

from __future__ import annotations

from collections.abc import Iterator

from cases import Case, with_setting, writes
from tables import KEYS


def directories() -> Iterator[Case]:
    """Directories named after values, read with types inferred, given and as text; and parts of the tree."""
    for name, (schema, values) in KEYS.items():
        rows = f"*[(n, k) for n, k in enumerate([{values}])]"
        kind = schema.removeprefix("k ")
        for format in ("parquet", "json"):
            inferred = "schema('n int').json" if format == "json" else "parquet"
            reads = (
                ("inferred", f"spark.read.{inferred}(path)"),
                ("given", f"spark.read.schema('n int, k {kind}').{format}(path)"),
            )
            if format == "parquet":
                reads += (("chosen", "spark.read.parquet(path).select('k')"),)
            write = f"frame('n int, {schema}', {rows}).write.partitionBy('k').{format}(path)"
            yield Case(f"directories/{name} {format}", write, reads)
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
    reads = (("merged", "spark.read.option('mergeSchema', True).parquet(path)"),)
    yield Case("schemas/that do not merge", other, reads)
    for key, value, write in (
        ("spark.sql.parquet.compression.codec", "zstd", ".write.parquet(path)"),
        ("spark.sql.sources.default", "json", ".write.save(path)"),
        ("spark.sql.files.maxRecordsPerFile", "1", ".write.json(path)"),
        ("spark.sql.jsonGenerator.ignoreNullFields", "false", ".write.json(path)"),
        ("spark.sql.session.timeZone", "Asia/Kolkata", ".write.json(path)"),
    ):
        code = with_setting(key, value, writes("times", write))
        yield Case(f"settings/{key}", code, (("text", "spark.read.text(path)"),) if "json" in write + value else ())
