"""Task contexts: what a task knows of itself, and tasks that wait for each other."""

import pickle
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from firesteel.taskcontext import BarrierTaskContext, BarrierTaskInfo, TaskContext


@pytest.fixture(autouse=True)
def no_context() -> Iterator[None]:
    yield
    TaskContext._taskContext = None


def test_outside_tasks_there_is_none() -> None:
    assert TaskContext.get() is None
    with pytest.raises(RuntimeError, match="It is not in a barrier stage"):
        BarrierTaskContext.get()


def test_a_process_has_one_context_however_it_is_made() -> None:
    context = TaskContext(stageId=3, partitionId=4)
    assert TaskContext() is context is TaskContext.get()
    assert (context.stageId(), context.partitionId()) == (3, 4)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        TaskContext(colour="red")


def test_a_context_of_values() -> None:
    fields: dict[str, Any] = {
        "stageId": 1,
        "partitionId": 2,
        "attemptNumber": 3,
        "taskAttemptId": 4,
        "cpus": 2,
        "cpuAmount": "1.5",
        "resources": {"gpu": {"name": "gpu", "addresses": ["0"]}},
        "localProperties": {"a": "b"},
    }
    context = TaskContext.from_json(fields)
    assert (context.stageId(), context.partitionId(), context.attemptNumber(), context.taskAttemptId()) == (1, 2, 3, 4)
    assert (context.cpus(), context.cpuAmount(), context.getLocalProperty("a")) == (2, Decimal("1.5"), "b")
    assert context.resources()["gpu"].addresses == ["0"]


def test_a_task_sees_itself(sc: Any) -> None:
    sc.setLocalProperty("step", "load")

    def look(_: Any) -> tuple[Any, ...]:
        task = TaskContext.get()
        assert task is not None and type(task) is TaskContext and task is TaskContext.get()
        return task.partitionId(), task.attemptNumber(), task.getLocalProperty("step"), task.getLocalProperty("none")

    assert sc.parallelize([0, 1], 2).map(look).collect() == [(0, 0, "load", None), (1, 0, "load", None)]
    sc.setLocalProperty("step", None)


def test_attempts_and_stages_differ(sc: Any) -> None:
    ids = sc.parallelize(range(4), 4).map(lambda _: TaskContext.get().taskAttemptId())  # type: ignore[union-attr]
    assert len({*ids.collect(), *ids.collect()}) == 8
    stages = sc.parallelize([0], 1).map(lambda _: TaskContext.get().stageId())  # type: ignore[union-attr]
    assert stages.first() != stages.first()


def test_a_context_can_be_sent_to_the_driver(sc: Any) -> None:
    task = sc.parallelize([0], 1).map(lambda _: TaskContext.get()).first()
    assert (task.partitionId(), task.attemptNumber(), task.cpus(), task.cpuAmount(), task.resources()) == (
        0,
        0,
        1,
        Decimal(1),
        {},
    )
    assert TaskContext.get() is None
    assert pickle.loads(pickle.dumps(task)).taskAttemptId() == task.taskAttemptId()


def test_a_task_of_an_ordinary_stage_has_no_barrier(sc: Any) -> None:
    with pytest.raises(RuntimeError, match="It is not in a barrier stage"):
        sc.parallelize([0], 1).map(lambda _: BarrierTaskContext.get().partitionId()).collect()


def test_tasks_of_a_barrier_stage_hear_each_other(sc: Any) -> None:
    def gather(records: Iterable[int]) -> list[Any]:
        task = BarrierTaskContext.get()
        assert TaskContext.get() is task
        task.barrier()
        told = task.allGather(str(sum(records)))
        return [(task.partitionId(), told, len(task.getTaskInfos()))]

    rdd = sc.parallelize([1, 2, 3, 4], 2).barrier().mapPartitions(gather)
    assert rdd.collect() == [(0, ["3", "7"], 2), (1, ["3", "7"], 2)]
    # The same workers are no barrier tasks afterwards.
    assert sc.parallelize([0, 1], 2).map(lambda _: type(TaskContext.get()).__name__).collect() == ["TaskContext"] * 2


def test_messages_are_text(sc: Any) -> None:
    with pytest.raises(RuntimeError, match="Argument `message` must be of type `str`") as failure:
        message: Any = 3
        sc.parallelize([0], 1).barrier().mapPartitions(lambda _: BarrierTaskContext.get().allGather(message)).collect()
    assert isinstance(failure.value.__cause__, TypeError)


def test_a_barrier_needs_a_task() -> None:
    context = object.__new__(BarrierTaskContext)
    for wait in (context.barrier, context.allGather, context.getTaskInfos):
        with pytest.raises(RuntimeError, match="can only be called in a task"):
            wait()
    assert BarrierTaskInfo("host:1").address == "host:1"
