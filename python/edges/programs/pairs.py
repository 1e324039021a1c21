"""Text as pairs of a word and where it stands, to compressed JSON."""

import sys

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("pairs").getOrCreate()
lines = spark.read.text(f"{source}/text").rdd.map(lambda row: row.value).zipWithIndex()
words = lines.flatMap(lambda pair: [(word, pair[1]) for word in pair[0].split()])
index = words.groupByKey().mapValues(lambda places: sorted(set(places))[:5]).sortByKey(numPartitions=2)
index.toDF(["word", "lines"]).write.json(f"{target}/index", compression="gzip")
index.map(lambda pair: (f"{pair[0]}\t{len(pair[1])}",)).toDF("value string").write.text(f"{target}/text")
spark.stop()
