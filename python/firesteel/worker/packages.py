"""Where a worker finds modules that ``SparkContext.addPyFile`` has shipped since the worker began.

Each job says which places there are; what is new goes into ``sys.path`` before a function is unpickled. So workers need
not begin anew when a file is added, and keep what they hold.
"""

from __future__ import annotations

import importlib
import sys

from firesteel import _native, jobs

__all__ = ["see"]

_seen: str | None = None


def see() -> None:
    """Makes the packages that the running task's job knows of importable; nothing, outside of tasks.

    >>> see()
    """
    global _seen
    task = _native.current_task()
    told = None if task is None else task.local_properties.get(jobs.PACKAGES)
    if told is None or told == _seen:
        return
    _, *places = told.split("\n")
    for place in places:
        if place not in sys.path:
            sys.path.insert(1, place)
    # A file that came a moment ago may be missing in what the import system remembers of its directory.
    importlib.invalidate_caches()
    _seen = told
