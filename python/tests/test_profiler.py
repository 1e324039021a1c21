"""Profiles: what is measured in tasks, and how it is shown."""

import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firesteel.profiler import BasicProfiler, MemoryProfiler, Profiler, ProfilerCollector, UDFBasicProfiler, profiled


def slow_square(x: int) -> int:
    return sum(x for _ in range(x))


def square_all(partition: int, records: Any) -> Any:
    return map(slow_square, records)


def calls_of(profiler: BasicProfiler, name: str) -> int:
    table: dict[tuple[str, int, str], tuple[int, ...]] = profiler.stats().stats  # type: ignore[attr-defined]
    return sum(entry[1] for key, entry in table.items() if key[2] == name)


def test_calls_of_all_partitions_are_counted(sc: Any) -> None:
    profiler = BasicProfiler(sc)
    rdd = sc.parallelize(range(100), 4).mapPartitionsWithIndex(profiled(profiler, square_all))
    assert rdd.collect() == [x * x for x in range(100)]
    assert calls_of(profiler, "slow_square") == 100


def test_long_partitions_are_measured_piece_by_piece(sc: Any) -> None:
    profiler = BasicProfiler(sc)
    work = profiled(profiler, lambda partition, records: (abs(record) for record in records))
    assert sc.parallelize(range(10_000), 1).mapPartitionsWithIndex(work).count() == 10_000
    assert calls_of(profiler, "<built-in method builtins.abs>") == 10_000


def test_a_profile_within_a_profile_is_counted_once(sc: Any) -> None:
    outer, inner = BasicProfiler(sc), BasicProfiler(sc)

    def work(partition: int, records: Any) -> Any:
        return [repr(x) for x in profiled(inner, square_all)(partition, records)]

    sc.parallelize(range(10), 1).mapPartitionsWithIndex(profiled(outer, work)).collect()
    assert calls_of(inner, "slow_square") == 10 and calls_of(outer, "slow_square") == 0
    assert calls_of(outer, "<built-in method builtins.repr>") == 10


def test_profiles_are_shown_and_dumped(sc: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for kind, title, name in ((BasicProfiler, "RDD", "rdd_7"), (UDFBasicProfiler, "UDF", "udf_7")):
        profiler = kind(sc)
        profiler.show(7)
        profiler.dump(7, str(tmp_path / "new"))
        assert capsys.readouterr().out == "" and list((tmp_path / "new").glob(f"{name}*")) == []
        sc.parallelize(range(10), 2).mapPartitionsWithIndex(profiled(profiler, square_all)).count()
        profiler.show(7)
        shown = capsys.readouterr().out
        assert shown.startswith(f"{'=' * 60}\nProfile of {title}<id=7>\n{'=' * 60}\n") and "slow_square" in shown
        profiler.dump(7, str(tmp_path / "new"))
        assert pstats.Stats(str(tmp_path / "new" / f"{name}.pstats")).total_calls > 10  # type: ignore[attr-defined]


def test_a_collector_shows_each_profile_once(sc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []
    atexit: list[Callable[..., Any]] = []
    monkeypatch.setattr("firesteel.profiler.atexit.register", lambda call, *args: atexit.append(call))

    class Quiet(BasicProfiler):
        def show(self, id: int) -> None:
            shown.append(id)

        def dump(self, id: int, path: str) -> None:
            shown.append(-id)

    collector = ProfilerCollector(Quiet, UDFBasicProfiler, MemoryProfiler)
    assert type(collector.new_udf_profiler(sc)) is UDFBasicProfiler
    assert type(collector.new_memory_profiler(sc)) is MemoryProfiler
    collector.add_profiler(1, collector.new_profiler(sc))
    collector.add_profiler(3, collector.new_profiler(sc))
    assert atexit == [collector.show_profiles]
    collector.show_profiles()
    collector.add_profiler(5, collector.new_profiler(sc))
    collector.show_profiles()
    collector.dump_profiles("somewhere")
    assert shown == [1, 3, 5, -1, -3, -5] and collector.profilers == []


def test_a_profiler_of_ones_own_needs_all_methods(sc: Any) -> None:
    profiler = Profiler(sc)
    for use in (lambda: profiler.profile(int), profiler.stats, lambda: profiler.show(1), lambda: profiler.dump(1, "")):
        with pytest.raises(NotImplementedError):
            use()
    with pytest.raises(RuntimeError, match="Memory profiles"):
        MemoryProfiler(sc).profile(int)


def test_a_context_profiles_when_it_is_asked_to(
    fresh_context: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("firesteel.profiler.atexit.register", lambda call, *args: None)
    sc = fresh_context("local[2]", {"spark.python.profile": "true"})
    assert sc.parallelize(range(20), 2).map(slow_square).collect() == [x * x for x in range(20)]
    sc.show_profiles()
    shown = capsys.readouterr().out
    assert "Profile of RDD<id=" in shown and "slow_square" in shown
    sc.dump_profiles(str(tmp_path))
    assert [path.suffix for path in tmp_path.iterdir()] == [".pstats"]


def test_without_the_setting_there_are_no_profiles(sc: Any) -> None:
    assert sc.profiler_collector is None
    with pytest.raises(RuntimeError, match="spark.python.profile"):
        sc.show_profiles()
