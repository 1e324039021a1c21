"""JSON with objects in objects, taken apart, to JSON."""

import sys

from pyspark.sql import Row, SparkSession


def items(event):
    for item in event["items"] or []:
        tags = sorted(event.tags or [])
        yield Row(name=event.user.name, mail=event.user.mail, sku=item.sku, total=item.n * item.price, tags=tags,
                  at=event.at)  # fmt: skip


source, target = sys.argv[1:]
spark = SparkSession.builder.appName("items").getOrCreate()
events = spark.read.json(f"{source}/events")
events.printSchema()
schema = "name string, mail string, sku string, total double, tags array<string>, at string"
events.rdd.flatMap(items).toDF(schema).write.json(f"{target}/items")
spark.stop()
