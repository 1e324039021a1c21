"""Hadoop's input formats by the names of their classes.

What is right was seen in PySpark 4.3 on the same files: each test passes there, too, unless it says otherwise.
"""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest
from firesteel import SparkContext

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce.lib.input."
TEXT, LONG, INT = (f"org.apache.hadoop.io.{name}" for name in ("Text", "LongWritable", "IntWritable"))
INPUT = "mapreduce.input.fileinputformat.inputdir"
SEPARATOR = "mapreduce.input.keyvaluelinerecordreader.key.value.separator"
LINES = "mapreduce.input.lineinputformat.linespermap"
SPLIT = "mapreduce.input.fileinputformat.split."


def read(sc: SparkContext, newer: bool, name: str, path: Any, classes: tuple[str, str], **conf: str) -> Any:
    """Reads files by either interface, whose packages differ."""
    library = "" if name.startswith("KeyValue") else "lib."
    settings = {INPUT: str(path), **conf}
    if newer:
        return sc.newAPIHadoopRDD(NEW + name, *classes, conf=settings)
    return sc.hadoopRDD(OLD + library + name, *classes, conf=settings)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# -- KeyValueTextInputFormat

KEY_VALUES = "a\tb\tc\nxy;z\nno\n\n\tk\nend\t\né€f\r\nlast;;x".encode()
BY_TAB = [("a", "b\tc"), ("xy;z", ""), ("no", ""), ("", ""), ("", "k"), ("end", ""), ("é€f", ""), ("last;;x", "")]
BY_SEMICOLON = [("a\tb\tc", ""), ("xy", "z"), ("no", ""), ("", ""), ("\tk", ""), ("end\t", "")]
BY_SEMICOLON += [("é€f", ""), ("last", ";x")]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({}, BY_TAB),
        ({SEPARATOR: ";"}, BY_SEMICOLON),
        ({"key.value.separator.in.input.line": ";"}, BY_SEMICOLON),
        # The first character of several counts alone, and a delimiter of records not at all.
        ({SEPARATOR: ";x"}, BY_SEMICOLON),
        ({"textinputformat.record.delimiter": "o"}, BY_TAB),
    ],
)
def test_keys_and_values_stand_around_the_first_separator(
    sc: SparkContext, tmp_path: Path, newer: bool, conf: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    path = write(tmp_path / "pairs.txt", KEY_VALUES)
    rdd = read(sc, newer, "KeyValueTextInputFormat", path, (TEXT, TEXT), **conf)
    assert [len(part) for part in rdd.glom().collect()] == ([8] if newer else [6, 2])
    assert rdd.collect() == expected


def test_keys_and_values_of_odd_files(sc: SparkContext, tmp_path: Path) -> None:
    def pairs(name: str, content: bytes) -> Any:
        path = str(write(tmp_path / name, content))
        return sc.newAPIHadoopFile(path, NEW + "KeyValueTextInputFormat", TEXT, TEXT, conf={SEPARATOR: ";"}).collect()

    assert pairs("mark.txt", "\ufeffa;b\n".encode()) == [("a", "b")]
    assert pairs("bad.txt", b"a\xff;b\xfe\n\xe2\x82;\xac\n") == [("a\ufffd", "b\ufffd"), ("\ufffd", "\ufffd")]
    assert pairs("packed.gz", gzip.compress(b"a;b\nc")) == [("a", "b"), ("c", "")]
    assert pairs("empty.txt", b"") == []


@pytest.mark.parametrize("separator", ["", "€", "é"])
def test_a_separator_that_would_cut_characters_is_refused(
    sc: SparkContext, tmp_path: Path, separator: str
) -> None:
    """Spark fails for an empty one, and takes a byte of another."""
    path = write(tmp_path / "pairs.txt", KEY_VALUES)
    with pytest.raises(Exception, match="ASCII"):
        read(sc, True, "KeyValueTextInputFormat", path, (TEXT, TEXT), **{SEPARATOR: separator})


# -- NLineInputFormat

COUNTED = b"a\nbb\r\nccc\rd\n\ne\nf"
ALL = [(0, "a"), (2, "bb"), (6, "ccc"), (10, "d"), (12, ""), (13, "e"), (15, "f")]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(
    ("conf", "size"),
    [
        ({}, 1),
        ({LINES: "2"}, 2),
        ({LINES: "3"}, 3),
        ({"mapred.line.input.format.linespermap": "2"}, 2),
        ({LINES: "100"}, 7),
        ({LINES: "0"}, 7),
        ({LINES: "-1"}, 7),
        ({LINES: "2", SPLIT + "minsize": "1000", SPLIT + "maxsize": "1"}, 2),
        ({LINES: "2", "textinputformat.record.delimiter": "c"}, 2),
    ],
)
def test_a_partition_has_so_many_lines(
    sc: SparkContext, tmp_path: Path, newer: bool, conf: dict[str, str], size: int
) -> None:
    path = write(tmp_path / "lines.txt", COUNTED)
    found = read(sc, newer, "NLineInputFormat", path, (LONG, TEXT), **conf).glom().collect()
    assert found == [ALL[at : at + size] for at in range(0, 7, size)]


@pytest.mark.parametrize("newer", [False, True])
def test_counted_lines_of_several_files(sc: SparkContext, tmp_path: Path, newer: bool) -> None:
    def found(lines: int, *contents: bytes) -> Any:
        paths = [str(write(tmp_path / f"{at}.txt", content)) for at, content in enumerate(contents)]
        rdd = read(sc, newer, "NLineInputFormat", ",".join(paths), (LONG, TEXT), **{LINES: str(lines)})
        return rdd.glom().collect()

    assert found(1, b"a\nb\n", b"", "\ufeffc\nd\n".encode()) == [[(0, "a")], [(2, "b")], [(0, "c")], [(5, "d")]]
    assert found(2, b"a\nb\nc\n", b"d\n") == [[(0, "a"), (2, "b")], [(4, "c")], [(0, "d")]]
    # Splits end one byte before a line does, so a first line without a character cannot stand alone.
    assert found(1, b"\n\n\nx\n") == [[(0, ""), (1, "")], [(2, "")], [(3, "x")]]


def test_a_compressed_file_of_lines_is_one_partition(sc: SparkContext, tmp_path: Path) -> None:
    """Spark counts lines in the compressed bytes, and loses all lines of this file but one."""
    path = write(tmp_path / "lines.gz", gzip.compress(b"a\nb\nc\n"))
    assert read(sc, True, "NLineInputFormat", path, (LONG, TEXT)).glom().collect() == [[(0, "a"), (2, "b"), (4, "c")]]


def test_a_number_of_lines_is_a_number(sc: SparkContext, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.txt", COUNTED)
    with pytest.raises(Exception, match="number of lines|NumberFormatException|Error in configuring object"):
        read(sc, True, "NLineInputFormat", path, (LONG, TEXT), **{LINES: "x"})


# -- CombineTextInputFormat, CombineSequenceFileInputFormat


def texts(folder: Path) -> str:
    """Writes files of 30, 0, 90, 5, 26, 3 and 88 bytes."""
    streams = bz2.compress(b"g0\ng1\n") + bz2.compress(b"g2\ng3\n")
    contents = {
        "a": "".join(f"a{i}\n" for i in range(10)).encode(),
        "b": b"",
        "c": "".join(f"c{i}\n" for i in range(25)).encode(),
        "d": b"d0\nd1",
        "e.gz": gzip.compress(b"e0\ne1\n", mtime=0),
        "f": b"f0\n",
        "g.bz2": streams,
    }
    return ",".join(str(write(folder / name, content)) for name, content in contents.items())


A, C = [f"a{i}" for i in range(10)], [f"c{i}" for i in range(25)]
REST = ["d0", "d1", "e0", "e1", "f0", "g0", "g1", "g2", "g3"]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({}, [A + C + REST]),
        ({SPLIT + "maxsize": "0"}, [A + C + REST]),
        ({SPLIT + "maxsize": "1000"}, [A + C + REST]),
        ({SPLIT + "minsize.per.node": "10"}, [A + C + REST]),
        ({SPLIT + "maxsize": "100", SPLIT + "minsize.per.node": "50", SPLIT + "minsize.per.rack": "60"},
         [A + C, REST]),
        ({SPLIT + "maxsize": "50"}, [A + C[:14], C[14:] + REST[:2], REST[2:8], REST[8:]]),
        ({SPLIT + "maxsize": "40"}, [A + C[:13], C[13:], REST[:8], REST[8:]]),
        ({"mapred.max.split.size": "31"}, [A + C[:11], C[11:], REST[:4], REST[4:8], REST[8:]]),
        ({SPLIT + "maxsize": "30"}, [A, C[:11], C[11:18], C[18:], REST[:4], REST[4:8], REST[8:]]),
        ({SPLIT + "minsize": "20", SPLIT + "maxsize": "10"},
         [A[:4], A[4:7], A[7:], C[:4], C[4:7], C[7:11], C[11:13], C[13:16], C[16:18], C[18:21], C[21:23], C[23:],
          REST[:4], REST[4:8], [], [], [], REST[8:], [], [], []]),
    ],
)  # fmt: skip
def test_files_of_text_are_combined(
    sc: SparkContext, tmp_path: Path, newer: bool, conf: dict[str, str], expected: list[list[str]]
) -> None:
    rdd = read(sc, newer, "CombineTextInputFormat", texts(tmp_path), (LONG, TEXT), **conf)
    assert rdd.values().glom().collect() == expected


