"""Hadoop's formats from Python: each odd file through every reader, each class by every writer.

What is right was found by running Spark 4.3 on the same files and calls.
"""

from __future__ import annotations

import base64
import bz2
import os
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from firesteel import SparkContext
from hadoop_files import NEW, SEQUENCE_OUT, TEXT_IN, TEXT_OUT, lines, member, names, save, sequence_file

# -- a: all keys have one class, and all values


@pytest.mark.parametrize(
    "values",
    [
        [2**40, 1.5],
        [1, 2**40],
        [2**40, 1],
        ["a", None],
        [None, "a"],
        [7, True],
        [True, 7],
        [1.5, 1],
        [1, "a"],
        ["a", b"b"],
        [{"a": 1}, 1],
    ],
)
@pytest.mark.parametrize("slices", [1, 2])
def test_pairs_of_other_classes_are_refused_and_nothing_is_left(
    sc: SparkContext, tmp_path: Path, values: list[Any], slices: int
) -> None:
    path = tmp_path / "out"
    with pytest.raises(Exception, match="wrong value class") as failure:
        sc.parallelize([(1, value) for value in values], slices).saveAsSequenceFile(str(path))
    classes = [word.strip(",.") for word in str(failure.value).split() if "org.apache.hadoop.io." in word]
    assert len(set(classes)) == 2 and "saveAsPickleFile" in str(failure.value)
    assert not path.exists()


