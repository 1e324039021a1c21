"""Describes an exception of user code so that it survives the way to the driver.

The traceback is made here, where the frames are; the driver cannot make it. Frames of Firesteel itself are left out:
people look for their own line. The exception travels as an object, too, in the first of several ways that works, so
that the driver can raise its error *from* it, with its type, attributes, notes and causes.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any

from firesteel.chain import stopped
from firesteel.errors import FiresteelError, bounded_repr

#: Texts of exceptions are cut here: characters of a message, of a traceback, and bytes of a pickled exception.
MESSAGE_CHARACTERS = 10_000
TRACEBACK_CHARACTERS = 100_000
EXCEPTION_BYTES = 4 << 20
#: The most exceptions of a chain of causes that are sent.
CHAIN_LENGTH = 20

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def describe(exception: BaseException) -> dict[str, Any]:
    """Describes an exception for the driver: ``message``, ``traceback``, ``exception`` (pickled, or None), ``record``.

    ``record`` is the bounded repr of the record that the user's function was called with, if the frames show it, else
    None.

    >>> try:
    ...     int("x")
    ... except ValueError as error:
    ...     told = describe(error)
    >>> told["message"]
    "ValueError: invalid literal for int() with base 10: 'x'"
    """
    exception = _or_stopped(exception)
    _advise(exception)
    message = "".join(traceback.format_exception_only(type(exception), exception)).strip()
    return {
        "message": _cut(message, MESSAGE_CHARACTERS),
        "traceback": _cut(user_traceback(exception), TRACEBACK_CHARACTERS),
        "exception": dump_exception(exception),
        "record": _record(_raised(exception).__traceback__),
    }


def _raised(exception: BaseException) -> BaseException:
    """Returns the exception that was raised: its cause in place of one that only tells what that means."""
    return exception.__cause__ or exception if exception.__traceback__ is None else exception


def _or_stopped(exception: BaseException) -> BaseException:
    """Returns an exception, or what a StopIteration of user code means if it is one.

    Python makes a RuntimeError of one that passes through a generator. If the generator is Firesteel's, users know
    nothing of it; one of their own tells them enough.
    """
    stop = exception
    if type(exception) is RuntimeError and isinstance(exception.__cause__, StopIteration):
        # The outermost frame that a StopIteration has passed is the generator's.
        generator = next(_frames(exception.__cause__.__traceback__), None)
        if generator is not None and _is_ours(generator.f_code.co_filename):
            stop = exception.__cause__
    if not isinstance(stop, StopIteration):
        return exception
    error = stopped(["this operation"])
    error.__cause__ = stop
    return error


def user_traceback(exception: BaseException) -> str:
    """Returns the traceback from user code down, without frames of Firesteel; only the message if all frames are
    ours."""
    told = traceback.TracebackException.from_exception(exception)
    if isinstance(exception, FiresteelError) and all(_is_ours(frame.filename) for frame in told.stack):
        message = "".join(told.format_exception_only()).rstrip()
        cause = exception.__cause__
        if cause is None or not _has_users_frame(cause):
            return message
        return f"{user_traceback(cause)}\n\nThe above exception was the direct cause of:\n\n{message}"
    _drop_frames(told, set())
    return "".join(told.format()).rstrip()


def _has_users_frame(exception: BaseException) -> bool:
    return any(not _is_ours(frame.f_code.co_filename) for frame in _frames(exception.__traceback__))


def _drop_frames(told: traceback.TracebackException, seen: set[int]) -> None:
    """Leaves out our frames in an exception and in its causes, if other frames remain."""
    if id(told) in seen:
        return
    seen.add(id(told))
    users = [frame for frame in told.stack if not _is_ours(frame.filename)]
    if users:
        told.stack = traceback.StackSummary.from_list(users)
    related = [told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())]
    for other in related:
        if other is not None:
            _drop_frames(other, seen)


def _is_ours(filename: str) -> bool:
    """Returns whether a file is one of Firesteel's, or of code that imports and unpickles for it."""
    return filename.startswith((_PACKAGE, "<frozen importlib")) or f"{os.sep}cloudpickle{os.sep}" in filename


