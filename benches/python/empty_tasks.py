"""Tasks of one record each: what a task costs."""

from peer import context, measure, number

sc = context()
count = number("BENCH_N", 200)
measure(lambda: f"count={sc.parallelize(range(count), count).map(lambda x: x + 1).count()}")
sc.stop()
