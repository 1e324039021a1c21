"""Functions and records as bytes, for other processes.

Functions go through cloudpickle, which takes code by value where it cannot be imported elsewhere (lambdas, everything
of the main program); broadcast values and modules that they name are recorded on the way. Records go through plain
``pickle`` where that works, since it is faster, and else through cloudpickle (instances of classes of the main program,
lambdas). ``firesteel.unpicklable``, which is loaded only then, explains why a value cannot be sent.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from firesteel.errors import PicklingError, bounded_repr

if TYPE_CHECKING:
    from firesteel.broadcast import Broadcast
    from firesteel.context import SparkContext

#: The protocol of everything that is pickled: the same in all Pythons that Firesteel runs on.
PROTOCOL = 5


class Shipped(NamedTuple):
    """A function on its way to executors, and the broadcast values that it names."""

    data: bytes
    broadcasts: tuple[Broadcast[Any], ...]


_thread = threading.local()


def note_broadcast(broadcast: Broadcast[Any]) -> None:
    """Records a broadcast value that is being pickled, for the function that names it. The value calls this."""
    noted: list[Broadcast[Any]] | None = getattr(_thread, "noted", None)
    if noted is not None and all(other is not broadcast for other in noted):
        noted.append(broadcast)


def dump_function(function: Callable[..., Any], *, operation: str, sc: SparkContext | None) -> Shipped:
    """Pickles a function for ``firesteel.worker.load_function``, with the broadcast values that it reaches.

    ``operation`` is the name of the method that it was given to, for errors. Raises
    :class:`~firesteel.errors.PicklingError` with the path by which the function reaches a value that cannot be sent.

    >>> shipped = dump_function(lambda x: x + 1, operation="map", sc=None)
    >>> shipped.broadcasts
    ()
    """
    from firesteel import shipping

    noted: list[Broadcast[Any]] = []
    outer, _thread.noted = getattr(_thread, "noted", None), noted
    try:
        data = shipping.dump(function)
    except Exception as error:
        _thread.noted = None
        from firesteel import broadcast, unpicklable

        if isinstance(error, broadcast.DestroyedError):
            raise  # its message is complete

        raise unpicklable.explain(function, operation, error) from unpicklable.cause(error)
    finally:
        _thread.noted = outer
    return Shipped(data, tuple(noted))


def dump_records(records: Sequence[Any]) -> bytes:
    """Pickles records. Raises :class:`~firesteel.errors.PicklingError` that shows the first record that cannot be sent.

    >>> load_records(dump_records([1, "two", (3.0,)]))
    [1, 'two', (3.0,)]
    """
    try:
        data = pickle.dumps(records, PROTOCOL)
        # A class of the main program is not found by its name in other processes, where another program is the main
        # one.
        if b"__main__" not in data:
            return data
    except RecursionError as error:
        raise _bad_record(records, error) from None
    except Exception:
        pass  # cloudpickle can do more
    from firesteel import shipping

    try:
        return shipping.dumps(records)
    except Exception as error:
        raise _bad_record(records, error) from None


def load_records(data: bytes) -> list[Any]:
    """Loads the records that :func:`dump_records` pickled."""
    records: list[Any] = pickle.loads(data)
    return records


def _bad_record(records: Sequence[Any], error: Exception) -> PicklingError:
    """Returns the error for the first record that cannot be pickled."""
    from firesteel import shipping

    for place, record in enumerate(records):
        try:
            shipping.dumps(record)
        except Exception as own:
            kind = f"{type(record).__module__}.{type(record).__qualname__}".removeprefix("builtins.")
            reason = "it is nested too deeply" if _is_recursion(own) else str(own) or type(own).__name__
            return PicklingError(
                f"a record cannot be pickled, and so cannot leave the process that made it: {reason}\n"
                f"the record was (a {kind}, number {place} of its batch): {bounded_repr(record)}\n"
                "Map records to plain data (numbers, strings, tuples, lists, dicts, dataclasses) before they are"
                " shuffled, cached or collected."
            )
    return PicklingError(f"records cannot be pickled: {error}")


def _is_recursion(error: BaseException) -> bool:
    return isinstance(error, RecursionError) or "recursion" in str(error).lower()