def _cut(text: str, limit: int) -> str:
    """Returns the beginning and the end of a long text, which say most."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def _advise(exception: BaseException) -> None:
    """Adds a note with help for a module that is missing in the midst of a task (an import inside a function)."""
    if not isinstance(exception, ModuleNotFoundError) or isinstance(exception, FiresteelError) or not exception.name:
        return
    from firesteel.worker import functions, modules

    top = exception.name.partition(".")[0]
    if not modules.is_here(top) and hasattr(exception, "add_note"):
        exception.add_note(f"The {functions.process()} has no module {top}. {modules.how_to_ship(top)}")


def _record(trace: TracebackType | None) -> str | None:
    """Returns the argument of the user's function that was called for a record."""
    caller: CodeType | None = None
    for frame in _frames(trace):
        code = frame.f_code
        if _is_ours(code.co_filename):
            continue
        names = code.co_varnames[: code.co_argcount]
        names = names[1:] if names[:1] in (("self",), ("cls",)) else names
        value = frame.f_locals.get(names[0]) if names else None
        if names and names[0] in frame.f_locals and not isinstance(value, Iterator):
            return bounded_repr(value) if caller is None or _did_not_call(caller, code) else None
        caller = code
    return None


def _did_not_call(caller: CodeType, code: CodeType) -> bool:
    """Returns whether a function was called by an iterator that its caller in the traceback reads, not by the
    caller."""
    named = {*caller.co_names, *caller.co_freevars, *caller.co_varnames, *caller.co_cellvars}
    return code.co_name not in named and not code.co_name.startswith("<")


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


# The exception as an object.


def dump_exception(exception: BaseException) -> bytes | None:
    """Pickles an exception with its causes, for :func:`load_exception`; None if nothing of it can be sent."""
    links: list[tuple[bytes, int | None, int | None, bool]] = []
    places: dict[int, int] = {}

    def add(one: BaseException | None) -> int | None:
        if one is None or len(links) >= CHAIN_LENGTH:
            return None
        if id(one) in places:
            return places[id(one)]
        data = _dump_one(one)
        if data is None:
            return None
        place = places[id(one)] = len(links)
        links.append((data, None, None, False))
        links[place] = (data, add(one.__cause__), add(one.__context__), one.__suppress_context__)
        return place

    try:
        return pickle.dumps(links, 5) if add(exception) is not None else None
    except Exception:
        return None


def load_exception(pickled: bytes) -> BaseException | None:
    """Loads the exception that :func:`dump_exception` pickled, as far as it can be made here, else None."""
    try:
        links = pickle.loads(pickled)
        loaded = [_load_one(data) for data, _, _, _ in links]
    except Exception:
        return None
    for one, (_, cause, context, suppress) in zip(loaded, links):
        if one is not None:
            one.__cause__ = loaded[cause] if cause is not None else None
            one.__context__ = loaded[context] if context is not None else None
            one.__suppress_context__ = suppress
    return loaded[0]


def _load_one(data: bytes) -> BaseException | None:
    try:
        one = pickle.loads(data)
    except Exception:
        return None
    return one if isinstance(one, BaseException) else None


def _dump_one(exception: BaseException) -> bytes | None:
    """Pickles one exception, in the first way that loads an exception of its class."""
    from firesteel.shipping import dumps

    ways: list[Callable[[], bytes]] = [
        lambda: pickle.dumps(exception, 5),
        lambda: dumps(exception),
        lambda: _as_parts(exception, dumps),
    ]
    for way in ways:
        try:
            data = way()
            same = type(pickle.loads(data)) is type(exception)
        except Exception:
            continue
        if same and len(data) <= EXCEPTION_BYTES:
            return data
    return None


def _as_parts(exception: BaseException, dumps: Callable[[object], bytes]) -> bytes:
    """Pickles exceptions whose ``__init__`` does not take their ``args``, or that hold unpicklable values."""

    def sendable(value: object) -> bool:
        try:
            pickle.loads(dumps(value))
        except Exception:
            return False
        return True

    args = tuple(value if sendable(value) else bounded_repr(value) for value in exception.args)
    attributes = {name: value for name, value in vars(exception).items() if sendable(value)}
    return dumps(_Parts(type(exception), args, attributes))


class _Parts:
    """Pickles as the exception that it describes."""

    def __init__(self, kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]) -> None:
        self._parts = kind, args, attributes

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_exception, self._parts


def _make_exception(kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]) -> BaseException:
    """Makes an exception of a class without calling its ``__init__``."""
    exception = kind.__new__(kind, *args)
    exception.args = args
    exception.__dict__.update(attributes)
    return exception
