"""A frame of pandas, through an RDD, to Parquet, and back to pandas."""

import datetime
import sys

import pandas
from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.appName("frames").getOrCreate()
people = pandas.DataFrame(
    {
        "name": ["Ada", "Bob", None, "Dora"],
        "age": [36, 41, 7, 80],
        "height": [1.7, None, 1.1, 1.65],
        "member": [True, False, True, False],
        "born": [datetime.date(1988, 2, 29), datetime.date(1983, 1, 1), None, datetime.date(1944, 6, 6)],
        "seen": pandas.to_datetime(["2024-01-01 12:00", None, "2024-07-01 00:00", "1970-01-01 01:00"]),
    }
)
frame = spark.createDataFrame(people)
frame.printSchema()
older = frame.rdd.filter(lambda row: row.age > 30).map(lambda row: (row.name, row.age + 1, row.born, row.seen))
made = older.toDF("name string, age long, born date, seen timestamp")
made.write.parquet(f"{target}/older")
back = spark.read.parquet(f"{target}/older").toPandas().sort_values("age").reset_index(drop=True)
print(back.to_string())
print(back.dtypes.to_string())
spark.createDataFrame(back[["name", "age"]]).coalesce(1).write.csv(f"{target}/again", header=True)
spark.stop()
