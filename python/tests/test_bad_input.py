"""Whatever a user's function does to its worker, the job ends: with the right answer, or with an error that says what
happened.

Each test is a program of its own, in a process that is ended when it takes too long, so that a hang is a failure and
not a hang.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

#: How long a program may take; the slowest take a few seconds.
SECONDS = 120.0

#: What every program begins with: a context of two slots, and a way to say how a job failed.
PRELUDE = '''
import os, signal, sys, time
from firesteel import SparkContext
sc = SparkContext("local[2]", "bad input")

def failure(job):
    """The text of a job's failure, and its cause's type."""
    try:
        job()
    except Exception as error:
        return f"{type(error).__name__} because of {type(error.__cause__).__name__}: {error}"
    return "no failure"

def once(path):
    """True for the first caller only, of all processes."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False
'''

#: What every program ends with: the context still works.
CODA = """
assert sc.parallelize(range(10), 4).map(lambda x: x + 1).sum() == 55, "the context does not work any more"
sc.stop()
print("done")
"""


def run(folder: Path, body: str, limit: float = SECONDS) -> str:
    """Runs a program to its end and gives what it printed."""
    path = folder / "program.py"
    path.write_text(PRELUDE + textwrap.dedent(body) + CODA, encoding="utf-8")
    environment = dict(os.environ, PYTHONFAULTHANDLER="1")
    ended = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=limit,
    )
    printed = ended.stdout.decode("utf-8", "replace")
    complaints = ended.stderr.decode("utf-8", "replace")[-3000:]
    assert ended.returncode == 0 and printed.endswith("done\n"), f"{ended.returncode}\n{printed[-3000:]}\n{complaints}"
    return printed


MOMENTS = {
    "at the first record": "numbers.map(lambda x: x if x != 0 or not once('mark') else die())",
    "amid the records": "numbers.map(lambda x: x if x != 57 or not once('mark') else die())",
    "after the last record": "numbers.mapPartitions(after)",
    "before the first record": "numbers.mapPartitions(before)",
    "while writing for a shuffle": "numbers.map(lambda x: (x, Grave(x))).partitionBy(3).map(lambda p: p[1].number)",
    "while reading from a shuffle": "numbers.map(lambda x: (x, Cradle(x))).partitionBy(3).map(lambda p: p[1].number)",
    "while combining": "numbers.map(lambda x: (x % 7, x)).reduceByKey(add).values()",
    "while the answer is written": "numbers.map(Grave).map(lambda g: g).map(lambda g: g.number)",
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)"])
def test_a_worker_that_dies_once_costs_one_attempt(tmp_path: Path, moment: str, way: str) -> None:
    run(
        tmp_path,
        f"""
        def die():
            {way}

        def before(it):
            if once("mark"):
                die()
            return it

        def after(it):
            yield from it
            if once("mark"):
                die()

        def add(a, b):
            if once("mark"):
                die()
            return a + b

        class Grave:
            def __init__(self, number):
                self.number = number
            def __reduce__(self):
                if self.number == 42 and once("mark"):
                    die()
                return Grave, (self.number,)

        class Cradle:
            def __init__(self, number):
                self.number = number
            def __setstate__(self, state):
                if state["number"] == 42 and once("mark"):
                    die()
                self.__dict__.update(state)

        counted = sc.accumulator(0)
        numbers = sc.parallelize(range(100), 4)
        def count(x):
            counted.add(1)
            return x
        made = {MOMENTS[moment]}.map(count)
        assert made.sum() == sum(range(100))
        assert counted.value == made.count(), "each record counts once"
        """
        if moment != "while combining"
        else f"""
        def die():
            {way}

        def add(a, b):
            if once("mark"):
                die()
            return a + b

        numbers = sc.parallelize(range(100), 4)
        assert {MOMENTS[moment]}.sum() == sum(range(100))
        """,
    )


def test_a_worker_that_is_killed_each_time_fails_the_job_with_the_signals_name(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
        doomed = sc.parallelize(range(4), 2).map(lambda x: os.kill(os.getpid(), signal.SIGKILL))
        print(failure(doomed.collect))
        """,
    )
    assert "SIGKILL" in printed and "partition" in printed


def test_a_worker_that_exits_each_time_fails_the_job_with_its_status(tmp_path: Path) -> None:
    printed = run(tmp_path, "print(failure(sc.parallelize(range(4), 2).map(lambda x: os._exit(3)).collect))\n")
    assert "partition" in printed and "3" in printed and "no failure" not in printed


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()", "StopIteration(5)"])
def test_what_is_no_ordinary_exception_is_a_failure_like_others(tmp_path: Path, error: str) -> None:
    printed = run(
        tmp_path,
        f"""
        def bad(x):
            if x == 3:
                raise {error}
            return x
        print(failure(sc.parallelize(range(4), 2).map(bad).collect))
        """,
    )
    assert error.split("(")[0] in printed and "no failure" not in printed


def test_a_function_that_prints_a_hundred_megabytes_ends(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        def talk(x):
            for _ in range(25):
                sys.stdout.write("x" * 1_000_000 + "\\n")
                sys.stderr.write("")
            return x
        # (What tasks print goes where the driver's errors go; here it is read and thrown away.)
        assert sc.parallelize(range(4), 2).map(talk).count() == 4
        """,
    )


def test_recursion_without_an_end_is_a_failure(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
        def deep(x):
            return deep(x + 1)
        print(failure(sc.parallelize([1], 1).map(deep).collect))
        """,
    )
    assert "RecursionError" in printed


def test_a_record_nested_too_deeply_is_a_failure_or_comes_back(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
        def nest(depth):
            made = []
            for _ in range(depth):
                made = [made]
            return made
        assert sc.parallelize([100], 1).map(nest).collect() == [nest(100)]
        print(failure(sc.parallelize([100_000], 1).map(nest).map(lambda r: (1, r)).groupByKey().count))
        """,
    )
    assert "no failure" in printed or "nested too deeply" in printed


def test_a_module_that_fails_on_import_is_named(tmp_path: Path) -> None:
    (tmp_path / "rotten.py").write_text("raise OSError('the licence server is away')\n", encoding="utf-8")
    printed = run(
        tmp_path,
        """
        def use(x):
            import rotten
            return rotten.f(x)
        print(failure(sc.parallelize([1], 1).map(use).collect))
        """,
    )
    assert "the licence server is away" in printed and "rotten" in printed


def test_a_module_that_only_the_driver_can_import_is_named(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
        import types
        made = types.ModuleType("made_up")
        exec("def f(x): return x + 1", made.__dict__)
        made.f.__module__ = "made_up"
        sys.modules["made_up"] = made
        print(failure(lambda: sc.parallelize([1], 1).map(made.f).collect()))
        """,
    )
    assert "made_up" in printed and "no failure" not in printed


@pytest.mark.parametrize(
    "record", ["__import__('_thread').allocate_lock()", "(i for i in [])", "__import__('socket').socket()"]
)
def test_a_record_that_cannot_be_pickled_is_named(tmp_path: Path, record: str) -> None:
    printed = run(
        tmp_path,
        f"""
        print(failure(sc.parallelize([1], 1).map(lambda x: {record}).collect))
        print(failure(sc.parallelize([1], 1).map(lambda x: (1, {record})).groupByKey().collect))
        print(failure(lambda: sc.parallelize([1, {record}], 1).count()))
        """,
    )
    assert printed.count("pickle") >= 3 and "no failure" not in printed


def test_iterators_that_are_misused(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
        numbers = sc.parallelize(range(10), 2)
        kept = []

        def keep(it):
            kept.append(it)
            return [sum(it), sum(it), next(it, "ended")]
        assert numbers.mapPartitions(keep).collect() == [10, 0, "ended", 35, 0, "ended"]

        def lazy(it):
            def more():
                yield next(it)
                yield next(it)
            return more()
        assert numbers.mapPartitions(lazy).collect() == [0, 1, 5, 6]

        def endless(it):
            while True:
                yield next(it)
        print("A", failure(numbers.mapPartitions(endless).collect))
        print("B", failure(numbers.mapPartitions(lambda it: None).collect))
        print("C", failure(numbers.flatMap(lambda x: x).collect))
        print("D", failure(numbers.map(lambda x: x, 5, 6).collect if False else numbers.mapPartitions(lambda:
        1).collect))
        """,
    )
    lines = [line for line in printed.splitlines() if line[:2] in ("A ", "B ", "C ", "D ")]
    assert len(lines) == 4 and not any("no failure" in line for line in lines)
    assert "generator raised StopIteration" in printed and "iterable" in printed


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"plain\ncaf\xe9\nlast\n")
    run(
        tmp_path,
        """
        # As in PySpark, where text passes through Java's strings: what is no UTF-8 comes as the replacement character.
        assert sc.textFile("latin.txt").collect() == ["plain", "caf\\ufffd", "last"]
        assert sc.textFile("latin.txt", use_unicode=False).collect() == [b"plain", b"caf\\xef\\xbf\\xbd", b"last"]
        raw = sc.binaryFiles("latin.txt").values().collect()
        assert raw == [b"plain\\ncaf\\xe9\\nlast\\n"]
        """,
    )


#: Megabytes of the large record; 3072 on a machine with sixteen gigabytes to spare.
LARGE = int(os.environ.get("FIRESTEEL_LARGE_RECORD_MIB", "300"))


@pytest.mark.once
def test_a_large_record(tmp_path: Path) -> None:
    run(
        tmp_path,
        f"""
        size = {LARGE} << 20
        made = sc.parallelize([1, 2], 2).map(lambda x: (x, bytes(size if x == 1 else 10)))
        assert sorted(made.mapValues(len).collect()) == [(1, size), (2, 10)]
        assert sorted(made.groupByKey(2).mapValues(lambda vs: sum(map(len, vs))).collect()) == [(1, size), (2, 10)]
        back = made.filter(lambda p: p[0] == 1).values().collect()
        assert len(back) == 1 and len(back[0]) == size
        """,
        limit=SECONDS * max(1, LARGE // 300),
    )
