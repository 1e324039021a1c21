"""Progress of jobs in notebooks: bars below the cell, for jobs that take longer than a moment.

In a terminal the engine draws a bar itself. A notebook has no terminal, so a thread asks the engine which stages run
and shows them through IPython; it begins with a job and ends soon after the last one. :func:`watch` is called before
each job where a notebook's kernel is loaded. ``spark.ui.showConsoleProgress`` switches both kinds of bars off.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from firesteel import html

if TYPE_CHECKING:
    from firesteel import _native
    from firesteel.context import SparkContext

__all__ = ["follow", "page", "watch"]

FIRST_LOOK_SECONDS = 0.5
"""The pause before the first look: shorter jobs show no bar."""

LOOK_SECONDS = 0.25
"""The pause between two drawings of the bars."""

PATIENCE_LOOKS = 3
"""The looks without a job after which the thread ends; the next job begins another, which belongs to its own cell."""

_watched: weakref.WeakSet[SparkContext] = weakref.WeakSet()
_lock = threading.Lock()


def watch(sc: SparkContext) -> None:
    """Shows the progress of the jobs that run from now on, unless another thread does or settings forbid it."""
    wanted = (
        sc._conf.get("firesteel.ui.show_console_progress") or sc._conf.get("spark.ui.showConsoleProgress")
    ) or "true"
    if wanted.strip().lower() != "true":
        return
    with _lock:
        if sc in _watched:
            return
        _watched.add(sc)
    threading.Thread(target=_watch, args=(weakref.ref(sc), sc._native), name="firesteel-progress", daemon=True).start()


def _watch(sc: weakref.ref[SparkContext], engine: _native.Context) -> None:
    try:
        time.sleep(FIRST_LOOK_SECONDS - LOOK_SECONDS)
        follow(engine, _Cell().show, lambda: time.sleep(LOOK_SECONDS))
    except Exception:
        pass  # A context that stopped, a notebook that was closed: bars are no reason to disturb a program.
    finally:
        context = sc()
        with _lock:
            if context is not None:
                _watched.discard(context)


def follow(engine: _native.Context, show: Callable[[str], None], pause: Callable[[], None]) -> None:
    """Shows the running stages, again and again, until no job has run for a while."""
    shown, idle = "", 0
    while idle < PATIENCE_LOOKS:
        pause()
        stages = [info for info in map(engine.stage_info, sorted(engine.active_stages())) if info is not None]
        idle = 0 if stages or engine.active_jobs() else idle + 1
        text = page(stages)
        if text != shown:
            show(text)
            shown = text


def page(stages: list[dict[str, Any]]) -> str:
    """Returns a bar for each stage: its operation, how many of its tasks are done and how many run.

    >>> page([{"stage": 3, "name": "count at app.py:7", "tasks": 8, "completed": 2, "active": 4}])
    '<div><p>Stage 3: count at app.py:7 <progress value="2" max="8"></progress> (2 + 4) / 8</p></div>'
    """
    bars = (
        html.bar(
            f"Stage {info['stage']}: {info['name']}",
            info["completed"],
            info["tasks"],
            f"({info['completed']} + {info['active']}) / {info['tasks']}",
        )
        for info in stages
    )
    text = "".join(bar.text for bar in bars)
    return f"<div>{text}</div>" if text else ""


class _Cell:
    """An output below a cell, empty before the first text and after the last."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str) -> None:
        from IPython.display import HTML, display  # type: ignore[import-not-found, unused-ignore]

        if self._handle is None:
            self._handle = display(HTML(text), display_id=True)
        else:
            self._handle.update(HTML(text))
        if not text:
            self._handle = None
