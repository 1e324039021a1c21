"""The life of contexts: one after another, what they are told, what they refuse."""

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import firesteel
import pytest
from firesteel import SparkConf, SparkContext


def test_one_context_at_a_time(fresh_context: Any) -> None:
    first = fresh_context()
    with pytest.raises(ValueError, match=r"Cannot run multiple SparkContexts at once; .*app=fresh.*conftest\.py:\d+"):
        SparkContext("local", "second")
    assert first.range(3).count() == 3, "the first one goes on"
    assert SparkContext.getOrCreate() is first


def test_the_version_is_firesteels(sc: Any) -> None:
    assert sc.version == firesteel.__version__ != "4.3.0"


def test_several_contexts_one_after_another(fresh_context: Any) -> None:
    ids = set()
    for _ in range(3):
        with fresh_context("local[1]") as sc:
            assert sc.parallelize(range(10), 3).map(lambda x: x + 1).sum() == 55
            ids.add(sc.applicationId)
    assert len(ids) == 3


def test_a_stopped_context_says_so(fresh_context: Any) -> None:
    sc = fresh_context()
    numbers = sc.range(3)
    sc.stop()
    sc.stop()
    with pytest.raises(RuntimeError, match=r"stopped SparkContext \(stop at test_context\.py:\d+\)"):
        sc.range(3)
    with pytest.raises(RuntimeError, match="stopped"):
        numbers.map(str).collect()
    assert SparkContext._active_spark_context is None


def test_a_context_that_cannot_start_leaves_none(fresh_context: Any) -> None:
    with pytest.raises(Exception):
        SparkContext("local[2]", "bad", pyFiles=["/no/such/file.py"])
    assert SparkContext._active_spark_context is None


def test_defaults(fresh_context: Any) -> None:
    with SparkContext() as sc:
        assert (sc.master, sc.appName) == ("local[*]", "pyspark-shell")
        assert repr(sc) == "<SparkContext master=local[*] appName=pyspark-shell>"
        assert sc.uiWebUrl is not None and sc.uiWebUrl.startswith("http://127.0.0.1:")
        assert sc.environment["PYTHONHASHSEED"] == "0"


def test_settings(fresh_context: Any) -> None:
    conf = SparkConf().setMaster("local[1]").setAppName("conf").set("spark.default.parallelism", "5").set("my.key", "1")
    with SparkContext("local[3]", conf=conf) as sc:
        assert (sc.master, sc.appName) == ("local[3]", "conf")
        assert conf.get("spark.master") == "local[1]", "the caller's is not changed"
        assert sc.defaultParallelism == 5
        assert sc.defaultMinPartitions == 2
        assert sc.range(10).getNumPartitions() == 5
        assert sc.parallelize([(1, 2)], 2).groupByKey().getNumPartitions() == 5
        copied = sc.getConf().set("my.key", "2")
        assert sc.getConf().get("my.key") == "1" and copied.get("spark.app.id") == sc.applicationId


