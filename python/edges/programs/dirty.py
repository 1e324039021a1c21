"""CSV of which lines are broken: kept with what was there, a report as text."""

import sys

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("dirty").getOrCreate()
schema = "id int, name string, score double, day date, _corrupt_record string"
reader = spark.read.schema(schema).option("header", True)
rows = reader.option("mode", "PERMISSIVE").csv(f"{source}/dirty.csv")
rows.show(truncate=False)
report = rows.rdd.map(lambda row: (row._corrupt_record or f"fine: {row.id} {row.name} {row.score} {row.day}",))
report.toDF(["value"]).write.text(f"{target}/report")
good = spark.read.csv(f"{source}/dirty.csv", schema="id int, name string, score double, day date", header=True,
                      mode="DROPMALFORMED", ignoreLeadingWhiteSpace=True, ignoreTrailingWhiteSpace=True)  # fmt: skip
good.rdd.filter(lambda row: row.score is not None).toDF(good.schema).write.csv(f"{target}/good")
texts = spark.read.csv(f"{source}/dirty.csv", header=True)
texts.write.json(f"{target}/texts")
spark.stop()
