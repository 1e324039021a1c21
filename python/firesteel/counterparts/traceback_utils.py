"""``pyspark.traceback_utils``: which line of a program called Spark."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from firesteel.callsite import location

if TYPE_CHECKING:
    from firesteel.context import SparkContext

__all__ = ["CallSite", "SCCallSiteSync", "first_spark_call"]


class CallSite(NamedTuple):
    """A function of Spark's, and the file and line that called it."""

    function: str
    file: str
    linenum: int


def first_spark_call() -> CallSite:
    """Returns the line of the program that called into the package, and what it called.

    >>> first_spark_call().function
    'first_spark_call'
    """
    _, file, line = location()
    called = frame = sys._getframe(0)
    while frame.f_back is not None and (frame.f_code.co_filename, frame.f_lineno) != (file, line):
        called, frame = frame, frame.f_back
    return CallSite(called.f_code.co_name, file, line)


class SCCallSiteSync:
    """Names the program's line for jobs within a ``with`` block. Here every RDD carries its own line already, so the
    block changes nothing.

    >>> with SCCallSiteSync(sc):
    ...     sc.range(3).count()
    3
    """

    _spark_stack_depth = 0

    def __init__(self, sc: SparkContext) -> None:
        site = first_spark_call()
        self._call_site = f"{site.function} at {site.file}:{site.linenum}"
        self._context = sc

    def __enter__(self) -> None:
        SCCallSiteSync._spark_stack_depth += 1

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        SCCallSiteSync._spark_stack_depth -= 1
