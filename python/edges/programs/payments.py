"""Two tables in Parquet, joined, to CSV with what is null and what has quotes."""

import sys

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("payments").getOrCreate()
people = spark.read.parquet(f"{source}/people").rdd.map(lambda row: (row.id, row))
paid = spark.read.parquet(f"{source}/paid").rdd.map(lambda row: (row.person, row.amount))
joined = paid.leftOuterJoin(people).map(
    lambda pair: (pair[0], pair[1][0], pair[1][1] and pair[1][1].name, pair[1][1] and pair[1][1].born)
)
ordered = joined.sortBy(lambda row: (row[0], row[1] is not None, row[1] or 0), numPartitions=1)
table = spark.createDataFrame(ordered, "id long, amount decimal(12,2), name string, born date")
table.write.csv(f"{target}/plain")
table.write.option("nullValue", "NULL").option("quoteAll", True).csv(f"{target}/quoted", header=True, sep=";")
table.write.option("emptyValue", "-").option("escape", '"').option("compression", "gzip").csv(f"{target}/other")
spark.stop()
