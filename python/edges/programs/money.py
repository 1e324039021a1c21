"""Decimals and large numbers, to CSV, JSON and Parquet, and from there again."""

import sys
from decimal import Decimal

from pyspark.sql import SparkSession
from pyspark.sql.types import DecimalType, DoubleType, FloatType, LongType, StructField, StructType

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("money").getOrCreate()
schema = StructType([
    StructField("id", LongType(), False),
    StructField("small", DecimalType(9, 2)),
    StructField("middle", DecimalType(18, 4)),
    StructField("large", DecimalType(38, 10)),
    StructField("whole", DecimalType(38, 0)),
    StructField("f", FloatType()),
    StructField("d", DoubleType()),
])  # fmt: skip
texts = ["0", "1", "-1", "0.01", "-0.005", "123456.78", "9999999.99", "-9999999.99", "1E+3", "1E-7"]
doubles = [0.0, -0.0, 1.0, 0.1, 1e-3, 9.999e-4, 1e7, 12345678.9, 1e21, 1.5e300, 5e-324, float("inf"), float("nan")]


def row(number):
    value = Decimal(texts[number % len(texts)])
    double = doubles[number % len(doubles)]
    single = double if double in (0.0, 1.0, 1e7) else 0.1 * number
    return number * (10**16), value, value / 3, value * 10**15, value.to_integral_value() * 10**20, single, double


rows = spark.sparkContext.parallelize(range(40), 2).map(row)
table = spark.createDataFrame(rows, schema)
table.show(12)
for name in ("csv", "json", "parquet"):
    table.write.format(name).save(f"{target}/{name}")
back = spark.read.schema(schema).json(f"{target}/json").rdd.map(lambda row: (str(row.large), str(row.d)))
back.toDF("large string, d string").write.csv(f"{target}/back")
inferred = spark.read.csv(f"{target}/csv", inferSchema=True)
inferred.printSchema()
table.select("small", "middle", "large").write.json(f"{target}/exact")
spark.read.option("prefersDecimal", True).json(f"{target}/exact").printSchema()
sums = table.rdd.map(lambda row: (row.id % 3, row.small)).reduceByKey(lambda a, b: a + b)
sums.sortByKey(numPartitions=1).toDF("key long, total decimal(20,2)").write.json(f"{target}/sums")
spark.stop()
