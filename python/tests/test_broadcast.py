"""Broadcasts: values in driver and tasks, and what becomes of them."""

import io
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from firesteel import _native
from firesteel import broadcast as module
from firesteel.broadcast import Broadcast


def test_tasks_read_the_value(sc: Any) -> None:
    names = sc.broadcast({1: "one", 2: "two"})
    assert names.value == {1: "one", 2: "two"}
    assert sc.parallelize([1, 2], 2).map(lambda n: names.value[n]).collect() == ["one", "two"]


def test_the_value_is_the_one_of_the_time_when_it_was_broadcast(sc: Any) -> None:
    numbers = [1]
    shared = sc.broadcast(numbers)
    numbers.append(2)
    assert shared.value == [1]
    assert sc.parallelize([0], 1).map(lambda _: shared.value).first() == [1]


def test_it_works_again_after_it_was_unpersisted(sc: Any) -> None:
    shared = sc.broadcast([7])
    use = sc.parallelize([0], 1).map(lambda i: shared.value[i])
    assert use.first() == 7
    shared.unpersist()
    shared.unpersist(blocking=True)
    assert use.first() == 7 and shared.value == [7]


def test_what_was_destroyed_says_so_with_the_line(sc: Any) -> None:
    shared = sc.broadcast([7])
    assert shared.value == [7]
    shared.destroy()
    for use in (lambda: shared.value, shared.destroy, shared.unpersist, lambda: pickle.dumps(shared)):
        with pytest.raises(RuntimeError, match=r"it was destroyed \(destroy at .*test_broadcast.py:\d+"):
            use()
    with pytest.raises(RuntimeError, match="it was destroyed"):
        sc.parallelize([0]).map(lambda i: shared.value[i]).collect()


def test_functions_of_the_program_can_be_broadcast(sc: Any) -> None:
    double = sc.broadcast(lambda x: 2 * x)
    assert sc.parallelize([1, 2]).map(lambda x: double.value(x)).collect() == [2, 4]


def test_what_cannot_be_pickled_is_refused_when_it_is_broadcast(sc: Any) -> None:
    with pytest.raises(pickle.PicklingError, match="Could not serialize broadcast"):
        sc.broadcast(threading.Lock())


def test_a_broadcast_within_a_broadcast(sc: Any) -> None:
    inner = sc.broadcast([1, 2])
    outer = sc.broadcast({"inner": inner})
    assert sc.parallelize([1], 1).map(lambda _: outer.value["inner"].value).first() == [1, 2]


def test_after_its_context_has_stopped_it_is_gone(fresh_context: Any) -> None:
    with fresh_context() as sc:
        read, unread, total = sc.broadcast([1]), sc.broadcast([2]), sc.accumulator(1)
        sc.parallelize([1, 2]).foreach(lambda x: total.add(x))
        assert read.value == [1]
    with pytest.raises(RuntimeError, match="stopped"):
        unread.value
    assert (read.value, total.value) == ([1], 4)


def test_files_of_values(sc: Any, tmp_path: Path) -> None:
    shared, other = sc.broadcast([1, 2]), sc.broadcast(1)
    path = tmp_path / "value"
    with open(path, "wb") as file:
        shared.dump(shared.value, file)
        assert file.closed
    assert other.load_from_path(str(path)) == [1, 2]
    with open(path, "rb") as file:
        assert other.load(file) == [1, 2]
    with open(path, "wb") as file, pytest.raises(pickle.PicklingError):
        shared.dump(threading.Lock(), file)


def test_one_of_a_path_or_file_needs_no_context(tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(pickle.dumps({"a": 1}))
    assert Broadcast[Any](path=str(tmp_path / "value")).value == {"a": 1}
    assert Broadcast[Any](sock_file=io.BytesIO(pickle.dumps(5))).value == 5
    with pytest.raises(RuntimeError, match="has no value"):
        Broadcast[Any]().value


def test_in_a_task_it_cannot_be_given_up_or_sent_on(sc: Any) -> None:
    shared = sc.broadcast([1])

    def attempt(_: int) -> list[str]:
        copy: Broadcast[Any] = Broadcast(path="of another process")
        answers = []
        for use in (copy.unpersist, copy.destroy, copy.__reduce__):
            try:
                use()
            except RuntimeError as error:
                answers.append(str(error))
        return answers

    assert shared.value == [1]
    assert sc.parallelize([0], 1).flatMap(attempt).collect() == [
        f"Broadcast can only be {what} in the driver, not in a task."
        for what in ("unpersisted", "destroyed", "pickled")
    ]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The broadcasts that were asked for, of 100 bytes each; a worker that keeps nothing yet."""
    asked: list[int] = []

    def load(broadcast: int) -> bytes:
        asked.append(broadcast)
        return pickle.dumps(bytes(100))

    monkeypatch.setattr(_native, "load_broadcast", load)
    monkeypatch.setattr(module, "_cached", type(module._cached)())
    return asked


FIRST, SECOND, THIRD = 10**9 + 1, 10**9 + 2, 10**9 + 3


def test_a_worker_keeps_values_up_to_a_limit(loads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHED_BYTES", 250)
    for broadcast in (FIRST, SECOND, FIRST, SECOND):
        assert len(module._unpickle(broadcast).value) == 100
    assert loads == [FIRST, SECOND]
    assert module._unpickle(THIRD).value
    assert module._unpickle(FIRST).value
    assert loads == [FIRST, SECOND, THIRD, FIRST]


def test_a_value_larger_than_the_limit_stays_cached_while_it_is_the_latest(
    loads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHED_BYTES", 10)
    for _ in range(3):
        assert module._unpickle(FIRST).value
    assert loads == [FIRST]
