"""What is said of a job that is over: programs with a fault, each beside one without.

Faults are sleeps that no machine mistakes for work, or numbers of records and tasks; so a slow machine cannot make a
test fail.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeContext

from firesteel import StorageLevel

pytestmark = pytest.mark.once


def test_a_partition_with_most_records(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[4]")

    def spent(group: tuple[int, Any]) -> int:
        time.sleep(0.0001 * len(group[1]))
        return group[0]

    def told(keys: list[int]) -> str:
        sc.parallelize(keys, 8).map(lambda key: (key, os.urandom(100))).groupByKey(8).map(spent).collect()
        return sc.explain_last_job()

    skewed = told([0] * 20_000 + list(range(1, 401)))
    assert "times the median" in skewed and "its partition has " in skewed, skewed
    assert "; the key 0 alone has about 20,000" in skewed and "Spread that key" in skewed, skewed
    even = told(list(range(20_000)))
    assert "its partition has" not in even and "alone has" not in even, even


def test_fewer_partitions_than_slots(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[3]")

    def told(partitions: int) -> str:
        sc.parallelize(range(30), partitions).foreach(lambda x: time.sleep(0.06))
        return sc.explain_last_job()

    few = told(1)
    assert "with 1 task, so that 2 of 3 slots stood idle" in few and "`repartition(9)`" in few, few
    enough = told(3)
    assert "stood idle" not in enough, enough


def test_more_partitions_than_anything_needs(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[2]")
    sc.parallelize(range(4), 4).map(str).count()  # until workers have begun
    sc.parallelize(range(2_000), 2_000).map(str).count()
    many = sc.explain_last_job()
    if "coalesce(" not in many:  # where the tasks themselves take most of the time
        assert "its 2,000 tasks" not in many
    sc.parallelize(range(2_000), 4).map(str).count()
    assert "coalesce(" not in sc.explain_last_job()


def test_a_slow_function_by_name_and_line(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[2]")

    def parse(x: int) -> int:
        time.sleep(0.01)
        return x

    sc.parallelize(range(200), 4).map(parse).map(str).count()
    told = sc.explain_last_job()
    line = parse.__code__.co_firstlineno
    assert "parse" in told and f"test_explaining.py:{line}" in told, told
    assert "called by count at " in told and "that tasks ran" in told, told
    assert "`mapPartitions`" in told, told
    sc.parallelize(range(200), 4).map(str).count()
    assert "the function" not in sc.explain_last_job()


class Slow:
    """Takes its time to be pickled."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        time.sleep(0.01)
        return (Slow, ())


def test_time_lost_in_pickling(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[2]")
    assert len(sc.parallelize(range(200), 4).map(lambda x: Slow()).collect()) == 200
    told = sc.explain_last_job()
    assert "pickled and unpickled Python objects for" in told and "Send less and simpler" in told, told
    assert len(sc.parallelize(range(200), 4).map(str).collect()) == 200
    assert "pickled and unpickled" not in sc.explain_last_job()


def test_a_filter_behind_a_shuffle(fresh_context: MakeContext) -> None:
    # Natively, so few records cost no time that is worth a word.
    sc = fresh_context("local[2]", {"firesteel.python.native": "off"})
    pairs = sc.parallelize(range(20_000), 4).map(lambda x: (x, x))
    assert len(pairs.partitionBy(3).filter(lambda pair: pair[1] % 100 == 0).map(str).collect()) == 200
    told = sc.explain_last_job()
    assert "behind the shuffle (map at " in told, told
    assert "drops 19,800 of 20,000 records, 99 %" in told and "Filter before the shuffle" in told, told
    assert "`filter <lambda> at test_explaining.py:" in told, told
    assert len(pairs.filter(lambda pair: pair[1] % 100 == 0).partitionBy(3).map(str).collect()) == 200
    assert "behind the shuffle" not in sc.explain_last_job()
    assert len(pairs.partitionBy(3).filter(lambda pair: pair[1] % 2 == 0).map(str).collect()) == 10_000
    assert "behind the shuffle" not in sc.explain_last_job()


def test_an_rdd_that_is_computed_again(fresh_context: MakeContext, tmp_path: Path) -> None:
    sc = fresh_context("local[2]")
    (tmp_path / "numbers").write_text("0\n1\n2\n3\n")
    lines = str(tmp_path / "numbers")

    def slow(x: str) -> int:
        time.sleep(0.4)
        return int(x)

    again = sc.textFile(lines, 2).map(slow)
    assert (again.count(), again.sum()) == (4, 6)
    told = sc.explain_last_job()
    assert "computed `textFile at " in told and "as 1 job had done before" in told and "Call `persist()`" in told, told
    kept = sc.textFile(lines, 2).map(slow).persist(StorageLevel.MEMORY_ONLY)
    assert (kept.count(), kept.sum()) == (4, 6)
    assert "again" not in sc.explain_last_job()


def test_an_executor_that_is_slow(fresh_context: MakeContext, tmp_path: Path) -> None:
    sc = fresh_context("local-cluster[2,1,512]")

    def work(x: int) -> int:
        """Sleeps longer in the executor whose task comes first."""
        mine = str(os.getppid())
        try:
            with open(tmp_path / "slow", "x") as file:
                file.write(mine)
        except FileExistsError:
            pass
        is_slow = (tmp_path / "slow").read_text() == mine
        time.sleep(1.0 if is_slow and is_guilty else 0.1)
        return x

    is_guilty = True
    sc.parallelize(range(2), 2).map(lambda x: time.sleep(0.5)).count()  # until both executors are there
    sc.parallelize(range(30), 30).map(work).count()
    told = sc.explain_last_job()
    assert "on executor " in told and "of those elsewhere, with no more records" in told, told
    assert "`spark.speculation=true`" in told, told
    is_guilty = False
    sc.parallelize(range(30), 30).map(work).count()
    assert "of those elsewhere" not in sc.explain_last_job()


def test_a_job_that_failed_and_one_that_had_to_repeat_a_task(fresh_context: MakeContext, tmp_path: Path) -> None:
    sc = fresh_context("local[2,2]")

    def parse(text: str) -> int:
        return int(text)

    with pytest.raises(Exception, match="invalid literal"):
        sc.parallelize(["1", "two"], 2).map(parse).collect()
    told = sc.explain_last_job()
    assert "failed after 2 failed attempts of task 1: " in told, told
    assert "ValueError: invalid literal for int()" in told, told
    assert "`sc.debug_last_failure()`" in told, told

    def once(x: int) -> int:
        try:
            (tmp_path / str(x)).touch(exist_ok=False)
        except FileExistsError:
            return x
        raise OSError("not yet")

    assert sc.parallelize([1], 1).map(once).collect() == [1]
    told = sc.explain_last_job()
    assert "1 attempt failed after" in told and "OSError: not yet" in told, told
    assert sc.parallelize([1], 1).map(once).collect() == [1]
    assert "failed" not in sc.explain_last_job()


def test_before_a_job_and_without_pages(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]")
    assert sc.explain_last_job() == "No job has run yet.\n"
    sc.stop()
    sc = fresh_context("local[1]", {"spark.ui.enabled": "false"})
    sc.parallelize([1], 1).count()
    assert "`firesteel.ui.enabled` is false" in sc.explain_last_job()
