"""Settings: setters and readers, where defaults come from, and what the engine is told."""

import re
import resource
from pathlib import Path
from typing import Any

import pytest

from firesteel import SparkContext
from firesteel import conf as settings
from firesteel.conf import SparkConf, native_settings
from firesteel.errors import FiresteelError


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPARK_CONF_DIR", "FIRESTEEL_CONF_DIR", "FIRESTEEL_SETTINGS", "PYSPARK_SUBMIT_ARGS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(settings, "SYSTEM_PROPERTIES", {})


def test_setters_follow_each_other_and_values_become_text() -> None:
    conf = SparkConf(False).setMaster("local[2]").setAppName("counts").setSparkHome("/spark")
    conf.set("a.b", 3)  # type: ignore[arg-type]
    assert conf.getAll() == [
        ("spark.master", "local[2]"),
        ("spark.app.name", "counts"),
        ("spark.home", "/spark"),
        ("a.b", "3"),
    ]
    assert conf.setIfMissing("a.b", "4").get("a.b") == "3"
    assert conf.setIfMissing("c", "4").contains("c")
    assert conf.get("d") is None and conf.get("d", "5") == "5"


def test_the_printed_form_is_sorted_and_hides_secrets() -> None:
    conf = SparkConf(False).setAll([("b", "2"), ("a", "1"), ("spark.hadoop.fs.s3a.secret.key", "hidden")])
    assert conf.toDebugString() == "a=1\nb=2\nspark.hadoop.fs.s3a.secret.key=*********(redacted)"
    assert conf.get("spark.hadoop.fs.s3a.secret.key") == "hidden"


def test_executor_environment_takes_a_pair_or_pairs_and_not_both() -> None:
    conf = SparkConf(False).setExecutorEnv("A", "1").setExecutorEnv(pairs=[("B", "2"), ("C", "3")])
    assert [conf.get(f"spark.executorEnv.{name}") for name in "ABC"] == ["1", "2", "3"]
    with pytest.raises(RuntimeError, match="either a key"):
        conf.setExecutorEnv()  # type: ignore[call-overload]
    with pytest.raises(RuntimeError, match="either a key"):
        conf.setExecutorEnv("A", "1", [("B", "2")])  # type: ignore[call-overload]


def test_settings_of_clusters_are_told_to_the_engine_where_there_is_one() -> None:
    pairs = [("spark.executor.memory", "512"), ("spark.executor.cores", "2")]
    pairs += [("spark.shuffle.service.enabled", "False"), ("spark.shuffle.io.retryWait", "5")]
    pairs += [("spark.driver.bindAddress", "0.0.0.0")]
    assert native_settings(SparkConf(False).setAll([("spark.master", "local[2]"), *pairs])) == [
        ("firesteel.master", "local[2]"),
        ("firesteel.executor.cores", "2"),
    ]
    assert native_settings(SparkConf(False).setAll([("spark.master", "local-cluster[2,2,1024]"), *pairs])) == [
        ("firesteel.master", "local-cluster[2,2,1024]"),
        ("firesteel.executor.memory", "512m"),
        ("firesteel.executor.cores", "2"),
        ("firesteel.shuffle.service.enabled", "false"),
        ("firesteel.shuffle.io.retry_wait", "5s"),
        ("firesteel.driver.bind_address", "0.0.0.0"),
    ]


def test_a_key_that_is_no_text_is_refused_with_its_value() -> None:
    with pytest.raises(TypeError, match="None"):
        SparkConf(False).set(None, "1")  # type: ignore[arg-type]


