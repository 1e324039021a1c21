"""What Python's tables move out of memory: encrypted where the application's files are, checked when it is read,
counted, and gone with its process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeContext
from firesteel import SparkListener, StorageLevel
from firesteel.errors import JobError
from firesteel.external import ExternalMerger, ExternalSorter, SimpleAggregator
from firesteel.spill import Run, SpilledList

pytestmark = pytest.mark.once

MARKER = b"what-no-file-may-hold"
PATIENCE_SECONDS = 60.0


def marked(number: int) -> str:
    """A record's text: not the same as any other's, so that nothing finds it compressed away."""
    return f"{MARKER.decode()}-{number}"


def open_files(directory: str) -> Iterator[str]:
    """The paths by which this process reads its open files of a directory, also of those that have no name."""
    for descriptor in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{descriptor}"
        try:
            if os.readlink(path).startswith(directory):
                yield path
        except OSError:
            pass  # the descriptor of the listing itself


def holders(directory: str) -> set[str]:
    """Which files of a directory hold the marker, by their names without digits; "open" for one without a name."""
    found = {"open" for path in open_files(directory) if MARKER in Path(path).read_bytes()}
    for path in Path(directory).rglob("*"):
        try:
            if path.is_file() and MARKER in path.read_bytes():
                found.add(path.name.rstrip("-.0123456789"))
        except OSError:
            pass  # it was removed meanwhile
    return found


def searching(directory: str) -> Callable[[int, Iterable[Any]], Iterator[Any]]:
    """Makes a function that has tables of all kinds in files, and looks for the marker while they are there."""

    def search(_: int, records: Iterable[Any]) -> Iterator[Any]:
        values = [marked(key) for key, _ in records]
        spilled = SpilledList(values)
        ordered = ExternalSorter(1).sorted(values)
        first = next(ordered)
        merger: ExternalMerger[str, int, int] = ExternalMerger(SimpleAggregator(max), 1)
        merger.mergeValues((marked(number), number) for number in range(10_000))
        assert merger.spills and len(list(spilled)) == len(values) and first == min(values)
        assert sum(1 for _ in ordered) == len(values) - 1
        yield holders(directory)

    return search


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,512]"])
def test_no_file_shows_a_record_where_files_are_encrypted(
    fresh_context: MakeContext, tmp_path: Path, master: str, encrypted: bool
) -> None:
    settings = {"spark.local.dir": str(tmp_path), "spark.io.encryption.enabled": str(encrypted).lower()}
    # A cluster's executors have a directory in the driver's.
    sc = fresh_context(master, settings)
    known = sc.broadcast({number: marked(number) for number in range(2000)})
    kept = sc.parallelize(range(20_000), 4).map(lambda x: (x, known.value[x % 2000])).persist(StorageLevel.DISK_ONLY)
    assert kept.count() == 20_000
    shuffled = kept.map(lambda pair: (pair[0], pair[1])).groupByKey(4)
    found: set[str] = set().union(*shuffled.mapPartitionsWithIndex(searching(str(tmp_path))).collect())
    found |= holders(str(tmp_path))
    # What is large comes back as a block, and what was given to parallelize goes to workers as one.
    given = sc.parallelize([marked(number) * 10 for number in range(10_000)], 2)
    assert sum(map(len, given.collect())) > 1 << 20
    found |= holders(str(tmp_path))
    if encrypted:
        assert found == set()
    else:
        # The search finds what there is: a table in a file, cached partitions, map outputs, the broadcast value.
        assert {"open", "shuffle"} <= found and len(found) >= 4, found


def test_a_damaged_file_fails_the_task_which_is_tried_again(fresh_context: MakeContext, tmp_path: Path) -> None:
    sc = fresh_context("local[1, 2]", {"spark.local.dir": str(tmp_path)})
    directory, once = str(tmp_path), tmp_path / "once"

    def damaged(_: int, records: Iterable[int]) -> Iterator[int]:
        values = SpilledList(list(records))
        if not once.exists():
            once.touch()
            [path] = open_files(directory + "/firesteel")
            with open(path, "r+b") as file:
                file.seek(40)
                byte = file.read(1)
                file.seek(40)
                file.write(bytes([byte[0] ^ 1]))
        return iter(values)

    assert sc.parallelize(range(1000), 1).mapPartitionsWithIndex(damaged).sum() == 499_500
    once.unlink()
    strict = sc.parallelize(range(1000), 1).mapPartitionsWithIndex(damaged)
    sc.stop()
    sc = fresh_context("local[1, 1]", {"spark.local.dir": str(tmp_path)})
    strict = sc.parallelize(range(1000), 1).mapPartitionsWithIndex(damaged)
    with pytest.raises(JobError, match=r"spill file .*/spill-\d+ is corrupt: .*checksum.*the task is tried again"):
        strict.sum()


class Figures(SparkListener):
    """The figures of a job's tasks."""

    def __init__(self) -> None:
        self.tasks: list[Any] = []
        self.ended = threading.Event()

    def onTaskEnd(self, taskEnd: Any) -> None:
        self.tasks.append(taskEnd["Task Metrics"])

    def onJobEnd(self, jobEnd: Any) -> None:
        self.ended.set()


def job_of(sc: Any, run: Callable[[], Any]) -> list[Any]:
    """Runs a job; returns the figures of its tasks."""
    figures = Figures()
    sc.addSparkListener(figures)
    assert run()
    assert figures.ended.wait(PATIENCE_SECONDS)
    sc.removeSparkListener(figures)
    return figures.tasks


