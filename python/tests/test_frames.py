"""Data frames as the edges of RDD programs: what is read, made, chosen, shown, and handed to RDDs and Arrow."""

import datetime
import decimal
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from firesteel import StorageLevel
from firesteel.sql import DataFrame, Row, SparkSession
from firesteel.sql.types import IntegerType, LongType, StringType, StructField, StructType

EVERYTHING = (
    "name string, age int, d double, f float, y tinyint, s smallint, n bigint, day date, t timestamp,"
    " ntz timestamp_ntz, m decimal(10,2), l array<int>, mm map<string,array<double>>, st struct<a:int,b:string>,"
    " b binary, ok boolean"
)
FULL = (
    "Ada",
    36,
    1.5,
    0.25,
    1,
    2,
    1 << 40,
    datetime.date(2020, 1, 2),
    datetime.datetime(2021, 5, 6, 7, 8, 9, 123000),
    datetime.datetime(1969, 5, 6, 7, 8, 9, 123000),
    decimal.Decimal("1.50"),
    [1, None, 2],
    {"a": [1.0], "b": None},
    Row(a=1, b="x"),
    b"\x00x",
    True,
)
EMPTY = (None,) * len(FULL)


@pytest.fixture
def spark(sc: Any) -> SparkSession:
    return SparkSession(sc)


def test_values_of_all_types_go_in_and_come_out(spark: SparkSession) -> None:
    rows = spark.createDataFrame([FULL, EMPTY], EVERYTHING).collect()
    assert rows == [FULL, EMPTY]
    assert [type(value) for value in rows[0]] == [type(value) for value in FULL]
    assert type(rows[0]) is Row and rows[0].st.b == "x" and rows[0].asDict()["age"] == 36


@pytest.mark.parametrize("format", ["parquet", "json"])
def test_values_of_all_types_are_read_back(spark: SparkSession, tmp_path: Path, format: str) -> None:
    frame = spark.createDataFrame([FULL, EMPTY], EVERYTHING)
    frame.write.format(format).save(tmp_path / "out")
    assert spark.read.schema(frame.schema).format(format).load(tmp_path / "out").collect() == [FULL, EMPTY]
    if format == "parquet":
        assert spark.read.parquet(str(tmp_path / "out")).schema == frame.schema


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("data", "schema", "expected"),
    [
        ([("a", 1)], None, "struct<_1:string,_2:bigint>"),
        ([("a", 1)], ["k", "n"], "struct<k:string,n:bigint>"),
        ([Row(k="a", n=1)], None, "struct<k:string,n:bigint>"),
        ([{"n": 1, "k": "a"}], None, "struct<k:string,n:bigint>"),
        ([Point(1, 2.0)], None, "struct<x:bigint,y:double>"),
        ([(None, 1), ("a", None)], ["k", "n"], "struct<k:string,n:bigint>"),
        ([1, 2], "int", "struct<value:int>"),
        ([1, 2], IntegerType(), "struct<value:int>"),
        ([], "k string", "struct<k:string>"),
    ],
)
def test_schemas_are_inferred_or_given(spark: SparkSession, data: list[Any], schema: Any, expected: str) -> None:
    frame = spark.createDataFrame(data, schema)
    assert frame.schema.simpleString() == expected
    assert len(frame.collect()) == frame.count() == len(data)
    if data:
        again = spark.sparkContext.parallelize(data, 2).toDF(schema)
        assert again.schema.simpleString() == expected and again.collect() == frame.collect()


def test_records_that_do_not_fit_are_told_of(spark: SparkSession) -> None:
    with pytest.raises(TypeError, match="FIELD_DATA_TYPE_UNACCEPTABLE_WITH_NAME"):
        spark.createDataFrame([("x",)], "n int")
    late = spark.sparkContext.parallelize([(1,), ("x",)], 1).toDF("n int")
    with pytest.raises(RuntimeError, match="field n.*'x'"):
        late.collect()
    never_null = StructType([StructField("n", LongType(), False)])
    for data, schema in (([(1 << 40,)], "n int"), ([(1, 2)], "n int"), ([(None,)], never_null)):
        with pytest.raises((TypeError, ValueError)):
            spark.createDataFrame(data, schema)
    with pytest.raises(ValueError, match="CANNOT_INFER_EMPTY_SCHEMA"):
        spark.createDataFrame([])
    with pytest.raises((RuntimeError, ValueError), match="CANNOT_DETERMINE_TYPE"):
        spark.createDataFrame([(None,)])


