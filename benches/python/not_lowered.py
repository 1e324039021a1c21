"""Lines of JSON, read by functions that have no native form: what looking at them costs."""

import json

from peer import PARTITIONS, context, measure, number

sc = context()


def job() -> str:
    numbers = sc.range(0, number("BENCH_N", 1_000_000), numSlices=PARTITIONS)
    lines = numbers.map(lambda x: json.dumps({"user": x * 2654435761 % 5000, "bytes": x % 1000}))
    sizes = lines.map(json.loads).map(lambda record: (record["user"], record["bytes"]))
    most = sizes.reduceByKey(lambda a, b: a + b).takeOrdered(3, key=lambda pair: (-pair[1], pair[0]))
    return " ".join(f"{user}={size}" for user, size in most)


measure(job)
sc.stop()
