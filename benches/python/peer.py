"""What the Python workloads share: the context of the peer that is measured, parameters, the clock, and what is
printed.

A workload is a program that knows neither PySpark nor Firesteel: it asks here for a context, and `BENCH_PEER` says of
which. All print the same answer. The first run in a process warms up; `seconds` is the median of the others, or the
only one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", "8"))


def number(name: str, default: int) -> int:
    """A parameter of the workload."""
    return int(os.environ.get(name, default))


def context(native: str | None = None) -> Any:
    """A context of the peer, on so many threads, or on the cluster that the harness has started. ``native`` says how
    functions run, else ``BENCH_NATIVE``."""
    if os.environ.get("BENCH_PEER", "firesteel") == "pyspark":
        from pyspark import SparkConf, SparkContext
    else:
        from firesteel import SparkConf, SparkContext
    conf = SparkConf().setMaster(os.environ.get("BENCH_MASTER", f"local[{THREADS}]")).setAppName("benchmark")
    conf.set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false")
    if native := native or os.environ.get("BENCH_NATIVE"):
        conf.set("firesteel.python.native", native)
    if memory := os.environ.get("BENCH_MEMORY"):
        conf.set("firesteel.memory", memory)  # so little that tables spill
    context = SparkContext(conf=conf)
    context.setLogLevel("ERROR")
    return context


def session() -> Any:
    """A session of such a context, which reads tables."""
    made = context()
    if os.environ.get("BENCH_PEER", "firesteel") == "pyspark":
        from pyspark.sql import SparkSession
    else:
        from firesteel.sql import SparkSession
    return SparkSession(made)


def measure(job: Callable[[], str], runs: int | None = None) -> None:
    """Runs the job several times and prints what the harness reads."""
    count = runs or max(1, number("BENCH_RUNS", 4))
    times, answers = [], set()
    for run in range(1, count + 1):
        start = time.perf_counter()
        answers.add(job())
        times.append(time.perf_counter() - start)
        print(f"run {run}: {times[-1]:.4f}", flush=True)
    if len(answers) != 1:
        raise SystemExit(f"runs answer differently: {answers}")
    later = sorted(times[1:] or times)
    print(f"answer: {answers.pop()}")
    print(f"seconds: {later[len(later) // 2]:.4f}", flush=True)
