"""Private names that lead into Spark's JVM: there is no JVM here.

Libraries reach for a few of them: :class:`JavaContext`, :class:`Gateway` and :class:`firesteel.jvmclasses.View` answer
what they ask. For all others, contexts and RDDs call :func:`missing` for the error of an attribute that they lack,
which says what to do instead. It is an AttributeError, so ``hasattr`` and ``getattr`` with a default work as for any
name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from firesteel.context import SparkContext

__all__ = ["Gateway", "JavaContext", "lead_from", "missing"]

_SETTINGS = (
    "Instead of sc._jsc.hadoopConfiguration().set(key, value), set spark.hadoop.<key> in the SparkConf before the "
    "context is made; for other things that the JVM's context can do, see the methods of SparkContext."
)
_INSTEAD = {
    "_jconf": "SparkConf.getAll() has all settings.",
    "_jrdd": "Give other code the RDD itself; RDD.id(), toDebugString() and getNumPartitions() say what it is.",
    "_jrdd_deserializer": "Records are pickled by the engine in its own way.",
    "_to_java_object_rdd": "Records are Python objects everywhere; collect them, or write them to files.",
}


def missing(owner: object, name: str) -> AttributeError:
    """Returns the error for an attribute that an object lacks.

    >>> hasattr(sc, "_jconf"), getattr(sc, "_jconf", None)
    (False, None)
    """
    if hasattr(type(owner), name):
        # A property of that name has failed with an AttributeError of its own, which is the one to raise.
        object.__getattribute__(owner, name)
    text = f"{type(owner).__name__!r} object has no attribute {name!r}"
    if name in _INSTEAD:
        text += f": there is no JVM. {_INSTEAD[name]}"
    return AttributeError(text)


class Gateway:
    """Stands where PySpark's context has its connection with the JVM. Libraries look at its class, ``ClientServer`` of
    ``py4j.clientserver``, to learn whether the jobs of a thread have the properties of that thread, as they do here.

    >>> type(sc._gateway).__name__
    'Gateway'
    """

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"'_gateway' of the SparkContext has no attribute {name!r}: there is no py4j between the program and the"
            " engine, and no JVM"
        )


class JavaContext:
    """Answers what libraries ask of the JVM's context: how many tasks run at a time, on which executors.

    >>> sc._jsc.sc().maxNumConcurrentTasks() >= 1
    True
    >>> sc._jsc.hadoopConfiguration()
    Traceback (most recent call last):
        ...
    AttributeError: '_jsc' of the SparkContext has no attribute 'hadoopConfiguration': there is no JVM. Instead of ...
    """

    def __init__(self, sc: SparkContext) -> None:
        self._context = sc

    def sc(self) -> JavaContext:
        """Returns itself, for Scala's context."""
        return self

    def resourceProfileManager(self) -> JavaContext:
        """Returns itself, for the manager of profiles."""
        return self

    def resourceProfileFromId(self, id: int) -> int:
        """Returns the profile's number, for the profile: all tasks of an application are alike."""
        return id

    def maxNumConcurrentTasks(self, profile: object = None) -> int:
        """Returns the number of tasks that run at a time, on all executors that there are now."""
        return self._context._native.slots

    def isStopped(self) -> bool:
        """Returns whether the context was stopped."""
        from firesteel.context import SparkContext

        return SparkContext._active_spark_context is not self._context

    def statusTracker(self) -> JavaContext:
        """Returns itself, for the tracker of executors."""
        return self

    def getExecutorInfos(self) -> list[Any]:
        """Returns the driver and all executors, as Scala's tracker does; in local mode the driver alone."""
        from firesteel.conf import is_cluster
        from firesteel.status import SparkExecutorInfo

        empty = SparkExecutorInfo("localhost", 0, 0, 0, 0, 0, 0, 0)
        # The engine tells of each process of an executor; the first stands for the executor.
        executors = [info for info in self._context._native.executor_infos() if info["process"] == 0]
        found = [empty._replace(host=info["host"], port=info["port"]) for info in executors]
        return [_Fields(info) for info in (empty, *(found if is_cluster(self._context.master) else ()))]

    def getExecutorMemoryStatus(self) -> _Sized:
        """Returns something whose ``size()`` is the number of executors and the driver."""
        return _Sized(len(self.getExecutorInfos()))

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"'_jsc' of the SparkContext has no attribute {name!r}: there is no JVM. {_SETTINGS}")


class _Fields:
    """A record of Scala's, whose fields are called."""

    def __init__(self, record: NamedTuple) -> None:
        self.__dict__.update({name: _constant(value) for name, value in record._asdict().items()})


def _constant(value: object) -> Callable[[], object]:
    return lambda: value


class _Sized:
    """A map of Scala's of which only the size is known."""

    def __init__(self, size: int) -> None:
        self._size = size

    def size(self) -> int:
        """Returns how many there are."""
        return self._size


def lead_from(session: type[Any]) -> None:
    """Gives the class of sessions the private names under which libraries find its context and the active session."""
    for name in ("_jsc", "_jvm"):
        if name not in vars(session):
            setattr(session, name, property(operator.attrgetter(f"sparkContext.{name}")))
    if "_instantiatedSession" not in vars(session):
        session._instantiatedSession = _Active()


class _Active:
    """The active session, as an attribute of the class."""

    def __get__(self, instance: object, owner: type[Any]) -> object:
        return owner.getActiveSession()
