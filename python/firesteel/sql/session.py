"""Sessions: ``SparkSession.builder...getOrCreate()``, whose ``sparkContext`` RDD programs go on with.

A session is a context under PySpark's name; its only state is the settings of ``spark.conf``. It reads tables and makes
data frames of records (``reading``, ``creating``). Everything about queries is refused by name, so that a program stops
at the line that needs it and says why.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from firesteel import html
from firesteel.conf import SparkConf
from firesteel.errors import FiresteelError
from firesteel.sql.refusing import Refusing, refuse

if TYPE_CHECKING:
    from types import TracebackType

    from firesteel.context import SparkContext
    from firesteel.sql.frame import DataFrame
    from firesteel.sql.reading import DataFrameReader

__all__ = ["RuntimeConfig", "SparkSession"]

class SparkSession(Refusing):
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
        """Reads files; see :class:`firesteel.sql.DataFrameReader`."""
        from firesteel.sql.reading import DataFrameReader

        return DataFrameReader(self)

    def newSession(self) -> SparkSession:
        """Makes another session of the same context, with settings of its own."""
        return SparkSession(self._sc)

    def createDataFrame(
        self,
        data: Any,
        schema: Any = None,
        samplingRatio: float | None = None,
        verifySchema: bool = True,
    ) -> DataFrame:
        """Makes a frame of rows, tuples, dictionaries or objects, in a list or an RDD; of a frame of pandas, a table of
        Arrow's (pyarrow's, Polars', DuckDB's) or an array of numpy.

        ``schema`` has names and types (``"name string, age int"``, a ``StructType``), or only names; what it does not
        say is inferred. Records are verified by it, also where ``verifySchema`` is false: PySpark makes nulls of values
        that do not fit then, and they would be lost.

        >>> spark = SparkSession.builder.getOrCreate()
        >>> spark.createDataFrame([("Ada", 36)], ["name", "age"]).dtypes
        [('name', 'string'), ('age', 'bigint')]
        """
        from firesteel.sql.creating import create

        return create(self, data, schema, samplingRatio)

    def sql(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses: there are no queries."""
        refuse("sql")

    def table(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses: there are no tables."""
        refuse("table")

    def range(
        self, start: int, end: int | None = None, step: int = 1, numPartitions: int | None = None
    ) -> DataFrame:
        """Makes a frame of whole numbers, in the column ``id``.

        >>> SparkSession.builder.getOrCreate().range(3).collect()
        [Row(id=0), Row(id=1), Row(id=2)]
        """
        from firesteel.sql.creating import of_rdd

        return of_rdd(self, self._sc.range(start, end, step, numPartitions).map(_alone), "id long", None)

    def _zone(self) -> str:
        """Returns the time zone in which times are read from text and written to it: that of the session, or else of
        this process."""
        given = self._conf.get("spark.sql.session.timeZone", None)
        return given or os.environ.get("TZ") or _local_zone()

    def _options(self, names: dict[str, str]) -> dict[str, str]:
        """Returns the options of reading or writing that this session's settings stand for, with its time zone."""
        found = {option: self._conf.get(setting, None) for setting, option in names.items()}
        return {"timezone": self._zone(), **{option: value for option, value in found.items() if value is not None}}

    def _sizes(self) -> tuple[int, int, int]:
        """Returns the bounds by which files are cut: the most bytes of a partition, those that a file counts for beside
        its own, the number of partitions to aim at."""
        number = self._sc._native.default_parallelism
        return (
            _bytes(self._conf.get("spark.sql.files.maxPartitionBytes", None), 128 << 20),
            _bytes(self._conf.get("spark.sql.files.openCostInBytes", None), 4 << 20),
            int(self._conf.get("spark.sql.files.minPartitionNum", None) or number),
        )

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


def _as_text(value: Any) -> str:
    """Returns a setting as text; truth values are written as Spark does."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def session_of(sc: SparkContext) -> SparkSession:
    """Returns the active session of a context, or a new one that does not become the active one."""
    session = SparkSession.getActiveSession()
    if session is not None and session._sc is sc:
        return session
    made = SparkSession.__new__(SparkSession)
    made._sc, made._conf = sc, RuntimeConfig(sc.getConf())
    return made


def _alone(number: int) -> tuple[int]:
    return (number,)


def _bytes(setting: str | None, default: int) -> int:
    from firesteel.util import _parse_memory

    if setting is None:
        return default
    return int(setting) if setting.strip().isdigit() else _parse_memory(setting) << 20


def _local_zone() -> str:
    """Returns the name of this machine's time zone, or its difference from UTC."""
    try:
        place = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        place = ""
    if place:
        return place
    offset = -(time.altzone if time.localtime().tm_isdst else time.timezone)
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 3600:02d}:{abs(offset) % 3600 // 60:02d}"
