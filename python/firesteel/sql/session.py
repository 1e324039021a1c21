"""Sessions: ``SparkSession.builder...getOrCreate()``, whose ``sparkContext`` RDD programs go on with.

A session is a context under PySpark's name; its only state is the settings of ``spark.conf``. Everything about queries
and data frames is refused by name, so that a program stops at the line that needs it and says why.
"""

from __future__ import annotations

import glob
import os
import threading
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from firesteel import html
from firesteel.conf import SparkConf
from firesteel.errors import FiresteelError
from firesteel.sql.row import Row, _named

if TYPE_CHECKING:
    from types import TracebackType

    from firesteel.context import SparkContext
    from firesteel.rdd import RDD

__all__ = ["DataFrameReader", "RuntimeConfig", "SparkSession", "TextFrame"]

SMALLEST_SPLIT = 4 << 20
LARGEST_SPLIT = 128 << 20
"""The bounds of the bytes in a split when PySpark reads text files as rows, one split for each slot if they allow
it."""

_INSTEAD = {
    "createDataFrame": "sc.parallelize(data) makes an RDD of the same records",
    "range": "sc.range(...) makes an RDD of numbers",
    "sql": "RDDs have map, filter, reduceByKey and join",
    "table": "sc.textFile(path) reads files",
    "readStream": "RDDs are read once",
    "streams": "RDDs are read once",
    "catalog": "there are no tables",
    "udf": "RDDs take functions as they are",
    "udtf": "RDDs take functions as they are",
    "csv": "sc.textFile(path) reads lines, which the csv module cuts",
    "json": "sc.textFile(path).map(json.loads) reads records",
    "parquet": "sc.pickleFile or sc.textFile read files",
    "load": "sc.textFile(path) reads lines",
    "format": "sc.textFile(path) reads lines",
}


def _refuse(name: str) -> NoReturn:
    instead = _INSTEAD.get(name, "use the RDDs of spark.sparkContext")
    raise FiresteelError(
        f"Firesteel runs PySpark's RDD programs and has no data frames, so there is no {name!r}: {instead}."
    )


