"""Values that are sent once to each executor instead of with every task.

The driver hands the pickled value to the engine and keeps no copy. A worker fetches and unpickles it when a task first
asks for it, and caches it for later tasks. The engine moves the bytes between processes.
"""

from __future__ import annotations

import gc
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar, cast

from firesteel import _native
from firesteel.errors import FiresteelError, JobError, PicklingError

if TYPE_CHECKING:
    from firesteel.context import SparkContext

__all__ = ["Broadcast"]

T = TypeVar("T")

CACHED_BYTES = 256 << 20
"""Pickled bytes of unused values that a worker caches at most; the latest value stays, however large."""

_NOT_LOADED = object()

_here: weakref.WeakValueDictionary[int, Broadcast[Any]] = weakref.WeakValueDictionary()
"""The broadcasts of this process by id, so that unpickling one that is here gives the same object."""

_cached: OrderedDict[int, tuple[Broadcast[Any], int]] = OrderedDict()


class DestroyedError(JobError):
    """A destroyed broadcast is used. It is a :class:`JobError` without a job: PySpark raises the same class there."""


class Broadcast(Generic[T]):
    """A value that all tasks can read, made by ``SparkContext.broadcast``.

    >>> names = sc.broadcast({1: "one", 2: "two"})
    >>> sc.parallelize([1, 2]).map(lambda n: names.value[n]).collect()
    ['one', 'two']
    """

    def __init__(
        self,
        sc: SparkContext | None = None,
        value: T | None = None,
        pickle_registry: object | None = None,
        path: str | None = None,
        sock_file: BinaryIO | None = None,
    ) -> None:
        self._value: Any = _NOT_LOADED
        self._path = path
        self._sc = sc
        self._native: _native.Broadcast | None = None
        self._destroyed: str | None = None
        self._id: int | None = None
        if sc is not None:
            self._native = sc._native.broadcast(_pickled(value))
            self._id = self._native.id
            _here[self._id] = self
        elif sock_file is not None:
            self._value = self.load(sock_file)

    def dump(self, value: T, f: BinaryIO) -> None:
        """Writes a value, pickled, to an open file, and closes the file.

        >>> import io
        >>> class Kept(io.BytesIO):
        ...     def close(self):
        ...         self.written = self.getvalue()
        >>> file = Kept()
        >>> sc.broadcast(None).dump([1, 2], file)
        >>> sc.broadcast(None).load(io.BytesIO(file.written))
        [1, 2]
        """
        f.write(_pickled(value))
        f.close()

    def load(self, file: BinaryIO) -> T:
        """Reads the value that :meth:`dump` wrote, from an open file.

        >>> import io, pickle
        >>> sc.broadcast(None).load(io.BytesIO(pickle.dumps([1, 2])))
        [1, 2]
        """
        with _without_collector():
            return cast(T, pickle.load(file))

    def load_from_path(self, path: str) -> T:
        """Reads the value that :meth:`dump` wrote, from the file of that path.

        >>> import os, tempfile
        >>> b = sc.broadcast([1, 2])
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = os.path.join(directory, "value")
        ...     with open(path, "wb") as file:
        ...         b.dump(b.value, file)
        ...     b.load_from_path(path)
        [1, 2]
        """
        with open(path, "rb", 1 << 20) as file:
            return self.load(file)

    @property
    def value(self) -> T:
        """The value: a copy of the broadcast one, made once in each process.

        >>> sc.broadcast([1, 2]).value
        [1, 2]
        """
        # Tasks read this for each record, so the loaded value is returned without a further call.
        if self._value is _NOT_LOADED:
            self._value = self._loaded()
        return self._value  # type: ignore[no-any-return]

    def unpersist(self, blocking: bool = False) -> None:
        """Removes the value from executors; it is sent again when a task needs it.

        >>> b = sc.broadcast([1, 2])
        >>> b.unpersist()
        >>> sc.parallelize([0]).map(lambda i: b.value[i]).collect()
        [1]
        """
        self._in_driver("unpersisted").unpersist()

    def destroy(self, blocking: bool = False) -> None:
        """Removes the value everywhere, for good; later uses raise an error that says so.

        >>> b = sc.broadcast([1, 2])
        >>> b.destroy()
        >>> b.value  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        firesteel.broadcast.DestroyedError: Broadcast(...) cannot be read: it was destroyed (destroy at ...
        """
        from firesteel import callsite

        self._in_driver("destroyed").destroy()
        self._destroyed = callsite.here("destroy")
        self._value = _NOT_LOADED

    def __reduce__(self) -> tuple[Callable[[int], Broadcast[T]], tuple[int]]:
        from firesteel import pickling

        native = self._in_driver("pickled")
        pickling.note_broadcast(self)
        return _unpickle, (native.id,)

    def _loaded(self) -> Any:
        self._refuse_destroyed("read")
        if self._path is not None:
            return self.load_from_path(self._path)
        if self._native is not None and self._sc is not None:
            self._sc._native  # refuses where the context was stopped, and says where
            return _unpickled(self._native.load())
        if self._id is None:
            raise FiresteelError("This broadcast has no value: make one with SparkContext.broadcast(value).")
        pickled = _native.load_broadcast(self._id)
        value = _unpickled(pickled)
        _cache(self._id, self, len(pickled))
        return value

    def _in_driver(self, what: str) -> _native.Broadcast:
        if self._native is None:
            raise RuntimeError(f"Broadcast can only be {what} in the driver, not in a task.")
        self._refuse_destroyed(what)
        return self._native

    def _refuse_destroyed(self, what: str) -> None:
        if self._destroyed is not None:
            raise DestroyedError(
                f"Broadcast({self._id}) cannot be {what}: it was destroyed ({self._destroyed}). "
                "unpersist() frees the memory of executors and leaves it usable.",
                kind="operation",
            )


def _pickled(value: object) -> bytes:
    """Pickles a value: with plain pickle where possible, since it is many times faster than cloudpickle."""
    try:
        data = pickle.dumps(value, 5)
        # A class of the main program is not found by its name in a worker, where another program is the main one.
        if b"__main__" not in data:
            return data
    except Exception:
        pass  # cloudpickle can do more
    return _cloudpickled(value)


def _cloudpickled(value: object) -> bytes:
    from firesteel import shipping

    try:
        return shipping.dumps(value)
    except Exception as error:
        raise PicklingError(
            f"Could not serialize broadcast: {type(error).__name__}: {error} (a value of {type(value)})"
        ) from error


def _unpickled(data: bytes) -> Any:
    with _without_collector():
        return pickle.loads(data)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Stops the cycle collector, which would walk a large value again and again while it is built."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unpickle(broadcast: int) -> Broadcast[Any]:
    """Returns the one object of this process for a broadcast."""
    known = _here.get(broadcast)
    if known is None:
        known = Broadcast[Any]()
        known._id = broadcast
        _here[broadcast] = known
    return known


def _cache(broadcast: int, object_: Broadcast[Any], size: int) -> None:
    """Caches a loaded value for later tasks, and releases the oldest ones while there are too many bytes."""
    _cached.pop(broadcast, None)
    _cached[broadcast] = object_, size
    while len(_cached) > 1 and sum(size for _, size in _cached.values()) > CACHED_BYTES:
        _cached.popitem(last=False)
