"""Data frames and what is hostile to them: names that are there twice, other types, wrong options, signals."""

import datetime
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from firesteel.errors import FiresteelError
from firesteel.sql import Row, SparkSession
from firesteel.sql.types import StringType, StructField, StructType


@pytest.fixture
def spark(sc: Any) -> SparkSession:
    return SparkSession(sc)


def test_columns_of_one_name_keep_their_values(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.createDataFrame([(1, 2)], ["a", "a"])
    assert [tuple(row) for row in frame.collect()] == [(1, 2)]
    with pytest.raises(FiresteelError, match="AMBIGUOUS_REFERENCE.*toDF"):
        frame.select("a")
    for format in ("json", "parquet"):
        with pytest.raises(FiresteelError, match="COLUMN_ALREADY_EXISTS.*`a`"):
            frame.write.format(format).save(tmp_path / format)
    frame.write.csv(tmp_path / "csv")
    assert [tuple(row) for row in spark.read.csv(str(tmp_path / "csv")).collect()] == [("1", "2")]


def test_what_is_written_can_be_read_again(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(FiresteelError, match="COLUMN_ALREADY_EXISTS"):
        spark.createDataFrame([(1, 2)], ["a", "A"]).write.parquet(tmp_path / "cases")
    with pytest.raises(FiresteelError, match="COLUMN_ALREADY_EXISTS"):
        spark.createDataFrame([(1, 2)], ["a", "b"]).write.partitionBy("a", "A").json(tmp_path / "twice")
    with pytest.raises(FiresteelError, match="EMPTY_SCHEMA_NOT_SUPPORTED"):
        spark.createDataFrame([()], StructType([])).write.parquet(tmp_path / "none")
    assert os.listdir(tmp_path) == []


def test_a_name_that_is_twice_in_json_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "twice.json").write_text('{"a": 1, "a": 2}\n')
    (tmp_path / "within.json").write_text('{"a": [{"x": 1, "x": 2}]}\n')
    for name in ("twice", "within"):
        with pytest.raises(FiresteelError, match="COLUMN_ALREADY_EXISTS"):
            spark.read.json(str(tmp_path / f"{name}.json"))


def test_names_in_backticks_are_found_and_columns_have_the_name_that_was_asked_for(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(1, 2, 3)], ["a.b", "`q`", "Z"])
    assert frame.select("`a.b`", "```q```", "z").collect()[0].asDict() == {"a.b": 1, "`q`": 2, "z": 3}
    with pytest.raises(FiresteelError, match=r"row\.s\.x"):
        spark.createDataFrame([(Row(x=1),)], ["s"]).select("s.x")


def test_a_column_of_texts_takes_everything(spark: SparkSession) -> None:
    values = (True, 1.5, 7, [1], datetime.date(2020, 1, 2))
    schema = StructType([StructField(f"c{at}", StringType()) for at in range(len(values))])
    expected = [("true", "1.5", "7", "[1]", "2020-01-02")]
    assert spark.createDataFrame([values], schema).collect() == expected
    assert spark.sparkContext.parallelize([values]).toDF(schema).collect() == expected
    assert spark.createDataFrame([(1,), ("x",)], ["a"]).collect() == [("1",), ("x",)]
    assert spark.createDataFrame([({"k": 1, "l": "x"},)], ["m"]).collect() == [({"k": "1", "l": "x"},)]


def test_dictionaries_keep_their_values_under_other_names(spark: SparkSession) -> None:
    assert spark.createDataFrame([{"a": 1, "b": 2}], ["x", "y"]).collect() == [Row(x=1, y=2)]
    assert spark.sparkContext.parallelize([{"a": 1, "b": 2}]).toDF(["x", "y"]).collect() == [Row(x=1, y=2)]
    with pytest.raises(ValueError, match="3 names.*2 values"):
        spark.createDataFrame([(1, 2)], ["a", "b", "c"])


