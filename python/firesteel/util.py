"""Small helpers that programs import: threads that inherit job properties, and two decorators of libraries."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from firesteel import jobs

if TYPE_CHECKING:
    from firesteel.context import SparkContext
    from firesteel.sql import SparkSession

__all__ = ["InheritableThread", "inheritable_thread_target"]

F = TypeVar("F", bound=Callable[..., Any])


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