def test_columns_are_chosen_by_name(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("a", 1, 2.0)], ["k", "n", "x"])
    assert frame.select("x", "k").collect() == [Row(x=2.0, k="a")]
    assert frame.select(["N"]).columns == ["N"] and frame.select("*", "k").columns == ["k", "n", "x", "k"]
    assert frame.drop("n", "unknown").collect() == [Row(k="a", x=2.0)]
    assert frame.toDF("a", "b", "c").select("c").collect()[0].asDict() == {"c": 2.0}
    assert frame.withColumnRenamed("n", "m")["m", "k"].collect() == [Row(m=1, k="a")]
    assert frame.dtypes == [("k", "string"), ("n", "bigint"), ("x", "double")]
    with pytest.raises(RuntimeError, match=r"UNRESOLVED_COLUMN.*`y`.*`k`, `n`, `x`"):
        frame.select("y")
    with pytest.raises(TypeError, match="no expressions"):
        frame.select(1)
    with pytest.raises(RuntimeError, match="no expressions"):
        frame["k"]
    with pytest.raises(AttributeError, match=r"row\['k'\]"):
        frame.k  # noqa: B018


def test_rows_are_taken_from_either_end(spark: SparkSession) -> None:
    frame = spark.range(0, 100, 1, 5)
    assert [row.id for row in frame.take(3)] == [0, 1, 2] and frame.first() == Row(id=0) and frame.head() == (0,)
    assert [row.id for row in frame.tail(30)] == list(range(70, 100))
    assert frame.limit(30).rdd.getNumPartitions() == 1 and frame.limit(30).count() == 30
    assert [row.id for row in frame.limit(3).toLocalIterator()] == [0, 1, 2]
    assert not frame.isEmpty() and frame.limit(0).isEmpty() and frame.limit(0).first() is None
    assert frame.coalesce(2).rdd.getNumPartitions() == 2
    assert sorted(row.id for row in frame.repartition(3).collect()) == list(range(100))


def test_limits_read_no_more_than_they_need(spark: SparkSession) -> None:
    counter = spark.sparkContext.accumulator(0)

    def counted(number: int) -> tuple[int]:
        counter.add(1)
        return (number,)

    frame = spark.sparkContext.range(0, 100_000, 1, 10).map(counted).toDF("n long")
    assert frame.limit(5).collect() == [(0,), (1,), (2,), (3,), (4,)]
    assert counter.value < 20_000


def test_frames_are_kept(spark: SparkSession) -> None:
    counter = spark.sparkContext.accumulator(0)

    def counted(number: int) -> tuple[int]:
        counter.add(1)
        return (number,)

    frame = spark.sparkContext.range(10).map(counted).toDF("n long").cache()
    assert frame.is_cached and frame.storageLevel == StorageLevel.MEMORY_AND_DISK_DESER
    assert frame.count() == frame.count() == len(frame.select("n").collect()) == 10
    assert counter.value == 10
    assert not frame.unpersist().is_cached


def test_frames_are_shown(spark: SparkSession, capsys: Any) -> None:
    spark.createDataFrame([("x" * 30, 1.0, [1, None]), (None, 1e10, [])], "s string, d double, l array<int>").show()
    assert capsys.readouterr().out == (
        "+--------------------+------+---------+\n"
        "|                   s|     d|        l|\n"
        "+--------------------+------+---------+\n"
        "|xxxxxxxxxxxxxxxxx...|   1.0|[1, NULL]|\n"
        "|                NULL|1.0E10|       []|\n"
        "+--------------------+------+---------+\n\n"
    )
    spark.range(3).show(2)
    assert capsys.readouterr().out.endswith("only showing top 2 rows\n")
    spark.createDataFrame([("a", 1)], ["k", "n"]).show(vertical=True)
    assert capsys.readouterr().out == "-RECORD 0--\n k   | a   \n n   | 1   \n\n"
    spark.createDataFrame([("a", 1)], ["k", "n"]).printSchema()
    assert " |-- n: long (nullable = true)" in capsys.readouterr().out
    assert repr(spark.range(1)) == "DataFrame[id: bigint]"


