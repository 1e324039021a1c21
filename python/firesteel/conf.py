"""Settings of an application: which were set, where defaults come from, and which of them the engine gets.

A :class:`SparkConf` holds every ``spark.*`` and ``firesteel.*`` key that it is given and returns it under the name it
was set by. Only :func:`native_settings` knows which keys the engine has: it is called once, when a context starts. The
engine defines each setting's meaning, and refuses bad values.

Defaults, from the weakest to the strongest: ``spark-defaults.conf`` in ``SPARK_CONF_DIR``;
``firesteel-defaults.conf`` and ``spark-defaults.conf`` in ``FIRESTEEL_CONF_DIR``; the JSON object in
``FIRESTEEL_SETTINGS``, which a program finds that was submitted to a cluster; ``--conf``, ``--master`` and ``--name``
in ``PYSPARK_SUBMIT_ARGS``; properties set by ``SparkContext.setSystemProperty``. Settings of the program
itself are stronger than all of them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterable
from typing import overload

from firesteel import _native
from firesteel.errors import FiresteelError

__all__ = ["SparkConf", "check_settings", "native_settings"]

SYSTEM_PROPERTIES: dict[str, str] = {"SPARK_SUBMIT": "true"}
"""Properties set by ``SparkContext.setSystemProperty`` in this process, and the one that PySpark's launcher sets;
``spark.*`` and ``firesteel.*`` keys become defaults.
"""

SCOPES = dict(_native.engine_settings())
"""The keys that the engine understands, each with where it means something; docs/configuration.md says what they mean.

Those of "clusters" are kept from an engine that has no executors in processes that connect to the driver, and those of
"files" are handed to readers and writers with each call.
"""

PYTHON_SETTINGS = frozenset({"firesteel.python.closures", "firesteel.python.native"})
"""The keys that the Python package itself reads."""


class SparkConf:
    """The settings of an application, as pairs of text.

    All setters return the configuration, so that calls can follow each other. A context copies the configuration that
    it is given; later changes do not reach it.

    Parameters
    ----------
    loadDefaults
        Loads defaults of this machine and process (see the module's description).
    _jvm, _jconf
        Accepted for PySpark's sake; there is no JVM.

    Examples
    --------
    >>> conf = SparkConf(loadDefaults=False).setMaster("local[2]").setAppName("counts")
    >>> conf.get("spark.app.name")
    'counts'
    >>> print(conf.toDebugString())
    spark.app.name=counts
    spark.master=local[2]
    """

    def __init__(self, loadDefaults: bool = True, _jvm: object | None = None, _jconf: object | None = None) -> None:
        self._conf: dict[str, str] = dict(_defaults()) if loadDefaults else {}

    def set(self, key: str, value: str) -> SparkConf:
        """Sets one value; other types are converted to text.

        >>> SparkConf(False).set("spark.task.maxFailures", 2).get("spark.task.maxFailures")
        '2'
        """
        if not isinstance(key, str):
            raise TypeError(f"the key of a setting is a str, such as 'spark.app.name', not {key!r}")
        self._conf[key] = str(value)
        return self

    def setIfMissing(self, key: str, value: str) -> SparkConf:
        """Sets a value unless the key has one.

        >>> SparkConf(False).setMaster("local").setIfMissing("spark.master", "local[4]").get("spark.master")
        'local'
        """
        return self if self.contains(key) else self.set(key, value)

    def setMaster(self, value: str) -> SparkConf:
        """Sets where tasks run: ``local``, ``local[4]``, ``local[*]``.

        >>> SparkConf(False).setMaster("local[4]").get("spark.master")
        'local[4]'
        """
        return self.set("spark.master", value)

    def setAppName(self, value: str) -> SparkConf:
        """Sets the application's name.

        >>> SparkConf(False).setAppName("counts").get("spark.app.name")
        'counts'
        """
        return self.set("spark.app.name", value)

    def setSparkHome(self, value: str) -> SparkConf:
        """Sets ``spark.home``, which is stored and has no effect.

        >>> SparkConf(False).setSparkHome("/opt/spark").get("spark.home")
        '/opt/spark'
        """
        return self.set("spark.home", value)

    @overload
    def setExecutorEnv(self, key: str, value: str) -> SparkConf: ...
    @overload
    def setExecutorEnv(self, *, pairs: list[tuple[str, str]]) -> SparkConf: ...
    def setExecutorEnv(
        self, key: str | None = None, value: str | None = None, pairs: list[tuple[str, str]] | None = None
    ) -> SparkConf:
        """Sets an environment variable of the workers, or several.

        >>> conf = SparkConf(False).setExecutorEnv("LANG", "C").setExecutorEnv(pairs=[("TZ", "UTC")])
        >>> conf.getAll()
        [('spark.executorEnv.LANG', 'C'), ('spark.executorEnv.TZ', 'UTC')]
        """
        if (key is None) == (pairs is None):
            raise FiresteelError("setExecutorEnv needs either a key with a value, or pairs=[(key, value), ...].")
        for name, text in [(key, value)] if pairs is None else pairs:
            self.set(f"spark.executorEnv.{name}", str(text))
        return self

    @property
    def _jconf(self) -> SparkConf:
        """Returns itself: programs use it to set things behind PySpark's back; there is no JVM here."""
        return self

    def setAll(self, pairs: list[tuple[str, str]]) -> SparkConf:
        """Sets all pairs of a list.

        >>> SparkConf(False).setAll([("a", "1"), ("b", "2")]).getAll()
        [('a', '1'), ('b', '2')]
        """
        for key, value in pairs:
            self.set(key, value)
        return self

    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, defaultValue: None) -> str | None: ...
    @overload
    def get(self, key: str, defaultValue: str) -> str: ...
    def get(self, key: str, defaultValue: str | None = None) -> str | None:
        """Returns the value of a key, or the default if it has none.

        >>> SparkConf(False).get("spark.ui.port", "4040")
        '4040'
        """
        return self._conf.get(key, defaultValue)

    def getAll(self) -> list[tuple[str, str]]:
        """Returns all pairs, in the order in which their keys were first set.

        >>> SparkConf(False).set("a", "1").getAll()
        [('a', '1')]
        """
        return list(self._conf.items())

    def contains(self, key: str) -> bool:
        """Returns whether a key has a value.

        >>> SparkConf(False).contains("spark.master")
        False
        """
        return key in self._conf

    def toDebugString(self) -> str:
        """Returns one ``key=value`` a line, sorted by key; secrets and matches of ``spark.redaction.regex`` are hidden.

        >>> print(SparkConf(False).setAll([("b", "2"), ("a", "1")]).toDebugString())
        a=1
        b=2
        """
        return "\n".join(
            f"{key}={'*********(redacted)' if _is_secret(key, self) else self._conf[key]}" for key in sorted(self._conf)
        )

    def _copy(self) -> SparkConf:
        """Returns a copy for a context, which later changes do not reach."""
        copied = SparkConf(loadDefaults=False)
        copied._conf.update(self._conf)
        return copied


