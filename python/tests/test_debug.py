"""The task that failed last, run again in the driver's process."""

from __future__ import annotations

import functools
import io
import os
from types import SimpleNamespace

import pytest

from firesteel.debug import debug_last_failure
from firesteel.errors import FiresteelError, JobError


def context(run):
    return SimpleNamespace(_native=SimpleNamespace(run_last_failure=run))


def shown(run, **options):
    out = io.StringIO()
    debug_last_failure(context(run), interactive=False, out=out, **options)
    return out.getvalue()


def test_without_a_person_the_local_variables_are_shown():
    def parse(line):
        number = len(line)
        return number / (number - 3)

    text = shown(lambda: parse("abc"))
    assert "ZeroDivisionError" in text and "in parse" in text
    assert "Local variables of parse" in text and "line = 'abc'" in text and "number = 3" in text


def test_variables_are_bounded():
    def large(line):
        items = [line] * 10**6
        raise ValueError(len(items))

    assert len(shown(lambda: large("x" * 10**6))) < 5_000


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, KeyError])
def test_whatever_the_task_raises_is_shown(kind):
    def raises():
        raise kind("x")

    assert kind.__name__ in shown(raises)


def test_without_a_failure():
    native = {}  # its lookup raises as native code does: without a frame of Python
    with pytest.raises(FiresteelError, match="no failed task"):
        debug_last_failure(context(functools.partial(native.__getitem__, "the failure")), interactive=False)


def test_a_task_that_ends_well_the_second_time():
    assert "succeeded this time" in shown(lambda: None)


def test_with_a_person_the_debugger_opens_at_the_failure(monkeypatch):
    import pdb

    seen = []
    monkeypatch.setattr(pdb, "post_mortem", lambda trace: seen.append(trace))

    def parse(line):
        return 1 / 0

    debug_last_failure(context(lambda: parse("a")), interactive=True, out=io.StringIO())
    trace = seen[0]
    while trace.tb_next:
        trace = trace.tb_next
    assert trace.tb_frame.f_locals["line"] == "a"


def test_a_real_failure(sc):
    def parse(x):
        if x == 7:
            raise ValueError(f"seven in process {os.getpid()}")
        return x

    with pytest.raises(JobError):
        sc.parallelize(range(10), 3).map(parse).collect()
    out = io.StringIO()
    debug_last_failure(sc, interactive=False, out=out)
    assert f"seven in process {os.getpid()}" in out.getvalue() and "x = 7" in out.getvalue()
