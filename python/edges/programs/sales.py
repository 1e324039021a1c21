"""CSV whose types are inferred, added up by keys, to Parquet in directories."""

import sys

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("sales").getOrCreate()
orders = spark.read.csv(f"{source}/orders.csv", header=True, inferSchema=True)
orders.printSchema()
known = orders.rdd.filter(lambda order: order.amount is not None)
sums = known.map(lambda order: ((order.city, order.day), (order.amount, 1))).reduceByKey(
    lambda a, b: (a[0] + b[0], a[1] + b[1])
)
rows = sums.map(lambda pair: (*pair[0], *pair[1])).sortBy(lambda row: row[:2])
spark.createDataFrame(rows, ["city", "day", "amount", "orders"]).write.partitionBy("city").parquet(f"{target}/sales")
spark.stop()
