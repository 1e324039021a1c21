"""Small helpers that programs import: threads that inherit job properties, and two decorators of libraries."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import re
import threading
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from firesteel import jobs

if TYPE_CHECKING:
    from firesteel.context import SparkContext
    from firesteel.sql import SparkSession

__all__ = ["InheritableThread", "inheritable_thread_target"]

F = TypeVar("F", bound=Callable[..., Any])

JVM_BYTE_MIN, JVM_BYTE_MAX = -(1 << 7), (1 << 7) - 1
JVM_SHORT_MIN, JVM_SHORT_MAX = -(1 << 15), (1 << 15) - 1
JVM_INT_MIN, JVM_INT_MAX = -(1 << 31), (1 << 31) - 1
JVM_LONG_MIN, JVM_LONG_MAX = -(1 << 63), (1 << 63) - 1

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class InheritableThread(threading.Thread):
    """A thread whose jobs have the group, tags, pool and local properties that its parent had when it was started.

    >>> sc.setLocalProperty("step", "load")
    >>> seen = []
    >>> thread = InheritableThread(target=lambda: seen.append(sc.getLocalProperty("step")))
    >>> thread.start()
    >>> thread.join()
    >>> seen
    ['load']
    """

    def __init__(
        self, target: Callable[..., Any], *args: Any, session: SparkSession | None = None, **kwargs: Any
    ) -> None:
        self._session = session
        self._inherited: tuple[SparkContext, dict[str, str]] | None = None

        def run(*given: Any, **named: Any) -> Any:
            _inherit(self._inherited)
            return target(*given, **named)

        super().__init__(*args, **{**kwargs, "target": run})

    def start(self) -> None:
        """Copies the calling thread's settings, and starts.

        >>> thread = InheritableThread(target=print, args=("running",))
        >>> thread.start(); thread.join()
        running
        """
        self._inherited = _properties()
        super().start()


def inheritable_thread_target(f: Callable[..., Any] | SparkSession) -> Callable[..., Any]:
    """Wraps a thread's function so that its jobs have the settings of the thread that wrapped it.

    Given a session, it returns a decorator that does the same.

    >>> sc.setLocalProperty("step", "store")
    >>> @inheritable_thread_target
    ... def work():
    ...     seen.append(sc.getLocalProperty("step"))
    >>> seen = []
    >>> thread = threading.Thread(target=work)
    >>> thread.start(); thread.join()
    >>> seen
    ['store']
    """
    from firesteel.sql import SparkSession

    if isinstance(f, SparkSession):
        return inheritable_thread_target
    if not callable(f):
        raise TypeError(f"inheritable_thread_target takes the function of a thread, or a SparkSession, not {f!r}")
    inherited = _properties()

    @functools.wraps(f)
    def run(*given: Any, **named: Any) -> Any:
        _inherit(inherited)
        return f(*given, **named)

    return run


def _properties() -> tuple[SparkContext, dict[str, str]] | None:
    """Returns the active context with this thread's settings for it."""
    from firesteel.context import SparkContext

    sc = SparkContext._active_spark_context
    return None if sc is None else (sc, jobs.current(sc))


def _inherit(inherited: tuple[SparkContext, dict[str, str]] | None) -> None:
    if inherited is not None:
        jobs.replace(*inherited)


