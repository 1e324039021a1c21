"""Sessions: how programs begin, what they may set, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from firesteel import SparkConf, SparkContext
from firesteel.sql import Row, SparkSession


def test_a_session_begins_and_ends_with_its_context(fresh_context: Any) -> None:
    with (
        SparkSession.builder.master("local[1]")
        .appName("counts")
        .config("spark.x", True)
        .enableHiveSupport()
        .getOrCreate()
    ) as spark:
        sc = spark.sparkContext
        assert (sc.master, sc.appName, sc.getConf().get("spark.x")) == ("local[1]", "counts", "true")
        assert spark.version == sc.version
        assert sc.parallelize([1, 2, 3]).sum() == 6
        assert SparkSession.getActiveSession() is spark is SparkSession.active()
        again = SparkSession.builder.appName("other").config(map={"spark.y": 1}).getOrCreate()
        assert again is spark and spark.conf.get("spark.y") == "1" and sc.appName == "counts"
    assert SparkContext._active_spark_context is None
    assert SparkSession.getActiveSession() is None
    with pytest.raises(RuntimeError, match="No active Spark session"):
        SparkSession.active()
    later = SparkSession.builder.config(conf=SparkConf(False).setMaster("local[2]")).getOrCreate()
    assert later is not spark and later.sparkContext.master == "local[2]"
    later.stop()
    later.stop()


def test_a_session_takes_the_context_that_is_there(sc: Any) -> None:
    spark = SparkSession.builder.getOrCreate()
    assert spark.sparkContext is sc
    assert SparkSession(sc).sparkContext is sc
    assert spark.newSession().sparkContext is sc
    spark.addTag("t")
    assert spark.getTags() == sc.getJobTags() == {"t"}
    spark.removeTag("t")
    spark.clearTags()
    assert sc.getJobTags() == set()


def test_text_is_read_as_rows(sc: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.txt").write_text("three\n")
    spark = SparkSession.builder.getOrCreate()
    rows = spark.read.text(str(tmp_path / "a.txt")).rdd
    assert rows.getNumPartitions() == 1
    assert rows.collect() == [Row(value="one"), Row(value="two")]
    assert rows.map(lambda r: r[0]).collect() == rows.map(lambda r: r.value).collect() == ["one", "two"]
    both = spark.read.text([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]).rdd
    assert sorted(row.value for row in both.collect()) == ["one", "three", "two"]
    whole = spark.read.text(str(tmp_path), wholetext=True).rdd
    assert sorted(row.value for row in whole.collect()) == ["one\ntwo\n", "three\n"]


def test_settings_of_a_session_can_be_read_again(sc: Any) -> None:
    conf = SparkSession.builder.getOrCreate().newSession().conf
    conf.set("a", 1)
    conf.set("b", True)
    assert (conf.get("a"), conf.get("b"), conf.get("c", None), conf.get("c", "d")) == ("1", "true", None, "d")
    assert conf.getAll["a"] == "1" and conf.get("spark.master") == sc.master
    conf.unset("a")
    with pytest.raises(RuntimeError, match="'a' was not set"):
        conf.get("a")
    assert not conf.isModifiable("spark.master")


@pytest.mark.parametrize("name", ["sql", "table"])
def test_queries_are_refused_with_what_to_use_instead(sc: Any, name: str) -> None:
    with pytest.raises(RuntimeError, match=f"has no queries, so there is no '{name}': "):
        getattr(SparkSession.builder.getOrCreate(), name)("x")


def test_what_else_is_missing_says_so_and_is_an_attribute_error(sc: Any) -> None:
    spark: Any = SparkSession.builder.getOrCreate()
    for owner, name in ((spark, "catalog"), (spark.read, "orc"), (spark.range(1), "groupBy")):
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError, match=f"there is no '{name}': "):
            getattr(owner, name)
    with pytest.raises(RuntimeError, match="no remote sessions"):
        SparkSession.builder.remote("sc://localhost")
    with pytest.raises(TypeError, match="config needs"):
        SparkSession.builder.config()


def test_notebooks_show_the_context_within_the_session(sc: Any) -> None:
    shown = SparkSession.builder.getOrCreate()._repr_html_()
    assert "SparkSession - in-memory" in shown and sc._repr_html_() in shown


@pytest.mark.parametrize(
    ("sizes", "slots", "splits"),
    [([10], 4, 1), ([10, 20], 4, 2), ([100 << 20], 2, 2), ([1 << 30], 2, 8), ([64 << 20], 8, 8), ([], 4, 0)],
)
def test_small_files_are_not_split(sc: Any, tmp_path: Path, sizes: list[int], slots: int, splits: int) -> None:
    for number, size in enumerate(sizes):
        with open(tmp_path / f"part-{number}", "wb") as file:
            file.truncate(size)
    (tmp_path / "_SUCCESS").touch()
    spark = SparkSession(sc).newSession()
    spark.conf.set("spark.sql.files.minPartitionNum", slots)
    assert spark.read.text(str(tmp_path)).rdd.getNumPartitions() == splits
    if sizes:
        assert spark.read.text(f"file://{tmp_path}/part-*").rdd.getNumPartitions() == splits
