"""How files are shared out to partitions: bzip2 files cut between their blocks, whole files packed together.

All figures were seen in PySpark 4.3 on the same files: each test passes there, too.
"""

from __future__ import annotations

import bz2
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from firesteel import SparkContext

NEW_TEXT = "org.apache.hadoop.mapreduce.lib.input.TextInputFormat"
OLD_TEXT = "org.apache.hadoop.mapred.TextInputFormat"
WRITABLES = ("org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text")
MAX_SPLIT = "mapreduce.input.fileinputformat.split.maxsize"
LEAST_ON_HOST = "mapreduce.input.fileinputformat.split.minsize.per.node"

LINES = [f"line {i} {i * 2654435761 % 4294967296:08x}" for i in range(16_000)]
"""Lines of several lengths, in blocks that end within them."""

TEXT = "".join(f"{line}\n" for line in LINES).encode()
EXACT = "".join(f"{i:06d}xy\n" for i in range(40_000)).encode()
RETURNS = b"".join(b"%07d\r\n" % i for i in range(33_333))


def counts(rdd: Any) -> list[int]:
    found: list[int] = rdd.mapPartitions(lambda lines: [sum(1 for _ in lines)]).collect()
    return found


def blocks(*texts: bytes) -> bytes:
    """Returns streams one after the other, in blocks of 100,000 bytes."""
    return b"".join(bz2.compress(text, 1) for text in texts)


# -- bzip2

STREAMS = blocks(TEXT[:50_000], TEXT[50_000:50_003], TEXT[50_003:300_000], b"", TEXT[300_000:])
TWO_STREAMS = bz2.compress(TEXT) + bz2.compress(TEXT)
LONG = blocks(b"x\n" + bytes(range(32, 127)) * 4000 + b"\ny\nz\n")


@pytest.mark.parametrize(
    ("content", "partitions", "expected"),
    [
        (blocks(TEXT), 2, [10553, 5447]),
        (blocks(TEXT), 3, [5321, 10230, 449]),
        (blocks(TEXT), 4, [5321, 5232, 4998, 449]),
        (blocks(TEXT), 9, [5321, 0, 0, 5232, 0, 4998, 0, 0, 449]),
        (TWO_STREAMS, 4, [16001, 0, 15999, 0]),
        (STREAMS, 2, [13053, 2947]),
        (STREAMS, 4, [7952, 5101, 0, 2947]),
        (STREAMS, 7, [2691, 5261, 0, 5101, 0, 2503, 444]),
        (STREAMS, 20, [2691, 0, 0, 5261, 0, 0, 0, 0, 0, 5101, 0, 0, 0, 0, 0, 0, 2503, 0, 0, 444]),
        (blocks(EXACT), 2, [22205, 17795]),
        (blocks(EXACT), 4, [11099, 11106, 11107, 6688]),
        (blocks(EXACT), 7, [11099, 0, 11106, 11107, 0, 6688, 0]),
        (blocks(RETURNS), 3, [22117, 11107, 109]),
        (blocks(RETURNS), 5, [11010, 11107, 0, 11107, 109]),
        (LONG, 4, [2, 0, 2, 0]),
        (bz2.compress(b"a\n") + bz2.compress(b"b\n"), 5, [2, 0, 0, 0, 0, 0]),
        (bz2.compress(b""), 3, [0, 0, 0, 0]),
    ],
)  # fmt: skip
def test_a_bzip2_file_is_cut_between_its_blocks(
    sc: SparkContext, tmp_path: Path, content: bytes, partitions: int, expected: list[int]
) -> None:
    path = tmp_path / "lines.bz2"
    path.write_bytes(content)
    rdd = sc.textFile(str(path), partitions)
    assert counts(rdd) == expected
    assert rdd.collect() == bz2.decompress(content).decode().splitlines()


SMALL = bz2.compress(b"a\nb\n") + bz2.compress(b"c\n") + bz2.compress(b"d\ne")
"""Blocks at the bytes 4, 45 and 84 of 120."""


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, {0: [(0, "a"), (2, "b"), (4, "c")], 45: [(47, "d")], 84: [(86, "e")]}),
        (6, {0: [(0, "a"), (2, "b"), (4, "c")], 7: [(44, "d")], 14: [(86, "e")]}),
        (42, {0: [(0, "a"), (2, "b"), (4, "c")], 1: [(44, "d")], 2: [(86, "e")]}),
        (45, {0: [(0, "a"), (2, "b"), (4, "c")], 1: [(47, "d"), (49, "e")]}),
        (46, {0: [(0, "a"), (2, "b"), (4, "c"), (6, "d")], 1: [(48, "e")]}),
        (80, {0: [(0, "a"), (2, "b"), (4, "c"), (6, "d")], 1: [(82, "e")]}),
        (120, {0: [(0, "a"), (2, "b"), (4, "c"), (6, "d"), (8, "e")]}),
    ],
)
def test_positions_in_a_part_of_a_bzip2_file_count_from_its_start(
    sc: SparkContext, tmp_path: Path, size: int, expected: dict[int, list[tuple[int, str]]]
) -> None:
    path = tmp_path / "small.bz2"
    path.write_bytes(SMALL)
    rdd = sc.newAPIHadoopFile(str(path), NEW_TEXT, *WRITABLES, conf={MAX_SPLIT: str(size)})
    assert {at: pairs for at, pairs in enumerate(rdd.glom().collect()) if pairs} == expected


