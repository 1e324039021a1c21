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
    """Shows the running jobs and stages, again and again, until no job has run for a while."""
    shown, idle, url = "", 0, engine.ui_web_url
    while idle < PATIENCE_LOOKS:
        pause()
        active = sorted(engine.active_jobs())
        stages = [info for info in map(engine.stage_info, sorted(engine.active_stages())) if info is not None]
        idle = 0 if stages or active else idle + 1
        text = page([_job(engine, job) for job in active] if stages else [], stages, url)
        if text != shown:
            show(text)
            shown = text


def _job(engine: _native.Context, job: int) -> dict[str, int]:
    """Returns a job, and how many of its stages have all their tasks done."""
    stages = (engine.job_info(job) or {"stages": []})["stages"]
    infos = [info for info in map(engine.stage_info, stages) if info is not None]
    return {
        "job": job,
        "stages": len(stages),
        "done": sum(info["completed"] >= info["tasks"] for info in infos),
        "failed": sum(info["failed"] for info in infos),
    }


def page(jobs: list[dict[str, int]], stages: list[dict[str, Any]], url: str | None) -> str:
    """Returns a line for each job, a bar for each stage that runs, and a link to the pages of the application.

    >>> stage = {"stage": 3, "name": "count at app.py:7", "tasks": 8, "completed": 2, "active": 4, "failed": 0}
    >>> page([], [stage], None)
    '<div><p>Stage 3: count at app.py:7 <progress value="2" max="8"></progress> (2 + 4) / 8</p></div>'
    >>> page([{"job": 0, "stages": 2, "done": 1, "failed": 3}], [], None)
    '<div><p>Job 0: 1 of 2 stages done, 3 failed tasks</p></div>'
    """
    lines = (f"Job {job['job']}: {job['done']} of {job['stages']} stages done{_failed(job['failed'])}" for job in jobs)
    bars = (
        html.bar(
            f"Stage {info['stage']}: {info['name']}",
            info["completed"],
            info["tasks"],
            f"({info['completed']} + {info['active']}) / {info['tasks']}{_failed(info['failed'])}",
        )
        for info in stages
    )
    text = "".join([*map(html.paragraph, lines), *(bar.text for bar in bars)])
    link = html.anchor("Spark UI", url) if text and url else ""
    return f"<div>{text}{link}</div>" if text else ""


def _failed(tasks: int) -> str:
    return f", {tasks} failed task{'s'[: tasks != 1]}" if tasks else ""


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
