"""Parquet into rows: the sum of one column, by a function of rows."""

from peer import measure, session
from table import SCHEMA, paths

spark = session()
files = paths("parquet")


def job() -> str:
    return f"sum={spark.read.schema(SCHEMA).parquet(*files).rdd.map(lambda row: row.amount).sum():.2f}"


measure(job)
spark.stop()
