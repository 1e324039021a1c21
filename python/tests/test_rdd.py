"""What RDDs are beside the records they hold: when they are computed, how they are placed, what they refuse."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from firesteel import RDD, StorageLevel
from firesteel.errors import FiresteelError, JobError, PicklingError
from firesteel.rdd import Partitioner, PipelinedRDD, portable_hash


def test_a_chain_of_maps_is_one_rdd(sc: Any) -> None:
    source = sc.parallelize([1, 2, 3], 2)
    chain = source.map(str).filter(bool).flatMap(list).mapPartitions(list)
    assert chain.id() == source.id() + 1
    assert isinstance(chain, PipelinedRDD) and isinstance(chain, RDD)


def test_what_is_cached_ends_a_chain(sc: Any) -> None:
    cached = sc.parallelize([1, 2, 3], 2).map(str).cache()
    after = cached.map(int)
    assert after._source is cached
    assert after.sum() == 6
    cached.unpersist()
    assert not cached.is_cached
    assert cached.map(int)._source is not cached


def test_nothing_runs_before_an_action(sc: Any) -> None:
    before = sc.statusTracker().getJobIdsForGroup()
    pairs = sc.parallelize([(1, 2)] * 9, 3).mapValues(str).groupByKey().mapValues(len)
    pairs.join(pairs).distinct().union(pairs).coalesce(1).zipWithUniqueId()
    assert sc.statusTracker().getJobIdsForGroup() == before


def test_take_runs_one_job_where_the_first_partition_has_enough(sc: Any) -> None:
    before = len(sc.statusTracker().getJobIdsForGroup())
    assert sc.parallelize(range(100), 10).take(3) == [0, 1, 2]
    assert len(sc.statusTracker().getJobIdsForGroup()) == before + 1


def test_pairs_that_are_placed_alike_stay_where_they_are(sc: Any) -> None:
    placed = sc.parallelize([(i % 5, i) for i in range(20)], 3).partitionBy(4)
    assert placed.partitionBy(4) is placed
    assert placed.partitioner == Partitioner(4, portable_hash)
    assert placed.mapValues(str).partitioner == placed.partitioner
    assert placed.filter(bool).flatMapValues(range).partitioner == placed.partitioner
    assert placed.map(lambda pair: pair).partitioner is None
    assert placed.union(placed).partitioner == placed.partitioner
    assert placed.union(placed).getNumPartitions() == 4
    joined = placed.join(placed.mapValues(str))
    assert (joined.getNumPartitions(), joined.partitioner) == (4, placed.partitioner)
    assert joined.reduceByKey(lambda a, b: a, 4).partitioner == placed.partitioner
    assert b"Shuffled" not in joined.toDebugString().split(b"\n")[0]
    assert joined.count() == 5 * 4 * 4


def test_sides_that_are_not_placed_alike_get_the_partitions_of_both(sc: Any) -> None:
    left, right = sc.parallelize([(1, 2)], 3), sc.parallelize([(1, 3)], 2)
    assert left.join(right).getNumPartitions() == 5
    assert left.cogroup(right).getNumPartitions() == 5
    assert left.join(right, 4).getNumPartitions() == 4
    assert left.subtractByKey(right).getNumPartitions() == 5
    assert left.intersection(right).getNumPartitions() == 5


def test_equal_keys_land_together_whatever_their_type(sc: Any) -> None:
    pairs = sc.parallelize([(1, "int"), (1.0, "float"), (True, "bool")], 3)
    assert [sorted(values) for values in pairs.groupByKey(8).values().collect()] == [["bool", "float", "int"]]


def test_a_function_of_the_users_places_keys(sc: Any) -> None:
    pairs = sc.parallelize([(word, 1) for word in ("a", "bb", "cc", "ddd")], 2)
    placed = pairs.partitionBy(3, len)
    assert [sorted(part) for part in placed.keys().glom().collect()] == [["ddd"], ["a"], ["bb", "cc"]]
    assert placed.lookup("bb") == [1]


def test_zeros_are_not_shared_between_partitions_and_calls(sc: Any) -> None:
    zero: list[int] = []
    numbers = sc.parallelize(range(6), 3)
    for _ in range(2):
        assert sorted(numbers.aggregate(zero, lambda held, x: held.append(x) or held, lambda a, b: a + b)) == list(
            range(6)
        )
        assert sorted(numbers.map(lambda x: [x]).fold(zero, lambda a, b: a.extend(b) or a)) == list(range(6))
        assert sorted(numbers.treeAggregate(zero, lambda held, x: held.append(x) or held, lambda a, b: a + b)) == list(
            range(6)
        )
    assert zero == []
    pairs = sc.parallelize([(i % 2, i) for i in range(6)], 3)
    grouped = pairs.aggregateByKey(zero, lambda held, x: held.append(x) or held, lambda a, b: a + b).mapValues(sorted)
    assert sorted(grouped.collect()) == [(0, [0, 2, 4]), (1, [1, 3, 5])]


OPERATIONS = {
    "map": lambda rdd, f: rdd.map(f).collect(),
    "flatMap": lambda rdd, f: rdd.flatMap(f).collect(),
    "filter": lambda rdd, f: rdd.filter(f).collect(),
    "keyBy": lambda rdd, f: rdd.keyBy(f).collect(),
    "mapValues": lambda rdd, f: rdd.map(lambda x: (x, x)).mapValues(f).collect(),
    "mapPartitions": lambda rdd, f: rdd.mapPartitions(f).collect(),
    "foreach": lambda rdd, f: rdd.foreach(f),
    "reduce": lambda rdd, f: rdd.reduce(lambda a, b: f(a)),
    "fold": lambda rdd, f: rdd.fold(0, lambda a, b: f(a)),
    "reduceByKey": lambda rdd, f: rdd.map(lambda x: (0, x)).reduceByKey(lambda a, b: f(a)).collect(),
    "combineByKey": lambda rdd, f: rdd.map(lambda x: (0, x)).combineByKey(f, f, f).collect(),
    "sortBy": lambda rdd, f: rdd.sortBy(f, numPartitions=1).collect(),
    "max": lambda rdd, f: rdd.max(key=f),
    "a chain": lambda rdd, f: rdd.map(str).map(f).map(str).count(),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("last", [0, 9], ids=["at the first record", "at the last record"])
def test_stop_iteration_of_user_code_fails_the_task(sc: Any, operation: str, last: int) -> None:
    def stops(x: Any) -> Any:
        if hasattr(x, "__next__"):
            return next(iter([]))
        if int(x) >= last or operation in ("reduce", "fold", "reduceByKey", "combineByKey"):
            return next(iter([]))
        return [x]

    with pytest.raises(RuntimeError, match="StopIteration"):
        OPERATIONS[operation](sc.parallelize(range(10), 1), stops)


def test_a_function_may_read_less_than_there_is(sc: Any) -> None:
    numbers = sc.parallelize(range(100), 2).map(str)
    assert numbers.mapPartitions(lambda records: [next(iter(records))]).map(int).collect() == [0, 50]
    assert numbers.take(2) == ["0", "1"]


REFUSED = [
    (lambda sc: sc.range(3).reduce(3), TypeError, "reduce needs a function"),
    (lambda sc: sc.emptyRDD().reduce(max), ValueError, r"Can not reduce\(\) empty RDD"),
    (lambda sc: sc.emptyRDD().treeReduce(max), ValueError, "Cannot reduce empty RDD"),
    (lambda sc: sc.emptyRDD().first(), ValueError, "RDD is empty"),
    (lambda sc: sc.parallelize([], 2).max(), ValueError, r"Can not reduce\(\) empty RDD"),
    (lambda sc: sc.range(3).sample(False, -0.5), ValueError, "Fraction must be nonnegative"),
    (lambda sc: sc.range(3).takeSample(False, -1), ValueError, "Sample size cannot be negative"),
    (lambda sc: sc.range(3).randomSplit([0.0]), ValueError, "Sum of weights must be positive"),
    (lambda sc: sc.range(3).randomSplit([1, -1]), ValueError, "Weights must be nonnegative"),
    (lambda sc: sc.range(3).takeOrdered(-1), ValueError, "top N cannot be negative"),
    (lambda sc: sc.range(3).treeReduce(max, 0), ValueError, "Depth cannot be smaller than 1 but got 0"),
    (lambda sc: sc.range(3).coalesce(0), ValueError, "Number of partitions must be positive"),
    (lambda sc: sc.range(3, numSlices=2).zip(sc.range(3, numSlices=3)), ValueError, "same number of partitions"),
    (lambda sc: sc.range(3).histogram(0), ValueError, "number of buckets must be >= 1"),
    (lambda sc: sc.range(3).histogram([1]), ValueError, "buckets should have more than one value"),
    (lambda sc: sc.range(3).histogram([2, 1]), ValueError, "buckets should be sorted"),
    (lambda sc: sc.range(3).histogram([1, 1]), ValueError, "buckets should not contain duplicated values"),
    (lambda sc: sc.range(3).histogram([1, None]), ValueError, "None or NaN"),
    (lambda sc: sc.range(3).histogram("ab"), TypeError, "buckets should be a list or tuple or number"),
    (lambda sc: sc.range(3).countApproxDistinct(1e-6), ValueError, "relativeSD should be greater than"),
    (lambda sc: sc.range(3).countApprox(100, 2.0), ValueError, r"must be in \[0,1\]"),
    (lambda sc: sc.range(3) + [1], TypeError, "another RDD"),
    (lambda sc: sc.range(3).map(str).union("ab"), TypeError, "another RDD"),
    (lambda sc: sc.parallelize([(1, 2)]).join([(1, 2)]), TypeError, "another RDD"),
    (lambda sc: sc.range(3).persist("MEMORY"), TypeError, "StorageLevel"),
    (lambda sc: sc.range(3).cache().persist(StorageLevel.DISK_ONLY), RuntimeError, "Cannot change storage level"),
    (lambda sc: sc.runJob(sc.range(3), list, [99]), RuntimeError, "non-existent partition: 99"),
    (lambda sc: sc.parallelize([1], 0), ValueError, "Positive number of partitions"),
    (lambda sc: sc.parallelize([(1, 2)]).sampleByKey(False, {1: -1}), AssertionError, "Negative fraction"),
    (lambda sc: sc.hadoopFile("/x", "com.acme.Format", "K", "V"), RuntimeError, "com.acme.Format"),
    (lambda sc: sc.sequenceFile("/x", keyConverter="com.acme.C"), RuntimeError, "com.acme.C"),
    (lambda sc: sc.range(3).toDF(), TypeError, "Can not infer schema|CANNOT_INFER_SCHEMA_FOR_TYPE"),
]


@pytest.mark.parametrize("refused, kind, text", REFUSED, ids=[text for _, _, text in REFUSED])
def test_what_is_refused_says_why(sc: Any, refused: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        refused(sc)


def test_sides_of_a_zip_must_match_record_by_record(sc: Any) -> None:
    for other in ([[1, 2, 3], [4]], [[1], [2, 3]], [[1, 2], [3, 4, 5]]):
        uneven = sc.parallelize(other, 2).flatMap(lambda part: part)
        with pytest.raises(RuntimeError, match="same number of elements in each partition"):
            sc.parallelize([1, 2, 3, 4], 2).zip(uneven).collect()


def test_functions_that_give_no_records(sc: Any) -> None:
    with pytest.raises(JobError, match="'NoneType' object is not iterable: the function given to mapPartitions at"):
        sc.range(3).mapPartitions(lambda records: None).collect()


def test_what_cannot_be_sent_is_reported_at_once(sc: Any) -> None:
    import threading

    lock = threading.Lock()
    with pytest.raises(PicklingError, match="lock"):
        sc.range(3).map(lambda x: lock)


def test_rdds_and_contexts_stay_in_the_driver(sc: Any) -> None:
    numbers = sc.range(3)
    with pytest.raises(RuntimeError, match="SPARK-5063"):
        numbers.map(lambda x: numbers.count())
    with pytest.raises(RuntimeError, match="SPARK-5063"):
        numbers.map(lambda x: sc.parallelize([x]).count())


def test_records_without_a_hash(sc: Any) -> None:
    with pytest.raises(JobError, match="unhashable type: 'list'"):
        sc.parallelize([[1], [1]]).distinct().collect()


def test_a_pipe_says_what_failed(sc: Any, tmp_path: Path) -> None:
    numbers = sc.parallelize(range(5), 1)
    with pytest.raises(JobError, match="exited with status 3"):
        numbers.pipe("sh -c 'exit 3'", checkCode=True).collect()
    assert numbers.pipe("sh -c 'exit 3'").collect() == []
    with pytest.raises(JobError, match="no-such-program"):
        numbers.pipe("no-such-program").collect()
    assert numbers.pipe("sh -c 'cat > /dev/null; echo $WHO'", {"WHO": "me"}).collect() == ["me"]
    assert numbers.pipe("head -n 1").collect() == ["0"]
    many = sc.parallelize(["x" * 100] * 20_000, 1)
    assert many.pipe("cat").count() == 20_000
    assert many.pipe("head -n 1").count() == 1


def test_an_error_in_a_pipe_is_the_users(sc: Any) -> None:
    with pytest.raises(JobError, match="ZeroDivisionError"):
        sc.parallelize([1, 0], 1).map(lambda x: 1 / x).pipe("cat").collect()


def test_names_and_levels(sc: Any) -> None:
    rdd = sc.range(3).map(str).setName("three").persist(StorageLevel.MEMORY_AND_DISK)
    assert rdd.name() == "three"
    assert rdd.getStorageLevel() == StorageLevel.MEMORY_AND_DISK
    assert rdd.persist(StorageLevel.MEMORY_AND_DISK) is rdd
    lines = rdd.toDebugString().decode().splitlines()
    assert re.fullmatch(
        r"\(2\) three PythonRDD\[\d+\] at map at test_rdd.py:\d+ \[Disk Memory Serialized 1x Replicated\]", lines[0]
    )
    assert "ParallelCollectionRDD[" in lines[1]
    assert rdd.unpersist(blocking=True).getStorageLevel() == StorageLevel.NONE
    assert "at test_rdd.py:" in repr(rdd)


def test_checkpoints(fresh_context: Any, tmp_path: Path) -> None:
    sc = fresh_context()
    numbers = sc.parallelize(range(10), 3).map(str)
    with pytest.raises(RuntimeError, match="Checkpoint directory has not been set"):
        numbers.checkpoint()
    sc.setCheckpointDir(str(tmp_path))
    numbers.checkpoint()
    assert (numbers.is_checkpointed, numbers.isCheckpointed(), numbers.getCheckpointFile()) == (True, False, None)
    assert numbers.count() == 10
    assert numbers.isCheckpointed()
    # As deep as Spark's: the application's own directory, then the RDD's.
    assert re.fullmatch(f"file:{re.escape(str(tmp_path))}/[^/]+/rdd-[0-9]+", numbers.getCheckpointFile() or "")
    assert numbers.map(int).sum() == 45


def test_local_checkpoints(fresh_context: Any) -> None:
    sc = fresh_context()
    for action in ("collect", "count"):
        numbers = sc.parallelize(range(10), 3).map(str)
        assert (numbers.isCheckpointed(), numbers.isLocallyCheckpointed()) == (False, False)
        numbers.localCheckpoint()
        assert (numbers.isCheckpointed(), numbers.isLocallyCheckpointed()) == (False, True)
        getattr(numbers, action)()
        assert (numbers.isCheckpointed(), numbers.isLocallyCheckpointed()) == (True, True)
        assert (numbers.is_checkpointed, numbers.getCheckpointFile()) == (False, None)
        assert numbers.map(int).sum() == 45


def test_text_is_written_and_read(sc: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "text")
    sc.parallelize(["grüß", b"\xff", 3, None], 2).saveAsTextFile(path)
    assert sorted(sc.textFile(path, use_unicode=False).collect()) == sorted(
        ["grüß".encode(), "\ufffd".encode(), b"3", b"None"]
    )
    assert sorted(name for name in os.listdir(path) if name[0] != ".") == ["_SUCCESS", "part-00000", "part-00001"]
    with pytest.raises(RuntimeError, match="exist"):
        sc.parallelize(["again"]).saveAsTextFile(path)


def test_pickled_files(sc: Any, tmp_path: Path) -> None:
    records = [1, "two", (3.0, None), {"four": [4]}]
    sc.parallelize(records, 2).saveAsPickleFile(tmp_path / "pickled", 3)
    assert sc.pickleFile(tmp_path / "pickled").collect() == records


def test_deprecated_names_warn(sc: Any) -> None:
    with pytest.warns(FutureWarning):
        assert sc.range(2).collectWithJobGroup("group", "description") == [0, 1]
    with pytest.warns(FutureWarning):
        sc.range(2).mapPartitionsWithSplit(lambda i, records: records)
    assert sc.getLocalProperty("spark.jobGroup.id") != "group"


def test_library_functions_are_no_matter_of_closures(sc: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sc.parallelize(["a b"]).flatMap(str.split).map(len).reduce(max) == 1


def test_a_profile_that_asks_for_nothing_is_remembered(sc: Any) -> None:
    from firesteel.resource import ResourceProfileBuilder

    profile = ResourceProfileBuilder().build
    rdd = sc.range(3).map(str)
    assert rdd.getResourceProfile() is None
    assert rdd.withResources(profile) is rdd
    assert rdd.has_resource_profile and rdd.getResourceProfile() is profile
    assert rdd.map(int).sum() == 3


def test_a_barrier_runs_the_whole_chain(sc: Any) -> None:
    numbers = sc.parallelize(range(4), 2).map(lambda x: x * 2).barrier()
    chain = numbers.mapPartitionsWithIndex(lambda i, records: [(i, sum(records))]).map(str)
    assert chain._is_barrier()
    assert chain.collect() == ["(0, 2)", "(1, 10)"]
    assert not chain.repartition(2)._is_barrier()


def test_errors_are_of_the_package(sc: Any) -> None:
    with pytest.raises(FiresteelError):
        sc.range(3).map(lambda x: x / 0).collect()


def test_partitions_do_not_add_up_without_end(sc: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("firesteel.rdd.base.MOST_BY_GROWTH", 20)
    edges = sc.parallelize([(number, number + 1) for number in range(12)], 2)
    paths, counts = edges, []
    backwards = edges.map(lambda edge: (edge[1], edge[0]))
    for _ in range(7):
        longer = paths.join(backwards).map(lambda found: (found[1][1], found[1][0]))
        paths = paths.union(longer).distinct().cache()
        counts.append(paths.getNumPartitions())
    # PySpark's rule as long as a machine can run it; then a number that stays.
    assert counts == [6, 14, 30, 62, 20, 20, 20]
    assert paths.count() == sum(13 - length for length in range(1, 9))


def test_one_wide_union_keeps_its_partitions(sc: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("firesteel.rdd.base.MOST_BY_GROWTH", 20)
    wide = sc.union([sc.parallelize([(number, 1)], 1) for number in range(40)])
    assert wide.reduceByKey(lambda a, b: a + b).getNumPartitions() == 40