def test_arrays_of_numpy_keep_their_type(spark: SparkSession) -> None:
    np = pytest.importorskip("numpy")
    assert spark.createDataFrame(np.array([1, 2], "int32")).dtypes == [("value", "int")]
    assert spark.createDataFrame(np.ones((1, 2), "float32"), ["a", "b"]).dtypes == [("a", "float"), ("b", "float")]
    with pytest.raises(ValueError, match="INVALID_NDARRAY_DIMENSION"):
        spark.createDataFrame(np.ones((1, 2, 2)))


def test_columns_of_pandas_go_by_position_and_become_the_types_of_the_schema(spark: SparkSession) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"x": [1.0, None], "y": ["5", None], "z": pd.Categorical(["a", None])})
    assert spark.createDataFrame(frame, "a int, b int, c string").collect() == [(1, 5, "a"), (None, None, None)]
    assert spark.createDataFrame(pd.DataFrame({"b": [1], "a": [2]}), "a int, b int").collect() == [Row(a=1, b=2)]
    assert spark.createDataFrame(pd.DataFrame([[1, 2]], columns=["a", "a"])).collect() == [(1, 2)]
    assert spark.createDataFrame(pd.DataFrame({"m": [1, "x"]})).collect() == [("1",), ("x",)]
    texts = pd.DataFrame({"x": [1.0, None], "y": [1, "q"], "z": [None, None]})
    assert spark.createDataFrame(texts, "a string, b string, c string").collect() == [
        ("1.0", "1", None),
        (None, "q", None),
    ]
    with pytest.raises(TypeError, match="'x'.*int"):
        spark.createDataFrame(pd.DataFrame({"x": [1.5]}), "x int")
    with pytest.raises(ValueError, match="2 columns.*1"):
        spark.createDataFrame(pd.DataFrame({"x": [1], "y": [2]}), "x int")


def test_other_forms_of_arrows_columns_are_read(spark: SparkSession) -> None:
    pa = pytest.importorskip("pyarrow")
    columns = {
        "d": pa.array(["x", None, "x"]).dictionary_encode(),
        "l": pa.array([[1], None, []], pa.large_list(pa.int32())),
        "f": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)),
        "s": pa.array([{"p": "q"}] * 3, pa.struct([("p", pa.dictionary(pa.int8(), pa.string()))])),
    }
    assert [tuple(row) for row in spark.createDataFrame(pa.table(columns)).collect()] == [
        ("x", [1], [1, 2], Row(p="q")),
        (None, None, None, Row(p="q")),
        ("x", [], [3, 4], Row(p="q")),
    ]


def test_a_stream_of_arrows_that_has_its_rows_once_keeps_them(spark: SparkSession) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [1, 2, 3]})

    class Relation:
        """As DuckDB's are: a method of this name makes a table in its data base."""

        def __arrow_c_stream__(self, schema: object = None) -> object:
            return table.__arrow_c_stream__(schema)

        def to_table(self, name: str) -> None:
            raise AssertionError("it was called")

    for make in (table.to_reader, Relation):
        assert spark.createDataFrame(make()).collect() == [(1,), (2,), (3,)]
        assert spark.sparkContext.fromArrow(make()).collect() == [(1,), (2,), (3,)]
        assert spark.createDataFrame(make(), ["z"]).columns == ["z"]
    with pytest.raises(TypeError, match="no table"):
        spark.createDataFrame(pa.chunked_array([[1]]))


def test_times_of_pandas_and_of_show_are_those_of_the_session(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    noon = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.timezone.utc)
    summer = datetime.datetime(2020, 7, 1, 12, tzinfo=datetime.timezone.utc)
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    frame = spark.createDataFrame([(noon, summer)], "winter timestamp, summer timestamp")
    frame.show()
    assert "|2020-01-01 07:00:00|2020-07-01 08:00:00|" in capsys.readouterr().out
    pytest.importorskip("pyarrow")
    found = pytest.importorskip("pandas") and frame.toPandas()
    assert [str(found[name][0]) for name in found] == ["2020-01-01 07:00:00", "2020-07-01 08:00:00"]
    instants = [row.astimezone(datetime.timezone.utc) for row in spark.createDataFrame(found).collect()[0]]
    assert instants == [noon, summer]
    mapped = frame.mapInPandas(lambda frames: frames, frame.schema).collect()
    assert [each.astimezone(datetime.timezone.utc) for each in mapped[0]] == [noon, summer]


