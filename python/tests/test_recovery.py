"""Programs that are killed and run again with ``spark.driver.recovery.dir``: they come to the answers of one that is
left alone, and do nothing twice."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from processes import run

pytestmark = pytest.mark.once

PROGRAM = '''
import os, signal, sys
from operator import add
from firesteel import SparkConf, SparkContext

folder, master, end = sys.argv[1:]

def is_first(name):
    try:
        os.close(os.open(os.path.join(folder, "kills", name), os.O_CREAT | os.O_EXCL))
    except (FileExistsError, FileNotFoundError):
        return False
    return True

def come_to(place):
    if is_first(place):
        os.kill(int(open(os.path.join(folder, "pid")).read()), signal.SIGKILL)

def running(name):
    def run(partition, records):
        with open(os.path.join(folder, "runs"), "a") as runs:
            runs.write(f"{name}-{partition}\\n")
        if partition == 1:
            come_to("in " + name)
        return records
    return run

with open(os.path.join(folder, "pid"), "w") as file:
    file.write(str(os.getpid()))
conf = SparkConf().set("spark.driver.recovery.dir", os.path.join(folder, "recovery"))
conf.set("spark.local.dir", os.path.join(folder, "local")).set("spark.ui.enabled", "false")
with SparkContext(master, "recovers", conf=conf) as sc:
    sc.setCheckpointDir(os.path.join(folder, "checkpoints"))
    added, seen = sc.accumulator(0), sc.broadcast({"ten": 10})

    def note(x):
        added.add(1)
        return x * seen.value["ten"]

    numbers = sc.parallelize(range(100), 4).mapPartitionsWithIndex(running("numbers")).map(note)
    answers = [numbers.sum(), added.value]
    come_to("after the sum")
    pairs = numbers.map(lambda x: (x % 7, x)).reduceByKey(add, 3).mapPartitionsWithIndex(running("pairs"))
    answers += [sorted(pairs.collect()), added.value]
    come_to("after the pairs")
    answers.append(numbers.sortBy(lambda x: -x).take(3))
    numbers.mapPartitionsWithIndex(running("saved")).map(str).saveAsTextFile(os.path.join(folder, "out"))
    come_to("after the save")
    kept = numbers.mapPartitionsWithIndex(running("kept"))
    kept.checkpoint()
    answers += [kept.count(), kept.isCheckpointed()]
    come_to("after the checkpoint")
    answers += [kept.mapPartitionsWithIndex(running("behind")).sum(), added.value]
    with open(os.path.join(folder, "answers"), "w") as file:
        file.write(repr(answers))
    if end == "fails":
        raise ValueError("the program fails")
'''

PLACES = 9


def answers(folder: Path) -> str:
    return (folder / "answers").read_text()


def runs(folder: Path) -> Counter[str]:
    return Counter((folder / "runs").read_text().split())


def start(folder: Path, master: str, end: str = "ends") -> tuple[int, str]:
    ended = run([sys.executable, "-c", PROGRAM, str(folder), master, end])
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,512]"])
def test_a_program_that_is_killed_at_each_place_takes_up_where_it_was(tmp_path: Path, master: str) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    calm.mkdir()
    (killed / "kills").mkdir(parents=True)
    assert start(calm, master)[0] == 0
    for _ in range(PLACES):
        code, said = start(killed, master)
        assert code == -signal.SIGKILL, said
    code, said = start(killed, master)
    assert code == 0, said
    assert "is taken up again" in said
    assert answers(killed) == answers(calm)
    for task, count in runs(killed).items():
        killed_in_jobs = 3 if task.startswith("numbers") else 1
        assert count <= runs(calm)[task] + killed_in_jobs + (2 if task.startswith("numbers") else 0), task
    assert sorted((killed / "out").iterdir())[0].name == "_SUCCESS"
    parts = [path.read_text() for path in sorted((calm / "out").glob("part-*"))]
    assert [path.read_text() for path in sorted((killed / "out").glob("part-*"))] == parts
    assert not list((killed / "recovery").iterdir())


def test_the_journal_of_a_program_that_fails_stays(tmp_path: Path) -> None:
    assert start(tmp_path, "local[2]", "fails")[0] == 1
    first = answers(tmp_path)
    (tmp_path / "runs").unlink()
    assert start(tmp_path, "local[2]")[0] == 0
    assert answers(tmp_path) == first
    assert not (tmp_path / "runs").exists()
    assert not list((tmp_path / "recovery").iterdir())


def test_a_directory_elsewhere_is_refused_in_words(tmp_path: Path) -> None:
    code = (
        "from firesteel import SparkConf, SparkContext\n"
        "SparkContext('local', conf=SparkConf().set('spark.driver.recovery.dir', 's3://bucket/job'))"
    )
    ended = run([sys.executable, "-c", code])
    assert ended.returncode == 1
    assert "NFS" in ended.stderr and "s3://bucket/job" in ended.stderr


FAILING = """
import sys
from firesteel import SparkConf, SparkContext

folder, end = sys.argv[1:]
conf = SparkConf().set("spark.driver.recovery.dir", folder).set("spark.ui.enabled", "false")
sc = SparkContext("local[1]", conf=conf)
assert sc.parallelize(range(3), 1).sum() == 3
if end == "raises":
    raise ValueError("the program fails")
if end != "ends":
    sys.exit(int(end))
"""


CAUGHT = """
try:
    sys.exit(1)
except SystemExit as error:
    print(type(error).__name__, error.code)
