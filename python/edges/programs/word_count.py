"""Text, counted by words, to CSV."""

import sys
from operator import add

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("word count").getOrCreate()
lines = spark.read.text(f"{source}/text").rdd.map(lambda row: row.value)
counts = lines.flatMap(lambda line: line.lower().split()).map(lambda word: (word, 1)).reduceByKey(add)
table = counts.sortBy(lambda pair: (-pair[1], pair[0])).toDF(["word", "count"])
table.show(5)
table.write.csv(f"{target}/counts", header=True)
spark.stop()