def native_settings(conf: SparkConf) -> list[tuple[str, str]]:
    """Returns the settings for the engine: its own keys, with values as it writes them.

    Other keys of Spark are left out; :func:`check_settings` says which of them a program may have. A ``firesteel.*``
    key is always passed on, so that the engine refuses one that does not exist and names the nearest; it is also
    stronger than Spark's spelling of it.

    >>> conf = SparkConf(False).set("spark.task.maxFailures", "2").set("spark.ui.timeline.tasks.maximum", "50")
    >>> native_settings(conf)
    [('firesteel.task.max_failures', '2')]
    """
    settings: dict[str, str] = {}
    scopes = {"everywhere"}
    if is_cluster(conf.get("firesteel.master") or conf.get("spark.master") or ""):
        scopes.add("clusters")
    for key, value in sorted(conf.getAll(), key=lambda pair: pair[0].startswith("firesteel.")):
        if key in PYTHON_SETTINGS:
            continue
        name, text = _native.engine_setting(key, value) or (key, value)
        if key.startswith("firesteel."):
            settings[name] = value.lower() if text in ("true", "false") else value
        elif key.startswith("spark.") and SCOPES.get(name) in scopes:
            settings[name] = text
    return list(settings.items())


def is_cluster(master: str) -> bool:
    """Returns whether a master's name is that of a cluster, including one on this machine.

    >>> is_cluster("local-cluster[2,1,1024]"), is_cluster("local[4]")
    (True, False)
    """
    managers = ("k8s:", "yarn", "slurm", "ray")
    return master.startswith(("local-cluster", "spark:", "firesteel:", "listen:", *managers))