class _Refusing:
    """Refuses other attributes with a hint; it is an AttributeError, so that ``hasattr`` works."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            _refuse(name)
        except FiresteelError as error:
            raise AttributeError(str(error)) from None


class SparkSession(_Refusing):
    """The start of PySpark programs; ``sparkContext`` has the RDDs.

    >>> spark = SparkSession.builder.appName("counts").getOrCreate()
    >>> spark.sparkContext.parallelize([1, 2, 3]).sum()
    6
    """

    _lock: ClassVar[threading.RLock] = threading.RLock()
    _active: ClassVar[SparkSession | None] = None

    class Builder:
        """Collects the settings of a session; all setters return the builder.

        >>> SparkSession.builder.config("spark.ui.port", "4050")
        <firesteel.sql.session.SparkSession.Builder object at ...>
        """

        def __init__(self) -> None:
            self._options: dict[str, str] = {}

        def config(
            self,
            key: str | None = None,
            value: Any | None = None,
            conf: SparkConf | None = None,
            *,
            map: dict[str, Any] | None = None,
        ) -> SparkSession.Builder:
            """Sets one value, or all of a configuration or a dictionary."""
            if conf is not None:
                self._options.update(conf.getAll())
            elif map is not None:
                self._options.update({name: _as_text(each) for name, each in map.items()})
            elif key is not None:
                self._options[key] = _as_text(value)
            else:
                raise TypeError("config needs a key with a value, or conf=, or map=")
            return self

        def master(self, master: str) -> SparkSession.Builder:
            """Sets where tasks run: ``local``, ``local[4]``, ``local[*]``."""
            return self.config("spark.master", master)

        def appName(self, name: str) -> SparkSession.Builder:
            """Sets the application's name."""
            return self.config("spark.app.name", name)

        def remote(self, url: str) -> NoReturn:
            """Refuses: there is no server of sessions."""
            raise FiresteelError(f"There are no remote sessions, so {url!r} cannot be used: take master('local[*]').")

        def enableHiveSupport(self) -> SparkSession.Builder:
            """Does nothing: there are no tables."""
            return self

        def getOrCreate(self) -> SparkSession:
            """Returns the active session, with these settings added; or a new one.

            >>> SparkSession.builder.getOrCreate() is SparkSession.builder.getOrCreate()
            True
            """
            with SparkSession._lock:
                session = SparkSession.getActiveSession()
                return self._made() if session is None else session._with(self._options)

        def create(self) -> SparkSession:
            """Makes a session of the active context, or of a new one."""
            with SparkSession._lock:
                return self._made()

        def _made(self) -> SparkSession:
            from firesteel.context import SparkContext

            sc = SparkContext.getOrCreate(SparkConf().setAll(list(self._options.items())))
            return SparkSession(sc, options=self._options)

    class _BuilderProperty:
        """Makes each ``SparkSession.builder`` a new one."""

        def __get__(self, instance: object, owner: type[SparkSession]) -> SparkSession.Builder:
            return owner.Builder()

    builder = _BuilderProperty()

    def __init__(
        self, sparkContext: SparkContext, jsparkSession: object | None = None, options: dict[str, Any] = {}
    ) -> None:
        self._sc = sparkContext
        self._conf = RuntimeConfig(sparkContext.getConf())
        self._with(options)
        SparkSession._active = self

    def _with(self, options: dict[str, Any]) -> SparkSession:
        self._conf._values.update({key: _as_text(value) for key, value in options.items()})
        return self

    @classmethod
    def getActiveSession(cls) -> SparkSession | None:
        """Returns the session made last, unless it was stopped.

        >>> SparkSession.builder.getOrCreate() is SparkSession.getActiveSession()
        True
        """
        from firesteel.context import SparkContext

        session = cls._active
        sc = SparkContext._active_spark_context
        return session if session is not None and sc is not None and session._sc is sc else None

    @classmethod
    def active(cls) -> SparkSession:
        """Returns the session made last; raises RuntimeError if there is none."""
        session = cls.getActiveSession()
        if session is None:
            raise FiresteelError(
                "No active Spark session found. Please create a new Spark session before running the code."
            )
        return session

    @property
    def sparkContext(self) -> SparkContext:
        """The context, which has the RDDs.

        >>> SparkSession.builder.getOrCreate().sparkContext.parallelize([1]).first()
        1
        """
        return self._sc

    @property
    def version(self) -> str:
        """The version, as :attr:`firesteel.SparkContext.version` gives it."""
        return self._sc.version

    @property
    def conf(self) -> RuntimeConfig:
        """The session's settings.

        >>> spark = SparkSession.builder.getOrCreate()
        >>> spark.conf.set("step", "load")
        >>> spark.conf.get("step")
        'load'
        """
        return self._conf

    @property
    def read(self) -> DataFrameReader:
        """Reads text; see :class:`DataFrameReader`."""
        return DataFrameReader(self)

    def newSession(self) -> SparkSession:
        """Makes another session of the same context, with settings of its own."""
        return SparkSession(self._sc)

    def createDataFrame(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses: there are no data frames."""
        _refuse("createDataFrame")

    def sql(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses: there are no queries."""
        _refuse("sql")

    def table(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses: there are no tables."""
        _refuse("table")

    def range(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses: there are no data frames."""
        _refuse("range")

    def addTag(self, tag: str) -> None:
        """Adds a tag to the jobs that this thread starts."""
        self._sc.addJobTag(tag)

    def removeTag(self, tag: str) -> None:
        """Removes a tag from the jobs that this thread starts."""
        self._sc.removeJobTag(tag)

    def getTags(self) -> set[str]:
        """Returns the tags of the jobs that this thread starts."""
        return set(self._sc.getJobTags())

    def clearTags(self) -> None:
        """Removes all tags from the jobs that this thread starts."""
        self._sc.clearJobTags()

    def stop(self) -> None:
        """Stops the context."""
        with SparkSession._lock:
            if SparkSession._active is self:
                SparkSession._active = None
            self._sc.stop()

    def __enter__(self) -> SparkSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _repr_html_(self) -> str:
        return html.box("SparkSession - in-memory", html.Markup(self._sc._repr_html_()))


class RuntimeConfig:
    """A session's settings: those of its context, and those set since."""

    def __init__(self, conf: SparkConf) -> None:
        self._values = dict(conf.getAll())

    def set(self, key: str, value: str | int | bool) -> None:
        """Sets a value, which programs can read again; a running context does not change."""
        self._values[key] = _as_text(value)

    def get(self, key: str, *default: str | None) -> str | None:
        """Returns the value of a key; without a default, raises RuntimeError if it has none."""
        if key in self._values:
            return self._values[key]
        if not default:
            raise FiresteelError(f"The setting {key!r} was not set; give a default: conf.get({key!r}, None).")
        return default[0]

    def unset(self, key: str) -> None:
        """Forgets a value."""
        self._values.pop(key, None)

    @property
    def getAll(self) -> dict[str, str]:
        """Returns all values."""
        return dict(self._values)

    def isModifiable(self, key: str) -> bool:
        """Returns whether setting it changes a running context: never."""
        return False


class DataFrameReader(_Refusing):
    """Reads lines of text; the other formats of PySpark are refused."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def text(self, paths: str | list[str], wholetext: bool = False, lineSep: str | None = None) -> TextFrame:
        """Reads lines of files: ``rdd`` of the result has a row for each, with the line as ``value``.

        >>> spark = SparkSession.builder.getOrCreate()
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "lines")
        >>> with open(path, "w") as file:
        ...     _ = file.write("one\\ntwo\\n")
        >>> spark.read.text(path).rdd.map(lambda row: row.value).collect()
        ['one', 'two']
        """
        if lineSep is not None:
            raise FiresteelError(
                "read.text cuts at line ends; for other separators use sc.wholeTextFiles and str.split."
            )
        return TextFrame(self._spark, paths if isinstance(paths, str) else ",".join(paths), wholetext)


class TextFrame(_Refusing):
    """The result of ``read.text``: its ``rdd``, and nothing else of a data frame."""

    def __init__(self, spark: SparkSession, paths: str, whole: bool) -> None:
        self._spark = spark
        self._paths = paths
        self._whole = whole

    @property
    def rdd(self) -> RDD[Row]:
        """The lines as rows with the field ``value``; whole files with ``wholetext``."""
        sc = self._spark._sc
        if self._whole:
            return sc.wholeTextFiles(self._paths).values().map(_row)
        return sc.textFile(self._paths, _split_count(self._paths, sc.defaultParallelism)).map(_row)


def _split_count(paths: str, slots: int) -> int | None:
    """Returns the number of partitions in which PySpark reads local files: fewer than ``textFile`` for small ones.

    Returns None if their sizes are not known here.
    """
    sizes = [os.path.getsize(path) for part in paths.split(",") for path in _local_files(part)]
    if not sizes:
        return None
    share = sum(size + SMALLEST_SPLIT for size in sizes) // slots
    split = min(LARGEST_SPLIT, max(SMALLEST_SPLIT, share))
    return max(1, sum(-(-size // split) for size in sizes))


def _local_files(path: str) -> list[str]:
    path = path.removeprefix("file://").removeprefix("file:")
    found = [
        each for match in glob.glob(path) for each in (glob.glob(f"{match}/*") if os.path.isdir(match) else [match])
    ]
    return [each for each in found if os.path.isfile(each) and not os.path.basename(each).startswith(("_", "."))]


def _row(text: str) -> Row:
    return _named(["value"], [text])


def _as_text(value: Any) -> str:
    """Returns a setting as text; truth values are written as Spark does."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