def text(number: int) -> str:
    """200 characters, or so: 250 bytes in memory."""
    return f"{number:0200}"


@pytest.mark.parametrize("operation", ["groupByKey", "sortByKey", "reduceByKey", "distinct", "join"])
def test_tables_take_their_memory_from_the_tasks_and_spilling_is_counted(
    fresh_context: MakeContext, operation: str
) -> None:
    records = 120_000  # some 40 MB as objects
    sizes = {}
    for memory in ("1g", "2m"):
        sc = fresh_context("local[1]", {"firesteel.memory": memory})
        pairs = sc.range(0, records, numSlices=1).map(lambda x: (x, text(x)))
        rdd: Any = {
            "groupByKey": lambda: pairs.groupByKey(1),
            "sortByKey": lambda: pairs.sortByKey(numPartitions=1),
            "reduceByKey": lambda: pairs.reduceByKey(max, 1),
            "distinct": lambda: pairs.values().distinct(1),
            "join": lambda: pairs.join(pairs, 1),
        }[operation]()
        tasks = job_of(sc, lambda: rdd.count() == records)
        sc.stop()
        # The last has a table of Python; the map tasks before it may spill in the engine.
        sizes[memory] = tuple(
            tasks[-1][name] for name in ("Memory Bytes Spilled", "Disk Bytes Spilled", "Peak Execution Memory")
        )
    assert sizes["1g"][:2] == (0, 0), "all fits"
    assert 25 << 20 < sizes["1g"][2] < 120 << 20, sizes
    # With little memory, tables have 16 MiB at most, and about all is written once or twice.
    memory_spilled, disk_spilled, peak = sizes["2m"]
    assert 1 << 20 < peak < 30 << 20, sizes
    assert 12 << 20 < memory_spilled < 200 << 20 and 12 << 20 < disk_spilled < 200 << 20, sizes


def test_a_small_table_shows_in_the_figures(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]")
    sums = sc.parallelize([(number % 1000, text(number)) for number in range(4000)], 1).reduceByKey(max, 1)
    tasks = job_of(sc, lambda: sums.count() == 1000)
    # Steps of 1 MiB, of which 0.4 are held.
    assert tasks[-1]["Peak Execution Memory"] >= 1 << 20


def test_objects_that_records_share_do_not_count_for_each(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", {"firesteel.memory": "200m"})

    def sharing(_: int, records: Iterable[int]) -> Iterator[Any]:
        model = list(map(text, range(1000)))
        return ((number, model) for number in records)

    # Each record holds 250 kB, as far as it can tell; all share them.
    def groups(_: int, records: Iterable[int]) -> Iterator[int]:
        from firesteel.shuffle import group_merged

        yield sum(1 for _ in group_merged(sharing(0, records)))

    tasks = job_of(sc, lambda: sc.range(0, 50_000, numSlices=1).mapPartitionsWithIndex(groups).sum() == 50_000)
    assert [task["Disk Bytes Spilled"] for task in tasks] == [0]


def test_tables_of_one_task_share_its_memory(fresh_context: MakeContext) -> None:
    def two(_: int, records: Iterable[int]) -> Iterator[bool]:
        from firesteel.spill import Budget

        held = [bytes(1000) for _ in range(40_000)]
        first, second = Budget(), Budget()
        first.add(held, 30_000)
        yield first.exceeded()
        second.add(held, 20_000)
        yield second.exceeded()
        first.cleared()
        yield second.exceeded()
        del second
        first.add(held, 40_000)
        yield first.exceeded()

    sc = fresh_context("local[1]", {"firesteel.memory": "48m"})
    for _ in range(2):
        # What a task has not given back is free when it ends.
        assert sc.parallelize([0], 1).mapPartitionsWithIndex(two).collect() == [False, True, False, False]


class Hoard:
    """A combination whose growth only the process's size shows."""

    __slots__ = ("_values",)

    def __init__(self, value: bytes) -> None:
        self._values = [value]

    def more(self, value: bytes) -> Hoard:
        self._values.append(value + b"!")
        return self


def test_what_no_estimate_sees_is_moved_out_by_the_size_of_the_process(fresh_context: MakeContext) -> None:
    sc = fresh_context("local[1]", {"firesteel.memory": "40m"})
    pairs = sc.range(0, 100_000, numSlices=1).map(lambda x: (x % 10, bytes(2000)))
    hoards = pairs.combineByKey(Hoard, Hoard.more, lambda a, b: a, 1)
    tasks = job_of(sc, lambda: hoards.count() == 10)
    # Passed on to the other side before the shuffle, several times, instead of 200 MB held here.
    assert tasks[0]["Shuffle Write Metrics"]["Shuffle Records Written"] > 20


def test_a_worker_that_is_killed_while_it_spills_leaves_no_file(fresh_context: MakeContext, tmp_path: Path) -> None:
    sc = fresh_context("local[1, 2]", {"spark.local.dir": str(tmp_path)})
    once = tmp_path / "once"

    def killed(_: int, records: Iterable[int]) -> Iterator[int]:
        run: Run[int] = Run()
        for number in range(1000):
            run.write([number] * 1000)
            if number == 500 and not once.exists():
                once.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        yield sum(map(len, run.batches()))

    assert sc.parallelize(range(2), 1).mapPartitionsWithIndex(killed).collect() == [1_000_000]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := [path for path in tmp_path.rglob("spill*") if path.is_file()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    sc.stop()
    assert os.listdir(tmp_path) == ["once"]