def test_defaults_come_from_files_arguments_and_properties_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark, own = tmp_path / "spark", tmp_path / "own"
    spark.mkdir()
    own.mkdir()
    (spark / "spark-defaults.conf").write_text(
        "# a comment\n\nspark.master   local[3]\nspark.app.name=a name = with signs\n"
        "spark.x: colon\nother.key 1\nspark.empty\n"
    )
    (own / "spark-defaults.conf").write_text("spark.x own\nspark.y own\nspark.z own\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(spark))
    monkeypatch.setenv("FIRESTEEL_CONF_DIR", str(own))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.y=args --conf 'spark.z=a b' --name app pyspark-shell")
    settings.SYSTEM_PROPERTIES.update({"spark.z": "property", "user.name": "me"})
    assert dict(SparkConf().getAll()) == {
        "spark.master": "local[3]",
        "spark.app.name": "app",
        "spark.x": "own",
        "spark.y": "args",
        "spark.z": "property",
        "spark.empty": "",
    }
    assert SparkConf(loadDefaults=False).getAll() == []
    assert SparkConf().set("spark.z", "program").get("spark.z") == "program"


def test_bad_defaults_name_their_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spark-defaults.conf").write_bytes(b"spark.x \xff\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    with pytest.raises(RuntimeError, match="spark-defaults.conf is not UTF-8"):
        SparkConf()
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path / "missing"))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.x pyspark-shell")
    with pytest.raises(RuntimeError, match="--conf spark.x in PYSPARK_SUBMIT_ARGS has no value"):
        SparkConf()
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--name 'open")
    with pytest.raises(RuntimeError, match="PYSPARK_SUBMIT_ARGS cannot be read"):
        SparkConf()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("spark.master", "local[2]", [("firesteel.master", "local[2]")]),
        ("spark.task.maxFailures", "2", [("firesteel.task.max_failures", "2")]),
        ("spark.ui.showConsoleProgress", "True", [("firesteel.ui.show_console_progress", "true")]),
        ("spark.network.timeout", "30", [("firesteel.network.timeout", "30s")]),
        ("spark.barrier.sync.timeout", "30", [("firesteel.barrier.sync.timeout", "30s")]),
        ("spark.task.cpus", "2", [("firesteel.task.cpus", "2")]),
        ("spark.executor.pyspark.memory", "700", [("firesteel.executor.pyspark.memory", "700m")]),
        ("spark.network.timeout", "30ms", [("firesteel.network.timeout", "30ms")]),
        ("spark.log.level", "ERROR", [("firesteel.log.level", "off")]),
        ("spark.log.level", "DEBUG", [("firesteel.log.level", "info")]),
        ("spark.scheduler.mode", "fair", [("firesteel.scheduler.mode", "FAIR")]),
        ("spark.local.dir", "/a,/b", [("firesteel.local.dir", "/a")]),
        ("spark.hadoop.fs.s3a.endpoint", "x", [("firesteel.hadoop.fs.s3a.endpoint", "x")]),
        ("spark.cleaner.referenceTracking.cleanCheckpoints", "true", [("firesteel.cleaner.checkpoints", "true")]),
        ("spark.executor.memory", "1g", []),
        ("spark.python.worker.reuse", "true", []),
        ("firesteel.task.maxFailures", "2", [("firesteel.task.max_failures", "2")]),
        ("firesteel.no.such", "2", [("firesteel.no.such", "2")]),
        ("firesteel.python.closures", "error", []),
        ("firesteel.python.closure", "error", [("firesteel.python.closure", "error")]),
        ("something.else", "2", []),
    ],
)
def test_the_engine_is_told_its_own_keys(key: str, value: str, told: list[tuple[str, str]]) -> None:
    assert native_settings(SparkConf(False).set(key, value)) == told


@pytest.mark.parametrize("order", [1, -1])
def test_our_spelling_is_stronger_than_sparks(order: int) -> None:
    pairs = [("spark.task.maxFailures", "2"), ("firesteel.task.max_failures", "3")][::order]
    assert native_settings(SparkConf(False).setAll(pairs)) == [("firesteel.task.max_failures", "3")]


