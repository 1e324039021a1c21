"""How workers end, and where their code stood: each way has its class, its line and its calls, and nothing waits for a
guess.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from processes import run

from firesteel.errors import (
    JobError,
    TaskHungError,
    WorkerCrashedError,
    WorkerExitedError,
    WorkerImportError,
    WorkerKilledError,
    WorkerOutOfMemoryError,
    from_failure,
)

PATIENCE_SECONDS = 60.0
ONE_ATTEMPT = {"spark.task.maxFailures": "1"}


def failure_of(job, kind):
    with pytest.raises(JobError) as caught:
        job()
    assert type(caught.value) is kind, str(caught.value)
    return caught.value


def crash(x):
    ctypes.string_at(0)


def abort(x):
    os.abort()


def leave(x):
    os._exit(x)


def leave_by_the_c_library(x):
    ctypes.CDLL(None)._exit(x)


def leave_after_a_child_crashed(x):
    child = os.fork()
    if child == 0:
        ctypes.string_at(0)
    os.waitpid(child, 0)
    os._exit(x)


def leave_a_child_by_exit(x):
    child = os.fork()
    if child == 0:
        os._exit(x)
    os.waitpid(child, 0)
    os.kill(os.getpid(), signal.SIGSEGV)


def be_killed(x):
    os.kill(os.getpid(), signal.SIGKILL)


def waiting():
    """Makes a function that waits for a file. It is sent by its code, so that no worker imports this module for it."""

    def wait_for(path):
        while not os.path.exists(path):
            time.sleep(0.01)
        return path

    return wait_for


def grow(x):
    held = []
    while True:
        held.append(bytearray(4 << 20))
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("function", "number", "heading"),
    [(crash, signal.SIGSEGV, "Segmentation fault"), (abort, signal.SIGABRT, "Aborted")],
)
def test_a_crash_shows_the_calls_of_its_thread_innermost_first(sc, function, number, heading):
    error = failure_of(lambda: sc.parallelize([1], 1).foreach(function), WorkerCrashedError)
    assert (error.kind, error.signal, error.exit_code) == ("lost", number, None)
    calls = error.stack.splitlines()
    assert calls[0] == f"Fatal Python error: {heading}"
    own = [call for call in calls if f" in {function.__name__}" in call]
    assert len(own) == 1 and f'File "{__file__}"' in own[0]
    assert function is abort or " in string_at" in calls[1]
    assert not any("worker/server.py" in call for call in calls), "our own calls say nothing"
    assert error.place == f"{function.__name__} (test_worker_ends.py:{function.__code__.co_firstlineno + 1})"
    assert error.place in str(error).splitlines()[0] and error.stack in str(error)
    assert error.memory > 1 << 20 and "MiB at most, its parent " in str(error)


@pytest.mark.parametrize("code", [0, 3])
def test_a_call_that_ends_the_process_is_named(sc, code):
    error = failure_of(lambda: sc.parallelize([code], 1).foreach(leave), WorkerExitedError)
    assert (error.kind, error.exit_code, error.signal) == ("lost", code, None)
    assert error.place == f"leave (test_worker_ends.py:{leave.__code__.co_firstlineno + 1})"
    assert f"exited with code {code}" in str(error)


def test_native_code_that_ends_the_process(sc):
    error = failure_of(lambda: sc.parallelize([5], 1).foreach(leave_by_the_c_library), WorkerExitedError)
    assert (error.exit_code, error.stack) == (5, None)


def test_what_a_child_of_a_worker_does_is_not_the_workers_end(sc):
    error = failure_of(lambda: sc.parallelize([4], 1).foreach(leave_after_a_child_crashed), WorkerExitedError)
    assert error.exit_code == 4 and "Fatal" not in error.stack
    error = failure_of(lambda: sc.parallelize([4], 1).foreach(leave_a_child_by_exit), WorkerCrashedError)
    assert error.place.startswith("leave_a_child_by_exit ")


def test_a_worker_that_is_killed(sc):
    error = failure_of(lambda: sc.parallelize([1], 1).foreach(be_killed), WorkerKilledError)
    assert error.signal == signal.SIGKILL
    if error.oom_kills is not None:
        assert error.oom_kills == 0 and "oom_kill count did not grow" in str(error)


def test_a_memory_error_of_the_task(sc):
    def want(x):
        raise MemoryError("no room")

    error = failure_of(lambda: sc.parallelize([1], 1).foreach(want), WorkerOutOfMemoryError)
    assert error.kind == "python" and type(error.__cause__) is MemoryError


def test_the_text_about_a_worker_that_was_out_of_memory():
    details = {"kind": "lost", "end": "out of memory", "signal": 9, "oom_kills": 1, "place": "grow (app.py:3)"}
    details.update(memory=3 << 30, last_memory="it held 3072 MiB at most", stack_memory=2 << 30, stack="  File ...")
    error = from_failure(details)
    assert type(error) is WorkerOutOfMemoryError and (error.signal, error.oom_kills) == (9, 1)
    first, *rest = str(error).splitlines()
    assert first == (
        "the worker process of the task died in grow (app.py:3): killed by SIGKILL (signal 9: Killed) by the kernel,"
        " which was out of memory; it held 3072 MiB at most; its control group's oom_kill count grew by 1 meanwhile"
    )
    assert rest[0] == "its calls when it held 2.0 GiB, innermost first:" and "local[1]" in rest[-1]


@contextlib.contextmanager
def control_group(limit):
    """Makes a control group with so many bytes; gives the file that takes processes."""
    first, second = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    root, file = (first, "memory.limit_in_bytes") if first.is_dir() else (second, "memory.max")
    group = root / f"firesteel-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        try:
            (group / file).write_text(str(limit))
            swap = group / "memory.swap.max"
            if swap.exists():
                swap.write_text("0")
        except OSError as error:
            pytest.skip(f"no control group can be limited: {error}")
        yield group / "cgroup.procs"
    finally:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                group.rmdir()
                break
            except OSError:  # its processes are ending
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


OUT_OF_MEMORY = """
import sys
from firesteel import SparkConf, SparkContext
from firesteel.errors import JobError
from test_worker_ends import grow

