"""A task's knowledge of itself: its stage, partition and attempt, and the properties that the driver's thread had set.

The engine says which task runs on the calling thread; a context here is a copy of that, which may be pickled and sent
to the driver. In a barrier stage all tasks run at the same time and may wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, ClassVar, TypeVar, cast

from firesteel import _native
from firesteel.errors import FiresteelError
from firesteel.resource.information import ResourceInformation

__all__ = ["BarrierTaskContext", "BarrierTaskInfo", "TaskContext"]

C = TypeVar("C", bound="TaskContext")

_LOCAL_ADDRESS = "127.0.0.1:0"
"""The addresses of a barrier stage's tasks when the engine names none: this machine."""


class TaskContext:
    """The running task. :meth:`get` returns it inside a function that runs in a task, and so does ``TaskContext()``.

    >>> sc.parallelize(range(4), 2).map(lambda x: TaskContext.get().partitionId()).collect()
    [0, 0, 1, 1]
    >>> sc.parallelize(range(4), 2).map(lambda x: TaskContext().partitionId()).collect()
    [0, 0, 1, 1]
    """

    _taskContext: ClassVar[TaskContext | None] = None

    _attemptNumber: int | None = None
    _partitionId: int | None = None
    _stageId: int | None = None
    _taskAttemptId: int | None = None
    _localProperties: dict[str, str] | None = None
    _cpus: int | None = None
    _cpuAmount: Decimal | None = None
    _resources: dict[str, ResourceInformation] | None = None

    def __new__(cls: type[TaskContext], **kwargs: Any) -> TaskContext:
        """Returns the running task in a task. Elsewhere returns the context of this process; there is one at a time."""
        # Code that makes a context of values wants one of its own.
        info = None if kwargs else _native.current_task()
        if info is not None:
            return _of_task(info)
        if TaskContext._taskContext is None:
            TaskContext._taskContext = object.__new__(cls)
        return TaskContext._taskContext

    def __init__(self, **kwargs: Any) -> None:
        self._fill(**kwargs)

    def _fill(self, **fields: Any) -> None:
        for name, value in fields.items():
            if not hasattr(TaskContext, f"_{name}"):
                raise TypeError(f"__init__() got an unexpected keyword argument '{name}'")
            if value is not None:
                setattr(self, f"_{name}", value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles its values: in another process it does not become that process's context."""
        return _restored, (type(self), dict(self.__dict__))

    @classmethod
    def get(cls: type[TaskContext]) -> TaskContext | None:
        """Returns the task that runs on this thread; None outside tasks, as in the driver.

        >>> TaskContext.get() is None
        True
        """
        info = _native.current_task()
        return cls._taskContext if info is None else _of_task(info)

    @classmethod
    def from_json(cls: type[C], json: dict[str, Any]) -> C:
        """Makes a context of a dictionary's values.

        >>> fields = dict(stageId=1, partitionId=2, attemptNumber=0, taskAttemptId=7, cpus=1)
        >>> fields.update(localProperties={}, resources={})
        >>> TaskContext.from_json(fields).partitionId()
        2
        >>> TaskContext._taskContext = None
        """
        resources = {
            key: ResourceInformation(each["name"], each["addresses"]) for key, each in json["resources"].items()
        }
        names = ("stageId", "partitionId", "attemptNumber", "taskAttemptId", "cpus", "localProperties")
        amount = Decimal(json["cpuAmount"]) if "cpuAmount" in json else None
        return cls(**{name: json[name] for name in names}, cpuAmount=amount, resources=resources)

    def stageId(self) -> int:
        """Returns the stage of the task.

        >>> sc.parallelize([0], 1).map(lambda x: TaskContext.get().stageId() >= 0).first()
        True
        """
        return cast(int, self._stageId)

    def partitionId(self) -> int:
        """Returns the partition that the task computes, counted from 0.

        >>> sc.parallelize([5], 1).map(lambda x: TaskContext.get().partitionId()).first()
        0
        """
        return cast(int, self._partitionId)

    def attemptNumber(self) -> int:
        """Returns how often the task was tried before.

        >>> sc.parallelize([5], 1).map(lambda x: TaskContext.get().attemptNumber()).first()
        0
        """
        return cast(int, self._attemptNumber)

    def taskAttemptId(self) -> int:
        """Returns a number that no other attempt at a task of this application has.

        >>> len(set(sc.parallelize(range(4), 4).map(lambda x: TaskContext.get().taskAttemptId()).collect()))
        4
        """
        return cast(int, self._taskAttemptId)

    def getLocalProperty(self, key: str) -> str | None:
        """Returns a property that the job's thread set by ``SparkContext.setLocalProperty``, or None.

        >>> sc.setLocalProperty("step", "load")
        >>> sc.parallelize([0], 1).map(lambda x: TaskContext.get().getLocalProperty("step")).first()
        'load'
        """
        return (self._localProperties or {}).get(key)

    def cpus(self) -> int:
        """Returns the cores of the task, as a whole number.

        >>> sc.parallelize([0], 1).map(lambda x: TaskContext.get().cpus()).first()
        1
        """
        return cast(int, self._cpus)

    def cpuAmount(self) -> Decimal:
        """Returns the cores of the task.

        >>> sc.parallelize([0], 1).map(lambda x: TaskContext.get().cpuAmount()).first()
        Decimal('1')
        """
        return cast(Decimal, self._cpuAmount)

    def resources(self) -> dict[str, ResourceInformation]:
        """Returns the resources that the task was given, by name; none in local mode.

        >>> sc.parallelize([0], 1).map(lambda x: TaskContext.get().resources()).first()
        {}
        """
        return cast("dict[str, ResourceInformation]", self._resources)


class BarrierTaskContext(TaskContext):
    """A task of a barrier stage, whose tasks all run at the same time.

    >>> def rank(records):
    ...     task = BarrierTaskContext.get()
    ...     task.barrier()
    ...     return task.allGather(str(task.partitionId()))
    >>> sc.parallelize(range(2), 2).barrier().mapPartitions(rank).collect()
    ['0', '1', '0', '1']
    """

    @classmethod
    def get(cls: type[BarrierTaskContext]) -> BarrierTaskContext:
        """Returns the task that runs on this thread; raises RuntimeError outside of barrier stages.

        >>> BarrierTaskContext.get()
        Traceback (most recent call last):
            ...
        firesteel.errors.FiresteelError: It is not in a barrier stage: use rdd.barrier().mapPartitions(...).
        """
        context = TaskContext.get()
        if not isinstance(context, BarrierTaskContext):
            raise FiresteelError("It is not in a barrier stage: use rdd.barrier().mapPartitions(...).")
        return context

    def barrier(self) -> None:
        """Waits until all tasks of the stage have called this. Each task must call it equally often.

        >>> def wait(records):
        ...     BarrierTaskContext.get().barrier()
        ...     return records
        >>> sc.parallelize([1, 2], 2).barrier().mapPartitions(wait).collect()
        [1, 2]
        """
        _refuse_elsewhere("barrier")
        _native.barrier("")

    def allGather(self, message: str = "") -> list[str]:
        """Waits as :meth:`barrier` does, and returns the messages of all tasks, in the order of partitions.

        >>> gather = lambda records: BarrierTaskContext.get().allGather("ready")
        >>> sc.parallelize([1, 2], 2).barrier().mapPartitions(gather).collect()
        ['ready', 'ready', 'ready', 'ready']
        """
        if not isinstance(message, str):
            raise TypeError("Argument `message` must be of type `str`")
        _refuse_elsewhere("allGather")
        return _native.barrier(message)

    def getTaskInfos(self) -> list[BarrierTaskInfo]:
        """Returns where the tasks of the stage run, in the order of partitions.

        >>> infos = lambda records: BarrierTaskContext.get().getTaskInfos()
        >>> len(sc.parallelize([1, 2], 2).barrier().mapPartitions(infos).collect())
        4
        """
        _refuse_elsewhere("getTaskInfos")
        addresses = self.getLocalProperty("addresses")
        named = addresses.split(",") if addresses else [_LOCAL_ADDRESS] * (_barrier or (0, 1))[1]
        return [BarrierTaskInfo(address.strip()) for address in named]


class BarrierTaskInfo:
    """The address of a task of a barrier stage: ``host:port`` of its executor.

    >>> BarrierTaskInfo("127.0.0.1:7077").address
    '127.0.0.1:7077'
    """

    def __init__(self, address: str) -> None:
        self.address = address


class BarrierFunction:
    """A function of a barrier stage: it gives its task a :class:`BarrierTaskContext`, then runs."""

    def __init__(self, function: Callable[[int, Iterator[Any]], Iterable[Any]], partitions: int) -> None:
        self.function = function
        self.partitions = partitions

    def __call__(self, partition: int, records: Iterator[Any]) -> Iterable[Any]:
        global _barrier, _latest
        info = _native.current_task()
        _barrier, _latest = None if info is None else (info.task, self.partitions), None
        return self.function(partition, records)


_barrier: tuple[int, int] | None = None
"""The latest task of a barrier stage in this process, and how many tasks that stage has."""

_latest: tuple[_native.TaskInfo, TaskContext] | None = None


def _of_task(info: _native.TaskInfo) -> TaskContext:
    """Returns the context of the running task; it is asked for per record, so it is made once per task."""
    global _latest
    if _latest is not None and _is_same(_latest[0], info):
        return _latest[1]
    in_barrier = _barrier is not None and _barrier[0] == info.task
    context: TaskContext = object.__new__(BarrierTaskContext if in_barrier else TaskContext)
    context._fill(
        stageId=info.stage,
        partitionId=info.partition,
        attemptNumber=info.attempt,
        taskAttemptId=info.task,
        localProperties=info.local_properties,
        cpus=info.cpus,
        cpuAmount=Decimal(info.cpus),
        resources={},
    )
    _latest = info, context
    return context


def _is_same(one: _native.TaskInfo, other: _native.TaskInfo) -> bool:
    return one is other or (one.task, one.stage, one.job, one.partition) == (
        other.task,
        other.stage,
        other.job,
        other.partition,
    )


def _restored(cls: type[TaskContext], fields: dict[str, Any]) -> TaskContext:
    context: TaskContext = object.__new__(cls)
    context.__dict__.update(fields)
    return context


def _refuse_elsewhere(operation: str) -> None:
    if _native.current_task() is None:
        raise FiresteelError(
            f"BarrierTaskContext.{operation} can only be called in a task that runs in a barrier stage."
        )
