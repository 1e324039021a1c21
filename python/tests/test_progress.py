"""Progress in notebooks: what is shown of the stages that run, and when it ends."""

import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from firesteel import progress
from firesteel.progress import PATIENCE_LOOKS, follow, page


URL = "http://127.0.0.1:4040"


def stage(number: int, completed: int, name: str = "count at app.py:7") -> dict[str, Any]:
    return {"stage": number, "name": name, "tasks": 4, "completed": completed, "active": 2, "failed": 0}


def shows(*stages: dict[str, Any], done: int = 0) -> str:
    return page([{"job": 0, "stages": 2, "done": done, "failed": 0}], list(stages), URL)


class Engine:
    """Shows one after the other the stages that run, of a job that ends with the last; then nothing."""

    ui_web_url = URL

    def __init__(self, *moments: list[dict[str, Any]]) -> None:
        self.moments = list(moments)
        self.runs = False
        self.now: dict[int, dict[str, Any]] = {}
        self.looks = 0

    def pause(self) -> None:
        self.looks += 1
        self.runs = bool(self.moments)
        self.now = {info["stage"]: info for info in (self.moments.pop(0) if self.moments else [])}

    def active_stages(self) -> list[int]:
        return [*reversed(sorted(self.now)), 99]

    def active_jobs(self) -> list[int]:
        return [0] if self.runs else []

    def job_info(self, job: int) -> dict[str, Any]:
        return {"job": job, "stages": [0, 1], "status": "RUNNING"}

    def stage_info(self, number: int) -> dict[str, Any] | None:
        return self.now.get(number)


def followed(*moments: list[dict[str, Any]]) -> tuple[list[str], int]:
    engine, shown = Engine(*moments), list[str]()
    follow(engine, shown.append, engine.pause)  # type: ignore[arg-type]
    return shown, engine.looks


def test_bars_follow_the_stages_and_go_away() -> None:
    shown, _ = followed([stage(0, 1)], [stage(0, 1)], [stage(0, 3), stage(1, 0)], [])
    assert shown == [shows(stage(0, 1)), shows(stage(0, 3), stage(1, 0)), ""]
    assert shown[1].index("Stage 0") < shown[1].index("Stage 1")


def test_jobs_that_are_over_before_the_first_look_show_nothing() -> None:
    assert followed() == ([], PATIENCE_LOOKS)


def test_pauses_between_the_stages_of_a_job_do_not_end_it() -> None:
    pause: list[list[dict[str, Any]]] = [[]] * (3 * PATIENCE_LOOKS)
    shown, looks = followed([stage(0, 1)], *pause, [stage(1, 1)])
    assert shown == [shows(stage(0, 1)), "", shows(stage(1, 1)), ""]
    assert looks == 2 + len(pause) + PATIENCE_LOOKS


def test_names_are_text_and_not_markup() -> None:
    text = shows(stage(0, 1, "<script>"))
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_a_job_shows_its_stages_its_failed_tasks_and_a_link() -> None:
    done, failing = stage(0, 4), {**stage(1, 1), "failed": 2}
    shown, _ = followed([done, failing])
    assert "Job 0: 1 of 2 stages done, 2 failed tasks" in shown[0]
    assert "(1 + 2) / 4, 2 failed tasks" in shown[0]
    assert shown[0].endswith(f'<p><a href="{URL}">Spark UI</a></p></div>')
    assert "href" not in page([], [failing], None) and "href" not in page([], [failing], "javascript:alert(1)")


class Display:
    """A stand-in for IPython's module of displays, which notes what a cell shows."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def HTML(self, text: str) -> str:
        return text

    def display(self, text: str, display_id: bool) -> "Display":
        assert display_id
        self.shown.append("new: " + text)
        return self

    def update(self, text: str) -> None:
        self.shown.append(text)


def test_a_cell_has_one_output_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    display = Display()
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)  # type: ignore[arg-type]
    cell = progress._Cell()
    for text in ("a", "b", "", "c"):
        cell.show(text)
    assert display.shown == ["new: a", "b", "", "new: c"]


def test_a_notebook_shows_a_job_that_takes_its_time(sc: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown: list[str] = []
    ended = threading.Event()

    def show(cell: Any, text: str) -> None:
        shown.append(text)
        (tmp_path / "seen").touch()
        if not text:
            ended.set()

    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr(progress._Cell, "show", show)
    monkeypatch.setattr(progress, "FIRST_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)

    def until_seen(x: int) -> int:
        deadline = time.monotonic() + 60
        while not (tmp_path / "seen").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return x

    assert sc.parallelize([1, 2], 2).map(until_seen).collect() == [1, 2]
    assert ended.wait(60)
    assert "collect at test_progress.py" in shown[0] and shown[-1] == ""


def test_it_can_be_switched_off(fresh_context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("spark.ui.showConsoleProgress", "firesteel.ui.show_console_progress"):
        sc = fresh_context(settings={key: "false"})
        progress.watch(sc)
        assert sc not in progress._watched
        sc.stop()