def test_positions_in_combined_files_are_those_of_each_file(sc: SparkContext, tmp_path: Path) -> None:
    conf = {SPLIT + "maxsize": "30", INPUT: texts(tmp_path)}
    parts = sc.newAPIHadoopRDD(NEW + "CombineTextInputFormat", LONG, TEXT, conf=conf).glom().collect()
    assert parts[4:] == [
        [(0, "d0"), (3, "d1"), (0, "e0"), (3, "e1")],
        [(0, "f0"), (0, "g0"), (3, "g1"), (6, "g2")],
        [(33, "g3")],
    ]
    conf = {SPLIT + "maxsize": "30", INPUT: str(tmp_path / "b")}
    assert sc.newAPIHadoopRDD(NEW + "CombineTextInputFormat", LONG, TEXT, conf=conf).glom().collect() == []


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((100, 101, 0), "node"), ((100, 0, 101), "rack"), ((100, 60, 50), "node")],
)
def test_sizes_that_contradict_each_other_are_refused(
    sc: SparkContext, tmp_path: Path, sizes: tuple[int, int, int], message: str
) -> None:
    names = ("maxsize", "minsize.per.node", "minsize.per.rack")
    conf = {SPLIT + name: str(size) for name, size in zip(names, sizes)}
    with pytest.raises(Exception, match=f"{message}.*cannot be larger than"):
        read(sc, True, "CombineTextInputFormat", texts(tmp_path), (LONG, TEXT), **conf).collect()