def test_the_known_keys_are_the_documented_ones() -> None:
    documentation = Path(__file__).parents[2] / "docs" / "configuration.md"
    if not documentation.exists():
        pytest.skip("the documentation is in the repository only")
    documented = set(re.findall(r"^\| `(firesteel\.[^`]+)`", documentation.read_text(), re.MULTILINE))
    documented -= settings.PYTHON_SETTINGS
    assert documented == set(settings.SCOPES)
    # Readers and writers are handed these with each call: test_hadoop_settings.py.
    of_files = {key for key in documented if key.startswith(("firesteel.hadoop.mapreduce.", "firesteel.hadoop.text"))}
    assert len(of_files) == 9
    assert of_files == {key for key, scope in settings.SCOPES.items() if scope == "files"}


# Settings of Spark's that must not be ignored


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.task.resource.gpu.amount", "1"),
        ("spark.executor.resource.fpga.amount", "1"),
        ("spark.acls.enable", "true"),
        ("spark.ssl.enabled", "true"),
        ("spark.files.overwrite", "true"),
        ("spark.python.worker.reuse", "false"),
        ("spark.executor.pyspark.memory", "much"),
    ],
)
def test_settings_that_would_change_something_are_refused_at_the_start(
    fresh_context: Any, key: str, value: str
) -> None:
    with pytest.raises(FiresteelError, match=re.escape(key)):
        fresh_context(settings={key: value})
    assert SparkContext._active_spark_context is None


def test_settings_that_have_no_effect_and_matter_to_people_are_told(
    fresh_context: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    sc = fresh_context(settings={"spark.driver.log.persistToDfs.enabled": "true", "spark.sql.shuffle.partitions": "7"})
    said = capfd.readouterr().err
    assert "spark.driver.log.persistToDfs.enabled" in said and "shuffle.partitions" not in said
    assert sc.getConf().get("spark.sql.shuffle.partitions") == "7"


def test_a_worker_has_only_so_much_memory(fresh_context: Any) -> None:
    sc = fresh_context("local[1]", {"spark.executor.pyspark.memory": "3g", "spark.task.maxFailures": "1"})
    if sc.parallelize([1], 1).map(lambda _: resource.getrlimit(resource.RLIMIT_AS)[0]).first() != 3 << 30:
        pytest.fail("the limit does not hold in the worker")
    with pytest.raises(Exception, match="MemoryError") as failure:
        sc.parallelize([4 << 30], 1).map(lambda size: len(bytearray(size))).collect()
    assert "test_conf.py" in str(failure.value)
    assert sc.parallelize([1, 2], 1).sum() == 3


def test_checkpoints_have_a_directory_by_a_setting(fresh_context: Any, tmp_path: Path) -> None:
    sc = fresh_context(settings={"spark.checkpoint.dir": str(tmp_path)})
    rdd = sc.parallelize([1])
    rdd.checkpoint()
    assert rdd.count() == 1 and rdd.isCheckpointed()


def test_what_is_to_be_hidden_is_hidden() -> None:
    conf = SparkConf(False).set("spark.redaction.regex", "hidden|pin$").set("a.pin", "1").set("b", "is hidden")
    assert "1" not in conf.toDebugString() and "is hidden" not in conf.toDebugString()


def test_a_submitted_program_finds_its_settings(monkeypatch):
    monkeypatch.setenv("FIRESTEEL_SETTINGS", '{"spark.y": "cluster", "spark.z": "both", "spark.pyspark.python": "p"}')
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.z=args pyspark-shell")
    conf = SparkConf()
    assert [conf.get(key) for key in ("spark.y", "spark.z", "spark.pyspark.python")] == ["cluster", "args", "p"]
    monkeypatch.setenv("FIRESTEEL_SETTINGS", "[se-cr-et")
    with pytest.raises(RuntimeError, match="FIRESTEEL_SETTINGS holds no settings: it is to be a JSON object") as told:
        SparkConf()
    assert "se-cr-et" not in str(told.value)
