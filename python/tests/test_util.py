"""Decorators, and threads that inherit what their parent had set."""

import threading
from typing import Any

import pytest

from firesteel.util import InheritableThread, VersionUtils, inheritable_thread_target, keyword_only, since


def test_keyword_only_refuses_positions_and_keeps_names() -> None:
    class Model:
        _input_kwargs: dict[str, Any]

        @keyword_only
        def fit(self, *, steps: int = 1) -> int:
            """Fits."""
            return steps

    model = Model()
    assert model.fit(steps=3) == 3 and model._input_kwargs == {"steps": 3}
    assert Model.fit.__doc__ == "Fits."
    with pytest.raises(TypeError, match="Method fit forces keyword arguments"):
        model.fit(3)  # type: ignore[call-arg]


def test_since_adds_to_the_docstring_with_its_indentation() -> None:
    def function() -> None: ...

    function.__doc__ = "What it does.\n\n        More of it.\n        "
    assert since(3.1)(function) is function
    assert function.__doc__ == "What it does.\n\n        More of it.\n\n        .. versionadded:: 3.1"


def test_threads_inherit_properties_when_they_start(sc: Any) -> None:
    seen: list[str | None] = []

    def look() -> None:
        seen.append(sc.getLocalProperty("step"))
        sc.setLocalProperty("step", "the child's own")

    sc.setLocalProperty("step", "made")
    thread = InheritableThread(target=look)
    sc.setLocalProperty("step", "started")
    thread.start()
    thread.join()
    plain = threading.Thread(target=look)
    plain.start()
    plain.join()
    assert seen == ["started", None]
    assert sc.getLocalProperty("step") == "started"
    sc.setLocalProperty("step", None)


def test_a_wrapped_target_inherits_what_was_set_when_it_was_wrapped(sc: Any) -> None:
    seen: list[str | None] = []
    sc.setLocalProperty("step", "wrapped")

    @inheritable_thread_target
    def look(word: str) -> None:
        seen.append(f"{word} {sc.getLocalProperty('step')}")

    sc.setLocalProperty("step", "later")
    thread = threading.Thread(target=look, args=("it was",))
    thread.start()
    thread.join()
    assert seen == ["it was wrapped"]
    sc.setLocalProperty("step", None)


def test_a_thread_takes_what_threads_take() -> None:
    seen: list[tuple[int, int]] = []
    thread = InheritableThread(
        target=lambda a, b: seen.append((a, b)), args=(1,), kwargs={"b": 2}, name="named", daemon=True
    )
    thread.start()
    thread.join()
    assert (seen, thread.name, thread.daemon) == ([(1, 2)], "named", True)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="not 3"):
        inheritable_thread_target(3)  # type: ignore[arg-type]


def test_versions_begin_with_two_numbers() -> None:
    assert VersionUtils.majorMinorVersion("2.4") == (2, 4)
    for text in ("abc", "4", "4.x", "4.3-0"):
        with pytest.raises(ValueError, match=text):
            VersionUtils.majorMinorVersion(text)
