"""Cases of formats: every table in Parquet, CSV and JSON, and the options that people give."""

from __future__ import annotations

from collections.abc import Iterator

from cases import Case, with_setting, writes
from tables import NOT_CSV, NOT_JSON, TABLES


def parquet() -> Iterator[Case]:
    """Every table in Parquet, and what Spark writes only if it is told to."""
    for table in TABLES:
        yield Case(f"parquet/{table}", writes(table, ".write.parquet(path)"), (("all", "spark.read.parquet(path)"),))
    for kind in ("TIMESTAMP_MICROS", "TIMESTAMP_MILLIS", "INT96"):
        key = "spark.sql.parquet.outputTimestampType"
        write = with_setting(key, kind, writes("times", ".write.parquet(path)"))
        yield Case(f"parquet/times as {kind}", write, (("all", "spark.read.parquet(path)"),), by_spark=True)
    key = "spark.sql.parquet.writeLegacyFormat"
    for table in ("decimals", "nested", "maps"):
        write = with_setting(key, "true", writes(table, ".write.parquet(path)"))
        yield Case(f"parquet/{table} of old", write, (("all", "spark.read.parquet(path)"),), by_spark=True)
    for codec in ("none", "uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli", "nonsense"):
        write = writes("texts", f".write.option('compression', {codec!r}).parquet(path)")
        yield Case(f"parquet/codec {codec}", write, (("all", "spark.read.parquet(path)"),))


def texts() -> Iterator[Case]:
    """Every table in CSV and JSON, with the options that people give."""
    for table, (schema, _) in TABLES.items():
        reads: tuple[tuple[str, str], ...] = (("text", "spark.read.text(path)"),)
        if table not in NOT_CSV:
            reads = (
                ("schema", f"spark.read.schema({schema!r}).csv(path, header=True, multiLine=True)"),
                ("inferred", "spark.read.csv(path, header=True, inferSchema=True, multiLine=True)"),
                ("text", "spark.read.text(path)"),
            )
        yield Case(f"csv/{table}", writes(table, ".write.csv(path, header=True)"), reads)
        if table not in NOT_JSON:
            by_schema = (("schema", f"spark.read.schema({schema!r}).json(path)"),) if table != "maps" else ()
            reads = (*by_schema, ("inferred", "spark.read.json(path)"), ("text", "spark.read.text(path)"))
            yield Case(f"json/{table}", writes(table, ".write.json(path)"), reads)
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
        yield Case(f"csv/option {name}", writes("texts", f".write.csv(path, {option})"), reads)
    for name, option in {
        "days": "dateFormat='dd/MM/yyyy'",
        "short": "dateFormat='d MMM yy'",
        "week": "dateFormat='E, d. MMMM y'",
    }.items():
        reads = (("schema", f"spark.read.csv(path, schema='d date', {option})"), ("text", "spark.read.text(path)"))
        yield Case(f"csv/option {name}", writes("days", f".write.csv(path, {option})"), reads)
        reads = (("schema", f"spark.read.json(path, schema='d date', {option})"), ("text", "spark.read.text(path)"))
        yield Case(f"json/option {name}", writes("days", f".write.json(path, {option})"), reads)
    for name, option in {
        "times": "timestampFormat='yyyy-MM-dd HH:mm:ss.SSSSSSxxx'",
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
            yield Case(f"{format}/option {name}", writes(table, f".write{options_}.{format}(path)"), reads)
    for name, option in {
        "nulls": "ignoreNullFields=False",
        "utf16": "encoding='UTF-16BE', lineSep='\\n'",
        "lines": "lineSep='~'",
    }.items():
        reads = (("same options", f"spark.read.json(path, {_reading(option)})"),) if "Null" not in option else ()
        reads = (*reads, ("text", "spark.read.text(path)")) if "16" not in option else reads
        yield Case(f"json/option {name}", writes("nested", f".write.json(path, {option})"), reads)


def _reading(option: str) -> str:
    """The options for reading that belong to those for writing."""
    return option.replace("quoteAll=True, ", "")