@pytest.mark.parametrize("keys", [[1, "b"], [1, 2**40], [2**40, 1], [None, 1], [True, 1]])
@pytest.mark.parametrize("slices", [1, 2])
def test_keys_are_checked_as_values_are(sc: SparkContext, tmp_path: Path, keys: list[Any], slices: int) -> None:
    with pytest.raises(Exception, match="wrong key class"):
        sc.parallelize([(key, 1) for key in keys], slices).saveAsSequenceFile(str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_record_of_another_class_is_named(sc: SparkContext, tmp_path: Path) -> None:
    records = [(i, 2**40) for i in range(5)] + [(5, 1.25)]
    with pytest.raises(Exception, match=r"record 5 of the partition has the value Double\(1\.25\)"):
        sc.parallelize(records, 1).saveAsSequenceFile(str(tmp_path / "out"))


def test_empty_partitions_are_of_every_class(sc: SparkContext, tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    sc.parallelize(range(8), 4).filter(lambda x: x < 2).map(lambda x: (x, "v")).saveAsSequenceFile(path)
    assert sc.sequenceFile(path).collect() == [(0, "v"), (1, "v")]


# -- b: text in one way, by every reader


TEXTS: list[tuple[str, bytes, list[tuple[int, str]]]] = [
    ("two.gz", member(b"a\nb\n") + member(b"c\n"), [(0, "a"), (2, "b"), (4, "c")]),
    ("upper.GZ", member(b"a\nb\n"), [(0, "a"), (2, "b")]),
    ("mixed.Bz2", bz2.compress(b"a\nb\n"), [(0, "a"), (2, "b")]),
    ("two.bz2", bz2.compress(b"a\n") + bz2.compress(b"b\n"), [(0, "a"), (2, "b")]),
    ("some.DEFLATE", zlib.compress(b"a\nb"), [(0, "a"), (2, "b")]),
    ("other.gz.txt", b"a\n", [(0, "a")]),
    ("returns.txt", b"a\rb\rc", [(0, "a"), (2, "b"), (4, "c")]),
    ("both.txt", b"a\r\nb\r\n", [(0, "a"), (3, "b")]),
    ("mixed.txt", b"a\n\rb\r\r\nc\n\n", [(0, "a"), (2, ""), (3, "b"), (5, ""), (7, "c"), (9, "")]),
    ("mark.txt", "\ufeffa\nb\ufeff\n".encode(), [(0, "a"), (5, "b\ufeff")]),
    ("mark.gz", member("\ufeffa\nb\n".encode()), [(0, "a"), (5, "b")]),
    ("marks.txt", "\ufeff\ufeffa\n".encode(), [(0, "\ufeffa")]),
    ("only.txt", "\ufeff".encode(), []),
    ("open.txt", b"a\nb", [(0, "a"), (2, "b")]),
    ("one.txt", b"\n", [(0, "")]),
    ("bad.txt", b"a\xffb\xc3\nc\n", [(0, "a\ufffdb\ufffd"), (5, "c")]),
    ("empty.txt", b"", []),
]


@pytest.mark.parametrize(("name", "content", "pairs"), TEXTS, ids=[name for name, _, _ in TEXTS])
def test_every_reader_of_text_gives_the_same_lines(
    sc: SparkContext, tmp_path: Path, name: str, content: bytes, pairs: list[tuple[int, str]]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    expected = [line for _, line in pairs]
    # Where lines begin is told in order, even where splits cut them: they are put together again here.
    assert sc.textFile(str(path)).collect() == expected
    assert sc.textFile(str(path), 5).collect() == expected
    assert lines(sc, path, newer=False) == pairs
    assert lines(sc, path, newer=True) == pairs
    conf = {"mapreduce.input.fileinputformat.inputdir": str(path)}
    assert sc.hadoopRDD(TEXT_IN[False], "LongWritable", "Text", conf=conf).collect() == pairs
    assert sc.newAPIHadoopRDD(TEXT_IN[True], "LongWritable", "Text", conf=conf).collect() == pairs


def test_a_file_of_many_members_is_read_whole(sc: SparkContext, tmp_path: Path) -> None:
    path = tmp_path / "blocks.gz"
    expected = [f"line {i}" for i in range(50_000)]
    texts = ["".join(f"{line}\n" for line in expected[i : i + 7377]) for i in range(0, 50_000, 7377)]
    path.write_bytes(b"".join(member(text.encode()) for text in texts))
    assert [line for _, line in lines(sc, path, newer=True)] == expected == sc.textFile(str(path)).collect()


@pytest.mark.parametrize("newer", [False, True])
def test_a_file_that_was_cut_is_an_error_with_its_name(sc: SparkContext, tmp_path: Path, newer: bool) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(member(os.urandom(1000).hex().encode())[:-20])
    for read in (lambda: lines(sc, path, newer), lambda: sc.textFile(str(path)).collect()):
        with pytest.raises(Exception, match="cut.gz.*cut short"):
            read()


# -- c: classes that are asked for change no value

LOSSY = [
    ("NullWritable", 5),
    ("Text", b"x"),
    ("Text", 5),
    ("BooleanWritable", "false"),
    ("BooleanWritable", 1),
    ("ByteWritable", 128),
    ("ShortWritable", 2**15),
    ("IntWritable", 2**31),
    ("IntWritable", True),
    ("IntWritable", 1.0),
    ("VIntWritable", 2**31),
    ("LongWritable", 2**63),
    ("FloatWritable", 1e300),
    ("FloatWritable", 0.1),
    ("FloatWritable", 2**24 + 1),
    ("DoubleWritable", 2**53 + 1),
    ("DoubleWritable", "1"),
    ("BytesWritable", "x"),
    ("BytesWritable", [1, 2]),
    ("MapWritable", 5),
]
EXACT = [
    ("NullWritable", None),
    ("Text", "x"),
    ("BooleanWritable", False),
    ("ByteWritable", -128),
    ("ShortWritable", 2**15 - 1),
    ("IntWritable", 5),
    ("LongWritable", 5),
    ("VIntWritable", 2**31 - 1),
    ("VLongWritable", -(2**63)),
    ("FloatWritable", 1.5),
    ("FloatWritable", float("inf")),
    ("FloatWritable", 2**24),
    ("DoubleWritable", 5),
    ("DoubleWritable", 0.1),
    ("BytesWritable", b"x"),
    ("BytesWritable", bytearray(b"x")),
    ("MapWritable", {"a": {"b": 1}}),
]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(("name", "value"), LOSSY)
def test_a_class_that_would_change_the_value_is_refused(
    sc: SparkContext, tmp_path: Path, name: str, value: Any, newer: bool
) -> None:
    path = tmp_path / "out"
    more = {"keyClass": "org.apache.hadoop.io.IntWritable", "valueClass": f"org.apache.hadoop.io.{name}"}
    with pytest.raises(Exception, match=f"cannot be written as (a Writable|{name})"):
        save(sc, [(1, value)], path, newer, SEQUENCE_OUT, **more)
    assert not path.exists()


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(("name", "value"), EXACT)
def test_a_class_that_keeps_the_value_is_written(
    sc: SparkContext, tmp_path: Path, name: str, value: Any, newer: bool
) -> None:
    path = tmp_path / "out"
    save(sc, [(1, value), (2, value)], path, newer, SEQUENCE_OUT, valueClass=f"org.apache.hadoop.io.{name}")
    assert sc.sequenceFile(str(path)).collect() == [(1, value), (2, value)]
    part = next(name for name in names(path) if name.startswith("part-"))
    assert f"org.apache.hadoop.io.{name}".encode() in (path / part).read_bytes()[:120]
    assert part == ("part-r-00000" if newer else "part-00000")


def test_a_class_that_nobody_knows_is_refused(sc: SparkContext, tmp_path: Path) -> None:
    for name in ("org.apache.hadoop.io.ArrayWritable", "com.acme.Text"):
        with pytest.raises(Exception, match="is no class that can be written here"):
            save(sc, [(1, "a")], tmp_path / "out", False, SEQUENCE_OUT, valueClass=name)
    assert not (tmp_path / "out").exists()


# -- g: MapFiles, Java's text, classes that are seldom


def test_of_a_map_file_the_data_are_read(sc: SparkContext, tmp_path: Path) -> None:
    one = tmp_path / "maps" / "part-r-00000"
    one.mkdir(parents=True)
    pairs = [(struct.pack(">i", i), struct.pack(">i", i * i)) for i in range(1000)]
    (one / "data").write_bytes(sequence_file("IntWritable", "IntWritable", pairs))
    (one / "index").write_bytes(sequence_file("IntWritable", "LongWritable", [(struct.pack(">i", 0), bytes(8))]))
    expected = [(i, i * i) for i in range(1000)]
    assert sc.sequenceFile(str(tmp_path / "maps")).collect() == expected
    # Named itself it is the same; Spark takes the index for data then.
    assert sc.sequenceFile(str(one)).collect() == expected
    newer = NEW + "input.SequenceFileInputFormat"
    assert sc.newAPIHadoopFile(str(tmp_path / "maps"), newer, "IntWritable", "IntWritable").collect() == expected


@pytest.mark.parametrize(
    ("name", "content", "value"),
    [
        ("ShortWritable", struct.pack(">h", -7), -7),
        ("ByteWritable", struct.pack(">b", -7), -7),
        ("VIntWritable", b"\x87\x70", -113),
        ("VLongWritable", b"\x8e\x01\x00", 256),
        ("MD5Hash", bytes(range(16)), bytearray(range(16))),
        ("ObjectWritable", b"\x00\x03int\x00\x00\x00\x05", 5),
        ("ObjectWritable", b"\x00\x10java.lang.String\x00\x02hi", "hi"),
        ("ObjectWritable", b"\x00\x19org.apache.hadoop.io.Text\x00\x19org.apache.hadoop.io.Text\x02hi", "hi"),
        ("ObjectWritable", b"\x00\x12java.util.Calendar\x00\x01x", None),
        ("SortedMapWritable", b"\x00\x00\x00\x00\x01\x8c\x01a\x85\x00\x00\x00\x05", {"a": 5}),
    ],
)
def test_classes_that_are_seldom(sc: SparkContext, tmp_path: Path, name: str, content: bytes, value: Any) -> None:
    (tmp_path / "file").write_bytes(sequence_file("NullWritable", name, [(b"", content)]))
    if value is None:
        with pytest.raises(Exception, match=name):
            sc.sequenceFile(str(tmp_path / "file")).collect()
    else:
        assert sc.sequenceFile(str(tmp_path / "file")).collect() == [(None, value)]


@pytest.mark.parametrize("name", ["ArrayWritable", "GenericWritable", "EnumSetWritable", "TwoDArrayWritable"])
def test_classes_without_a_clear_value_are_refused_by_name(sc: SparkContext, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(sequence_file("NullWritable", name, [(b"", b"\0\0\0\0")]))
    with pytest.raises(Exception, match=f"org.apache.hadoop.io.{name}"):
        sc.sequenceFile(str(tmp_path / "file")).collect()


LINES = [
    (True, "true"),
    (False, "false"),
    (1, "1"),
    (2**40, "1099511627776"),
    (1e20, "1.0E20"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
    (float("nan"), "NaN"),
    (0.1, "0.1"),
    (1e-5, "1.0E-5"),
    (100.0, "100.0"),
    (1e7, "1.0E7"),
    (12345678.9, "1.23456789E7"),
    (1e-3, "0.001"),
    (3e-4, "3.0E-4"),
    (-0.0, "-0.0"),
    (2.0**53, "9.007199254740992E15"),
    (5e-324, "4.9E-324"),
    ({"a": 1}, "{a=1}"),
    ({"a": None, "b": True}, "{a=(null), b=true}"),
    ({"a": {"b": 1.5}}, "{a={b=1.5}}"),
    ({}, "{}"),
    (b"ab\xff\x01", "61 62 ff 01"),
    ("", ""),
    ("a\tb", "a\tb"),
]


@pytest.mark.parametrize("newer", [False, True])
def test_lines_are_those_of_java(sc: SparkContext, tmp_path: Path, newer: bool) -> None:
    save(sc, [("k", value) for value, _ in LINES], tmp_path / "out", newer, TEXT_OUT)
    part = tmp_path / "out" / ("part-r-00000" if newer else "part-00000")
    assert part.read_text() == "".join(f"k\t{line}\n" for _, line in LINES)
    nothing = [("k", None), (None, "v"), (None, None), (2**40, None), (None, True)]
    save(sc, nothing, tmp_path / "none", newer, TEXT_OUT)
    assert (tmp_path / "none" / part.name).read_text() == "k\nv\n1099511627776\ntrue\n"


def test_what_java_could_not_take_is_refused(sc: SparkContext, tmp_path: Path) -> None:
    for value in ([1], {1, 2}, 2**63, object(), "\ud800"):
        with pytest.raises(Exception, match="cannot be written as a Writable|cannot be sent|pickle"):
            save(sc, [(1, value)], tmp_path / "out", False, TEXT_OUT)
    with pytest.raises(Exception, match="is no pair"):
        save(sc, [1], tmp_path / "out", False, TEXT_OUT)
    assert not (tmp_path / "out").exists()


# -- i: pickle files that travel


def test_pickle_files_are_those_of_pyspark(sc: SparkContext, tmp_path: Path) -> None:
    path = tmp_path / "out"
    sc.parallelize(range(25), 1).saveAsPickleFile(str(path), 2)
    content = (path / "part-00000").read_bytes()
    # Java's stream of a byte[][], in a BytesWritable.
    assert b"NullWritable" in content[:100] and b"BytesWritable" in content[:100]
    assert content.count(b"\xac\xed\x00\x05ur\x00\x03[[B") == 2
    assert sc.pickleFile(str(path)).collect() == list(range(25))


RECORDS = [1, "a", None, (2.5, b"x"), [True], {"k": 2**40}, "é"]
BY_PYSPARK = {
    "batches of three": (
        "Q$<k*A#ZYLE@5zCV`ybAXklb;Z*VSYZ!S)CY;0F@X>?&?Y-J*Ea%V1KaA9L;WiDu8WN&Y9E@^KrLV0v$b60X{bYWs_WdHyG0001!^sVyHeSJ"
        "IFv7w^X$_!!v005`}00000005+{?EnRJasUHcTS80y85L(|+cyFL0C;c!000AZasUEbLag%__y!16-~s>ucyIs!02hD-l?(s?0000009}+QO"
        "96}lVU$i~E_HDLegFah001(81(hcN00000003Q-C`Uj900000002V)c$9{eU6hDneUyv=Ym|xx0000000DDlE_HDLegFah000z#1(gW^0000"
        "0003Q-i~_@{lwmF",
        RECORDS,
    ),
    "one by one": (
        "Q$<k*A#ZYLE@5zCV`ybAXklb;Z*VSYZ!S)CY;0F@X>?&?Y-J*Ea%V1KaA9L;WiDu8WN&Y9E@^KrLV0v$b60X{bYWs_WdHyG0002tKQwK%0S6"
        "Ea0ePIWE8=JX009aB00000009Q9?EnRJasUHcTS80y85L(|+cyFL0C;c!000MdasUEbLag%__y!16-~s>ucyIs!01<!%l?DI+0000009}+z0"
        "bwq6aR7b*0ssI26MzMk2mk;800000U6hOgVU%Gmb#VZG00IC201$u$l?4C*0000009}+$VJ>xX0Db@h0000UfCZHk0000000018lt(}W0000"
        "0002V)c$9{eVJ>xX0Db@h0000JfCZHZ0000000018lwFjFVPP(HaR7b*0ssI29)Jav6951J00000U6g&4i~(zuiUt4x00001b73xZaR7b*0s"
        "sI26o3Vl2><{900000U6hOh!>N>EE&",
        RECORDS,
    ),
    "by a context of MarshalSerializer": (
        "Q$<k*A#ZYLE@5zCV`ybAXklb;Z*VSYZ!S)CY;0F@X>?&?Y-J*Ea%V1KaA9L;WiDu8WN&Y9E@^KrLV0v$b60X{bYWs_WdHyG00003rD0qe7VA"
        "2KPnRIo^oiF10049V00000003~T?EnRJasUHcTS80y85L(|+cyFL0C;c!0007YasUEbLag%__y!16-~s>ucyIs!02Y7+l?wm>0000009}+QO"
        "96}lVU%Sqb#VZG00IC203Cn@l@b5|0000009}+QPF<8oKm-5)00000VP!4",
        [1, "a", None, [2.5]],
    ),
}
"""Files that PySpark 4.3's saveAsPickleFile wrote, and what it reads from them."""


@pytest.mark.parametrize(("packed", "records"), BY_PYSPARK.values(), ids=BY_PYSPARK)
def test_pickle_files_that_pyspark_wrote_are_read(
    sc: SparkContext, tmp_path: Path, packed: str, records: list[Any]
) -> None:
    (tmp_path / "part-00000").write_bytes(base64.b85decode(packed))
    assert sc.pickleFile(str(tmp_path)).collect() == records
    assert sc.pickleFile(str(tmp_path), 5).collect() == records


def java_arrays(lists: list[bytes]) -> bytes:
    """Java's stream of a ``byte[][]``: the class of the arrays is told once, and referred to from then on."""
    outer = b"\xac\xed\x00\x05ur\x00\x03[[BK\xfd\x19\x15gg\xdb7\x02\x00\x00xp" + struct.pack(">i", len(lists))
    described, again = b"ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08T\xe0\x02\x00\x00xp", b"uq\x00~\x00\x02"
    arrays = [struct.pack(">i", len(one)) + one for one in lists]
    return outer + b"".join((again if at else described) + array for at, array in enumerate(arrays))


@pytest.mark.parametrize("batch", [1, 2, 7, 100])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickled_lists_of_any_size_and_protocol_are_read(
    sc: SparkContext, tmp_path: Path, batch: int, protocol: int
) -> None:
    records: list[Any] = [*range(40), *"abc", None, {"a": [1.5]}]
    lists = [pickle.dumps(records[at : at + batch], protocol) for at in range(0, len(records), batch)]
    # Spark puts ten lists into a record.
    values = [java_arrays(lists[at : at + 10]) for at in range(0, len(lists), 10)]
    pairs = [(b"", struct.pack(">i", len(value)) + value) for value in values]
    (tmp_path / "part-00000").write_bytes(sequence_file("NullWritable", "BytesWritable", pairs))
    assert sc.pickleFile(str(tmp_path)).collect() == records


def test_pickle_files_of_before_are_read(sc: SparkContext, tmp_path: Path) -> None:
    lists = [pickle.dumps([1, "a"], 5), pickle.dumps([None], 2)]
    pairs = [(b"", struct.pack(">i", len(one)) + one) for one in lists]
    (tmp_path / "file").write_bytes(sequence_file("NullWritable", "BytesWritable", pairs))
    assert sc.pickleFile(str(tmp_path / "file")).collect() == [1, "a", None]


def test_other_sequence_files_are_no_pickle_files(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize([(1, "a")], 1).saveAsSequenceFile(str(tmp_path / "out"))
    with pytest.raises(Exception, match="saveAsPickleFile"):
        sc.pickleFile(str(tmp_path / "out")).collect()


# -- j: maps in maps, and arrays


def test_maps_in_maps_come_back(sc: SparkContext, tmp_path: Path) -> None:
    maps = [{"a": {"b": {"c": 1}}}, {1: {}, 2**40: {"x": None}, "y": {"z": 2.5}}, {None: {True: b"x"}}]
    sc.parallelize([(1, one) for one in maps], 1).saveAsSequenceFile(str(tmp_path / "maps"))
    assert sc.sequenceFile(str(tmp_path / "maps")).values().collect() == maps


@pytest.mark.parametrize("value", [(1, 2), {"a": (1, 2)}, {"a": {"b": [1]}}])
def test_arrays_are_not_written_even_in_maps(sc: SparkContext, tmp_path: Path, value: Any) -> None:
    """PySpark writes tuples as ArrayWritable, which nobody can read again, and refuses lists."""
    with pytest.raises(Exception, match="cannot be written as a Writable"):
        sc.parallelize([(1, value)], 1).saveAsSequenceFile(str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_arrays_are_refused_with_the_reason(sc: SparkContext, tmp_path: Path) -> None:
    """The values are what PySpark writes for ``(1, 2)`` and ``{"a": (1, 2)}``, and fails to read."""
    array = struct.pack(">iii", 2, 1, 2)
    for name, value in (("ArrayWritable", array), ("MapWritable", b"\0\0\0\0\x01\x8c\x01a\x81" + array)):
        (tmp_path / name).write_bytes(sequence_file("IntWritable", name, [(struct.pack(">i", 1), value)]))
        with pytest.raises(Exception, match="ArrayWritable.*do not say of which class its elements are"):
            sc.sequenceFile(str(tmp_path / name)).collect()
