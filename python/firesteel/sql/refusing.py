"""Refusing what belongs to data frames and queries, by name and with what there is instead."""

from __future__ import annotations

from typing import Any, NoReturn

from firesteel.errors import FiresteelError

__all__ = ["Refusing", "refuse"]

_ROWS = "df.rdd has the rows, and map, filter, reduceByKey and join work on them"
_ARROW = "df.toArrow() gives a table that DuckDB and Polars query; df.rdd has map, filter, reduceByKey and join"

_INSTEAD = {
    "sql": _ARROW,
    "table": "spark.read.parquet(path) reads files",
    "saveAsTable": "df.write.parquet(path) writes files",
    "insertInto": 'df.write.mode("append").parquet(path) adds files',
    "bucketBy": "df.write.partitionBy(...) makes a directory for each value",
    "sortBy": "df.rdd.sortBy(...).toDF(df.schema) sorts rows",
    "jdbc": "sc.parallelize(keys).mapPartitions(f) reads a database with any driver for Python",
    "orc": "Parquet, CSV, JSON and text are read and written",
    "xml": "Parquet, CSV, JSON and text are read and written",
    "readStream": "files are read once",
    "writeStream": "files are written once",
    "streams": "files are read once",
    "catalog": "there are no tables",
    "udf": "RDDs take functions as they are",
    "udtf": "RDDs take functions as they are",
    "agg": _ARROW,
    "groupBy": "df.rdd.keyBy(...).aggregateByKey(...) groups rows",
    "groupby": "df.rdd.keyBy(...).aggregateByKey(...) groups rows",
    "filter": "df.rdd.filter(lambda row: ...).toDF(df.schema) filters rows",
    "where": "df.rdd.filter(lambda row: ...).toDF(df.schema) filters rows",
    "join": "df.rdd.keyBy(...).join(...) joins rows",
    "orderBy": "df.rdd.sortBy(...).toDF(df.schema) sorts rows",
    "sort": "df.rdd.sortBy(...).toDF(df.schema) sorts rows",
    "distinct": "df.rdd.distinct().toDF(df.schema) has each row once",
    "withColumn": "df.rdd.map(lambda row: (*row, ...)).toDF(schema) adds columns",
    "selectExpr": 'df.select("a", "b") takes columns; df.rdd.map(...) computes others',
    "createOrReplaceTempView": _ARROW,
    "createTempView": _ARROW,
    "registerTempTable": _ARROW,
    "explain": "df.rdd.toDebugString() shows the lineage",
}


def refuse(name: str, kind: str = "") -> NoReturn:
    """Raises the error for something that there is not."""
    instead = _INSTEAD.get(name, _ROWS if kind == "DataFrame" else _ARROW)
    raise FiresteelError(
        f"Firesteel runs PySpark's RDD programs: it reads tables and writes them, and has no queries, so there is no"
        f" {name!r}: {instead}."
    )


class Refusing:
    """Refuses other attributes with a hint; it is an AttributeError, so that ``hasattr`` works."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            refuse(name, type(self).__name__)
        except FiresteelError as error:
            raise AttributeError(str(error)) from None