def test_what_there_is_not_says_what_there_is(spark: SparkSession) -> None:
    frame: Any = spark.range(1)
    for name in ("filter", "groupBy", "createOrReplaceTempView", "join", "withColumn"):
        assert not hasattr(frame, name)
        with pytest.raises(AttributeError, match=f"no '{name}': .*(rdd|toArrow)"):
            getattr(frame, name)
    with pytest.raises(RuntimeError, match="DATA_SOURCE_NOT_FOUND"):
        spark.read.format("avro").load("x")
    with pytest.raises(RuntimeError, match="DATA_SOURCE_NOT_FOUND"):
        frame.write.format("orc").save("x")
    with pytest.raises(RuntimeError, match="PATH_NOT_FOUND"):
        spark.read.parquet("/nowhere/at/all")


class TestArrow:
    """Columns that travel as Arrow."""

    pa = pytest.importorskip("pyarrow")

    def test_tables_go_in_and_come_out(self, spark: SparkSession) -> None:
        table = self.pa.table({"n": self.pa.array([1, None, 3], "int32"), "s": ["a", "b", None]})
        rdd = spark.sparkContext.fromArrow(table, 2)
        assert rdd.getNumPartitions() == 2
        assert rdd.collect() == [Row(n=1, s="a"), Row(n=None, s="b"), Row(n=3, s=None)]
        assert rdd.toArrow() == table and rdd.toDF().toArrow() == table
        frame = spark.createDataFrame(table)
        assert frame.dtypes == [("n", "int"), ("s", "string")] and frame.toArrow() == table
        assert spark.createDataFrame(table, ["a", "b"]).columns == ["a", "b"]

    def test_tables_of_all_types_keep_them(self, spark: SparkSession) -> None:
        frame = spark.createDataFrame([FULL, EMPTY], EVERYTHING)
        table = frame.toArrow()
        assert spark.createDataFrame(table).collect() == frame.collect()
        assert spark.createDataFrame(table).schema == frame.schema
        assert frame.limit(0).toArrow().schema == table.schema

    def test_records_become_tables(self, sc: Any) -> None:
        table = sc.parallelize([("a", 1), ("b", 2)], 2).toArrow("key string, n int")
        assert table.to_pydict() == {"key": ["a", "b"], "n": [1, 2]} and str(table.schema.field("n").type) == "int32"

    def test_functions_of_batches(self, sc: Any) -> None:
        import pyarrow.compute as pc

        def doubled(batches: Any) -> Any:
            for batch in batches:
                yield batch.set_column(0, "n", pc.multiply(batch.column("n"), 2))

        table = self.pa.table({"n": list(range(10_000))})
        made = sc.fromArrow(table, 3).mapInArrow(doubled, "n long")
        assert made.map(lambda row: row.n).sum() == 2 * sum(range(10_000))
        assert made.toArrow().num_rows == 10_000
        wrong = sc.fromArrow(table).mapInArrow(lambda batches: [1], "n long")
        with pytest.raises(RuntimeError, match="RecordBatch"):
            wrong.count()
        other = sc.fromArrow(table).mapInArrow(doubled, "m long")
        with pytest.raises(RuntimeError, match="no column"):
            other.count()

    def test_resources_that_no_task_has_are_refused(self, spark: SparkSession) -> None:
        from firesteel.resource import ResourceProfileBuilder, TaskResourceRequests

        profile = ResourceProfileBuilder().require(TaskResourceRequests().cpus(2)).build
        with pytest.raises(RuntimeError, match="withResources"):
            spark.range(1).mapInArrow(lambda batches: batches, "id long", profile=profile)

    def test_pandas_both_ways(self, spark: SparkSession) -> None:
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"n": [1, 2], "s": ["a", None], "t": pd.to_datetime(["2024-01-02 03:04:05", None])})
        made = spark.createDataFrame(frame)
        assert made.dtypes == [("n", "bigint"), ("s", "string"), ("t", "timestamp")]
        assert made.collect()[0] == (1, "a", datetime.datetime(2024, 1, 2, 3, 4, 5))
        back = made.toPandas()
        assert list(back["n"]) == [1, 2] and str(back["t"][0]) == "2024-01-02 03:04:05"
        assert spark.createDataFrame(frame, ["x", "y", "z"]).columns == ["x", "y", "z"]

        def more(frames: Any) -> Any:
            for each in frames:
                each["n"] = each["n"] + 1
                yield each

        assert [row.n for row in made.mapInPandas(more, made.schema).collect()] == [2, 3]

    def test_arrays_of_numpy(self, spark: SparkSession) -> None:
        np = pytest.importorskip("numpy")
        assert spark.createDataFrame(np.array([[1, 2], [3, 4]])).collect() == [Row(_1=1, _2=2), Row(_1=3, _2=4)]
        assert spark.createDataFrame(np.array([1.5])).collect() == [Row(value=1.5)]


