"""Writing to what is there: overwritten, added to twice, left alone, refused; and read back."""

import sys

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("modes").getOrCreate()


def numbers(start):
    return spark.createDataFrame([(n, n % 3, f"n{n}") for n in range(start, start + 6)], "n int, k int, s string")


for name in ("parquet", "csv", "json"):
    path = f"{target}/{name}"
    numbers(0).write.format(name).mode("overwrite").save(path)
    numbers(100).write.format(name).mode("overwrite").save(path)
    numbers(200).write.format(name).mode("append").save(path)
    numbers(300).write.format(name).mode("append").partitionBy().save(path)
    numbers(400).write.format(name).mode("ignore").save(path)
    try:
        numbers(500).write.format(name).save(path)
    except AnalysisException as error:
        print("refused:", str(error).partition("]")[0])
    read = spark.read.schema("n int, k int, s string").format(name).load(path)
    print(sorted(read.rdd.map(lambda row: row.n).collect()))
path = f"{target}/by"
numbers(0).write.partitionBy("k").mode("overwrite").csv(path)
numbers(100).write.partitionBy("k").mode("append").csv(path)
one = numbers(200).select("n", "s").rdd.filter(lambda row: row.n % 3 == 1).toDF("n int, s string")
one.write.mode("overwrite").csv(f"{path}/k=1")
spark.read.csv(path, schema="n int, s string, k int").rdd.map(tuple).sortBy(lambda row: row[0]).map(
    lambda row: (str(row),)
).toDF(["value"]).coalesce(1).write.text(f"{target}/all")
spark.stop()
