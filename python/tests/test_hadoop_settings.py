"""Hadoop's settings from Python, by both routes (``spark.hadoop.KEY`` and ``conf``): obeyed by every reader and writer,
or refused; and files that come, go or are broken between the call and the action.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from firesteel import SparkContext
from firesteel.errors import FiresteelError
from hadoop_files import SEQUENCE_OUT, TEXT_IN, TEXT_OUT, lines, member, names, save

RECURSIVE = "mapreduce.input.fileinputformat.input.dir.recursive"
COMPRESS = "mapreduce.output.fileoutputformat.compress"
DELIMITER = "textinputformat.record.delimiter"


@pytest.fixture
def route(request: pytest.FixtureRequest, fresh_context: Any) -> Callable[[dict[str, str]], tuple[SparkContext, Any]]:
    """Gives a context and a ``conf``: the settings stand in one of them."""

    def make(settings: dict[str, str]) -> tuple[SparkContext, Any]:
        if request.param == "conf":
            return fresh_context(), settings
        return fresh_context(settings={f"spark.hadoop.{key}": value for key, value in settings.items()}), None

    return make


both_routes = pytest.mark.parametrize("route", ["conf", "context"], indirect=True)


@both_routes
@pytest.mark.parametrize("newer", [False, True])
def test_the_delimiter_of_records(route: Any, tmp_path: Path, newer: bool) -> None:
    path = tmp_path / "a.txt"
    path.write_text("xaabyaabz")
    sc, conf = route({DELIMITER: "ab"})
    assert lines(sc, path, newer, conf) == [(0, "xa"), (4, "ya"), (8, "z")]
    if conf is None:
        assert sc.textFile(str(path)).collect() == ["xa", "ya", "z"]
        assert sc.textFile(str(path), 4).collect() == ["xa", "ya", "z"]


@both_routes
def test_directories_in_directories(route: Any, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("a\n")
    (tmp_path / "in" / "deep" / "b.txt").write_text("b\n")
    sc, conf = route({RECURSIVE: "true"})
    assert lines(sc, tmp_path / "in", False, conf) == [(0, "a"), (0, "b")]
    assert lines(sc, tmp_path / "in", True, conf) == [(0, "a"), (0, "b")]
    if conf is None:
        assert sorted(sc.textFile(str(tmp_path / "in")).collect()) == ["a", "b"]
        assert sc.wholeTextFiles(str(tmp_path / "in")).count() == 2
        assert sc.binaryFiles(str(tmp_path / "in")).count() == 2


@both_routes
def test_sizes_of_splits(route: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0123456\n" * 2000)

    def parts(sc: SparkContext, conf: Any) -> int:
        path = str(tmp_path / "a.txt")
        return sc.newAPIHadoopFile(path, TEXT_IN[True], "LongWritable", "Text", conf=conf).getNumPartitions()

    sc, conf = route({"mapreduce.input.fileinputformat.split.maxsize": "4000"})
    assert parts(sc, conf) == 4
    if conf is None:
        assert sc.textFile(str(tmp_path / "a.txt"), 1).getNumPartitions() == 4
    sc.stop()
    sc, conf = route({"mapred.min.split.size": "100000"})
    assert parts(sc, conf) == 1
    if conf is None:
        assert sc.textFile(str(tmp_path / "a.txt"), 8).getNumPartitions() == 1


@both_routes
@pytest.mark.parametrize("newer", [False, True])
def test_compressed_output(route: Any, tmp_path: Path, newer: bool) -> None:
    codec = {COMPRESS + ".codec": "org.apache.hadoop.io.compress.GzipCodec"}
    sc, conf = route({COMPRESS: "true", **codec})
    stem = "part-r-00000" if newer else "part-00000"
    save(sc, [(1, "a")], tmp_path / "text", newer, TEXT_OUT, conf=conf)
    assert gzip.decompress((tmp_path / "text" / f"{stem}.gz").read_bytes()) == b"1\ta\n"
    save(sc, [(1, "a")], tmp_path / "sequence", newer, SEQUENCE_OUT, conf=conf)
    header = (tmp_path / "sequence" / stem).read_bytes()
    # Behind the classes: compressed, not by blocks, and with what.
    assert b"Text\x01\x00" in header and b"GzipCodec" in header
    assert sc.sequenceFile(str(tmp_path / "sequence")).collect() == [(1, "a")]
    if conf is None:
        sc.parallelize(["a"], 1).saveAsTextFile(str(tmp_path / "lines"))
        assert names(tmp_path / "lines") == ["_SUCCESS", "part-00000.gz"]
        sc.parallelize([1], 1).saveAsPickleFile(str(tmp_path / "pickled"))
        assert b"GzipCodec" in (tmp_path / "pickled" / "part-00000").read_bytes()
        assert sc.pickleFile(str(tmp_path / "pickled")).collect() == [1]
    sc.stop()
    sc, conf = route(codec)
    save(sc, [(1, "a")], tmp_path / "plain", newer, TEXT_OUT, conf=conf)
    assert (tmp_path / "plain" / stem).read_bytes() == b"1\ta\n"


@both_routes
def test_the_sign_of_success_and_the_separator(route: Any, tmp_path: Path) -> None:
    sc, conf = route(
        {
            "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
            "mapreduce.output.textoutputformat.separator": "::",
        }
    )
    for newer in (False, True):
        path = tmp_path / f"out{newer}"
        save(sc, [("k", 1)], path, newer, TEXT_OUT, conf=conf)
        assert names(path) == ["part-r-00000" if newer else "part-00000"]
        assert (path / names(path)[0]).read_text() == "k::1\n"
    if conf is None:
        sc.parallelize(["a"], 1).saveAsTextFile(str(tmp_path / "lines"))
        assert names(tmp_path / "lines") == ["part-00000"]


@both_routes
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mapreduce.input.pathFilter.class", "com.acme.Filter"),
        ("mapreduce.input.linerecordreader.line.maxlength", "10"),
        ("mapreduce.output.basename", "x"),
        ("mapreduce.input.fileinputformat.unknown", "x"),
        ("mapreduce.input.fileinputformat.split.minsize", "big"),
        (COMPRESS + ".codec", "com.acme.Codec"),
    ],
)
def test_settings_that_cannot_be_obeyed_are_refused(route: Any, tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(FiresteelError, match=key.replace(".", r"\.")):
        sc, conf = route({key: value})
        lines(sc, tmp_path, False, conf)


def test_stores_are_not_set_up_by_a_call(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(FiresteelError, match=r"Set spark\.hadoop\.fs\.s3a\.access\.key in the SparkConf"):
        lines(sc, tmp_path, False, {"fs.s3a.access.key": "x"})


def test_outputs_never_mix(fresh_context: Any) -> None:
    with pytest.raises(FiresteelError, match="never mixes"):
        fresh_context(settings={"spark.hadoop.validateOutputSpecs": "false"})


def test_corrupt_and_missing_files_may_be_left_out(
    fresh_context: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.gz").write_bytes(member(os.urandom(100_000).hex().encode())[:-50_000])
    (tmp_path / "b.txt").write_text("b\n")
    sc = fresh_context(settings={"spark.files.ignoreCorruptFiles": "true"})
    assert sc.textFile(str(tmp_path)).filter(lambda line: line == "b").collect() == ["b"]
    assert [line for _, line in lines(sc, tmp_path, True)][-1] == "b"
    # A whole file is there or is not.
    assert [os.path.basename(path) for path in sc.wholeTextFiles(str(tmp_path)).keys().collect()] == ["b.txt"]
    assert "spark.files.ignoreCorruptFiles" in capfd.readouterr().err
    sc.stop()
    sc = fresh_context(settings={"spark.files.ignoreMissingFiles": "true"})
    (tmp_path / "a.gz").unlink()
    (tmp_path / "c.txt").write_text("c\n")
    late = sc.textFile(str(tmp_path))
    assert late.getNumPartitions() >= 2
    (tmp_path / "c.txt").unlink()
    assert late.collect() == ["b"]


def test_empty_files_are_partitions_only_where_asked_for(fresh_context: Any, tmp_path: Path) -> None:
    for name, text in (("a", ""), ("b", "x"), ("c", "")):
        (tmp_path / name).write_text(text)
    assert fresh_context().textFile(str(tmp_path), 1).getNumPartitions() == 1
    SparkContext._active_spark_context.stop()  # type: ignore[union-attr]
    sc = fresh_context(settings={"spark.hadoopRDD.ignoreEmptySplits": "false"})
    assert sc.textFile(str(tmp_path), 1).getNumPartitions() == 3
    assert sorted(sc.wholeTextFiles(str(tmp_path)).values().collect()) == ["", "", "x"]


def test_files_that_come_late_are_read(sc: SparkContext, tmp_path: Path) -> None:
    directory = tmp_path / "in"
    readers = [
        sc.textFile(str(directory)),
        sc.wholeTextFiles(str(directory)).values(),
        sc.binaryFiles(str(directory)).values().map(bytes.decode),
        sc.textFile(str(directory)).union(sc.textFile(str(directory))).distinct(1),
        sc.textFile(str(directory)).coalesce(1),
        sc.textFile(str(directory)).map(lambda line: (line, 1)).partitionBy(2).keys(),
    ]
    directory.mkdir()
    (directory / "a").write_text("a")
    (directory / "b").write_text("b")
    assert [sorted(reader.collect()) for reader in readers] == [["a", "b"]] * len(readers)
    # What an action has listed stays so, as in Spark.
    (directory / "c").write_text("c")
    assert sorted(readers[0].collect()) == ["a", "b"]


def test_a_path_that_is_missing_at_the_action_names_the_line_that_names_it(sc: SparkContext, tmp_path: Path) -> None:
    lengths = sc.textFile(str(tmp_path / "none")).map(len)
    with pytest.raises(Exception, match=r"(?s)none: there is no such file.*textFile at .*test_hadoop_settings"):
        lengths.count()
    with pytest.raises(Exception, match="there is no such file"):
        sc.textFile(str(tmp_path / "none")).getNumPartitions()


def test_directories_and_dead_links_among_files(sc: SparkContext, tmp_path: Path) -> None:
    directory = tmp_path / "in"
    (directory / "sub").mkdir(parents=True)
    (directory / "a").write_text("a")
    (directory / "sub" / "b").write_text("b")
    (directory / "dead").symlink_to(tmp_path / "gone")
    assert sc.wholeTextFiles(str(directory)).values().collect() == ["a"]
    assert sc.binaryFiles(str(directory)).values().collect() == [b"a"]
    with pytest.raises(Exception, match="recursive|directory|no such file"):
        sc.textFile(str(directory)).collect()


def test_names_that_go_back_up(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    for path in (f"{tmp_path}/none/../a.txt", f"{tmp_path}/x/y/../../a.*", f"file:{tmp_path}/./none/../a.txt"):
        assert sc.textFile(path).collect() == ["a"]
    sc.parallelize(["b"], 1).saveAsTextFile(f"{tmp_path}/none/../out")
    assert (tmp_path / "out" / "part-00000").read_text() == "b\n"