def keyword_only(func: F) -> F:
    """Makes a method take its arguments by name only, and keeps them as ``self._input_kwargs``.

    >>> class Model:
    ...     @keyword_only
    ...     def fit(self, *, steps=1):
    ...         return steps, self._input_kwargs
    >>> Model().fit(steps=3)
    (3, {'steps': 3})
    """

    @functools.wraps(func)
    def by_name(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args:
            raise TypeError(f"Method {func.__name__} forces keyword arguments.")
        self._input_kwargs = kwargs
        return func(self, **kwargs)

    return cast(F, by_name)


def since(version: str | float) -> Callable[[F], F]:
    """Adds the version in which a function came to its docstring.

    >>> @since("1.2")
    ... def answer():
    ...     '''The answer.'''
    >>> print(answer.__doc__)
    The answer.
    <BLANKLINE>
    .. versionadded:: 1.2
    """

    def noted(function: F) -> F:
        text = function.__doc__ or ""
        indents = [len(spaces) for spaces in re.findall(r"\n( +)", text)]
        function.__doc__ = f"{text.rstrip()}\n\n{' ' * min(indents, default=0)}.. versionadded:: {version}"
        return function

    return noted


def _parse_memory(s: str) -> int:
    """Returns the MiB of a text such as ``256m``, under the name by which libraries know it.

    >>> _parse_memory("256m"), _parse_memory("1.5g")
    (256, 1536)
    >>> _parse_memory("256")
    Traceback (most recent call last):
        ...
    ValueError: invalid format: 256; write a number with one of the units k, m, g and t, as 512m or 2g
    """
    units = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1 << 20}
    try:
        return int(float(s[:-1]) * units[s[-1:].lower()])
    except (KeyError, ValueError, OverflowError):
        message = f"invalid format: {s}; write a number with one of the units k, m, g and t, as 512m or 2g"
        raise ValueError(message) from None


class VersionUtils:
    """Versions as pairs of numbers, for libraries that ask which they run with."""

    @staticmethod
    def majorMinorVersion(sparkVersion: str) -> tuple[int, int]:
        """Returns the first two numbers of a version; raises ValueError if it has none.

        >>> VersionUtils.majorMinorVersion("4.3.0-preview")
        (4, 3)
        """
        parts = re.fullmatch(r"(\d+)\.(\d+)(\..*)?", sparkVersion)
        if parts is None:
            raise ValueError(f"{sparkVersion!r} is not a version; one begins with two numbers, as in 4.3.0")
        return int(parts[1]), int(parts[2])


def is_remote_only() -> bool:
    """Returns whether RDDs are missing, as in PySpark's client for Spark Connect: never here.

    >>> is_remote_only()
    False
    """
    return False


def spark_connect_mode() -> str:
    """Returns whether Spark Connect is what programs get: ``0``, for never.

    >>> spark_connect_mode(), default_api_mode()
    ('0', 'classic')
    """
    return "0"


def default_api_mode() -> str:
    """Returns which of PySpark's two APIs programs get."""
    return "classic"


def fail_on_stopiteration(f: F) -> F:
    """Wraps a function so that a StopIteration in it is an error, and does not end the loop that calls it.

    >>> fail_on_stopiteration(next)(iter([]))
    Traceback (most recent call last):
        ...
    RuntimeError: [STOP_ITERATION_OCCURRED] the function raised StopIteration, which would end the task's records ...
    """

    @functools.wraps(f)
    def strict(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*args, **kwargs)
        except StopIteration as error:
            raise RuntimeError(
                "[STOP_ITERATION_OCCURRED] the function raised StopIteration, which would end the task's records"
                f" silently: {error}"
            ) from error

    return cast(F, strict)


def print_exec(stream: IO[str]) -> None:
    """Prints the error that is being handled."""
    traceback.print_exc(file=stream)


def walk_tb(tb: TracebackType | None) -> Iterator[TracebackType]:
    """Yields the parts of a traceback, the outermost first."""
    while tb is not None:
        yield tb
        tb = tb.tb_next


def try_simplify_traceback(tb: TracebackType) -> TracebackType | None:
    """Returns a traceback without the frames of the package that it begins with; None if no others are left.

    >>> import sys
    >>> try:
    ...     fail_on_stopiteration(next)(iter([]))
    ... except RuntimeError:
    ...     try_simplify_traceback(sys.exc_info()[2].tb_next) is None
    True
    """
    for part in walk_tb(tb):
        if not part.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            return part
    return None


@contextlib.contextmanager
def disable_gc() -> Iterator[None]:
    """Makes a block in which no garbage is collected."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
