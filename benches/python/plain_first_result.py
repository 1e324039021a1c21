"""The same without any engine: what a Python costs that starts and ends."""

from peer import measure, number

measure(lambda: f"sum={sum(map(lambda x: x * x, range(1, number('BENCH_N', 10) + 1)))}", runs=1)
