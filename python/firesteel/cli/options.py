"""Options that say where and how a program runs: those of ``spark-submit``, as settings.

Names and meanings are those of the engine's own command line, which lists its options (:func:`add_option`); Python
programs have some besides.

Settings go to the program by the variable ``PYSPARK_SUBMIT_ARGS``, which every ``SparkConf`` reads. So the program's
own settings are stronger, and those of a file of defaults are weaker. Among the options a flag is stronger than
``--conf``, and that than ``--properties-file``.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterable

from firesteel import _native

#: Options with a value that become a setting.
_SETTINGS = {
    "driver-memory": "spark.driver.memory",
    "driver-cores": "spark.driver.cores",
    "executor-memory": "spark.executor.memory",
    "executor-cores": "spark.executor.cores",
    "num-executors": "spark.executor.instances",
    "total-executor-cores": "spark.cores.max",
    "secret-file": "spark.authenticate.secret.file",
}

#: Options of ``spark-submit`` that a program for the JVM has; they are kept as settings.
_KEPT = {
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--driver-library-path": "spark.driver.extraLibraryPath",
    "--driver-class-path": "spark.driver.extraClassPath",
    "--queue": "spark.yarn.queue",
}

_JVM = "Firesteel has no JVM that could load it"

#: Options of ``spark-submit`` that have no meaning here: whether they take a value, and why they are refused.
_REFUSED = {
    "--class": (True, f"it names a Java class; {_JVM}. Give the Python program alone"),
    "--jars": (True, f"{_JVM}. S3, Azure, Google and HDFS paths need no jars here"),
    "--packages": (True, f"{_JVM}. S3, Azure, Google and HDFS paths need no packages here"),
    "--exclude-packages": (True, _JVM),
    "--repositories": (True, _JVM),
    "--principal": (True, "there is no Kerberos here to log in to"),
    "--keytab": (True, "there is no Kerberos here to log in to"),
    "--proxy-user": (True, "programs run as the user who starts them, or who started the worker"),
}


class Refused(argparse.Action):
    """An option of ``spark-submit`` that is an error here, with the reason."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, values: object, option: str | None = None
    ) -> None:
        """Ends the command with the reason."""
        parser.error(f"{option} is refused: {_REFUSED[str(option)][1]}.")


def add_options(parser: argparse.ArgumentParser, *but: str) -> None:
    """Adds the options of ``submit``, except some of them, and what Python programs have besides."""
    from firesteel.cli import version_text

    common = parser.add_argument_group("where and how it runs")
    for option in _native.command_options("submit"):
        if option.long not in but:
            add_option(common, option)
    python = parser.add_argument_group("for Python programs")
    python.add_argument("--as-pyspark", action="store_true", help="imports of pyspark in the program mean Firesteel")
    python.add_argument(
        "--py-files", action="append", metavar="FILES", help=".py, .zip and .egg files for the import path, with commas"
    )
    python.add_argument(
        "--archives", action="append", metavar="FILES", help="archives to unpack for tasks, with commas"
    )
    python.add_argument(
        "--requirements",
        metavar="FILE",
        help="a requirements file or uv.lock, whose packages executors and the program get: built once, shipped once",
    )
    python.add_argument("--version", action="version", version=version_text(), help="show the versions, and leave")
    spark = parser.add_argument_group("of spark-submit, kept as settings")
    for name, setting in _KEPT.items():
        spark.add_argument(name, metavar="VALUE", dest=setting, help=f"as --conf {setting}=VALUE")
    for name, (has_value, _) in _REFUSED.items():
        parser.add_argument(name, action=Refused, nargs=None if has_value else 0, help=argparse.SUPPRESS)


def add_option(to: argparse._ActionsContainer, option: _native.CommandOption) -> None:
    """An option of the engine's own command line, with its name and its words."""
    names = [f"--{option.long}", *([f"-{option.short}"] if option.short else [])]
    about = _ABOUT.get(option.long, option.help)
    if option.value is None:
        to.add_argument(*names, action="store_true", help=_in_a_sentence(about))
        return
    setting = _SETTINGS.get(option.long)
    to.add_argument(
        *names,
        action="append" if option.repeats else "store",
        default=[] if option.long == "conf" else None,
        choices=option.choices or None,
        dest=setting or option.long.replace("-", "_"),
        metavar=None if option.choices else option.value,
        type=_setting if option.long == "conf" else str,
        help=_in_a_sentence(about) + (f" (as --conf {setting}=VALUE)" if setting else ""),
    )


#: What is more, or another thing, for Python programs.
_ABOUT = {
    "files": "Files for tasks (SparkFiles.get), with commas",
    "verbose": "Say which settings are used, and where they are from",
    "master": "local (one slot), local[N], local[*] (a slot for each core; the default), local-cluster[N,CORES,MIB],"
    " firesteel://HOST:PORT (spark:// means the same), yarn, k8s://URL, slurm, ray, or listen://HOST:PORT (executors"
    " that connect)",
}


def _in_a_sentence(about: str) -> str:
    """``Say what is done.`` is ``say what is done`` in a list."""
    return (about[:1].lower() + about[1:]).removesuffix(".").replace("%", "%%")


def flags() -> frozenset[str]:
    """The options of ``submit`` that have no value."""
    without = [option for option in _native.command_options("submit") if option.value is None]
    letters = {f"-{option.short}" for option in without if option.short}
    pythons = {"--as-pyspark", "--help", "-h", "--version"}
    return frozenset({f"--{option.long}" for option in without} | letters | pythons)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"{text!r} has no value; write KEY=VALUE, as spark.app.name=counts")
    return key.strip(), value


