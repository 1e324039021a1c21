"""Accumulators against a model: whatever the driver adds and sets, and whichever pieces count, it is their sum."""

import pickle
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from firesteel.accumulators import AddingAccumulatorParam, create

WORDS = st.lists(st.integers(0, 9), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pieces"), st.lists(WORDS, max_size=4)),
        st.tuples(st.just("add"), WORDS),
        st.tuples(st.just("set"), WORDS),
        st.tuples(st.just("read"), st.none()),
    ),
    max_size=12,
)


class Engine:
    id = 10**6

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def accumulator(self) -> "Engine":
        return self

    def chunks(self) -> list[bytes]:
        return list(self.held)

    def reset(self) -> None:
        self.held = []


@settings(deadline=None)
@given(WORDS, STEPS)
def test_the_value_is_what_was_set_and_all_that_counts_since(initial: list[int], steps: list[tuple[str, Any]]) -> None:
    engine = Engine()
    param = AddingAccumulatorParam[list[int]]([])
    total = create(SimpleNamespace(_native=engine), list(initial), param)  # type: ignore[arg-type]
    own, pieces = list(initial), list[list[int]]()
    for step, argument in steps:
        if step == "pieces":
            pieces = argument
            engine.held = [pickle.dumps(piece) for piece in argument]
        elif step == "add":
            total.add(argument)
            own = own + argument
        elif step == "set":
            total.value = list(argument)
            own, pieces = list(argument), []
        else:
            assert sorted(total.value) == sorted(own + [word for piece in pieces for word in piece])
    assert sorted(total.value) == sorted(own + [word for piece in pieces for word in piece])
