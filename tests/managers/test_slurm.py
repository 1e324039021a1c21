"""Firesteel on a real Slurm with two nodes."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

import programs
import slurm_cluster
from programs import Program, wait_until


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm_cluster.Slurm]:
    with slurm_cluster.running(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


@pytest.fixture
def here(slurm: slurm_cluster.Slurm, tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder of the test; nothing is left behind when it ends."""
    before = set(pathlib.Path("/tmp").glob("firesteel-slurm-*"))
    yield tmp_path
    wait_until("all jobs have ended and nodes are free", slurm.is_idle, 60)
    if set(pathlib.Path("/tmp").glob("firesteel-slurm-*")) - before:
        # A job that Slurm has killed too hard to remove its files leaves that to the next one.
        begin(slurm, tmp_path / "next", "words", str(programs.TEXT)).answers(programs.words_of())
        wait_until("all jobs have ended and nodes are free", slurm.is_idle, 60)
    assert not list(tmp_path.rglob(".firesteel"))
    assert not set(pathlib.Path("/tmp").glob("firesteel-slurm-*")) - before
    assert not processes("FIRESTEEL_EXECUTOR", slurm)


def processes(variable: str, slurm: slurm_cluster.Slurm) -> list[int]:
    """Returns the processes that have a variable, and belong to this cluster."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        names = [name.partition(b"=")[0].decode() for name in variables]
        if variable in names and f"SLURM_CONF={slurm.environment['SLURM_CONF']}".encode() in variables:
            found.append(int(process.name))
    return found


def begin(
    slurm: slurm_cluster.Slurm, here: pathlib.Path, *arguments: str, executors: int = 2, **settings: str
) -> Program:
    """Starts the Rust program outside any allocation."""
    conf = [word for key, value in settings.items() for word in ("--conf", f"{key.replace('__', '.')}={value}")]
    submit = [programs.built("firesteel"), "submit", "--master", "slurm", *conf]
    sizes = ["--executor-memory", "500m", "--num-executors", str(executors)]
    return Program([*submit, *sizes, programs.lent(), *arguments], slurm.environment, here / "program")


def held(slurm: slurm_cluster.Slurm, here: pathlib.Path, tasks: int, **settings: str) -> Program:
    """Starts a program whose last tasks wait."""
    program = begin(slurm, here, "hold", str(here), str(tasks), **settings)
    programs.tasks_wait(here, tasks)
    return program


def running(slurm: slurm_cluster.Slurm) -> list[str]:
    return [job for job, state, _ in slurm.jobs() if state == "RUNNING"]


def test_words_in_rust(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    begin(slurm, here, "words", str(programs.TEXT)).answers(programs.words_of())


def test_words_in_python(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    options = ["--master", "slurm", "--executor-memory", "500m", "--num-executors", "2"]
    Program(programs.python_words(*options), slurm.environment, here / "program").answers(programs.python_answer())


@pytest.mark.parametrize("language", ["rust", "python"])
def test_words_in_an_allocation(slurm: slurm_cluster.Slurm, here: pathlib.Path, language: str) -> None:
    """``--deploy-mode cluster`` submits a job that runs the program, whose executors are steps of that job."""
    sizes = ["--num-executors", "2", "--executor-memory", "500m", "--executor-cores", "2"]
    options = ["--master", "slurm", "--deploy-mode", "cluster", *sizes]
    if language == "rust":
        command = [programs.built("firesteel"), "submit", *options, programs.lent(), "words", str(programs.TEXT)]
    else:
        command = programs.python_words(*options)
    done = subprocess.run(command, env=slurm.environment, cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    job = done.stdout.split()[-1]
    wait_until("the job has ended", lambda: not slurm.jobs())
    output = (here / f"slurm-{job}.out").read_text(encoding="utf-8").splitlines()
    expected = programs.words_of() if language == "rust" else programs.python_answer()
    assert [line for line in output if not line.startswith("firesteel: ")] == expected
    status = [programs.built("firesteel"), "submit", "--master", "slurm", "--status", job]
    shown = subprocess.run(status, env=slurm.environment, capture_output=True, text=True, check=True)
    assert "COMPLETED" in shown.stdout


def test_an_executor_that_is_killed_is_replaced(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    program = held(slurm, here, 2)
    before = running(slurm)
    slurm.run("scancel", "--signal=KILL", before[0])
    wait_until("another job runs", lambda: set(running(slurm)) - set(before))
    (here / "go").touch()
    program.answers(programs.ANSWER)


def test_a_node_that_goes_takes_its_executors_along(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    program = held(slurm, here, 4, spark__executor__cores="2")
    wait_until("both nodes are used", lambda: {node for _, _, node in slurm.jobs()} == {"n1", "n2"})
    before = running(slurm)
    try:
        slurm.run("scontrol", "update", "nodename=n2", "state=down", "reason=test")
        wait_until("its job is gone", lambda: not set(before) <= set(running(slurm)))
        (here / "go").touch()
        program.answers(programs.ANSWER)
    finally:
        # It may be back already, since its daemon answers.
        slurm.run("scontrol", "update", "nodename=n2", "state=resume", check=False)


def test_executors_come_with_tasks_and_go_without(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    """Dynamic allocation: jobs are submitted for tasks that wait, and end when executors have nothing to do."""
    dynamic = {f"spark__dynamicAllocation__{key}": value for key, value in programs.DYNAMIC.items()}
    program = begin(slurm, here, "hold", str(here), "3", "linger", executors=1, **dynamic)

    def each_has_one() -> bool:
        # Those that start when the first stage ends are given back, and others asked for.
        names = {path.read_text() for path in here.glob("task-*")}
        return len(names) == 3 and names == {f"slurm-{job}" for job in running(slurm)}

    wait_until("three executors have a task each", each_has_one)
    (here / "go").touch()
    wait_until("idle executors were given back", lambda: len(slurm.jobs()) == 1)
    (here / "end").touch()
    program.answers(programs.ANSWER)


def test_a_node_that_is_excluded_gets_no_executor(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    """Tasks fail in an executor: it is ended, and what replaces it keeps off its host, which both nodes are here."""
    excluding = {f"spark__excludeOnFailure__{key}": value for key, value in programs.EXCLUDING.items()}
    program = begin(slurm, here, "hold", str(here), "4", "linger", spark__executor__cores="2", **excluding)
    programs.tasks_wait(here, 4)
    (here / "bad").write_text((here / "task-0").read_text())
    (here / "go").touch()

    def no_node_is_left() -> bool:
        # Slurm refuses a job that asks for no node at all; one that was pending before stays, and keeps off both.
        waiting = [line for line in slurm.run("scontrol", "show", "job", "-o").splitlines() if "=PENDING" in line]
        keeps_off = any("ExcNodeList=n[1-2]" in line for line in waiting)
        return keeps_off or "of those that are not excluded" in program.said()

    wait_until("no node is left", no_node_is_left)
    (here / "end").touch()
    program.answers(programs.ANSWER)


def test_a_limit_is_told_while_one_executor_works(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    """Partition ``small`` has one node, with cores for two executors of three."""
    program = begin(slurm, here, "hold", str(here), "2", executors=3, firesteel__slurm__partition="small")
    programs.tasks_wait(here, 2)
    wait_until("the shortage is told", lambda: "jobs of Slurm are pending: 1 for Resources" in program.said())
    (here / "go").touch()
    program.answers(programs.ANSWER)


def test_what_slurm_refuses_is_said_at_once(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    program = begin(slurm, here, "words", str(programs.TEXT), firesteel__slurm__partition="nowhere")
    assert program.ends() == 1
    assert "invalid partition" in program.said(), program.said()


def test_wrong_credentials_are_said_at_once(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    """A client whose munge has another key."""
    other = here / "other"
    other.mkdir()
    (other / "key").write_bytes(os.urandom(128))
    (other / "key").chmod(0o600)
    paths = [f"--{name}={other}/{name}" for name in ("socket", "key-file", "pid-file", "log-file", "seed-file")]
    paths[1] = f"--key-file={other}/key"
    munge = subprocess.Popen([slurm_cluster._program("munged"), "--foreground", "--force", *paths])
    try:
        wait_until("munged listens", (other / "socket").exists)
        conf = (slurm.folder / "slurm.conf").read_text().replace(f"{slurm.folder}/munge.sock", f"{other}/socket")
        (other / "slurm.conf").write_text(conf)
        settings = ["--num-executors", "1", programs.lent(), "words", str(programs.TEXT)]
        command = [programs.built("firesteel"), "submit", "--master", "slurm", *settings]
        environment = {**slurm.environment, "SLURM_CONF": str(other / "slurm.conf")}
        program = Program(command, environment, here / "program")
        assert program.ends() == 1
        assert "munge has to run here, with the key of the cluster" in program.said(), program.said()
    finally:
        munge.send_signal(signal.SIGTERM)
        munge.wait(10)


def test_a_program_whose_job_is_cancelled_ends_with_all_it_has(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    sizes = ["--num-executors", "2", "--executor-memory", "500m", "--executor-cores", "1"]
    submit = [programs.built("firesteel"), "submit", "--master", "slurm", "--deploy-mode", "cluster", *sizes]
    command = [*submit, programs.lent(), "hold", str(here), "2"]
    done = subprocess.run(command, env=slurm.environment, cwd=here, capture_output=True, text=True, check=True)
    programs.tasks_wait(here, 2)
    kill = [programs.built("firesteel"), "submit", "--master", "slurm", "--kill", done.stdout.strip()]
    subprocess.run(kill, env=slurm.environment, check=True)


def test_jobs_that_are_all_cancelled_end_the_program(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    program = held(slurm, here, 2)
    # Jobs that are as young as a replacement is are taken for one.
    begun = time.monotonic()
    wait_until("the jobs are no replacements", lambda: time.monotonic() - begun > 6)
    slurm.run("scancel", *running(slurm))
    assert program.ends() == 1
    assert "cancelled in Slurm" in program.said(), program.said()
    # Their tasks do not end in time, so Slurm kills all of a job, also what would remove its files. The next job does.
    wait_until("all jobs have ended and nodes are free", slurm.is_idle, 60)
    begin(slurm, here / "next", "words", str(programs.TEXT)).answers(programs.words_of())


def test_a_time_limit_is_announced_and_blocks_are_handed_over(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    """The warning signal, sent by hand: the executor is decommissioned, and another is asked for at once."""
    program = held(slurm, here, 2, spark__log__level="INFO")
    before = running(slurm)
    slurm.run("scancel", "--signal=TERM", before[0])
    wait_until("another job runs", lambda: set(running(slurm)) - set(before))
    (here / "go").touch()
    program.answers(programs.ANSWER)
    assert "was decommissioned" in program.said(), program.said()


def test_a_dry_run_prints_the_job(slurm: slurm_cluster.Slurm, here: pathlib.Path) -> None:
    options = ["--dry-run", "--conf", "firesteel.slurm.account=physics", programs.lent()]
    for more in ([], ["--deploy-mode", "cluster"]):
        command = [programs.built("firesteel"), "submit", "--master", "slurm", *more, *options]
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("#!/bin/bash\n#SBATCH ") and "--account=physics" in done.stdout
        test = subprocess.run(["bash", "-n"], input=done.stdout, text=True, capture_output=True, check=False)
        assert test.returncode == 0, test.stderr