def test_lines_of_bzip2_files_by_the_older_interface(sc: SparkContext, tmp_path: Path) -> None:
    path = tmp_path / "small.bz2"
    path.write_bytes(SMALL)
    rdd = sc.hadoopFile(str(path), OLD_TEXT, *WRITABLES)
    assert rdd.glom().collect() == [[(0, "a"), (2, "b"), (4, "c"), (6, "d")], [(62, "e")]]


# -- whole files


def files(folder: Path, sizes: list[int]) -> str:
    """Writes files of these sizes, and returns their names in this order: Spark lists a folder as the disk does."""
    paths = [folder / f"{at:03}" for at in range(len(sizes))]
    for path, size in zip(paths, sizes):
        path.write_bytes(b"x" * size)
    return ",".join(map(str, paths))


def places(rdd: Any) -> list[list[int]]:
    """Returns which files each partition has, by their places in the list."""
    return [[int(path[-3:]) for path, _ in pairs] for pairs in rdd.glom().collect()]


BIG_FIRST, BIG_LAST = [90, *[1] * 9], [*[1] * 9, 90]
MIX = [10, 20, 30, 40, 5, 5, 5, 0, 60, 1]
EMPTY_BETWEEN = [0, 0, 5, 0, 5, 0]


@pytest.mark.parametrize(
    ("sizes", "partitions", "expected"),
    [
        ([1] * 100, None, [[*range(50)], [*range(50, 100)]]),
        (BIG_FIRST, 3, [[0], [*range(1, 10)]]),
        (BIG_LAST, 3, [[*range(10)]]),
        (EMPTY_BETWEEN, 2, [[2], [4], [0, 1, 3, 5]]),
        ([0, 0, 0], 2, [[0, 1, 2]]),
        (MIX, 1, [[0, 1, 2, 3, 4, 5, 6, 8, 9], [7]]),
        (MIX, 3, [[0, 1, 2], [3, 4, 5, 6, 8], [7, 9]]),
        (MIX, 7, [[0, 1], [2], [3], [4, 5, 6, 8], [7, 9]]),
    ],
)
def test_whole_text_files_join_a_partition_until_it_is_full(
    sc: SparkContext, tmp_path: Path, sizes: list[int], partitions: int | None, expected: list[list[int]]
) -> None:
    assert places(sc.wholeTextFiles(files(tmp_path, sizes), partitions)) == expected


@pytest.mark.parametrize(
    ("settings", "sizes", "partitions", "expected"),
    [
        ({}, [1] * 100, None, [[*range(100)]]),
        ({}, MIX, 7, [[*range(10)]]),
        ((20, 4), MIX, 1, [[0, 1], [2], [3], [4, 5, 6, 8], [7, 9]]),
        ((20, 4), EMPTY_BETWEEN, 4, [[2, 4], [0, 1, 3, 5]]),
        ((20, 4), [3] * 5, 3, [[0, 1, 2, 3], [4]]),
        ((20, 4), [3] * 5, 4, [[0, 1, 2], [3, 4]]),
        ((1000, 0), MIX, 4, [[0, 1, 2], [3, 4], [5, 6, 8], [7, 9]]),
        ((1000, 0), [3] * 5, 1, [[0, 1, 2], [3, 4]]),
        ({"spark.default.parallelism": "5", "spark.files.openCostInBytes": "10"}, MIX, 1,
         [[0, 1, 2], [3, 4, 5, 6], [8], [7, 9]]),
        ({"spark.hadoop." + LEAST_ON_HOST: "5"}, EMPTY_BETWEEN, 1, [[2, 4], [0, 1, 3, 5]]),
    ],
)  # fmt: skip
def test_binary_files_join_a_partition_by_sparks_formula(
    fresh_context: Callable[..., SparkContext],
    tmp_path: Path,
    settings: Any,
    sizes: list[int],
    partitions: int | None,
    expected: list[list[int]],
) -> None:
    if isinstance(settings, tuple):
        most, cost = map(str, settings)
        settings = {"spark.files.maxPartitionBytes": most, "spark.files.openCostInBytes": cost}
    sc = fresh_context("local[2]", settings)
    assert places(sc.binaryFiles(files(tmp_path, sizes), partitions)) == expected