def test_system_properties_are_defaults_of_later_contexts(fresh_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from firesteel import conf

    monkeypatch.setattr(conf, "SYSTEM_PROPERTIES", conf.SYSTEM_PROPERTIES)
    SparkContext.setSystemProperty("spark.app.name", "by property")
    try:
        with SparkContext("local[1]") as sc:
            assert sc.appName == "by property"
    finally:
        conf.SYSTEM_PROPERTIES.pop("spark.app.name")
    assert SparkContext.getSystemProperty("no.such.property") is None


def test_workers_see_the_environment(fresh_context: Any) -> None:
    sc = fresh_context(environment={"COLOUR": "green"})
    assert sc.environment["COLOUR"] == "green"
    conf = sc.getConf()
    assert conf.get("spark.executorEnv.COLOUR") == "green"


def test_log_levels(sc: Any) -> None:
    sc.setLogLevel("warn")
    with pytest.raises(ValueError, match="Supplied level LOUD did not match one of"):
        sc.setLogLevel("LOUD")


def test_the_level_says_which_warnings_are_written(fresh_context: Any, capfd: Any) -> None:
    sc = fresh_context("local[1]")

    def warned(depth: int) -> bool:
        # Each action pays for a lineage this long, which the engine says.
        rdd = sc.parallelize([1], 1)
        for _ in range(depth):
            rdd = rdd.coalesce(1)
        assert rdd.count() == 1
        return "firesteel: warning: " in capfd.readouterr().err

    sc.setLogLevel("OFF")
    assert not warned(600)
    sc.setLogLevel("WARN")
    assert warned(1300)


def test_partitions_that_double_at_each_step_are_told(fresh_context: Any, capfd: Any) -> None:
    sc = fresh_context("local[1]")
    wide = sc.parallelize([1], 2)
    for _ in range(10):
        wide = wide.union(wide)
    assert wide.coalesce(1).count() == 1024 and "partitions" not in capfd.readouterr().err
    wide = wide.union(wide)
    assert wide.coalesce(1).count() == 2048
    assert "has 4096 partitions, and its sources have 2 at most: each of the unions" in capfd.readouterr().err
    assert wide.coalesce(1).count() == 2048 and "partitions" not in capfd.readouterr().err


def test_partitions_that_the_program_asks_for_are_not_told(fresh_context: Any, capfd: Any) -> None:
    sc = fresh_context("local[1]")
    few = sc.parallelize([(1, 1)], 2)
    small = sc.parallelize([1], 70)
    for asked in (sc.parallelize([1], 5000), sc.union([few] * 2500), small.cartesian(small)):
        assert asked.coalesce(1).count() > 0
    assert few.partitionBy(5000).coalesce(1).count() == 1
    assert "partitions" not in capfd.readouterr().err


def test_packages_are_shipped(fresh_context: Any, tmp_path: Path) -> None:
    sc = fresh_context()
    (tmp_path / "shipped_one.py").write_text("ONE = 1\n")
    with zipfile.ZipFile(tmp_path / "shipped_two.zip", "w") as archive:
        archive.writestr("shipped_two/__init__.py", "TWO = 2\n")
    sc.addPyFile(str(tmp_path / "shipped_one.py"))
    sc.addPyFile(str(tmp_path / "shipped_two.zip"))

    def total(_: int) -> int:
        import shipped_one  # type: ignore[import-not-found]
        import shipped_two  # type: ignore[import-not-found]

        return int(shipped_one.ONE + shipped_two.TWO)

    assert sc.parallelize(range(4), 4).map(total).collect() == [3, 3, 3, 3]
    assert [uri.rpartition("/")[2] for uri in sc.listFiles] == ["shipped_one.py", "shipped_two.zip"]
    assert any(path.endswith("shipped_two.zip") for path in sys.path)
    sc.stop()
    assert not any(path.endswith("shipped_two.zip") for path in sys.path)


def test_py_files_of_the_constructor(fresh_context: Any, tmp_path: Path) -> None:
    (tmp_path / "shipped_three.py").write_text("THREE = 3\n")
    sc = fresh_context(pyFiles=[str(tmp_path / "shipped_three.py")])
    assert sc.parallelize([0], 1).map(lambda _: __import__("shipped_three").THREE).collect() == [3]


def test_the_directory_goes_with_the_context(fresh_context: Any) -> None:
    sc = fresh_context()
    directory = sc._native.directory
    assert os.path.isdir(directory)
    sc.stop()
    assert not os.path.exists(directory)


def test_what_a_notebook_shows(sc: Any) -> None:
    shown = sc._repr_html_()
    assert "SparkContext" in shown and sc.master in shown


def test_empty_unions_and_ranges(sc: Any) -> None:
    assert sc.union([]).collect() == []
    assert sc.range(5, 1).collect() == []
    assert sc.range(10, 0, -3, 2).glom().collect() == [[10, 7], [4, 1]]
    assert sc.parallelize({"a": 1, "b": 2}, 1).collect() == ["a", "b"]
    assert sc.parallelize((x for x in "ab"), 1).collect() == ["a", "b"]
    assert sc.parallelize(range(0, 10, 3), 2).glom().collect() == [[0, 3], [6, 9]]


def test_names_of_the_jvm_say_what_to_do_instead(sc: Any) -> None:
    with pytest.raises(AttributeError, match=r"no JVM.*set spark\.hadoop\.<key> in the SparkConf"):
        sc._jsc.hadoopConfiguration()
    with pytest.raises(AttributeError, match="there is no JVM"):
        sc.range(3)._jrdd.rdd()
    with pytest.raises(AttributeError, match="^'SparkContext' object has no attribute 'nothing'$"):
        sc.nothing
    assert not hasattr(sc, "_jconf")
    with pytest.raises(AttributeError, match="'_gateway' .* has no attribute 'entry_point': there is no py4j"):
        sc._gateway.entry_point


def test_libraries_learn_how_many_tasks_run_at_a_time(fresh_context: Any) -> None:
    scala = fresh_context("local[2]", {"spark.default.parallelism": "7"})._jsc.sc()
    profile = scala.resourceProfileManager().resourceProfileFromId(0)
    assert scala.maxNumConcurrentTasks() == scala.maxNumConcurrentTasks(profile) == 2


def test_libraries_learn_how_many_executors_there_are(fresh_context: Any) -> None:
    local = fresh_context("local[2]")
    scala = local._jsc.sc()
    assert [info.host() for info in scala.statusTracker().getExecutorInfos()] == ["localhost"]
    assert scala.getExecutorMemoryStatus().size() == 1 and not scala.isStopped()
    local.stop()
    assert scala.isStopped()
    cluster = fresh_context("local-cluster[2,1,1024]")
    cluster.range(4, numSlices=4).count()
    infos = cluster._jsc.sc().statusTracker().getExecutorInfos()
    assert len(infos) == 3 and infos[0].host() == "localhost"


def test_classes_of_the_jvm_that_programs_reach_for(sc: Any, caplog: pytest.LogCaptureFixture) -> None:
    system = sc._jvm.java.lang.System
    assert system.setProperty("a.b", "1") is None and sc._jvm.System.getProperty("a.b") == "1"
    assert system.clearProperty("a.b") == "1" and system.getProperty("a.b", "none") == "none"
    log4j = sc._jvm.org.apache.log4j
    log4j.LogManager.getLogger("akka").setLevel(log4j.Level.OFF)
    logger = sc._jvm.org.apache.logging.log4j.LogManager.getLogger("my.program")
    with caplog.at_level("INFO", "my.program"):
        logger.info("begins")
        logger.setLevel(log4j.Level.ERROR)
        logger.warn("not shown")
    assert caplog.messages == ["begins"]
    assert not hasattr(sc._jvm, "SparkSession") and not hasattr(log4j, "PatternLayout")
    with pytest.raises(AttributeError, match=r"no org\.apache\.hadoop: there is no JVM.*spark\.hadoop\.<key>"):
        sc._jvm.org.apache.hadoop.fs.Path("a")
    with pytest.raises(AttributeError, match=r"no org\.apache\.spark: .* see the methods of SparkContext"):
        sc._jvm.org.apache.spark


def test_an_error_inside_of_a_property_stays_what_it_was(sc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sc), "defaultParallelism", property(lambda self: self._conf.no_such_name))
    with pytest.raises(AttributeError, match="no_such_name"):
        sc.defaultParallelism


def test_run_job(sc: Any) -> None:
    numbers = sc.parallelize(range(6), 3)
    assert sc.runJob(numbers, lambda part: [sum(part)], [2, 0]) == [9, 1]
    assert sc.runJob(numbers, lambda part: [sum(part)], allowLocal=True) == [1, 5, 9]
