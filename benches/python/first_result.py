"""From nothing to the first result; the harness times the whole process."""

from peer import context, measure, number

sc = context()
measure(lambda: f"sum={sc.parallelize(range(1, number('BENCH_N', 10) + 1)).map(lambda x: x * x).sum()}", runs=1)
sc.stop()