sc = SparkContext(conf=SparkConf().setMaster("local[2]").set("spark.task.maxFailures", "2"))
try:
    sc.parallelize([1], 1).foreach(grow)
except JobError as error:
    print(type(error).__name__, error.signal, error.oom_kills, error.place)
    print(error)
print(sc.parallelize(range(10)).count())
"""


@pytest.mark.once
def test_a_worker_that_the_kernel_kills_for_want_of_memory(tmp_path):
    program = tmp_path / "app.py"
    program.write_text(OUT_OF_MEMORY)
    path = os.pathsep.join([os.path.dirname(__file__), *filter(None, [os.environ.get("PYTHONPATH")])])
    with control_group(400 << 20) as processes:
        enter = f'echo $$ > {processes} && exec "$0" "$@"'
        done = run(["sh", "-c", enter, sys.executable, str(program)], environment={**os.environ, "PYTHONPATH": path})
    line = grow.__code__.co_firstlineno
    first, *text = done.stdout.splitlines()
    assert first in {
        f"WorkerOutOfMemoryError 9 1 grow (test_worker_ends.py:{line + 3})",
        f"WorkerOutOfMemoryError 9 1 grow (test_worker_ends.py:{line + 4})",
    }, done.stdout + done.stderr
    assert "its control group may hold 400 MiB" in text[0] and "oom_kill count grew by 1 meanwhile" in text[0]
    assert text[-1] == "10", "the context goes on"
    assert "was out of memory while it ran task 0 (partition 0 of stage 0), in grow (" in done.stderr


def test_a_task_that_hangs_fails_after_the_time_that_a_setting_allows(fresh_context):
    sc = fresh_context("local[1]", {**ONE_ATTEMPT, "spark.python.hung.failAfter": "2s"})
    never = "/nonexistent/never"
    wait_for = waiting()
    error = failure_of(lambda: sc.parallelize([never], 1).foreach(wait_for), TaskHungError)
    lines = range(wait_for.__code__.co_firstlineno, wait_for.__code__.co_firstlineno + 4)
    # Where it is at that moment: in a function of the standard library, or in its own.
    assert " in wait_for" in error.stack and f'File "{__file__}"' in error.stack
    assert error.kind == "lost" and error.place in {f"wait_for (test_worker_ends.py:{line})" for line in lines}
    assert "had not ended after " in str(error).splitlines()[0] and "failAfter" in str(error)
    assert sc.parallelize([1, 2], 1).count() == 2


def logged(capfd, words, seen):
    """Waits for words in the log; returns all that was written."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while words not in seen:
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
        seen += capfd.readouterr().err
    return seen


