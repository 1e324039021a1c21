"""A thread's settings for the jobs that it starts: group, description, tags, pool, and properties of its own.

They are a dictionary of text per context and thread, under Spark's names (``spark.jobGroup.id``, ...), so that
``getLocalProperty`` sees what ``setJobGroup`` set. :func:`push` hands it to the engine right before an action; nothing
else does. A thread begins with an empty one, unless :class:`firesteel.InheritableThread` gives it its parent's.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firesteel.context import SparkContext

__all__ = ["replace", "current", "push"]

GROUP = "spark.jobGroup.id"
DESCRIPTION = "spark.job.description"
INTERRUPT = "spark.job.interruptOnCancel"
TAGS = "spark.job.tags"
POOL = "spark.scheduler.pool"
PACKAGES = "firesteel.packages"
"""Files added by ``addFile``, ``addPyFile`` and ``addArchive``, in lines: the number of modules, the list of files
offered to other hosts, the paths of modules below the directory of files. Each job tells its tasks.
"""


class _ThreadState(threading.local):
    def __init__(self) -> None:
        self.properties: weakref.WeakKeyDictionary[SparkContext, dict[str, str]] = weakref.WeakKeyDictionary()
        self.pushed: weakref.WeakKeyDictionary[SparkContext, dict[str, str]] = weakref.WeakKeyDictionary()


_state = _ThreadState()


def _mutable(sc: SparkContext) -> dict[str, str]:
    return _state.properties.setdefault(sc, {})


def current(sc: SparkContext) -> dict[str, str]:
    """Returns a copy of the calling thread's settings.

    >>> sc.setLocalProperty("step", "load")
    >>> current(sc)["step"]
    'load'
    """
    return dict(_mutable(sc))


def replace(sc: SparkContext, properties: Mapping[str, str]) -> None:
    """Replaces the calling thread's settings.

    >>> replace(sc, {"step": "store"})
    >>> sc.getLocalProperty("step")
    'store'
    """
    _state.properties[sc] = dict(properties)


def push(sc: SparkContext) -> None:
    """Gives the engine the settings of this thread's next jobs, if they have changed."""
    if "ipykernel" in sys.modules:
        from firesteel import progress

        progress.watch(sc)
    properties = {**_mutable(sc), PACKAGES: sc._packages_told()}
    if _state.pushed.get(sc) == properties:
        return
    native = sc._native
    native.set_job_group(properties.get(GROUP))
    native.set_job_tags(sorted(tags(sc)))
    native.set_pool(properties.get(POOL))
    native.set_local_properties(properties)
    _state.pushed[sc] = properties


def set_property(sc: SparkContext, key: str, value: str | None) -> None:
    """Sets one property; None removes it."""
    if not isinstance(key, str) or not (value is None or isinstance(value, str)):
        raise TypeError(f"a local property is a str under a str, not {value!r} under {key!r}; write str(...)")
    if value is None:
        _mutable(sc).pop(key, None)
    else:
        _mutable(sc)[key] = value


def get_property(sc: SparkContext, key: str) -> str | None:
    """Returns the value of a property, or None."""
    return _mutable(sc).get(key)


def set_group(sc: SparkContext, group: str, description: str, interrupt: bool = False) -> None:
    """Puts the thread's jobs into a group, to be watched and cancelled together."""
    set_property(sc, GROUP, group)
    set_property(sc, DESCRIPTION, description)
    set_property(sc, INTERRUPT, "true" if interrupt else "false")


def tags(sc: SparkContext) -> set[str]:
    """Returns the tags of the thread's jobs."""
    return {tag for tag in _mutable(sc).get(TAGS, "").split(",") if tag}


def add_tag(sc: SparkContext, tag: str) -> None:
    """Adds a tag to the thread's jobs."""
    _set_tags(sc, tags(sc) | {_checked(tag)})


def remove_tag(sc: SparkContext, tag: str) -> None:
    """Removes a tag from the thread's jobs; a missing one is not an error."""
    _set_tags(sc, tags(sc) - {_checked(tag)})


def clear_tags(sc: SparkContext) -> None:
    """Removes all tags from the thread's jobs."""
    _set_tags(sc, set())


def _set_tags(sc: SparkContext, chosen: set[str]) -> None:
    set_property(sc, TAGS, ",".join(sorted(chosen)) or None)


def _checked(tag: str) -> str:
    if not isinstance(tag, str):
        raise TypeError(f"a job tag is a str, not {tag!r}")
    if not tag:
        raise ValueError("Spark job tag cannot be an empty string.")
    if "," in tag:
        raise ValueError(f"Spark job tag cannot contain ',': {tag!r}")
    return tag
