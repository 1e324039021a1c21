"""Profiles of tasks' functions, taken in workers and brought to the driver through accumulators.

When ``spark.python.profile`` is ``true``, a context has a :class:`ProfilerCollector`, and each RDD's function is
wrapped by :func:`profiled`. A profiler decides how to measure and how to print; the collector remembers which RDD a
profiler belongs to.
"""

from __future__ import annotations

import atexit
import os
import pstats
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from firesteel.accumulators import Accumulator, AccumulatorParam
from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    import cProfile

    from firesteel.context import SparkContext

__all__ = ["BasicProfiler", "Profiler"]

BATCH_RECORDS = 4096
"""The records of a profiled function in one list: each list is one call of ``Profiler.profile``."""


class Profiler:
    """Measures functions of tasks; to be subclassed, and given as ``SparkContext(profiler_cls=...)``.

    >>> class Quiet(BasicProfiler):
    ...     def show(self, id):
    ...         print("profile of RDD", id)
    >>> ProfilerCollector(Quiet, Quiet, Quiet).new_profiler(sc).show(3)
    profile of RDD 3
    """

    def __init__(self, ctx: SparkContext) -> None:
        pass

    def profile(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Runs a function in a task, measures it, and returns its result."""
        raise NotImplementedError

    def stats(self) -> pstats.Stats | dict[Any, Any]:
        """Returns what was measured up to now, in the driver."""
        raise NotImplementedError

    def show(self, id: int) -> None:
        """Prints what was measured for the RDD of that id."""
        raise NotImplementedError

    def dump(self, id: int, path: str) -> None:
        """Writes what was measured for the RDD of that id into a directory."""
        raise NotImplementedError


class PStatsParam(AccumulatorParam["pstats.Stats | None"]):
    """Adds up statistics; the accumulator is given the class itself."""

    @staticmethod
    def zero(value: pstats.Stats | None) -> pstats.Stats | None:
        """Returns None: nothing was measured."""
        return None

    @staticmethod
    def addInPlace(value1: pstats.Stats | None, value2: pstats.Stats | None) -> pstats.Stats | None:
        """Adds two statistics up; where a function is in both, its calls and times are added."""
        if value1 is None or value2 is None:
            return value2 if value1 is None else value1
        return value1.add(value2)


class BasicProfiler(Profiler):
    """Measures with ``cProfile``: calls and seconds of each function.

    >>> profiler = BasicProfiler(sc)
    >>> work = profiled(profiler, lambda partition, records: map(abs, records))
    >>> sc.parallelize([-1, 2], 1).mapPartitionsWithIndex(work).collect()
    [1, 2]
    >>> profiler.stats().total_calls > 0
    True
    """

    _title = "RDD"
    _file = "rdd_{}.pstats"
    _running: list[cProfile.Profile] = []

    def __init__(self, ctx: SparkContext) -> None:
        super().__init__(ctx)
        self._accumulator: Accumulator[pstats.Stats | None] = ctx.accumulator(None, cast(Any, PStatsParam))

    def profile(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Runs a function under cProfile. A function that begins while another is measured is left out of the other's
        figures.
        """
        import cProfile

        outer = self._running[-1] if self._running else None
        if outer is not None:
            outer.disable()
        profile = cProfile.Profile()
        self._running.append(profile)
        try:
            return profile.runcall(func, *args, **kwargs)
        finally:
            self._running.pop()
            self._add(profile)
            if outer is not None:
                outer.enable()

    def _add(self, profile: cProfile.Profile) -> None:
        statistics = pstats.Stats(profile)
        statistics.stream = None  # type: ignore[attr-defined]  # an open file cannot be pickled
        statistics.strip_dirs()
        self._accumulator.add(statistics)

    def stats(self) -> pstats.Stats:
        """Returns what all tasks measured."""
        return cast(pstats.Stats, self._accumulator.value)

    def show(self, id: int) -> None:
        """Prints the functions, the longest-running first."""
        statistics = self.stats()
        if statistics:
            line = "=" * 60
            print(f"{line}\nProfile of {self._title}<id={id}>\n{line}")
            statistics.sort_stats("time", "cumulative").print_stats()

    def dump(self, id: int, path: str) -> None:
        """Writes a file that ``pstats.Stats`` reads: ``rdd_<id>.pstats``."""
        os.makedirs(path, exist_ok=True)
        statistics = self.stats()
        if statistics:
            statistics.dump_stats(os.path.join(path, self._file.format(id)))


class UDFBasicProfiler(BasicProfiler):
    """Would measure functions of SQL queries. There are none; programs name the class when they make a context."""

    _title = "UDF"
    _file = "udf_{}.pstats"


class MemoryProfiler(Profiler):
    """Would measure the memory of functions of SQL queries. There are none, so it refuses."""

    def profile(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Refuses."""
        raise FiresteelError("Memory profiles are for functions of SQL queries, which Firesteel does not run.")

    def stats(self) -> dict[Any, Any]:
        """Returns an empty dictionary."""
        return {}

    def show(self, id: int) -> None:
        """Prints nothing."""

    def dump(self, id: int, path: str) -> None:
        """Writes nothing."""


class ProfilerCollector:
    """The profilers of a context, in the order of their RDDs. ``sc.profiler_collector`` is one, or None.

    >>> collector = ProfilerCollector(BasicProfiler, UDFBasicProfiler, MemoryProfiler)
    >>> type(collector.new_profiler(sc)).__name__
    'BasicProfiler'
    """

    def __init__(
        self,
        profiler_cls: type[Profiler],
        udf_profiler_cls: type[Profiler],
        memory_profiler_cls: type[Profiler],
        dump_path: str | None = None,
    ) -> None:
        self.profiler_cls = profiler_cls
        self.udf_profiler_cls = udf_profiler_cls
        self.memory_profiler_cls = memory_profiler_cls
        self.profile_dump_path = dump_path
        self.profilers: list[list[Any]] = []

    def new_profiler(self, ctx: SparkContext) -> Profiler:
        """Makes a profiler for an RDD's function."""
        return self.profiler_cls(ctx)

    def new_udf_profiler(self, ctx: SparkContext) -> Profiler:
        """Makes a profiler for a function of an SQL query."""
        return self.udf_profiler_cls(ctx)

    def new_memory_profiler(self, ctx: SparkContext) -> Profiler:
        """Makes a profiler of memory."""
        return self.memory_profiler_cls(ctx)

    def add_profiler(self, id: int, profiler: Profiler) -> None:
        """Remembers the profiler of an RDD; when the program ends, all are shown, or dumped to
        ``spark.python.profile.dump``.
        """
        if not self.profilers:
            if self.profile_dump_path:
                atexit.register(self.dump_profiles, self.profile_dump_path)
            else:
                atexit.register(self.show_profiles)
        self.profilers.append([id, profiler, False])

    def dump_profiles(self, path: str) -> None:
        """Writes all profiles into a directory, and forgets them."""
        for id, profiler, _ in self.profilers:
            profiler.dump(id, path)
        self.profilers = []

    def show_profiles(self) -> None:
        """Prints the profiles that were not printed yet."""
        for entry in self.profilers:
            id, profiler, shown = entry
            if not shown and profiler:
                profiler.show(id)
                entry[2] = True


class profiled:
    """An RDD's function ``f(partition, records)``, measured while it runs: a callable that may be pickled.

    A function that returns an iterator works while records are taken from it, so they are taken in lists, each within
    one call of ``Profiler.profile``.
    """

    def __init__(self, profiler: Profiler, function: Callable[[int, Iterator[Any]], Iterable[Any]]) -> None:
        self.profiler = profiler
        self.function = function

    def __call__(self, partition: int, records: Iterator[Any]) -> Iterator[Any]:
        made: list[Iterator[Any]] = []

        def batch() -> list[Any]:
            if not made:
                made.append(iter(self.function(partition, records)))
            return list(islice(made[0], BATCH_RECORDS))

        while found := self.profiler.profile(batch):
            yield from found
