"""A program with something for every endpoint: shuffles, caches, pools, failures, a kill, accumulators, a barrier.

Spark runs it, and Firesteel in Spark's place.

``program.py DIRECTORY MASTER [KEY=VALUE ...]`` writes its event log to ``DIRECTORY/logs``. With ``hold`` as the last
word it does not end, says ``ready`` and waits to be killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from pyspark import BarrierTaskContext, SparkConf, SparkContext, StorageLevel

BASE = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
    "spark.eventLog.logBlockUpdates.enabled": "true",
    "spark.eventLog.logStageExecutorMetrics": "true",
    "spark.executor.heartbeatInterval": "1s",
    "spark.scheduler.mode": "FAIR",
    "spark.task.maxFailures": "3",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # It is hidden in the answers of both.
    "spark.my.secret.thing": "hush",
}


def caches(sc: SparkContext, directory: Path) -> object:
    """Persist RDDs in several ways, and give one up."""
    text = directory / "in.txt"
    text.write_text("a b\nb c\n" * 5000)
    words = sc.textFile(str(text), 4).flatMap(str.split).map(lambda word: (word, 1))
    words.setName("words").persist(StorageLevel.MEMORY_AND_DISK).count()
    sc.parallelize(range(1000), 4).map(lambda x: (x % 7, x)).persist(StorageLevel.DISK_ONLY).count()
    gone = sc.parallelize(range(1000), 3).persist(StorageLevel.MEMORY_ONLY)
    gone.count()
    gone.unpersist(True)
    total = sc.accumulator(0)
    words.foreach(lambda _: total.add(1))
    return words


def shuffles(words: object, directory: Path) -> None:
    """Shuffle, skip stages, share a stage between two jobs, write files."""
    counts = words.reduceByKey(lambda a, b: a + b, 3)
    counts.collect()
    counts.count()
    counts.sortByKey().collect()
    slow = counts.map(lambda pair: (pair[0], time.sleep(0.2)))
    together = [threading.Thread(target=slow.collect) for _ in range(2)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    counts.saveAsTextFile(str(directory / f"out-{os.getpid()}"))


def attempt(job: object) -> None:
    """Have a job run that may fail."""
    try:
        job()
    except Exception as error:  # noqa: BLE001
        print("failed, as it may:", type(error).__name__)


def several(sc: SparkContext) -> None:
    """Have a barrier stage, several parents of a stage, a broadcast value, partitions that nothing is in."""
    # As many tasks as there are slots: all of them run at a time.
    together = sc.parallelize(range(100), 2).barrier()
    together.mapPartitions(lambda records: [BarrierTaskContext.get().allGather(str(len([*records])))]).collect()
    numbers = sc.parallelize(range(100), 4)
    names = sc.broadcast({number: f"name {number}" for number in range(100)})
    named = numbers.map(lambda number: (number % 10, names.value[number]))
    named.join(numbers.map(lambda number: (number % 20, number)), 3).coalesce(2).count()
    named.union(named.mapValues(str.upper)).groupByKey(5).filter(lambda pair: pair[0] > 8).zipWithIndex().collect()
    numbers.take(3)
    sc.emptyRDD().union(sc.parallelize([], 2)).count()


def dies(sc: SparkContext, directory: Path) -> None:
    """Have a worker killed in the midst of a task."""
    flag = directory / f"died-{os.getpid()}"

    def die(record: int) -> int:
        if record == 1 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return record

    # On one machine a task has one attempt, if the master names no more.
    attempt(sc.parallelize(range(4), 4).map(die).collect)


def failures(sc: SparkContext, directory: Path) -> None:
    """Fail once, fail for good, be cancelled."""
    flag = directory / f"flag-{os.getpid()}"

    def once(record: int) -> int:
        if record == 2 and not flag.exists():
            flag.touch()
            raise ValueError("once")
        return record

    attempt(sc.parallelize(range(4), 4).map(once).collect)
    attempt(sc.parallelize(range(4), 2).map(lambda x: 1 / (x - 3)).collect)

    def cancelled() -> None:
        sc.setJobGroup("k", "kill", True)
        attempt(sc.parallelize(range(2), 2).map(lambda _: time.sleep(5)).collect)

    thread = threading.Thread(target=cancelled)
    thread.start()
    time.sleep(1.5)
    sc.cancelAllJobs()
    thread.join()
    time.sleep(1)


def main() -> None:
    directory, master, *words = sys.argv[1:]
    hold = words[-1:] == ["hold"]
    settings = BASE | dict(word.split("=", 1) for word in words if "=" in word)
    logs = Path(directory, "logs").resolve()
    logs.mkdir(parents=True, exist_ok=True)
    conf = SparkConf().setMaster(master).setAppName("fuller").set("spark.eventLog.dir", logs.as_uri())
    for key, value in settings.items():
        conf.set(key, value)
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    sc.setLocalProperty("spark.scheduler.pool", "fast")
    sc.setJobGroup("g", "my group")
    sc.addJobTag("t2")
    sc.addJobTag("t1")
    shuffles(caches(sc, Path(directory)), Path(directory))
    several(sc)
    dies(sc, Path(directory))
    failures(sc, Path(directory))
    if hold:
        slow = sc.parallelize(range(8), 8).map(lambda x: time.sleep(600 if x == 3 else 0.05))
        threading.Thread(target=slow.collect, daemon=True).start()
        time.sleep(2)
        print("ready", flush=True)
        time.sleep(600)
    sc.stop()


if __name__ == "__main__":
    main()
