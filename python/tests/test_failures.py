"""Jobs that fail in real workers: what the driver raises, and that it goes on."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading

import pytest

from firesteel.errors import JobError, PythonVersionError


class Refused(Exception):
    """An exception of the program's own, with attributes."""

    def __init__(self, code, *, reason):
        super().__init__(f"{code} because of {reason}")
        self.code = code
        self.reason = reason


def refuse(x):
    if x == 3:
        raise Refused(x, reason="three")
    return x


def failure_of(job):
    with pytest.raises(JobError) as caught:
        job()
    return caught.value


def test_an_exception_of_the_programs_own(sc):
    error = failure_of(lambda: sc.parallelize(range(4), 2).map(refuse).collect())
    assert type(error.__cause__) is Refused
    assert (error.__cause__.code, error.__cause__.reason) == (3, "three")
    assert (error.partition, error.record, error.kind) == (1, "3", "python")
    lines = str(error).splitlines()
    assert lines[0].startswith("Traceback") and "in refuse" in lines[1], (
        "the user's own traceback, from its first frame"
    )
    assert lines[-1] == "the record was: 3" and 'partition 1 of "map at test_failures.py:' in lines[-2]
    assert "firesteel" not in error.task_traceback.replace(os.path.abspath(__file__), "")


def test_a_failure_far_up_in_a_chain(sc):
    def rows(records):
        for record in records:
            yield record

    error = failure_of(lambda: sc.parallelize([0], 1).map(lambda x: 1 / x).mapPartitions(rows).count())
    assert "1 / x" in str(error) and type(error.__cause__) is ZeroDivisionError


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_exceptions_that_end_programs_fail_only_the_job(sc, kind):
    def leave(x):
        raise kind(7)

    error = failure_of(lambda: sc.parallelize([1], 1).foreach(leave))
    assert type(error.__cause__) is kind and error.__cause__.args == (7,)
    assert sc.parallelize([1, 2]).count() == 2


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda x: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL (signal 9: Killed); it held "),
        (lambda x: os.kill(os.getpid(), signal.SIGSEGV), "killed by SIGSEGV (signal 11: Segmentation fault)"),
        (lambda x: os._exit(3), "code 3"),
        (lambda x: os._exit(0), "code 0"),
    ],
)
def test_workers_that_die(sc, end, words):
    error = failure_of(lambda: sc.parallelize([1], 1).foreach(end))
    assert error.kind == "lost" and words in str(error) and "What to do: " in str(error)
    assert 'partition 0 of "foreach at test_failures.py:' in str(error)
    assert sc.parallelize([1, 2]).count() == 2


def stop(*arguments):
    raise StopIteration


@pytest.mark.parametrize(
    "operation",
    [
        lambda pairs: pairs.map(stop).collect(),
        lambda pairs: pairs.mapPartitions(stop).collect(),
        lambda pairs: pairs.mapValues(stop).collect(),
        lambda pairs: pairs.flatMapValues(stop).collect(),
        lambda pairs: pairs.keyBy(stop).collect(),
        lambda pairs: pairs.groupBy(stop).collect(),
        lambda pairs: pairs.sortBy(stop).collect(),
        lambda pairs: pairs.sortByKey(keyfunc=stop).collect(),
        lambda pairs: pairs.partitionBy(2, stop).collect(),
        lambda pairs: pairs.reduceByKey(stop).collect(),
        lambda pairs: pairs.reduceByKeyLocally(stop),
        lambda pairs: pairs.foldByKey(0, stop).collect(),
        lambda pairs: pairs.aggregateByKey(0, stop, stop).collect(),
        lambda pairs: pairs.combineByKey(lambda value: value, stop, stop).collect(),
        lambda pairs: pairs.reduce(stop),
        lambda pairs: pairs.top(2, stop),
        lambda pairs: pairs.foreach(stop),
    ],
)
def test_a_stop_iteration_of_user_code_says_so(sc, operation):
    pairs = sc.parallelize([(number % 3, number) for number in range(20)], 2)
    error = failure_of(lambda: operation(pairs))
    assert "Caught StopIteration thrown from user's code" in str(error)


def test_one_death_costs_one_attempt(sc, tmp_path):
    once = tmp_path / "once"

    def die_once(x):
        if not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    assert sc.parallelize([1, 2, 3], 1).map(die_once).collect() == [1, 2, 3]


