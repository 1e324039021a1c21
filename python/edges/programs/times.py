"""Points in time of a zone, in directories by day."""

import sys

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("times").config("spark.sql.session.timeZone", "Europe/Berlin").getOrCreate()
table = spark.read.csv(f"{source}/times.csv", header=True, inferSchema=True)
table.printSchema()
table.show(truncate=False)
days = table.rdd.map(lambda row: (row.when and row.when.date(), row.when, row.what))
frame = spark.createDataFrame(days, "day date, at timestamp, what string")
frame.write.partitionBy("day").parquet(f"{target}/days")
frame.write.json(f"{target}/json")
frame.write.option("timestampFormat", "dd.MM.yyyy HH:mm:ss.SSS XX").csv(f"{target}/csv", dateFormat="d.M.yy")
again = spark.read.parquet(f"{target}/days")
again.printSchema()
again.select("what", "day").rdd.map(lambda row: f"{row.day}: {row.what}").sortBy(str).saveAsTextFile(f"{target}/again")
spark.stop()