def settings(chosen: argparse.Namespace) -> dict[str, str]:
    """Returns the settings of the command line, including the properties file; later ones are stronger."""
    found: dict[str, str] = {}
    if chosen.properties_file:
        found.update(read_properties(chosen.properties_file))
    found.update(chosen.conf)
    for key in [key for key in found if not key.startswith(("spark.", "firesteel."))]:
        _say(f"{key} is ignored: settings begin with spark. or firesteel.")
        del found[key]
    named = [*_SETTINGS.values(), *_KEPT.values()]
    found.update({setting: getattr(chosen, setting) for setting in named if getattr(chosen, setting)})
    if getattr(chosen, "spark.authenticate.secret.file"):
        found["spark.authenticate.secret.file"] = absolute(found["spark.authenticate.secret.file"])
    if chosen.insecure:
        if getattr(chosen, "spark.authenticate.secret.file"):
            raise UsageError("--insecure and --secret-file contradict each other; take one of them")
        found["firesteel.network.insecure"] = "true"
    for words, setting in (
        (chosen.py_files, "spark.submit.pyFiles"),
        (chosen.files, "spark.files"),
        (chosen.archives, "spark.archives"),
    ):
        if words:
            found[setting] = ",".join(absolute(path) for path in split(words))
    if chosen.supervise:
        found["spark.driver.supervise"] = "true"
    if chosen.master:
        found["spark.master"] = chosen.master
    if chosen.name:
        found["spark.app.name"] = chosen.name
    _check(found)
    return found


def _check(found: dict[str, str]) -> None:
    """Settings that a context would refuse are refused here, before a program is sent to a cluster."""
    from firesteel.conf import SparkConf, check_settings
    from firesteel.errors import FiresteelError

    try:
        check_settings(SparkConf(loadDefaults=False).setAll(list(found.items())))
    except FiresteelError as error:
        raise UsageError(str(error)) from None


def split(words: Iterable[str]) -> list[str]:
    """Returns the paths of one or more lists with commas."""
    return [path.strip() for word in words for path in word.split(",") if path.strip()]


def absolute(path: str) -> str:
    """Returns a path that means the same in another directory; URLs, and names after ``#``, stay unchanged."""
    bare, mark, name = path.partition("#")
    if re.match(r"[a-z][a-z0-9+.-]+:/", bare):
        return path
    if not os.path.exists(bare):
        raise UsageError(f"there is no file {bare} (in {os.getcwd()})")
    return os.path.abspath(bare) + mark + name


class UsageError(Exception):
    """An error in the command line, for the person who wrote it."""


def read_properties(path: str) -> dict[str, str]:
    """Reads a file of settings: a key, white space or ``=`` or ``:``, a value; ``#`` or ``!`` begins a comment line.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
    ...     _ = file.write("# mine\\nspark.app.name  counts\\nspark.master=local[2]\\n")
    ...     file.flush()
    ...     read_properties(file.name)
    {'spark.app.name': 'counts', 'spark.master': 'local[2]'}
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise UsageError(f"--properties-file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--properties-file {path} is not UTF-8 text (byte {error.start})") from None
    found: dict[str, str] = {}
    for line in lines:
        text = line.strip()
        if text and text[0] not in "#!":
            parts = re.split(r"\s*[=:]\s*|\s+", text, maxsplit=1)
            found[parts[0]] = parts[1] if len(parts) == 2 else ""
    return found


def apply(chosen: argparse.Namespace, default_name: str) -> None:
    """Gives this process the settings; raises :class:`UsageError`."""
    found = settings(chosen)
    before = os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    words = [word for key, value in found.items() for word in ("--conf", f"{key}={value}")]
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{_without_shell(before)} {shlex.join(words)} pyspark-shell".strip()
    from firesteel.conf import SparkConf

    conf = SparkConf()
    if conf.get("spark.app.name") is None:
        os.environ["PYSPARK_SUBMIT_ARGS"] = (
            shlex.join(["--name", default_name]) + " " + os.environ["PYSPARK_SUBMIT_ARGS"]
        )
    if chosen.verbose:
        _say("settings, without those that the program sets:")
        for key, value in sorted(SparkConf().getAll()):
            source = "command line" if key in found else "defaults"
            _say(f"  {key} = {'(not shown)' if _is_secret(key) else value}  ({source})")
    add_to_path(split(chosen.py_files or ()))


def _without_shell(text: str) -> str:
    return text.strip().removesuffix("pyspark-shell").strip()


def _is_secret(key: str) -> bool:
    return re.search(r"(?i)secret|password|token|access[.]?key|account[.]key", key) is not None


def add_to_path(paths: Iterable[str]) -> None:
    """Adds Python files to the driver's import path; the context ships them to workers by the setting
    ``spark.submit.pyFiles``."""
    singles = []
    for path in paths:
        if path.endswith(".py"):
            singles.append(path)
        elif "://" not in path:
            sys.path.insert(1, os.path.abspath(path))
    if singles:
        sys.path.insert(1, _folder_of(singles))


def _folder_of(files: Iterable[str]) -> str:
    """Returns a folder with only these files: their own folders may hold modules that hide others."""
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="firesteel-py-files-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in files:
        shutil.copy(file, folder)
    return folder


def _say(text: str) -> None:
    print(f"firesteel: {text}", file=sys.stderr)