_warned: set[str] = set()
"""What was said already in this process."""


def check_settings(conf: SparkConf) -> None:
    """Refuses settings that would change results, files or safety and cannot be obeyed: docs/configuration.md has them.

    Warnings go to standard error, each once in a process.

    >>> check_settings(SparkConf(False).set("spark.acls.enable", "true"))
    Traceback (most recent call last):
        ...
    firesteel.errors.FiresteelError: `spark.acls.enable` cannot be `true`: Firesteel has no users: ...
    """
    # A pattern that is none is refused now, and not when somebody looks at the settings.
    _is_secret("", conf)
    try:
        warnings = _native.check_settings(conf.getAll())
    except ValueError as error:
        raise FiresteelError(str(error)) from None
    if dict(native_settings(conf)).get("firesteel.log.level") == "off":
        return
    for warning in warnings:
        if warning not in _warned:
            _warned.add(warning)
            print(f"firesteel: warning: {warning}", file=sys.stderr)


def _is_secret(key: str, conf: SparkConf) -> bool:
    """Whether a value is not to be shown: by its key, or as ``spark.redaction.regex`` says."""
    if _SECRET.search(key) is not None:
        return True
    pattern = conf.get("spark.redaction.regex")
    if not pattern:
        return False
    try:
        return re.search(pattern, key) is not None or re.search(pattern, conf.get(key) or "") is not None
    except re.error as error:
        raise FiresteelError(f"spark.redaction.regex is no regular expression: {pattern!r}: {error}") from None


_SECRET = re.compile(r"(?i)secret|password|token|access[.]?key|account[.]key")


# Where defaults come from.


def _defaults() -> Iterable[tuple[str, str]]:
    """Yields all defaults, the weakest first."""
    for variable, names in (
        ("SPARK_CONF_DIR", ["spark-defaults.conf"]),
        ("FIRESTEEL_CONF_DIR", ["firesteel-defaults.conf", "spark-defaults.conf"]),
    ):
        directory = os.environ.get(variable)
        for name in names if directory else []:
            yield from _read_defaults(os.path.join(directory or "", name))
    yield from _submitted(os.environ.get("FIRESTEEL_SETTINGS"))
    yield from _submit_arguments(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    yield from ((key, value) for key, value in SYSTEM_PROPERTIES.items() if _is_setting(key))


def _is_setting(key: str) -> bool:
    return key.startswith(("spark.", "firesteel."))


def _read_defaults(path: str) -> Iterable[tuple[str, str]]:
    """Reads a file of settings: a key, white space or ``=`` or ``:``, a value; ``#`` begins a comment line.

    A missing file has none. One that cannot be read, or is not text, is an error that names it.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    except UnicodeDecodeError as error:
        raise FiresteelError(f"{path} is not UTF-8 text (byte {error.start}); write its settings as text") from error
    for line in lines:
        text = line.strip()
        if not text or text[0] in "#!":
            continue
        parts = re.split(r"\s*[=:]\s*|\s+", text, maxsplit=1)
        if _is_setting(parts[0]):
            yield parts[0], parts[1] if len(parts) == 2 else ""


def _submitted(text: str | None) -> Iterable[tuple[str, str]]:
    """Returns the settings that a cluster passes to a program; the text is not shown, since it may hold secrets."""
    if text is None:
        return []
    try:
        pairs = json.loads(text)
        return [(key, value) for key, value in pairs.items() if isinstance(value, str)]
    except (ValueError, AttributeError):
        raise FiresteelError("the variable FIRESTEEL_SETTINGS holds no settings: it is to be a JSON object") from None


def _submit_arguments(text: str) -> Iterable[tuple[str, str]]:
    """Returns the settings among the arguments of ``PYSPARK_SUBMIT_ARGS``, such as ``--master local[2] --conf a=b
    pyspark-shell``.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise FiresteelError(f"PYSPARK_SUBMIT_ARGS cannot be read: {error}: {text!r}") from error
    for option, argument in zip(words, words[1:]):
        if option == "--master":
            yield "spark.master", argument
        elif option == "--name":
            yield "spark.app.name", argument
        elif option in ("--conf", "-c") and _is_setting(argument):
            key, equals, value = argument.partition("=")
            if not equals:
                raise FiresteelError(f"--conf {argument} in PYSPARK_SUBMIT_ARGS has no value; write --conf {key}=VALUE")
            yield key, value