"""


@pytest.mark.parametrize(("end", "stays"), [("raises", True), ("3", True), ("0", False), ("ends", False)])
def test_a_program_that_fails_without_a_stop_keeps_its_journal(tmp_path: Path, end: str, stays: bool) -> None:
    ended = run([sys.executable, "-c", FAILING, str(tmp_path / "recovery"), end])
    assert ended.returncode == {"raises": 1, "3": 3}.get(end, 0), ended.stderr
    assert bool(list((tmp_path / "recovery").iterdir())) == stays, ended.stderr


def test_an_exit_that_something_has_caught_is_no_end(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    ended = run([sys.executable, "-c", FAILING + CAUGHT, str(recovery), "ends"])
    assert (ended.returncode, ended.stdout) == (0, "SystemExit 1\n"), ended.stderr
    assert not list(recovery.iterdir())


@pytest.mark.parametrize(("end", "stays"), [("raises", True), ("3", True), ("0", False), ("ends", False)])
def test_a_submitted_program_that_fails_without_a_stop_keeps_its_journal(tmp_path: Path, end: str, stays: bool) -> None:
    program, recovery = tmp_path / "app.py", tmp_path / "recovery"
    program.write_text(FAILING)
    submit = "import sys; from firesteel.cli.run import run_program; sys.exit(run_program(sys.argv[1], sys.argv[2:]))"
    ended = run([sys.executable, "-c", submit, str(program), str(recovery), end])
    assert ended.returncode == {"raises": 1, "3": 3}.get(end, 0), ended.stderr
    assert bool(list(recovery.iterdir())) == stays, ended.stderr


SHIPPING = """
import sys
from pathlib import Path
from firesteel import SparkConf, SparkContext, SparkFiles, TaskContext

folder, step, group = Path(sys.argv[1]), *sys.argv[2:]
conf = SparkConf().set("spark.driver.recovery.dir", str(folder / "recovery")).set("spark.ui.enabled", "false")
sc = SparkContext("local[1]", conf=conf)
sc.setLocalProperty("step", step)
sc.setJobGroup(group, group)
sc.addPyFile(str(folder / "helper_shipped.py"))
sc.addFile(str(folder / "shipped.txt"))
import helper_shipped

def told(_):
    (folder / "ran").touch()
    return [TaskContext.get().getLocalProperty("step"), Path(SparkFiles.get("shipped.txt")).read_text()]

numbers = sc.parallelize([1], 1)
print(numbers.map(helper_shipped.f).collect() + numbers.flatMap(told).collect(), flush=True)
raise ValueError("the program fails")
"""


def test_answers_depend_on_shipped_files_and_local_properties(tmp_path: Path) -> None:
    def answers(helper: str, text: str, *words: str) -> tuple[str, bool]:
        (tmp_path / "helper_shipped.py").write_text(f"def f(x): return {helper}\n")
        (tmp_path / "shipped.txt").write_text(text)
        (tmp_path / "ran").unlink(missing_ok=True)
        ended = run([sys.executable, "-B", "-c", SHIPPING, str(tmp_path), *words])
        assert "the program fails" in ended.stderr, ended.stderr
        return ended.stdout.strip(), (tmp_path / "ran").exists()

    assert answers("x + 1", "a", "load", "first") == ("[2, 'load', 'a']", True)
    assert answers("x + 1", "a", "load", "second") == ("[2, 'load', 'a']", False)
    assert answers("x + 2", "a", "load", "first") == ("[3, 'load', 'a']", True)
    assert answers("x + 2", "b", "load", "first") == ("[3, 'load', 'b']", True)
    assert answers("x + 2", "b", "store", "first") == ("[3, 'store', 'b']", True)


STAGED = """
import os, signal, sys
from operator import add
from firesteel import SparkConf, SparkContext

folder = sys.argv[1]

def running(name):
    def run(partition, records):
        with open(os.path.join(folder, "runs"), "a") as runs:
            runs.write(f"{name}-{partition}\\n")
        if name == "reduce" and partition == 1:
            try:
                os.close(os.open(os.path.join(folder, "killed"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return records
            os.kill(int(open(os.path.join(folder, "pid")).read()), signal.SIGKILL)
        return records
    return run

with open(os.path.join(folder, "pid"), "w") as file:
    file.write(str(os.getpid()))
conf = SparkConf().set("spark.driver.recovery.dir", os.path.join(folder, "recovery"))
conf.set("spark.shuffle.storage", "file://" + os.path.join(folder, "storage"))
conf.set("spark.shuffle.storage.write", "through").set("spark.shuffle.storage.objectSize", "1")
conf.set("spark.local.dir", os.path.join(folder, "local")).set("spark.ui.enabled", "false")
with SparkContext("local-cluster[2,1,512]", "stages", conf=conf) as sc:
    added = sc.accumulator(0)

    def note(x):
        added.add(1)
        return x % 7, x

    pairs = sc.parallelize(range(100), 4).mapPartitionsWithIndex(running("map")).map(note)
    sums = pairs.reduceByKey(add, 3).mapPartitionsWithIndex(running("reduce"))
    print(sorted(sums.collect()), added.value)
"""


@pytest.mark.parametrize("gone", [0, 1])
def test_a_stage_that_has_ended_is_not_run_again(tmp_path: Path, gone: int) -> None:
    assert run([sys.executable, "-c", STAGED, str(tmp_path)]).returncode == -signal.SIGKILL
    stored = [path for path in sorted((tmp_path / "storage").rglob("*")) if path.is_file()]
    assert len(stored) == 4
    for path in stored[:gone]:
        path.unlink()
    ended = run([sys.executable, "-c", STAGED, str(tmp_path)])
    sums = [(key, sum(range(key, 100, 7))) for key in range(7)]
    assert (ended.returncode, ended.stdout) == (0, f"{sums} 100\n"), ended.stderr
    maps = {task: count for task, count in runs(tmp_path).items() if task.startswith("map")}
    assert sum(maps.values()) == 4 + gone, maps
    assert not list((tmp_path / "storage").iterdir())