def test_lines_of_an_rdd_are_read(spark: SparkSession) -> None:
    sc = spark.sparkContext
    frame = spark.read.json(sc.parallelize(['{"a": 1,\n "b": "x"}', '{"a": 2.5}'], 2))
    assert frame.dtypes == [("a", "double"), ("b", "string")] and frame.collect() == [(1.0, "x"), (2.5, None)]
    lines = sc.parallelize(["name,age", "Ada,36", "name,age", "Bob,41"], 2)
    frame = spark.read.csv(lines, header=True, inferSchema=True)
    assert frame.collect() == [Row(name="Ada", age=36), Row(name="Bob", age=41)]
    assert spark.read.csv(sc.parallelize(["1,2"]), "a int, b int").select("b").collect() == [Row(b=2)]
    with pytest.raises(RuntimeError, match="lines of text"):
        spark.read.json(sc.parallelize([1]))


@pytest.mark.parametrize("format", ["parquet", "json", "csv"])
def test_tables_without_rows_have_columns(spark: SparkSession, tmp_path: Path, format: str) -> None:
    frame = spark.sparkContext.emptyRDD().toDF("a int, b string")
    frame.write.format(format).option("header", True).save(tmp_path / "out")
    again = spark.read.format(format).option("header", True).load(tmp_path / "out")
    assert again.collect() == []
    if format != "json":
        assert again.columns == ["a", "b"]


def test_columns_of_files_are_chosen(spark: SparkSession, tmp_path: Path) -> None:
    spark.createDataFrame([("a", 1, 2.0)], ["k", "n", "x"]).write.partitionBy("n").parquet(str(tmp_path / "t"))
    frame = spark.read.parquet(str(tmp_path / "t"))
    assert frame.collect() == [Row(k="a", x=2.0, n=1)]
    assert frame.select("n", "k", "n").collect() == [(1, "a", 1)] and frame.select("n").collect() == [Row(n=1)]
    assert frame.drop("k").collect() == [Row(x=2.0, n=1)] and frame.count() == 1
    frame.write.partitionBy("N").parquet(str(tmp_path / "named"))
    assert spark.read.parquet(str(tmp_path / "named")).columns == ["k", "x", "N"]