def test_time_zones_that_are_not_there_are_told_of(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Mars/Olympus")
    with pytest.raises(ValueError, match="Mars/Olympus.*Europe/Berlin"):
        spark.range(1).show()


def test_points_in_time_in_directories_are_those_of_the_session(spark: SparkSession, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    rows = [(1, datetime.datetime(2020, 1, 1, 12))]
    spark.createDataFrame(rows, "n int, t timestamp").write.partitionBy("t").json(tmp_path / "out")
    assert spark.read.json(str(tmp_path / "out")).collect() == rows
    assert spark.read.schema("n int, t timestamp").json(str(tmp_path / "out")).collect() == rows


def test_maps_become_dictionaries_in_pandas(spark: SparkSession) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    found = spark.createDataFrame([({"a": 1}, 2)], ["m", "m"]).toPandas()
    assert found.values.tolist() == [[{"a": 1}, 2]]


def test_lengths_of_time_and_frames_without_columns_are_shown(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    spark.createDataFrame([(datetime.timedelta(days=1, seconds=3, microseconds=5),)], ["i"]).show(truncate=False)
    assert "|INTERVAL '1 00:00:03.000005' DAY TO SECOND|" in capsys.readouterr().out
    spark.range(1).select().show()
    assert capsys.readouterr().out == "++\n||\n++\n||\n++\n\n"


def test_wrong_arguments_are_told_of(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    (tmp_path / "empty").mkdir()
    for wrong in (None, 3):
        with pytest.raises(TypeError, match="path.*should be str"):
            spark.read.csv(wrong)
    for format in ("csv", "json"):
        with pytest.raises(FiresteelError, match="UNABLE_TO_INFER_SCHEMA"):
            spark.read.format(format).load(tmp_path / "empty")
    with pytest.raises(FiresteelError, match="modifiedAfter"):
        spark.read.csv(str(tmp_path), modifiedAfter="2020-01-01T00:00:00")
    with pytest.raises(TypeError, match="'3'"):
        spark.range(1).limit("3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positive"):
        spark.range(1).coalesce(0)


def test_a_column_of_files_and_directories_stands_where_files_have_it(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a=1").mkdir()
    (tmp_path / "a=1" / "x.json").write_text('{"a": 7, "c": 2}\n')
    assert spark.read.json(str(tmp_path)).collect() == [Row(a=1, c=2)]
    assert spark.read.json(str(tmp_path)).dtypes == [("a", "int"), ("c", "bigint")]


def test_braces_in_paths_have_alternatives_and_commas_are_part_of_names(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c,d.csv"):
        (tmp_path / name).write_text(f"{name[0]}\n")
    found = spark.read.csv(f"{tmp_path}/{{a,b}}.csv").collect()
    assert sorted(row[0] for row in found) == ["a", "b"]
    assert spark.read.csv(f"{tmp_path}/c,d.csv").collect() == [("c",)]


SLOW = """
import sys, time
place = sys.argv[1]
from firesteel.sql import SparkSession
spark = SparkSession.builder.master("local[1]").getOrCreate()
def slow(row):
    open(place + "/began", "w").close()
    time.sleep(0.1)
    return (row.id,)
spark.range(1000, numPartitions=1).rdd.map(slow).toDF("id long").write.parquet(place + "/out")
"""


def test_ctrl_c_ends_a_write_and_leaves_nothing(tmp_path: Path) -> None:
    import time

    program = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "began").exists():
        assert program.poll() is None
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=30)  # the whole write takes 100 seconds
    assert "KeyboardInterrupt" in errors
    assert not (tmp_path / "out").exists()
