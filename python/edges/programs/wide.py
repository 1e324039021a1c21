"""All types that there are, with what is null in each, to Parquet and JSON."""

import datetime
import sys
from decimal import Decimal

from pyspark.sql import Row, SparkSession
from pyspark.sql.types import (
    ArrayType, BinaryType, BooleanType, ByteType, DateType, DecimalType, DoubleType, FloatType, IntegerType, LongType,
    MapType, ShortType, StringType, StructField, StructType, TimestampNTZType, TimestampType,
)  # fmt: skip

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("wide").getOrCreate()
point = StructType([StructField("x", DoubleType()), StructField("y", DoubleType(), False)])
schema = StructType([
    StructField("id", IntegerType(), False),
    StructField("b", ByteType()), StructField("s", ShortType()), StructField("l", LongType()),
    StructField("f", FloatType()), StructField("d", DoubleType()), StructField("t", StringType()),
    StructField("bin", BinaryType()), StructField("ok", BooleanType()), StructField("day", DateType()),
    StructField("at", TimestampType()), StructField("clock", TimestampNTZType()), StructField("m", DecimalType(20, 5)),
    StructField("numbers", ArrayType(IntegerType())), StructField("words", ArrayType(StringType(), False)),
    StructField("deep", ArrayType(ArrayType(point))), StructField("point", point),
    StructField("counts", MapType(StringType(), LongType())), StructField("by", MapType(IntegerType(), point)),
])  # fmt: skip


def row(n):
    if n % 5 == 4:
        return Row(n, *[None] * (len(schema) - 1))
    at = datetime.datetime(2024, 1, 1) + datetime.timedelta(days=n * 31, microseconds=n)
    where = Row(x=None if n % 2 else n / 8, y=float(n))
    return Row(
        n, n - 128, n * 100, n * 10**15, n / 4, n / 3, "a\t\"'\\/ü\u2028😀"[n % 9 :], bytes(range(n)), n % 2 == 0,
        at.date(), at, at, Decimal(n) / 8, [n, None, -n], [] if n % 3 else ["", "x"], [[where], None, []], where,
        {"a": n, "b": None} if n % 4 else {}, {n: where if n % 4 else None},
    )  # fmt: skip


table = spark.createDataFrame(spark.sparkContext.parallelize(range(20), 3).map(row), schema)
table.printSchema()
table.write.parquet(f"{target}/parquet")
table.write.json(f"{target}/json")
table.write.json(f"{target}/nulls", ignoreNullFields=False, compression="bzip2")
some = StructType([field for field in schema if field.name != "by"])
read = spark.read.schema(some).json(f"{target}/json").rdd.map(tuple).collect()
print(read == table.drop("by").rdd.map(tuple).collect())
for mine, theirs in zip(read, table.drop("by").rdd.map(tuple).collect()):
    if mine != theirs:
        print(mine, theirs)
few = spark.read.parquet(f"{target}/parquet").select("by", "id", "deep")
few.rdd.filter(lambda r: r.by is not None).map(lambda r: (r.id, sorted(map(str, r.by)), len(r.deep))).toDF(
    ["id", "keys", "deep"]
).write.json(f"{target}/some")
spark.stop()