@pytest.mark.parametrize("format", ["parquet", "json", "csv"])
def test_what_exists_is_refused_kept_added_to_or_replaced(spark: SparkSession, tmp_path: Path, format: str) -> None:
    path = str(tmp_path / "out")

    def write(number: int, mode: str | None = None) -> None:
        spark.createDataFrame([(number,)], "n int").write.mode(mode).format(format).save(path)

    def read() -> list[int]:
        return sorted(row.n for row in spark.read.schema("n int").format(format).load(path).collect())

    write(1)
    with pytest.raises(RuntimeError, match=r"PATH_ALREADY_EXISTS.*overwrite") as refused:
        write(2)
    assert refused.value.getCondition() == "PATH_ALREADY_EXISTS"  # type: ignore[attr-defined]
    write(3, "ignore")
    assert read() == [1]
    write(4, "append")
    assert read() == [1, 4]
    write(5, "overwrite")
    assert read() == [5]
    with pytest.raises(ValueError, match="INVALID_SAVE_MODE"):
        write(6, "upsert")
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_a_write_that_fails_leaves_nothing_and_keeps_what_was_there(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "out")

    def fail(number: int) -> tuple[int]:
        if number == 7:
            raise ValueError("seven")
        return (number,)

    bad = spark.sparkContext.range(10).map(fail).toDF("n long")
    with pytest.raises(RuntimeError, match="seven"):
        bad.write.parquet(path)
    assert not (tmp_path / "out").exists()
    spark.range(3).write.parquet(path)
    for mode in ("overwrite", "append"):
        with pytest.raises(RuntimeError, match="seven"):
            bad.write.mode(mode).parquet(path)
        assert sorted(row.id for row in spark.read.parquet(path).collect()) == [0, 1, 2]


def test_settings_of_a_session_are_heeded(spark: SparkSession, tmp_path: Path) -> None:
    session = spark.newSession()
    for key, value in {
        "spark.sql.sources.default": "json",
        "spark.sql.session.timeZone": "Europe/Berlin",
        "spark.sql.files.maxRecordsPerFile": 2,
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.jsonGenerator.ignoreNullFields": "false",
    }.items():
        session.conf.set(key, value)
    rows = [(number, datetime.datetime(2024, 1, 1)) for number in range(5)]
    frame = session.createDataFrame(rows, "n int, t timestamp")
    frame.coalesce(1).write.save(tmp_path / "json")
    names = sorted(path.name for path in (tmp_path / "json").glob("part-*"))
    assert len(names) == 3 and names[2].startswith("part-00000-") and names[2].endswith("-c002.json")
    assert "+01:00" in (tmp_path / "json" / names[0]).read_text()
    again = session.read.schema("n int").load(str(tmp_path / "json"))
    assert sorted(row.n for row in again.collect()) == [0, 1, 2, 3, 4]
    frame.write.parquet(str(tmp_path / "parquet"))
    assert all(path.name.endswith(".zstd.parquet") for path in (tmp_path / "parquet").glob("part-*"))
    session.createDataFrame([(None,)], "n int").coalesce(1).write.save(tmp_path / "nulls")
    assert [path.read_text() for path in (tmp_path / "nulls").glob("part-*")] == ['{"n":null}\n']
    with pytest.raises(RuntimeError, match="dynamic"):
        frame.write.mode("overwrite").partitionBy("n").parquet(str(tmp_path / "parquet"))


def test_names_must_differ(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.createDataFrame([(1, 2)], ["a", "A"])
    assert frame.select("a").collect() == [Row(a=1)] and frame.select("A").collect() == [Row(A=2)]
    with pytest.raises(RuntimeError, match="COLUMN_ALREADY_EXISTS"):
        frame.write.parquet(str(tmp_path / "out"))
    with pytest.raises(RuntimeError, match="COLUMN_ALREADY_EXISTS"):
        frame.select("a", "a").write.parquet(str(tmp_path / "out"))
    (tmp_path / "twice.json").write_text('{"a": 1, "A": 2}')
    with pytest.raises(RuntimeError, match="COLUMN_ALREADY_EXISTS"):
        spark.read.json(str(tmp_path / "twice.json"))


def test_a_frame_is_what_its_schema_says(spark: SparkSession) -> None:
    schema = StructType([StructField("k", StringType(), False, {"note": "x"})])
    frame = spark.createDataFrame([("a",)], schema)
    assert isinstance(frame, DataFrame) and frame.schema == schema and frame.schema["k"].metadata == {"note": "x"}
