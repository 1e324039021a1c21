"""The command ``firesteel``, used as a person uses it: in processes of its own, and the shell at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
import zipfile
from pathlib import Path

import pytest
from processes import PATIENCE_SECONDS, run

from firesteel import _native
from firesteel.cli import options, submit

pytestmark = pytest.mark.once

COMMAND = [sys.executable, "-m", "firesteel.cli"]


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in ("PYSPARK_SUBMIT_ARGS", "PYTHONSTARTUP")}
    return {**kept, "HOME": "/nonexistent", **more}


def firesteel(*words, stdin="", cwd=None, **variables):
    return run([*COMMAND, *map(str, words)], stdin=stdin, environment=environment(**variables), cwd=cwd)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


SHOW_CONF = """
import sys
from firesteel import SparkConf, SparkContext
sc = SparkContext()
print(sc.master, sc.appName, sc.getConf().get("spark.x", "-"), sys.argv[1:], __name__)
"""


def test_help_and_versions():
    assert "examples:" in firesteel("--help").stdout
    assert "--py-files" in firesteel("submit", "--help").stdout
    assert "--plain" in firesteel("shell", "--help").stdout
    version = firesteel("version")
    assert version.returncode == 0
    assert re.match(r"Firesteel \S+ \(the RDD API of PySpark 4\.3\.0\), Python 3\.", version.stdout)
    assert firesteel("--version").stdout == firesteel("submit", "--version").stdout == version.stdout
    nothing = firesteel()
    assert nothing.returncode == 2 and "submit" in nothing.stdout


#: What Python programs have, and programs in Rust have not.
PYTHONS_OWN = {
    "submit": {
        *("--as-pyspark", "--py-files", "--archives", "--requirements", "--version"),
        *("--driver-java-options", "--driver-library-path", "--driver-class-path", "--queue"),
    },
    "executor": set(),
}


@pytest.mark.parametrize("command", ["submit", "executor"])
def test_both_commands_have_the_same_options(command):
    words = ["firesteel", command, "--help"]
    native = run([sys.executable, "-c", f"from firesteel import _native; _native.command({words})"]).stdout
    ours = firesteel(command, "--help", COLUMNS="200").stdout

    def named(text):
        first = re.findall(r"(?m)^ +(?:-\w(?: [A-Z=]+)?, )?(--[a-z-]+)", text)
        return {*first, *re.findall(r", (--[a-z-]+)", text)}

    assert "--secret-file" in named(native)
    assert named(ours) - named(native) == PYTHONS_OWN[command]
    assert named(native) <= named(ours)


def test_what_options_mean_is_said_in_the_same_words():
    ours = " ".join(firesteel("submit", "--help", COLUMNS="500").stdout.split())
    for option in _native.command_options("submit"):
        if option.long not in ("files", "verbose", "master"):
            assert option.help[1:].removesuffix(".") in ours, option.long


def test_an_executor_wants_a_secret_or_none():
    for words in ([], ["--secret-file", "s", "--insecure"]):
        done = firesteel("executor", "--driver", "127.0.0.1:1", *words)
        assert done.returncode == 2 and "either --secret-file FILE" in done.stderr


def test_a_program_may_be_submitted_without_a_secret(write):
    app = write("app.py", SHOW_CONF.replace("spark.x", "firesteel.network.insecure"))
    assert " true " in firesteel("submit", "--insecure", app).stdout
    both = firesteel("submit", "--insecure", "--secret-file", app, app)
    assert both.returncode == 2 and "contradict each other" in both.stderr


def test_a_program_runs_with_settings_and_arguments_of_its_own(write):
    app = write("app.py", SHOW_CONF)
    done = firesteel("submit", "--master", "local[2]", "--name", "n", "-c", "spark.x=1 2", app, "--help", "--conf", "a")
    assert done.stdout == "local[2] n 1 2 ['--help', '--conf', 'a'] __main__\n", done.stderr
    assert done.returncode == 0


def test_the_name_is_the_programs_where_nobody_gives_one(write):
    app = write("app.py", SHOW_CONF)
    assert firesteel("submit", app).stdout.split()[1] == "app.py"
    assert firesteel("submit", "--conf", "spark.app.name=mine", app).stdout.split()[1] == "mine"


def test_which_setting_is_stronger(write, tmp_path):
    app = write("app.py", SHOW_CONF)
    write("spark-defaults.conf", "spark.x defaults\nspark.app.name defaults\nspark.master local[1]\n")
    properties = write("my.conf", "# a comment\nspark.x=properties\nspark.app.name: properties\n")
    conf = {"SPARK_CONF_DIR": str(tmp_path)}
    assert firesteel("submit", app, **conf).stdout.startswith("local[1] defaults defaults")
    words = ["submit", "--properties-file", properties]
    assert firesteel(*words, app, **conf).stdout.startswith("local[1] properties properties")
    words += ["--conf", "spark.x=flag", "--conf", "spark.master=local[3]"]
    assert firesteel(*words, app, **conf).stdout.startswith("local[3] properties flag")
    words += ["--master", "local[2]"]
    assert firesteel(*words, app, **conf).stdout.startswith("local[2] properties flag")
    in_code = write("code.py", SHOW_CONF.replace("SparkContext()", "SparkContext('local[4]', 'code')"))
    assert firesteel(*words, in_code, **conf).stdout.startswith("local[4] code flag")


def test_python_files_are_there_in_driver_and_tasks(write, tmp_path):
    app = write(
        "app.py",
        "import helper, packed\nfrom firesteel import SparkContext\nsc = SparkContext('local[2]')\n"
        "print(sc.parallelize([1, 2], 2).map(lambda x: helper.double(x) + packed.N).collect())\n",
    )
    other = tmp_path / "other"
    other.mkdir()
    (other / "helper.py").write_text("def double(x): return 2 * x\n")
    (other / "app.py").write_text("raise SystemExit('the wrong one')\n")
    with zipfile.ZipFile(other / "packed.zip", "w") as archive:
        archive.writestr("packed.py", "N = 10\n")
    files = f"{other / 'helper.py'},{other / 'packed.zip'}"
    before = firesteel("submit", "--py-files", files, app)
    assert before.stdout == "[12, 14]\n", before.stderr
    behind = firesteel("submit", app, "--py-files", files)
    assert behind.stdout == "[12, 14]\n", behind.stderr


def test_files_and_archives_are_there_in_driver_and_tasks(write, tmp_path):
    app = write(
        "app.py",
        "from firesteel import SparkContext, SparkFiles\nsc = SparkContext('local[2]')\n"
        "read = lambda name: open(SparkFiles.get(name)).read()\n"
        "print(read('a.txt'), sc.parallelize([1]).map(lambda x: read('a.txt') + read('words/b.txt')).collect())\n",
    )
    write("a.txt", "A")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("b.txt", "B")
    done = firesteel("submit", "--files", "a.txt", "--archives", "packed.zip#words", app, cwd=tmp_path)
    assert done.stdout == "A ['AB']\n", done.stderr


def test_how_a_program_ends_is_how_the_command_ends(write):
    assert firesteel("submit", write("a.py", "import sys; sys.exit(7)")).returncode == 7
    assert firesteel("submit", write("b.py", "import sys; sys.exit()")).returncode == 0
    told = firesteel("submit", write("c.py", "import sys; sys.exit('no')"))
    assert (told.returncode, told.stderr) == (1, "no\n")
    failed = firesteel("submit", write("d.py", "def f():\n    1 / 0\nf()\n"))
    assert failed.returncode == 1
    lines = failed.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):" and "d.py" in lines[1] and "line 3" in lines[1]
    assert lines[-1] == "ZeroDivisionError: division by zero" and "run.py" not in failed.stderr
    syntax = firesteel("submit", write("e.py", "def f(:\n"))
    assert syntax.returncode == 1 and "SyntaxError" in syntax.stderr and "run.py" not in syntax.stderr


def test_a_program_finds_its_own_modules_first(write, tmp_path):
    app = write("app.py", "import sys, mine, shipped\nprint(mine.N, shipped.N, sys.path[0])\n")
    write("mine.py", "N = 1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("mine.py", "shipped.py"):
        (elsewhere / name).write_text("N = 2")
    files = f"{elsewhere / 'mine.py'},{elsewhere / 'shipped.py'}"
    done = firesteel("submit", "--py-files", files, app, cwd=elsewhere)
    assert done.stdout == f"1 2 {tmp_path}\n", done.stderr


def test_a_folder_or_an_archive_with_a_main(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", "import mine; print(mine.N, __name__)")
        archive.writestr("mine.py", "N = 3")
    assert firesteel("submit", tmp_path / "app.zip").stdout == "3 __main__\n"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "__main__.py").write_text("import mine; print(mine.N)")
    (folder / "mine.py").write_text("N = 4")
    assert firesteel("submit", folder).stdout == "4\n"


POD = ["--master", "k8s://https://127.0.0.1:1", "--deploy-mode", "cluster", "--conf", "spark.x.password=se-cr-et"]
POD += ["--conf", "spark.kubernetes.container.image=words"]


def test_a_program_for_a_pod_is_shown_with_its_paths_in_the_image():
    words = ["submit", *POD, "--dry-run", "--py-files", "local:///opt/helper.py", "local:///opt/words.py", "a b"]
    shown = firesteel(*words, PYSPARK_PYTHON="python3").stdout
    arguments = "PYSPARK_PYTHON=python3 python3 -m firesteel.cli submit --py-files /opt/helper.py /opt/words.py".split()
    assert re.findall(r"^    - (\S.*)$", shown, re.MULTILINE)[: len(arguments) + 1] == [*arguments, "a b"]
    assert "- /usr/bin/env" in shown
    assert "se-cr-et" not in shown


def test_a_program_of_this_machine_is_not_for_a_pod(write):
    refused = firesteel("submit", *POD, write("app.py", "1"))
    assert refused.returncode == 1
    assert "in cluster mode the image has the program and its files: write their paths there" in refused.stderr


def test_the_interpreter_of_executors_is_told_to_a_pod():
    words = ["submit", *POD, "--dry-run", "local:///opt/words.py"]
    shown = firesteel(*words, PYSPARK_PYTHON="/opt/python", PYSPARK_DRIVER_PYTHON="python3.13").stdout
    assert "    - PYSPARK_PYTHON=/opt/python\n    - python3.13\n    - -m\n" in shown


def test_two_files_of_one_name_are_not_sent(tmp_path, write):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data.json").write_text("2")
    files = f"{write('data.json', '1')},{tmp_path / 'other' / 'data.json'}"
    words = ["--master", "slurm", "--deploy-mode", "cluster", "--dry-run", "--files", files]
    refused = firesteel("submit", *words, write("app.py", "1"))
    assert refused.returncode == 2
    assert "have the same name, and lie in one directory there; give one of them another name" in refused.stderr


@pytest.mark.parametrize("master", ["yarn", "slurm", "k8s://https://127.0.0.1:1"])
def test_nobody_promises_to_start_a_program_again_who_would_not(master, write):
    words = ["--master", master, "--deploy-mode", "cluster", "--supervise", "--dry-run"]
    refused = firesteel("submit", *words, write("app.py", "1"))
    assert refused.returncode == 1
    assert "--supervise is for standalone clusters" in refused.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--jars", "a.jar"], "--jars is refused: Firesteel has no JVM"),
        (["--packages", "a:b:c"], "S3, Azure, Google and HDFS paths need no packages"),
        (["--class", "a.B"], "names a Java class"),
        (["--kill", "driver-1"], "--kill needs a cluster: --master firesteel://"),
        (["--deploy-mode", "cluster"], "--deploy-mode cluster needs a cluster: --master firesteel://"),
        (["--conf", "spark.x"], "write KEY=VALUE"),
        (["--properties-file", "nowhere.conf"], "--properties-file nowhere.conf cannot be read"),
        (["--py-files", "nowhere.py"], "there is no file nowhere.py"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(write, words, sentence):
    done = firesteel("submit", *words, write("app.py", "print('ran')"))
    assert done.returncode == 2 and sentence in done.stderr and "ran" not in done.stdout


def test_a_program_that_is_not_there():
    done = firesteel("submit", "nowhere.py")
    assert done.returncode == 2 and "there is no program nowhere.py" in done.stderr
    jar = firesteel("submit", __file__.replace(".py", ".jar"))
    assert jar.returncode == 2


def test_options_without_meaning_here_are_kept_as_settings(write):
    app = write("app.py", SHOW_CONF.replace("spark.x", "spark.executor.memory"))
    words = ["--driver-memory", "1g", "--executor-memory", "2g", "--num-executors", "3", "--deploy-mode", "client"]
    words += ["--executor-cores", "2", "--total-executor-cores", "4", "--supervise"]
    assert " 2g " in firesteel("submit", *words, app).stdout


def test_verbose_names_settings_but_no_secrets(write):
    words = ["-v", "--conf", "spark.hadoop.fs.s3a.secret.key=abc", "--conf", "other=1", "--conf", "spark.x=5"]
    told = firesteel("submit", *words, write("app.py", "")).stderr
    assert "spark.x = 5  (command line)" in told and "abc" not in told
    assert "other is ignored: settings begin with spark. or firesteel." in told


def test_only_python_files_may_stand_behind_the_program():
    assert submit.arranged(["submit", "a.py", "--py-files", "x.py", "b"]) == [
        "submit",
        "--py-files",
        "x.py",
        "a.py",
        "b",
    ]
    assert submit.arranged(["submit", "-v", "a.py", "--conf", "x"]) == ["submit", "-v", "a.py", "--conf", "x"]
    assert submit.arranged(["submit", "--name", "a", "b.py", "c", "--py-files", "d"]) == [
        *("submit", "--name", "a", "b.py", "c", "--py-files", "d")
    ]
    assert submit.arranged(["shell", "--py-files", "x.py"]) == ["shell", "--py-files", "x.py"]


def test_paths_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.zip").write_text("")
    assert options.absolute("a.zip#name") == f"{tmp_path}/a.zip#name"
    assert options.absolute("https://host/a.zip") == "https://host/a.zip"


# the shell


def test_what_is_piped_into_the_shell_runs():
    source = "def f(x):\n    return x + 1\nprint(sc.parallelize(range(4)).map(f).collect(), spark.sparkContext is sc)\n"
    done = firesteel("shell", stdin=source)
    assert done.stdout == "[1, 2, 3, 4] True\n", done.stderr
    failed = firesteel("shell", stdin="1 / 0")
    assert failed.returncode == 1 and 'File "<stdin>", line 1' in failed.stderr
    assert firesteel("shell", stdin="raise SystemExit(5)").returncode == 5


class Terminal:
    """A shell at a terminal, and what a person does there."""

    def __init__(self, *words, **variables):
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.execve(sys.executable, [*COMMAND, *words], environment(TERM="dumb", **variables))
        self.seen = ""

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def wait_for(self, pattern):
        """Reads until a pattern has come; what was read up to its end is gone then."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.descriptor], [], [], left)[0], f"no {pattern} in {self.seen!r}"
            try:
                data = os.read(self.descriptor, 65536)
            except OSError:
                data = b""
            assert data, f"the shell ended without {pattern}: {self.seen!r}"
            self.seen += data.decode(errors="replace").replace("\r", "")
        before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return before

    def end(self):
        """Reads until the shell has ended, and gives its exit code."""
        end = time.monotonic() + PATIENCE_SECONDS
        while select.select([self.descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                if not os.read(self.descriptor, 65536):
                    break
            except OSError:  # nobody has the other end any more
                break
        else:
            raise AssertionError("the shell does not end")
        process, self.process = self.process, 0
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def close(self):
        """Whatever happened, the shell ends."""
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.descriptor)


@pytest.fixture
def terminal():
    opened = []

    def open_terminal(*words, **variables):
        opened.append(Terminal(*words, **variables))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


def test_a_session_at_the_terminal(terminal, write):
    startup = write("startup.py", "greeting = 'hello'\n")
    shell = terminal("shell", "--plain", "--master", "local[2]", PYTHONSTARTUP=str(startup))
    banner = shell.wait_for(">>> ")
    assert "Firesteel" in banner and "local[2]" in banner and "`sc`" in banner
    shell.type("sc.parallelize(range(10)).map(lambda x: x * 2).sum(), greeting\n")
    shell.wait_for(r"\(90, 'hello'\)\n>>> ")
    shell.type("def half(x):\n    return 10 / x\n\n")
    shell.wait_for(r"\.\.\. \n>>> ")
    shell.type("sc.parallelize([1, 0], 2).map(half).collect()\n")
    told = shell.wait_for(r"ZeroDivisionError.*(\n.*)*>>> ")
    assert "return 10 / x" in told and "half" in told
    shell.type("sc.debug_last_failure()\n")
    assert "in half" in shell.wait_for(r"\(Pdb\) ")
    shell.type("p x + 77\n")
    shell.wait_for(r"\n77\n\(Pdb\) ")
    shell.type("q\n")
    shell.wait_for(">>> ")
    shell.type("sc.paralle\t")
    shell.wait_for(r"sc\.parallelize\(")
    shell.type("[1]).count() + 41\n")
    shell.wait_for(r"\n42\n>>> ")
    shell.type("del sc\n")
    shell.wait_for(">>> ")
    shell.type("\x04")
    assert shell.end() == 0


def test_a_session_in_ipython(terminal, tmp_path):
    pytest.importorskip("IPython")
    shell = terminal("shell", "--master", "local[2]", HOME=str(tmp_path), IPYTHONDIR=str(tmp_path))
    shell.wait_for(r"In .*1.*\]: ")
    shell.type("sc.parallelize(range(10)).map(lambda x: x * 2).sum() + 7\r")
    shell.wait_for(r"97(.*\n)*.*In .*2.*\]: ")
    shell.type("exit\r")
    assert shell.end() == 0


def test_ctrl_c_ends_the_job_and_leaves_the_shell(terminal, tmp_path):
    shell = terminal("shell", "--plain", "--master", "local[2]")
    shell.wait_for(">>> ")
    began = tmp_path / "began"
    os.mkfifo(began)
    shell.type("import time\n")
    shell.wait_for(">>> ")
    shell.type(f"sc.parallelize([1], 1).foreach(lambda x: (open({str(began)!r}, 'w').close(), time.sleep(1000)))\n")
    with open(began) as file:  # waits until the task is there
        file.read()
    shell.type("\x03")
    shell.wait_for(r"KeyboardInterrupt\n(.*\n)*>>> ")
    shell.type("sc.parallelize(range(5)).sum()\n")
    shell.wait_for(r"\n10\n>>> ")
