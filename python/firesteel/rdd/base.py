"""The base of every RDD: its context, its lineage, its partitions, and whether it is cached.

``_native`` is the engine's RDD. For a :class:`firesteel.rdd.pipelined.PipelinedRDD` it is made on first need, of the
whole chain of steps at once; so a chain of maps is one RDD of the engine. For files it is made late, too, since files
are listed on first need. The other parts of the class make new RDDs by :meth:`Base._then` (adds a step to the chain)
and :meth:`Base._of` (makes an RDD of the engine, which ends a chain).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from firesteel import _native, callsite, closures
from firesteel.chain import Chain, OfRecords, Step
from firesteel.errors import FiresteelError, JobError
from firesteel.native import explaining
from firesteel.storagelevel import StorageLevel

if TYPE_CHECKING:
    from firesteel._native import Broadcast as NativeBroadcast
    from firesteel._native import Rdd as NativeRdd
    from firesteel.context import SparkContext
    from firesteel.rdd.pipelined import RDD
    from firesteel.resource import ResourceProfile

__all__ = ["Base", "BoundedFloat", "Partitioner", "portable_hash"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def portable_hash(x: Any) -> int:
    """Returns the hash that places keys: the same in all processes, equal for equal keys, without PYTHONHASHSEED.

    >>> portable_hash(1) == portable_hash(1.0) == portable_hash(True)
    True
    """
    return _native.portable_hash(x)


class BoundedFloat(float):
    """An estimate with its bounds at a confidence: the result of ``sumApprox`` and ``meanApprox``.

    >>> estimate = BoundedFloat(100.0, 0.95, 95.0, 105.0)
    >>> estimate, estimate.confidence, estimate.low, estimate.high
    (100.0, 0.95, 95.0, 105.0)
    """

    confidence: float
    low: float
    high: float

    def __new__(cls, mean: float, confidence: float, low: float, high: float) -> BoundedFloat:
        estimate = float.__new__(cls, mean)
        estimate.confidence = confidence
        estimate.low = low
        estimate.high = high
        return estimate


#: The most partitions that shuffles get by default where partitions add up from one union to the next.
MOST_BY_GROWTH = 1000


class Partitioner:
    """Maps keys to partitions. Two are equal if number and function are; RDDs with equal ones need no shuffle between
    them.

    >>> Partitioner(2, portable_hash) == Partitioner(2, portable_hash)
    True
    >>> Partitioner(4, lambda key: key)(6)
    2
    """

    def __init__(self, numPartitions: int, partitionFunc: Callable[[Any], int]) -> None:
        self.numPartitions = numPartitions
        self.partitionFunc = partitionFunc

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Partitioner)
            and self.numPartitions == other.numPartitions
            and self.partitionFunc == other.partitionFunc
        )

    def __hash__(self) -> int:
        return hash((self.numPartitions, self.partitionFunc))

    def __call__(self, k: Any) -> int:
        return self.partitionFunc(k) % self.numPartitions


class Base(Generic[T_co]):
    """Identity, lineage, partitions and caching of an RDD."""

    _kind = "PythonRDD"

    def __init__(
        self,
        native: NativeRdd | None,
        ctx: SparkContext,
        deserializer: object = None,
        *,
        site: str = "",
        make: Callable[[], NativeRdd] | None = None,
    ) -> None:
        self.ctx = ctx
        self.is_cached = False
        self.is_checkpointed = False
        self.has_resource_profile = False
        self.partitioner: Partitioner | None = None
        self._native_rdd: NativeRdd | None = None
        self._make = make
        self._site = site
        self._name: str | None = None
        self._level = StorageLevel.NONE
        self._locally_checkpointed = False
        self._profile: ResourceProfile | None = None
        # What to explain of RDDs before the shuffle that made this one.
        self._before: list[Chain] = []
        if native is not None:
            self._made(native)

    # -- how the other parts make RDDs and run jobs

    @property
    def _native(self) -> NativeRdd:
        if self._native_rdd is None:
            assert self._make is not None, "an RDD has a native one, or knows how to make it"
            self._made(self._make())
            self._make = None
        assert self._native_rdd is not None
        return self._native_rdd

    def _is_late(self) -> bool:
        """Returns whether files that it reads are still to be listed."""
        return self._native_rdd is None and self._make is not None

    def _made(self, native: NativeRdd) -> None:
        """Stores the engine's RDD, and registers this RDD under its number."""
        self._native_rdd = native
        if self._name is not None:
            native.set_name(self._name)
        self.ctx._rdds[native.id] = self

    def _then(self, step: Step, site: str, preserves: bool = False) -> RDD[Any]:
        """Makes an RDD with one more step in the chain."""
        from firesteel.rdd.pipelined import PipelinedRDD

        return PipelinedRDD(self._as_rdd(), step, preserves, _site=site)

    def _of(
        self,
        make: Callable[[], NativeRdd],
        site: str,
        kind: str = "PythonRDD",
        partitioner: Partitioner | None = None,
        beside: Sequence[Base[Any]] = (),
    ) -> RDD[Any]:
        """Makes an RDD of the engine from this one (and others): at once, so that errors show at their own line, unless
        that would list files.
        """
        from firesteel.rdd.pipelined import RDD

        late = any(rdd._is_late() for rdd in (self, *beside))
        rdd: RDD[Any] = RDD(None if late else make(), self.ctx, site=site, make=make if late else None)
        rdd._kind = kind
        rdd.partitioner = partitioner
        # The chains hold what functions capture, which may be large.
        if self.ctx._native_mode != "off":
            rdd._before = list(chain.from_iterable(one._chains() for one in (self, *beside)))
            del rdd._before[: -explaining.MOST_CHAINS]
        return rdd

    def _chains(self) -> list[Chain]:
        """Returns the steps of the RDD and of those before it, as far as they are remembered."""
        return self._before

    def _as_rdd(self) -> RDD[Any]:
        return self  # type: ignore[return-value]

    def _function(self, function: Callable[..., Any], operation: str) -> str:
        """Checks a user's function, and returns the line that handed it over."""
        site = callsite.here(operation)
        if not callable(function):
            raise TypeError(f"{operation} needs a function, not {function!r} of type {type(function).__name__}")
        closures.check(function, operation=operation, site=site, sc=self.ctx)
        if isinstance(function, FunctionType):
            # A job pickles it when it needs it. Whether that works is checked now, while the user's line is on the
            # stack.
            self._ship(function, operation)
        return site

    def _ship(self, function: Callable[..., Any], operation: str) -> tuple[bytes, list[NativeBroadcast]]:
        from firesteel import pickling

        shipped = pickling.dump_function(function, operation=operation, sc=self.ctx)
        return shipped.data, [broadcast._native for broadcast in shipped.broadcasts if broadcast._native is not None]

    def _collect_parts(self, site: str, partitions: Sequence[int] | None = None) -> list[list[Any]]:
        """Runs a job, and returns the results of each partition."""
        native = self._native
        self.ctx._before_job()
        return native.collect(partitions, site)

    def _run(self, step: Step, site: str) -> list[Any]:
        """Applies a step to all partitions, and returns its results as one list."""
        return list(chain.from_iterable(self._then(step, site)._collect_parts(site)))

    def _run_function(self, function: Callable[..., Iterable[Any]], site: str, *arguments: Any) -> list[Any]:
        return self._run(OfRecords(function, *arguments), site)

    def _default_partitions(self) -> int:
        """Returns the number of partitions of a shuffle whose call names none."""
        if self.ctx._has_default_parallelism():
            return self.ctx.defaultParallelism
        return self._bounded(self.getNumPartitions())

    def _bounded(self, count: int) -> int:
        """Returns a number of partitions that no call has named, kept from growing without end.

        PySpark's rules add partitions up, at each union and at each join. A loop that does both has three times as many
        from round to round, and stands still within a few; here they stay at a number that a machine can run.
        """
        if count <= MOST_BY_GROWTH:
            return count
        sources = self._native.sources_of_growth()
        if sources is None or count < 8 * sources:
            return count
        return int(max(MOST_BY_GROWTH, sources))

    if not TYPE_CHECKING:  # for a type checker, an unknown name stays an error

        def __getattr__(self, name: str) -> Any:
            from firesteel import jvm

            raise jvm.missing(self, name)

    # -- identity

    def id(self) -> int:
        """Returns the number of this RDD, unique in its context. A chain of maps has one number, given on first need.

        >>> sc.range(5).id() != sc.range(5).id()
        True
        """
        return self._native.id

    def __repr__(self) -> str:
        number = "" if self._native_rdd is None else f"[{self._native_rdd.id}]"
        return f"{self._kind}{number} at {self._site}"

    def __getnewargs__(self) -> NoReturn:
        raise FiresteelError(
            "[RDD_TRANSFORM_ONLY_VALID_ON_DRIVER] An RDD was referenced inside a function that runs in tasks, or put "
            "into a broadcast. RDDs exist in the driver only, and only there can jobs be run: collect the values that "
            "the function needs first, or join the two RDDs (SPARK-5063)."
        )

    @property
    def context(self) -> SparkContext:
        """The context that made it.

        >>> sc.range(5).context is sc
        True
        """
        return self.ctx

    def getNumPartitions(self) -> int:
        """Returns the number of partitions.

        >>> sc.parallelize([1, 2, 3, 4], 2).getNumPartitions()
        2
        """
        return self._native.partitions

    def name(self) -> str | None:
        """Returns the name that :meth:`setName` set.

        >>> print(sc.range(5).name())
        None
        """
        return self._name

    def setName(self: Base[T], name: str) -> RDD[T]:
        """Sets its name, which lineages show.

        >>> sc.range(5).setName("numbers").name()
        'numbers'
        """
        self._name = name
        if self._native_rdd is not None:
            self._native_rdd.set_name(name)
        return self._as_rdd()

    def explain(self) -> None:
        """Prints which functions of the RDD, and of those that it is made from, run natively, and why others do not.
        docs/python-native.md has more.

        >>> sc.range(3).map(lambda x: x + 1).explain()  # doctest: +ELLIPSIS
        firesteel.python.native = auto
        map at ...
          runs natively: range
          runs natively: map <lambda> at ...
        """
        print(explaining.explained(self._chains(), self.ctx._native_mode))

    def toDebugString(self) -> bytes | None:
        """Returns the lineage, as UTF-8: one line for each RDD of the engine, indented at each shuffle.

        >>> sc.parallelize([1, 2], 2).toDebugString().startswith(b"(2)")
        True
        """
        return re.sub(r"\[(\d+)\] (.*)", self._described, self._native.to_debug_string()).encode("utf-8")

    def _described(self, line: re.Match[str]) -> str:
        """Returns a line of the lineage, with the RDD's kind, name and level."""
        rdd = self.ctx._rdds.get(int(line[1]))
        if rdd is None:
            return f"MapPartitionsRDD[{line[1]}] at {line[2]} []"
        level = "" if rdd._level == StorageLevel.NONE else str(rdd._level)
        name = f"{rdd._name} " if rdd._name else ""
        return f"{name}{rdd._kind}[{line[1]}] at {line[2]} [{level}]"

    # -- caching

    def cache(self: Base[T]) -> RDD[T]:
        """Caches its partitions in memory once they are computed: :meth:`persist` with ``MEMORY_ONLY``.

        >>> rdd = sc.range(5).cache()
        >>> rdd.is_cached, rdd.sum(), rdd.sum()
        (True, 10, 10)
        """
        return self._persist(StorageLevel.MEMORY_ONLY, callsite.here("cache"))

    def persist(self: Base[T], storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> RDD[T]:
        """Caches its partitions once they are computed, in memory, on disk, or both.

        An RDD with a level cannot get another one; ``unpersist`` it first.

        >>> from firesteel import StorageLevel
        >>> sc.range(5).persist(StorageLevel.DISK_ONLY).getStorageLevel()
        StorageLevel(True, False, False, False, 1)
        """
        return self._persist(storageLevel, callsite.here("persist"))

    def _persist(self: Base[T], level: StorageLevel, site: str) -> RDD[T]:
        if not isinstance(level, StorageLevel):
            raise TypeError(f"persist needs a StorageLevel, such as StorageLevel.MEMORY_AND_DISK, not {level!r}")
        if self._level != StorageLevel.NONE and self._level != level:
            raise JobError(
                f"Cannot change storage level of an RDD after it was already assigned a level: it has {self._level}, "
                f"and {level} was asked for. Call unpersist() first.",
                kind="operation",
                operation=site,
            )
        native = self._native
        native.persist(*level._flags(), site)
        self._level = level
        self.is_cached = True
        return self._as_rdd()

    def unpersist(self: Base[T], blocking: bool = False) -> RDD[T]:
        """Removes its cached partitions; ``blocking`` waits until they are gone.

        >>> sc.range(5).cache().unpersist().is_cached
        False
        """
        self._native.unpersist(blocking)
        self._level = StorageLevel.NONE
        self.is_cached = False
        return self._as_rdd()

    def getStorageLevel(self) -> StorageLevel:
        """Returns its storage level.

        >>> print(sc.range(5).getStorageLevel())
        Serialized 1x Replicated
        """
        return self._level

    def checkpoint(self) -> None:
        """Marks it to be written to the checkpoint directory by the first job that computes it, and to be read from
        there later.

        Its lineage is forgotten then. Needs ``SparkContext.setCheckpointDir``; cache it, too, or it is computed twice.

        >>> rdd = sc.range(5)
        >>> rdd.is_checkpointed
        False
        """
        if self.ctx.getCheckpointDir() is None:
            raise JobError(
                "Checkpoint directory has not been set in the SparkContext: call sc.setCheckpointDir(directory) first.",
                kind="operation",
            )
        self._native.checkpoint(callsite.here("checkpoint"))
        self.is_checkpointed = True

    def isCheckpointed(self) -> bool:
        """Returns whether it was checkpointed, by either kind: an action has computed it since the call.

        >>> sc.range(5).isCheckpointed()
        False
        """
        return self._native_rdd is not None and self._native.is_checkpointed()

    def localCheckpoint(self) -> None:
        """Marks it to be cached by executors once it is computed, and its lineage to be forgotten.

        Faster than :meth:`checkpoint`, and lost with its executors. Every action that computes it makes the checkpoint;
        in PySpark ``count`` and others that add a step of their own pass by an RDD that ``map`` or its like has made.

        >>> rdd = sc.range(5)
        >>> rdd.localCheckpoint()
        >>> rdd.isLocallyCheckpointed()
        True
        """
        self._native.local_checkpoint(callsite.here("localCheckpoint"))
        self._locally_checkpointed = True

    def isLocallyCheckpointed(self) -> bool:
        """Returns whether :meth:`localCheckpoint` was called.

        >>> sc.range(5).isLocallyCheckpointed()
        False
        """
        return self._locally_checkpointed

    def getCheckpointFile(self) -> str | None:
        """Returns the directory of its checkpoint, as a path with a scheme: ``file:/checkpoints/...`` on local disks.

        >>> print(sc.range(5).getCheckpointFile())
        None
        """
        from firesteel.files import uri_of

        path = None if self._native_rdd is None else self._native.checkpoint_file()
        return None if path is None else uri_of(path)

    def cleanShuffleDependencies(self, blocking: bool = False) -> None:
        """Does nothing: the outputs of a shuffle are removed when the last RDD that reads them is gone, and not before,
        since this one may be computed again.

        >>> sc.range(5).map(lambda x: (x, 1)).groupByKey().cleanShuffleDependencies()
        """

    # -- resources

    def withResources(self: Base[T], profile: ResourceProfile) -> RDD[T]:
        """Sets the resources that its tasks need. All tasks of an application are alike, so a profile that asks for
        anything else than every task has is refused.

        >>> from firesteel.resource import ResourceProfileBuilder
        >>> profile = ResourceProfileBuilder().build
        >>> sc.range(5).withResources(profile).getResourceProfile() is profile
        True
        """
        from firesteel.resource.profile import refuse_what_is_not_there

        refuse_what_is_not_there(profile, self.context._conf)
        self.has_resource_profile = True
        self._profile = profile
        return self._as_rdd()

    def getResourceProfile(self) -> ResourceProfile | None:
        """Returns the profile given to :meth:`withResources`.

        >>> print(sc.range(5).getResourceProfile())
        None
        """
        return self._profile

    def _is_barrier(self) -> bool:
        return False

    def _is_pipelinable(self) -> bool:
        """Returns whether a further step may join the chain that made it."""
        return not (self.is_cached or self.is_checkpointed or self._locally_checkpointed or self.has_resource_profile)
