"""What a person reads when a job has failed, and what a program can do with it."""

from __future__ import annotations

import pickle
import sys
import threading

import pytest

from firesteel.errors import REPR_CHARACTERS, FiresteelError, JobError, MissingModuleError, bounded_repr, from_failure
from firesteel.worker import failure


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return error.with_traceback(error.__traceback__.tb_next)  # without this frame, as in a worker
    raise AssertionError("nothing was raised")


def failed(function, *arguments, **details):
    """What the driver makes of an exception that was raised in a worker."""
    told = failure.describe(caught(function, *arguments))
    return from_failure({"kind": "python", **told, **details})


def divide(x):
    return 1 / x


class TwoArguments(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class HoldsALock(ValueError):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()
        self.code = 7


class Refuses(Exception):
    def __reduce__(self):
        raise RuntimeError("not me")


def test_the_traceback_comes_first_then_the_place_then_the_record():
    error = failed(
        divide, 0, partition=3, site="map at app.py:12", attempt=1, attempts=4, executor="a-1", job=5, stage=2
    )
    lines = str(error).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert any("in divide" in line for line in lines)
    assert lines[-3] == "ZeroDivisionError: division by zero"
    assert lines[-2] == 'in task for partition 3 of "map at app.py:12" (attempt 2 of 4, executor a-1)'
    assert lines[-1] == "the record was: 0"
    assert isinstance(error, JobError) and isinstance(error, FiresteelError)
    assert (error.kind, error.job, error.stage, error.partition, error.attempt) == ("python", 5, 2, 3, 1)
    assert (error.operation, error.executor, error.record) == ("map at app.py:12", "a-1", "0")
    assert "in divide" in error.task_traceback


def test_the_original_exception_is_the_cause():
    error = failed(divide, 0)
    assert type(error.__cause__) is ZeroDivisionError and error.__cause__.args == ("division by zero",)


def test_attributes_notes_and_chains_are_kept():
    def work():
        try:
            divide(0)
        except ZeroDivisionError as error:
            wrong = HoldsALock("wrong")
            if hasattr(wrong, "add_note"):
                wrong.add_note("a note")
            raise wrong from error

    error = failed(work)
    cause = error.__cause__
    assert type(cause) is HoldsALock and cause.code == 7 and not hasattr(cause, "lock")
    assert type(cause.__cause__) is ZeroDivisionError
    assert "direct cause" in str(error)
    if sys.version_info >= (3, 11):
        assert cause.__notes__ == ["a note"] and "a note" in str(error)


def test_the_context_of_an_exception_is_kept_too():
    def work():
        try:
            divide(0)
        except ZeroDivisionError:
            raise KeyError("other")  # noqa: B904 - the context is what is tested

    cause = failed(work).__cause__
    assert cause.__cause__ is None and type(cause.__context__) is ZeroDivisionError


def test_an_exception_whose_init_takes_other_arguments():
    def work():
        raise TwoArguments(3, "why")

    cause = failed(work).__cause__
    assert type(cause) is TwoArguments and (cause.code, cause.reason) == (3, "why")


def test_an_exception_that_refuses_to_be_pickled_keeps_its_class():
    def work():
        raise Refuses("no")

    error = failed(work)
    assert type(error.__cause__) is Refuses and error.__cause__.args == ("no",)
    assert "Refuses: no" in str(error)


def test_an_exception_of_a_class_made_in_a_function():
    def work():
        class Local(Exception):
            pass

        raise Local("here")

    assert type(failed(work).__cause__).__name__ == "Local"


def test_exceptions_that_break_when_they_are_shown():
    class Unshowable(Exception):
        def __str__(self):
            raise RuntimeError

    def work():
        raise Unshowable

    assert "Unshowable" in str(failed(work))


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_exceptions_that_end_programs_are_failures_like_others(kind):
    def work():
        raise kind("3")

    error = failed(work)
    assert type(error) is JobError and type(error.__cause__) is kind


def test_a_stop_iteration_says_what_it_would_have_done():
    def work():
        raise StopIteration("3")

    error = failed(work)
    assert "Caught StopIteration thrown from user's code" in str(error) and 'raise StopIteration("3")' in str(error)
    assert type(error.__cause__) is FiresteelError and type(error.__cause__.__cause__) is StopIteration


def test_a_generator_of_the_programs_own_is_left_as_it_is():
    def work():
        def generator():
            raise StopIteration
            yield 1

        list(generator())

    error = failed(work)
    assert type(error.__cause__) is RuntimeError and str(error.__cause__) == "generator raised StopIteration"


def test_conditions_have_the_names_that_programs_know():
    error = FiresteelError("f: cannot be sent. [CONTEXT_ONLY_VALID_ON_DRIVER] The SparkContext lives in the driver.")
    assert error.getCondition() == error.getErrorClass() == "CONTEXT_ONLY_VALID_ON_DRIVER"
    assert error.getMessage() == str(error) and error.getMessageParameters() == {} and error.getSqlState() is None
    assert FiresteelError("no [LIST] of [A_B]").getCondition() is None
    assert JobError("[A_B] is the user's").getCondition() is None


def test_an_exception_that_is_its_own_cause():
    def work():
        error = ValueError("loop")
        other = ValueError("other")
        error.__cause__, other.__cause__ = other, error
        raise error

    cause = failed(work).__cause__
    assert cause.__cause__.__cause__ is cause


def test_deep_recursion_and_long_texts_are_bounded():
    def deeper(x):
        return deeper(x + 1) + 1

    assert len(str(failed(deeper, 0))) < 20_000

    def long():
        raise ValueError("x" * 10_000_000)

    assert len(str(failed(long))) < 3 * failure.TRACEBACK_CHARACTERS


def test_the_record_is_seen_where_a_function_takes_one():
    assert failure.describe(caught(lambda record: 1 / record, 0))["record"] == "0"
    assert failure.describe(caught(lambda rows: [1 / row for row in rows], iter([0])))["record"] is None
    assert failure.describe(caught(lambda: 1 / 0))["record"] is None
    assert failure.describe(caught(lambda rows: [row for row in rows], map(divide, [0])))["record"] == "0"
    assert failure.describe(caught(lambda rows: [divide(0) for row in rows], iter([1])))["record"] is None
    assert len(failure.describe(caught(lambda record: record.x, "a" * 10_000))["record"]) <= REPR_CHARACTERS


def test_frames_of_firesteel_are_left_out():
    def work():
        from firesteel.worker import load_function

        load_function(b"nonsense")

    text = failure.user_traceback(caught(work))
    assert "functions.py" not in text and "in work" in text


def test_an_error_of_firesteel_alone_is_its_message():
    error = MissingModuleError("the executor has no module x", name="x")
    assert failure.user_traceback(error) == "firesteel.errors.MissingModuleError: the executor has no module x"
    again = pickle.loads(pickle.dumps(error))
    assert (again.name, str(again)) == ("x", str(error))


def test_a_module_that_is_missing_in_the_midst_of_a_task():
    def work():
        import no_such_module_at_all  # noqa: F401

    text = str(failed(work))
    assert "No module named 'no_such_module_at_all'" in text
    if sys.version_info >= (3, 11):
        assert 'sc.addPyFile("no_such_module_at_all.py")' in text


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        (9, "SIGKILL (signal 9: Killed)"),
        ("SIGSEGV", "(signal 11: Segmentation fault)"),
        (15, "SIGTERM"),
        (None, "os._exit"),
    ],
)
def test_the_death_of_a_worker(signal, words):
    error = from_failure(
        {"kind": "lost", "signal": signal, "memory": 3 << 30, "partition": 1, "site": "map at app.py:2", "message": ""}
    )
    text = str(error)
    assert words in text and ("3.0 GiB" in text) == (signal is not None) and 'partition 1 of "map at app.py:2"' in text
    assert "What to do:" in text and error.kind == "lost" and error.__cause__ is None


