"""Accumulators: what the driver reads, what tasks may do, and how values of programs are added."""

import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from firesteel.accumulators import (
    COMPLEX_ACCUMULATOR_PARAM,
    FLOAT_ACCUMULATOR_PARAM,
    INT_ACCUMULATOR_PARAM,
    Accumulator,
    AccumulatorParam,
    AddingAccumulatorParam,
    create,
)


class VectorParam(AccumulatorParam[list[float]]):
    def zero(self, value: list[float]) -> list[float]:
        return [0.0] * len(value)

    def addInPlace(self, value1: list[float], value2: list[float]) -> list[float]:
        for place, each in enumerate(value2):
            value1[place] += each
        return value1


class Engine:
    """As much of the engine as an accumulator needs: its pieces can be set at will."""

    def __init__(self) -> None:
        self.id = 70
        self.held: list[bytes] = []

    def accumulator(self) -> "Engine":
        return self

    def chunks(self) -> list[bytes]:
        return list(self.held)

    def reset(self) -> None:
        self.held.clear()

    def hold(self, *values: object) -> None:
        self.held = [pickle.dumps(value) for value in values]


@pytest.fixture
def engine() -> Engine:
    return Engine()


def made(engine: Engine, value: Any, param: AccumulatorParam[Any] | None = None) -> Accumulator[Any]:
    return create(SimpleNamespace(_native=engine), value, param)  # type: ignore[arg-type]


def test_the_value_is_the_initial_one_with_all_chunks(engine: Engine) -> None:
    total = made(engine, 10)
    assert total.value == 10
    engine.hold(1, 2)
    assert total.value == 13
    engine.hold(1, 2, 3)
    assert total.value == 16


def test_chunks_that_count_no_more_are_taken_back(engine: Engine) -> None:
    words = made(engine, [0.0, 1.0], VectorParam())
    engine.hold([1.0, 1.0], [2.0, 2.0])
    assert words.value == [3.0, 4.0]
    engine.hold([2.0, 2.0], [5.0, 5.0])
    assert words.value == [7.0, 8.0]
    engine.hold()
    assert words.value == [0.0, 1.0]


def test_terms_of_the_driver_survive_when_chunks_change(engine: Engine) -> None:
    total = made(engine, 1)
    engine.hold(10)
    assert total.value == 11
    total += 5
    total.add(1)
    engine.hold(20)
    assert total.value == 27


def test_setting_the_value_forgets_what_was_added(engine: Engine) -> None:
    total = made(engine, 1)
    engine.hold(10)
    total.value = 3
    assert (total.value, engine.held) == (3, [])
    engine.hold(4)
    assert total.value == 7


def test_a_lists_terms_do_not_change_after_they_were_added(engine: Engine) -> None:
    seen = made(engine, [], AddingAccumulatorParam([]))
    engine.hold([1])
    assert seen.value == [1]
    term = [2]
    seen.add(term)
    term.append(3)
    engine.hold([1], [4])
    assert seen.value == [1, 2, 4]


def test_numbers_need_no_param_and_others_do(engine: Engine) -> None:
    assert made(engine, 1).accum_param is INT_ACCUMULATOR_PARAM
    assert made(engine, True).accum_param is INT_ACCUMULATOR_PARAM
    assert made(engine, 1.0).accum_param is FLOAT_ACCUMULATOR_PARAM
    assert made(engine, 1j).accum_param is COMPLEX_ACCUMULATOR_PARAM
    with pytest.raises(TypeError, match="No default accumulator param for type <class 'list'>"):
        made(engine, [1.0])


def test_it_prints_as_its_value(engine: Engine) -> None:
    total = made(engine, 3)
    assert (str(total), repr(total)) == ("3", "Accumulator<id=70, value=3>")


def test_in_the_driver_unpickling_gives_the_same_object(engine: Engine) -> None:
    total = made(engine, 3)
    assert pickle.loads(pickle.dumps(total)) is total


def test_a_tasks_form_knows_zero_and_not_the_value(engine: Engine) -> None:
    words = made(engine, [5.0, 6.0], VectorParam())
    function, (aid, zero, param) = words.__reduce__()
    assert (aid, zero, type(param)) == (70, [0.0, 0.0], VectorParam)
    task = function(71, zero, param)
    with pytest.raises(RuntimeError, match="cannot be accessed inside tasks; this one tried to read it"):
        task.value
    with pytest.raises(RuntimeError, match="cannot be accessed inside tasks; this one tried to set it"):
        task.value = [1.0]
    assert repr(task) == "Accumulator<id=71, value=[0.0, 0.0]>"


def test_an_abstract_param_adds_nothing() -> None:
    with pytest.raises(NotImplementedError):
        AccumulatorParam[int]().zero(1)
    with pytest.raises(NotImplementedError):
        AccumulatorParam[int]().addInPlace(1, 2)


def test_tasks_add_and_the_driver_reads(sc: Any) -> None:
    total, words = sc.accumulator(1), sc.accumulator([0.0, 1.0], VectorParam())

    def look(x: int) -> None:
        nonlocal total
        total += x
        words.add([float(x), 1.0])

    sc.parallelize([1, 2, 3, 4], 2).foreach(look)
    assert total.value == 11
    assert words.value == [10.0, 5.0]


def test_each_partition_begins_with_a_zero_of_its_own(sc: Any) -> None:
    seen = sc.accumulator([], AddingAccumulatorParam([]))
    sc.parallelize(range(8), 4).foreach(lambda x: seen.add([x]))
    sc.parallelize([8], 1).foreach(lambda x: seen.add([x]))
    assert sorted(seen.value) == list(range(9))


def test_reading_and_setting_in_a_task_fails_the_job(sc: Any) -> None:
    total = sc.accumulator(1)
    with pytest.raises(
        RuntimeError, match="Accumulator.value cannot be accessed inside tasks; this one tried to read it"
    ):
        sc.parallelize([1]).map(lambda x: total.value).collect()

    def set_it(x: int) -> None:
        total.value = x

    with pytest.raises(
        RuntimeError, match="Accumulator.value cannot be accessed inside tasks; this one tried to set it"
    ):
        sc.parallelize([1]).foreach(set_it)
    assert total.value == 1


def test_a_partition_that_is_computed_twice_counts_once(sc: Any) -> None:
    total = sc.accumulator(0)

    def count(x: int) -> int:
        total.add(1)
        return x

    placed = sc.parallelize(range(10), 2).map(lambda x: (x, count(x))).partitionBy(2).cache()
    placed.count()
    placed.unpersist()
    placed.count()
    assert total.value == 10


def test_the_driver_reads_while_threads_run_jobs(sc: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    total = sc.accumulator(0)
    with ThreadPoolExecutor(3) as threads:
        jobs = [threads.submit(lambda: sc.parallelize(range(50), 2).foreach(lambda x: total.add(1))) for _ in range(3)]
        while not all(job.done() for job in jobs):
            assert 0 <= total.value <= 150
        for job in jobs:
            job.result()
    assert total.value == 150
