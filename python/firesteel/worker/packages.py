"""Finds files and modules that the program has shipped since the worker began.

Each job lists them; new ones are fetched and put into ``sys.path`` before a function is unpickled. So workers need not
be replaced when a file is added, and keep their state.
"""

from __future__ import annotations

import importlib
import os
import sys

from firesteel import _native, files, jobs

__all__ = ["see"]

_seen: str | None = None


def see() -> None:
    """Fetches the files that the running task's job lists, and makes packages importable; nothing, outside of tasks.

    >>> see()
    """
    global _seen
    task = _native.current_task()
    told = None if task is None else task.local_properties.get(jobs.PACKAGES)
    if told is None or told == _seen:
        return
    assert task is not None, "it told"
    _, listed, *names = told.split("\n")
    root = files.below(task.directory)
    if listed:
        from firesteel.worker import arrivals

        arrivals.fetch(listed, root)
    for place in (os.path.join(root, name) if name else root for name in names):
        if place not in sys.path:
            sys.path.insert(1, place)
    # A file that came a moment ago may be missing in the import system's cache of its directory.
    importlib.invalidate_caches()
    _seen = told