def test_a_task_that_runs_for_long_is_told_once_with_its_calls_and_goes_on(fresh_context, tmp_path, capfd):
    sc = fresh_context("local[1]", {"firesteel.python.hung.warn_after": "2s"})
    # The worker is there, so that the time of the next task is that of its function.
    sc.parallelize([1], 1).map(str).count()
    done = []
    path = str(tmp_path / "now")
    job = threading.Thread(target=lambda: done.append(sc.parallelize([path], 1).map(waiting()).collect()))
    job.start()
    try:
        told = logged(capfd, "fail_after", "")
    finally:
        Path(path).touch()
        job.join()
    assert done == [[path]]
    told += capfd.readouterr().err
    assert told.count("has not ended after ") == 1
    assert "(partition 0 of stage 1) has not ended after " in told
    assert "; it is in wait_for (test_worker_ends.py:" in told
    assert f'File "{__file__}", line ' in told and "worker/server.py" not in told


def test_no_task_is_told_of_if_the_setting_says_never(fresh_context):
    sc = fresh_context("local[1]", {"firesteel.python.hung.warn_after": "0"})
    assert sc.parallelize([1]).count() == 1


def test_stacks_tell_where_each_slot_stands_now(fresh_context, tmp_path):
    sc = fresh_context("local[2]")
    path = str(tmp_path / "now")
    job = threading.Thread(target=lambda: sc.parallelize([path], 1).foreach(waiting()))
    job.start()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            stacks = sc._stacks()
            busy = [stack for stack in stacks if " in wait_for" in stack[4]]
            if busy and len(stacks) == 2:
                break
            assert time.monotonic() < deadline, stacks
    finally:
        Path(path).touch()
        job.join()
    [(executor, name, process, task, text)] = busy
    assert name == f"worker {executor}" and task == 0 and process > 0 and f'File "{__file__}"' in text
    [other] = [stack for stack in stacks if stack is not busy[0]]
    assert other[3:] == (None, "it waits for a task")


def test_native_code_tells_where_it_was_called(fresh_context):
    """The interpreter cannot answer, since it runs nothing: the fault handler does."""
    sc = fresh_context("local[1]")

    def count(limit):
        return sum(range(limit))

    done = []
    job = threading.Thread(target=lambda: done.append(sc.parallelize([10**8], 1).map(count).collect()))
    job.start()
    seen = set()
    while job.is_alive():
        seen.update(text for *_, text in sc._stacks())
    job.join()
    assert done and any(f'File "{__file__}"' in text and " in count" in text for text in seen), seen


def test_a_module_that_is_missing_when_the_function_is_loaded(sc):
    module = types.ModuleType("there_is_no_such_module")
    exec("def double(x):\n    return 2 * x\n", module.__dict__)
    sys.modules[module.__name__] = module
    try:
        error = failure_of(lambda: sc.parallelize([1], 1).map(module.double).collect(), WorkerImportError)
    finally:
        del sys.modules[module.__name__]
    assert isinstance(error.__cause__, ImportError) and "there_is_no_such_module" in str(error)


def test_a_module_that_is_missing_in_the_midst_of_a_task(sc):
    def work(x):
        import there_is_no_such_module  # noqa: F401

    error = failure_of(lambda: sc.parallelize([1], 1).foreach(work), WorkerImportError)
    assert type(error.__cause__) is ModuleNotFoundError and error.attempt == 0, "another attempt would not help"