def test_a_record_that_cannot_leave_its_worker(sc):
    error = failure_of(lambda: sc.parallelize([1], 1).map(lambda x: (x, threading.Lock())).collect())
    assert isinstance(error.__cause__, pickle.PicklingError)
    assert "the record was (a tuple, number 0 of its batch): (1, <unlocked _thread.lock" in str(error)


def test_what_runs_in_a_task_cannot_use_the_context(sc):
    with pytest.raises(pickle.PicklingError, match="SPARK-5063") as raised:
        sc.parallelize([1]).map(lambda x: sc.parallelize([x]).count()).collect()
    assert raised.value.getCondition() == "CONTEXT_ONLY_VALID_ON_DRIVER"
    other = sc.parallelize([1])
    with pytest.raises(pickle.PicklingError, match=r"captured other -> .*RDD.*SPARK-5063"):
        sc.parallelize([1]).map(lambda x: other.count()).collect()


def test_a_module_that_executors_lack_and_then_have(fresh_context, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lacking_for_test.py").write_text("def double(x): return 2 * x\n")
    sc = fresh_context()
    monkeypatch.syspath_prepend(str(elsewhere))  # the driver has it from now on
    import lacking_for_test

    error = failure_of(lambda: sc.parallelize([1], 1).map(lacking_for_test.double).collect())
    assert "has no module lacking_for_test" in str(error) and 'sc.addPyFile("lacking_for_test.py")' in str(error)
    assert isinstance(error.__cause__, ImportError)
    sc.addPyFile(str(elsewhere / "lacking_for_test.py"))
    assert sc.parallelize([1], 1).map(lacking_for_test.double).collect() == [2]


def test_classes_of_the_main_program_come_back_as_themselves(tmp_path):
    app = tmp_path / "app.py"
    app.write_text("""
from firesteel import SparkContext
class Point:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return type(other) is Point and self.x == other.x
    def __hash__(self): return hash(self.x)
class Wrong(Exception): pass
def wrong(x): raise Wrong(x)
if __name__ == "__main__":
    sc = SparkContext("local[2]")
    points = sc.parallelize([Point(1), Point(2), Point(1)], 2)
    counts = points.map(lambda p: (p, 1)).reduceByKey(lambda a, b: a + b)
    print(counts.map(lambda kv: (kv[0].x, kv[1])).sortByKey().collect())
    print(type(points.first()) is Point, points.distinct().count())
    try: sc.parallelize([1]).map(wrong).collect()
    except Exception as error: print(type(error.__cause__) is Wrong)
""")
    done = subprocess.run([sys.executable, str(app)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[(1, 2), (2, 1)]\nTrue 2\nTrue\n", done.stderr


def test_a_python_of_another_minor_version(fresh_context, tmp_path, monkeypatch):
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 3.9\n")
    other.chmod(0o755)
    monkeypatch.setenv("PYSPARK_PYTHON", str(other))
    with pytest.raises(PythonVersionError, match=r"its workers would run Python 3\.9"):
        fresh_context()
    monkeypatch.delenv("PYSPARK_PYTHON")
    assert fresh_context().parallelize([1]).count() == 1


def swallow_at_once(records):
    kept = []
    try:
        for record in records:
            kept.append(record)
    except:  # noqa: E722  what people write
        pass
    return kept


def swallow_in_between(records):
    try:
        yield from records
    except BaseException:
        return


@pytest.mark.parametrize("swallow", [swallow_at_once, swallow_in_between])
@pytest.mark.parametrize("between", ["union", "coalesce"])
def test_what_feeds_a_function_fails_the_task_though_the_function_catches_everything(sc, swallow, between):
    failing = sc.parallelize(range(6), 2).map(refuse)
    fed = failing.union(sc.parallelize([9], 1)) if between == "union" else failing.coalesce(1)
    error = failure_of(lambda: fed.mapPartitions(swallow).collect())
    assert type(error.__cause__) is Refused
    assert sc.parallelize(range(3), 1).map(refuse).mapPartitions(swallow).collect() == [0, 1, 2]


def test_what_tasks_print_is_not_in_the_programs_output(tmp_path):
    program = tmp_path / "app.py"
    program.write_text(
        """
import os, sys
from firesteel import SparkContext

def talk(x):
    print("printed", x)
    os.write(1, b"written\\n")
    os.system("echo started")
    sys.stdout.write("without an end of line")
    return x

with SparkContext("local[2]") as sc:
    print("data", sc.parallelize([1], 1).map(talk).collect())
"""
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "data [1]\n"), done.stderr
    for words in ("printed 1\n", "written\n", "started\n", "without an end of line"):
        assert words in done.stderr