def test_failures_of_the_engine():
    error = from_failure({"kind": "operation", "message": "no file /tmp/x", "site": "textFile at app.py:3"})
    assert str(error) == 'no file /tmp/x\nin the job of "textFile at app.py:3"'
    assert str(from_failure({"kind": "cancelled", "message": "job 3 was cancelled"})) == "job 3 was cancelled"
    assert str(from_failure({})) == "the job failed"


def test_a_pickled_exception_that_cannot_be_read_here():
    error = from_failure({"kind": "python", "message": "ValueError: x", "exception": b"garbage"})
    assert error.__cause__ is None and str(error) == "ValueError: x"


def test_what_programs_ask_of_a_java_exception():
    error = from_failure({"kind": "python", "message": "ValueError: x"})
    assert "ValueError: x" in error.java_exception.toString()
    assert error.java_exception.getMessage() == "ValueError: x"


def test_source_lines_that_only_the_driver_has(monkeypatch):
    import linecache

    monkeypatch.setitem(linecache.cache, "<cell-1>", (20, None, ["def f(x):\n", "    return 1 / x\n"], "<cell-1>"))
    scope: dict = {}
    exec(compile("def f(x):\n    return 1 / x\n", "<cell-1>", "exec"), scope)
    told = failure.describe(caught(scope["f"], 0))
    bare = "\n".join(line for line in told["traceback"].splitlines() if line.strip(" ^~") not in ("return 1 / x", ""))
    assert "return 1 / x" not in bare
    assert "    return 1 / x" in str(from_failure({"kind": "python", "traceback": bare}))


@pytest.mark.parametrize("value", ["x" * 10**7, b"x" * 10**7, [0] * 10**6, {n: n for n in range(1000)}, 10**3000])
def test_a_bounded_repr(value):
    assert len(bounded_repr(value)) <= REPR_CHARACTERS


def test_a_repr_that_fails():
    class Bad:
        def __repr__(self):
            raise SystemExit

    assert "Bad" in bounded_repr(Bad())