@pytest.mark.parametrize("newer", [False, True])
def test_sequence_files_are_combined(sc: SparkContext, tmp_path: Path, newer: bool) -> None:
    path = tmp_path / "pairs"
    pairs = [(i, f"v{i:05d}" * 20) for i in range(5000)]
    sc.parallelize(pairs, 3).saveAsSequenceFile(str(path))
    # By name: Spark lists a folder as the disk does.
    parts = ",".join(sorted(str(part) for part in path.glob("part-*")))

    def counts(**conf: str) -> list[int]:
        rdd = read(sc, newer, "CombineSequenceFileInputFormat", parts, (INT, TEXT), **conf)
        assert rdd.collect() == pairs
        found: list[int] = rdd.mapPartitions(lambda records: [sum(1 for _ in records)]).collect()
        return found

    # Files of some 136,000, 273,000 and 257,000 bytes; where exactly they are cut, their markers say.
    assert counts() == counts(**{SPLIT + "maxsize": "1000000"}) == [5000]
    assert len(counts(**{SPLIT + "maxsize": "300000"})) == 2
    assert len(counts(**{SPLIT + "maxsize": "200000"})) == 3
    assert len(counts(**{SPLIT + "maxsize": "100000"})) == 5


# -- Spark's own, and others


def test_whole_texts_by_their_class(sc: SparkContext, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{at}", b"x" * size) for at, size in enumerate([10, 20, 30, 40, 5, 5, 5, 0, 60, 1])]

    def places(**conf: str) -> list[list[int]]:
        names = ",".join(map(str, paths))
        rdd = sc.newAPIHadoopFile(names, "org.apache.spark.input.WholeTextFileInputFormat", TEXT, TEXT, conf=conf)
        assert all(text == "x" * len(text) for _, text in rdd.collect())
        return [[int(path[-1]) for path, _ in pairs] for pairs in rdd.glom().collect()]

    assert places() == [[*range(10)]]
    assert places(**{SPLIT + "maxsize": "30"}) == [[0, 1], [2], [3], [4, 5, 6, 8], [7, 9]]


@pytest.mark.parametrize(
    ("method", "name", "instead"),
    [
        ("newAPIHadoopFile", "org.apache.spark.input.StreamInputFormat", "binaryFiles"),
        ("hadoopFile", "org.apache.spark.input.WholeTextFileInputFormat", "wholeTextFiles"),
        ("newAPIHadoopFile", "org.apache.spark.input.FixedLengthBinaryInputFormat", "binaryRecords"),
        ("hadoopFile", OLD + "NLineInputFormat", "Known by name are .*NLineInputFormat"),
        ("newAPIHadoopFile", NEW + "lib.NLineInputFormat", "Known by name are"),
        ("newAPIHadoopFile", NEW + "SequenceFileAsTextInputFormat", "Known by name are"),
        ("newAPIHadoopFile", "com.acme.TextInputFormat", "Known by name are"),
    ],
)
def test_other_formats_are_refused_by_name(
    sc: SparkContext, tmp_path: Path, method: str, name: str, instead: str
) -> None:
    """Spark gives ``PortableDataStream@713cef63`` as the value of the first, and fails for most others."""
    with pytest.raises(Exception, match=instead):
        getattr(sc, method)(str(tmp_path), name, TEXT, TEXT)
