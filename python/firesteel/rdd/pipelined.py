"""The class :class:`RDD`, and the two classes of chains and barriers.

A :class:`PipelinedRDD` adds steps to an RDD: it knows the engine's RDD that its chain begins at, and makes one of its
own, of all its steps at once, on first need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from firesteel import _native, callsite
from firesteel.chain import Chain, Step
from firesteel.native import explaining
from firesteel.native.running import NativeChain
from firesteel.rdd.tables import Tables

__all__ = ["RDD", "PipelinedRDD", "RDDBarrier"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
U_co = TypeVar("U_co", covariant=True)


class RDD(Tables[T_co]):
    """A collection of records in partitions, made by a context or from other RDDs, and computed when an action asks.

    >>> rdd = sc.parallelize(range(10), 4)
    >>> rdd.map(lambda x: x * x).filter(lambda x: x % 2 == 0).collect()
    [0, 4, 16, 36, 64]
    """


class PipelinedRDD(RDD[U_co], Generic[T, U_co]):
    """The result of functions applied to each partition of another RDD. Several functions in a row run as one.

    >>> rdd = sc.parallelize([1, 2, 3, 4])
    >>> rdd.map(lambda x: 2 * x).map(lambda x: 2 * x).collect()
    [4, 8, 12, 16]
    """

    def __init__(
        self,
        prev: RDD[T],
        func: Callable[[int, Iterable[T]], Iterable[U_co]],
        preservesPartitioning: bool = False,
        isFromBarrier: bool = False,
        *,
        _site: str | None = None,
    ) -> None:
        site = _site or callsite.here("mapPartitionsWithIndex")
        super().__init__(None, prev.ctx, site=site)
        self.prev = prev
        step: Step = func
        self.preservesPartitioning: bool
        self.is_barrier: bool
        # A step joins the chain before it, so that a row of maps is one RDD of the engine and one function.
        if isinstance(prev, PipelinedRDD) and prev._is_pipelinable():
            self.func: Chain = Chain((*prev.func.steps, step), site)
            self._source: RDD[Any] = prev._source
            self.preservesPartitioning = prev.preservesPartitioning and preservesPartitioning
            self.is_barrier = isFromBarrier or prev.is_barrier
        else:
            self.func = Chain((step,), site)
            self._source = prev
            self.preservesPartitioning = preservesPartitioning
            self.is_barrier = isFromBarrier
        if self.ctx._native_mode == "require":
            explaining.require(self.func.steps)
        self.partitioner = prev.partitioner if preservesPartitioning else None

    @property
    def _native(self) -> _native.Rdd:
        if self._native_rdd is None:
            chain = self.func
            if self.ctx._native_mode != "off" and not self.is_barrier:
                chain = NativeChain(chain.steps, chain.site)
            function, profiler = self.ctx._profiled(chain)
            if self.is_barrier:
                from firesteel.taskcontext import BarrierFunction

                function = BarrierFunction(function, self.getNumPartitions())
            data, broadcasts = self._ship(function, self._site.partition(" at ")[0])
            source = self._source._native
            make = source.barrier_map_partitions if self.is_barrier else source.map_partitions
            native = make(data, broadcasts, self._site)
            self._made(native)
            if profiler is not None and self.ctx.profiler_collector is not None:
                self.ctx.profiler_collector.add_profiler(native.id, profiler)
            return native
        return self._native_rdd

    def _chains(self) -> list[Chain]:
        return [*self._source._chains(), self.func]

    def _is_late(self) -> bool:
        return self._native_rdd is None and self._source._is_late()

    def getNumPartitions(self) -> int:
        """Returns the number of partitions: that of the RDD that its chain begins at.

        >>> sc.parallelize([1, 2, 3, 4], 2).map(str).getNumPartitions()
        2
        """
        return self._source.getNumPartitions()

    def id(self) -> int:
        """Returns the number of this RDD, given when it is first asked for or computed.

        >>> rdd = sc.range(5).map(str)
        >>> rdd.id() == rdd.id()
        True
        """
        return self._native.id

    def _is_barrier(self) -> bool:
        return self.is_barrier


class RDDBarrier(Generic[T]):
    """An RDD whose next step runs in all its partitions at the same time; ``RDD.barrier`` makes it.

    Tasks wait for each other with :class:`firesteel.BarrierTaskContext`. If one fails, all run again.
    """

    def __init__(self, rdd: RDD[T]) -> None:
        self.rdd = rdd

    def mapPartitions(self, f: Callable[[Iterator[T]], Iterable[U]], preservesPartitioning: bool = False) -> RDD[U]:
        """Applies ``f`` to the iterator over each partition, all partitions at the same time.

        >>> sc.parallelize([1, 2, 3, 4], 2).barrier().mapPartitions(lambda records: [sum(records)]).collect()
        [3, 7]
        """
        from firesteel.rdd.transformations import _Partitions

        site = self.rdd._function(f, "mapPartitions")
        return PipelinedRDD(self.rdd, _Partitions(f, site), preservesPartitioning, isFromBarrier=True, _site=site)

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterator[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """Applies ``f`` to the number of each partition and the iterator over it, all at the same time.

        >>> barrier = sc.parallelize([1, 2, 3, 4], 2).barrier()
        >>> barrier.mapPartitionsWithIndex(lambda i, records: [(i, sum(records))]).collect()
        [(0, 3), (1, 7)]
        """
        from firesteel.rdd.transformations import _IndexedPartitions

        site = self.rdd._function(f, "mapPartitionsWithIndex")
        return PipelinedRDD(
            self.rdd, _IndexedPartitions(f, site), preservesPartitioning, isFromBarrier=True, _site=site
        )
