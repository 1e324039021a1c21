"""Data frames, as far as RDD programs need them: rows that are read, shown, collected, written, and given to RDDs.

A frame is a choice of a scan's columns. Columns stay columns until something asks for rows: ``toArrow``, ``toPandas``,
``mapInArrow`` and ``write`` make no object for each value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from firesteel import arrow, callsite
from firesteel.errors import FiresteelError
from firesteel.sql import showing
from firesteel.sql.ddl import _parse_datatype_string
from firesteel.sql.refusing import Refusing
from firesteel.sql.row import Row
from firesteel.sql.scans import DerivedScan, Scan, StreamScan
from firesteel.sql.structs import StructField, StructType
from firesteel.sql.temporal import TimestampType
from firesteel.storagelevel import StorageLevel

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from firesteel import _native
    from firesteel.rdd import RDD
    from firesteel.resource import ResourceProfile
    from firesteel.sql.session import SparkSession
    from firesteel.sql.writing import DataFrameWriter

__all__ = ["DataFrame"]


class DataFrame(Refusing):
    """Rows with a schema. There are no queries: ``rdd`` has the rows for everything that is computed.

    >>> spark = SparkSession.builder.getOrCreate()
    >>> people = spark.createDataFrame([("Ada", 36), ("Bob", 41)], "name string, age int")
    >>> people.select("age").rdd.map(lambda row: row.age).sum()
    77
    """

    def __init__(self, session: SparkSession, scan: Scan, wanted: Sequence[int] | None = None) -> None:
        self._session = session
        self._scan = scan
        self._wanted = list(range(len(scan.schema))) if wanted is None else list(wanted)
        self._names: list[str] | None = None
        self._storage: StorageLevel | None = None
        self._native_rdd: _native.Columns | None = None

    # -- what it is

    @property
    def sparkSession(self) -> SparkSession:
        """The session that made it."""
        return self._session

    @property
    def schema(self) -> StructType:
        """The names and types of its columns.

        >>> SparkSession.builder.getOrCreate().createDataFrame([(1,)], ["n"]).schema.simpleString()
        'struct<n:bigint>'
        """
        fields = [self._scan.schema.fields[at] for at in self._wanted]
        if self._names is not None:
            fields = [
                StructField(name, each.dataType, each.nullable, each.metadata)
                for name, each in zip(self._names, fields)
            ]
        return StructType(fields)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return [field.name for field in self.schema.fields]

    @property
    def dtypes(self) -> list[tuple[str, str]]:
        """The names of its columns, each with that of its type."""
        return [(field.name, field.dataType.simpleString()) for field in self.schema.fields]

    @property
    def isStreaming(self) -> bool:
        """False: files are read once."""
        return False

    def isLocal(self) -> bool:
        """Returns False: rows are computed by tasks."""
        return False

    def printSchema(self, level: int | None = None) -> None:
        """Prints names and types as a tree.

        >>> SparkSession.builder.getOrCreate().createDataFrame([(1, "a")], "n int, s string").printSchema()
        root
         |-- n: integer (nullable = true)
         |-- s: string (nullable = true)
        <BLANKLINE>
        """
        print(self.schema.treeString(level) if level is not None else self.schema.treeString())

    def __repr__(self) -> str:
        return f"DataFrame[{', '.join(f'{name}: {kind}' for name, kind in self.dtypes)}]"

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.columns:
            raise AttributeError(_no_columns(name))
        return super().__getattr__(name)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (list, tuple)):
            return self.select(*item)
        raise FiresteelError(_no_columns(item))

    # -- choosing columns and rows

    def select(self, *cols: Any) -> DataFrame:
        """Returns the frame of some columns, by their names; ``"*"`` stands for all.

        Only these are read from files that have columns, such as Parquet's.
        """
        names = [each for col in cols for each in (col if isinstance(col, (list, tuple)) else [col])]
        chosen: list[int] = []
        titles: list[str] = []
        for name in names:
            if name == "*":
                chosen += range(len(self._wanted))
                titles += self.columns
            else:
                at, title = self._found(name)
                chosen.append(at)
                titles.append(title)
        made = self._of(chosen)
        if made.columns != titles:
            made._names = titles
        return made

    def drop(self, *cols: Any) -> DataFrame:
        """Returns the frame without some columns; names that it does not have are passed over."""
        gone = {_as_name(col, "drop").lower() for col in cols}
        return self._of([at for at, name in enumerate(self.columns) if name.lower() not in gone])

    def toDF(self, *cols: str) -> DataFrame:
        """Returns the frame with other names for its columns."""
        if len(cols) != len(self._wanted):
            raise ValueError(f"toDF needs {len(self._wanted)} names, and got {len(cols)}: {', '.join(cols)}")
        made = self._of(range(len(self._wanted)))
        made._names = list(cols)
        return made

    def withColumnRenamed(self, existing: str, new: str) -> DataFrame:
        """Returns the frame with another name for one column."""
        return self.toDF(*(new if name.lower() == existing.lower() else name for name in self.columns))

    def limit(self, num: int) -> DataFrame:
        """Returns the frame of the first ``num`` rows, in one partition. Later partitions are read only if earlier ones
        have too few."""
        if not isinstance(num, int) or isinstance(num, bool):
            raise TypeError(f"limit takes a number of rows, and not {num!r}")
        if num < 0:
            raise ValueError(f"limit takes a number of rows, and not {num}")
        return self._derived(lambda native, site: native.limit(num, site))

    def coalesce(self, numPartitions: int) -> DataFrame:
        """Returns the frame in fewer partitions: of parts that lie next to each other, without a shuffle."""
        if numPartitions < 1:
            raise ValueError(f"coalesce takes a number of partitions, which is positive, and not {numPartitions}")
        return self._derived(lambda native, site: native.coalesce(numPartitions, site))

    def repartition(self, numPartitions: int, *cols: Any) -> DataFrame:
        """Returns the frame in other partitions, among which rows are dealt out in turn."""
        if cols or not isinstance(numPartitions, int):
            raise FiresteelError(
                "repartition takes a number of partitions here; df.rdd.keyBy(...).partitionBy(...) places rows by their"
                " values."
            )
        from firesteel.sql.scans import RecordScan

        return DataFrame(self._session, RecordScan(self.rdd.repartition(numPartitions), self.schema))

    def cache(self) -> DataFrame:
        """Keeps the columns in memory, and what does not fit on disk, once they are computed."""
        return self.persist()

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_DESER) -> DataFrame:
        """Keeps the columns where the level says, once they are computed."""
        level = storageLevel
        self._columns("persist").persist(
            level.useDisk, level.useMemory, level.useOffHeap, level.deserialized, level.replication,
            callsite.here("persist"),
        )
        self._storage = level
        return self

    def unpersist(self, blocking: bool = False) -> DataFrame:
        """Forgets what was kept."""
        self._columns("unpersist").unpersist(blocking)
        self._storage = None
        return self

    @property
    def is_cached(self) -> bool:
        """True between ``persist`` and ``unpersist``."""
        return self._storage is not None

    @property
    def storageLevel(self) -> StorageLevel:
        """Where it is kept."""
        return self._storage or StorageLevel.NONE

    # -- rows

    @property
    def rdd(self) -> RDD[Row]:
        """Its rows, for everything that RDDs do.

        >>> spark = SparkSession.builder.getOrCreate()
        >>> spark.createDataFrame([("a", 1), ("b", 2)], ["key", "n"]).rdd.collectAsMap()
        {'a': 1, 'b': 2}
        """
        site = callsite.here("rdd")
        made = self._session._sc._late(lambda: self._columns("rdd").rows(site), site, "MapPartitionsRDD")
        made._frame = self
        return made

    def collect(self) -> list[Row]:
        """Returns all rows."""
        return self.rdd.collect()

    def take(self, num: int) -> list[Row]:
        """Returns the first ``num`` rows."""
        return self.rdd.take(num)

    def head(self, n: int | None = None) -> Any:
        """Returns the first row, or None; with ``n``, a list of the first rows."""
        if n is not None:
            return self.take(n)
        found = self.take(1)
        return found[0] if found else None

    def first(self) -> Row | None:
        """Returns the first row, or None."""
        return cast("Row | None", self.head())

    def tail(self, num: int) -> list[Row]:
        """Returns the last ``num`` rows."""
        rows: list[Row] = []
        rdd = self.rdd
        for partition in reversed(range(rdd.getNumPartitions())):
            if len(rows) >= num:
                break
            rows = self._session._sc.runJob(rdd, list, [partition]) + rows
        return rows[len(rows) - num :] if len(rows) > num else rows

    def count(self) -> int:
        """Returns the number of rows. Columns are not read where the files tell the number without."""
        site = callsite.here("count")
        counts = self._of([])._columns("count") if not self.is_cached else self._columns("count")
        lists = counts.counts(site)
        self._session._sc._before_job()
        return sum(map(sum, lists.collect(None, site)))

    def isEmpty(self) -> bool:
        """Returns whether there is no row."""
        return not self.take(1)

    def toLocalIterator(self, prefetchPartitions: bool = False) -> Iterator[Row]:
        """Returns all rows, one partition after the other."""
        return self.rdd.toLocalIterator(prefetchPartitions)

    def foreach(self, f: Callable[[Row], None]) -> None:
        """Calls a function for each row, in the tasks."""
        self.rdd.foreach(f)

    def foreachPartition(self, f: Callable[[Iterator[Row]], None]) -> None:
        """Calls a function for the rows of each partition, in the tasks."""
        self.rdd.foreachPartition(f)

    def show(self, n: int = 20, truncate: bool | int = True, vertical: bool = False) -> None:
        """Prints the first rows.

        >>> SparkSession.builder.getOrCreate().createDataFrame([("Ada", 36)], ["name", "age"]).show()
        +----+---+
        |name|age|
        +----+---+
        | Ada| 36|
        +----+---+
        <BLANKLINE>
        """
        if not isinstance(n, int) or isinstance(n, bool):
            raise TypeError(f"show takes a number of rows, and not {n!r}")
        if isinstance(truncate, str) and not truncate.isdigit():
            raise TypeError(f"truncate is True, False, or the width of the columns, and not {truncate!r}")
        width = 20 if truncate is True else int(truncate)
        n = max(n, 0)
        rows = self.take(n + 1)
        zone = self._session.conf.get("spark.sql.session.timeZone", None)
        print(showing.table(self.schema, rows[:n], width, vertical, len(rows) > n, zone))

    # -- columns

    def toArrow(self) -> pyarrow.Table:
        """Returns all rows as a table of Arrow's, which Polars and DuckDB read, too. Needs pyarrow."""
        return arrow.table(self._streams("toArrow"), self.schema)

    def toPandas(self) -> pandas.DataFrame:
        """Returns all rows as a frame of pandas. Needs pandas and pyarrow."""
        return arrow.to_pandas(self.toArrow(), self._session._zone())

    def mapInArrow(
        self, func: Callable[[Iterator[Any]], Iterable[Any]], schema: StructType | str, barrier: bool = False,
        profile: ResourceProfile | None = None,
    ) -> DataFrame:
        """Returns the frame of the batches that a function makes of each partition's batches, as Arrow's record
        batches: no object is made for a value. Needs pyarrow.

        >>> spark = SparkSession.builder.getOrCreate()
        >>> def longest(batches):
        ...     for batch in batches:
        ...         yield batch.filter([len(name.as_py()) > 2 for name in batch.column("name")])
        >>> spark.createDataFrame([("Ada",), ("B",)], ["name"]).mapInArrow(longest, "name string").collect()
        [Row(name='Ada')]
        """
        wanted = cast(StructType, _parse_datatype_string(schema) if isinstance(schema, str) else schema)
        site = callsite.here("mapInArrow")
        streams = self._stream_rdd(site)
        if profile is not None:
            streams = streams.withResources(profile)
        source = streams.barrier() if barrier else streams
        made = source.mapPartitions(arrow.BatchFunction(func))
        return DataFrame(self._session, StreamScan(made, wanted))

    def mapInPandas(
        self, func: Callable[[Iterator[Any]], Iterable[Any]], schema: StructType | str, barrier: bool = False,
        profile: ResourceProfile | None = None,
    ) -> DataFrame:
        """Returns the frame of the frames of pandas that a function makes of each partition's. Needs pandas and
        pyarrow."""
        wanted = cast(StructType, _parse_datatype_string(schema) if isinstance(schema, str) else schema)
        instants = [field.name for field in wanted.fields if isinstance(field.dataType, TimestampType)]
        return self.mapInArrow(arrow.PandasFunction(func, self._session._zone(), instants), wanted, barrier, profile)

    @property
    def write(self) -> DataFrameWriter:
        """Writes the rows to files."""
        from firesteel.sql.writing import DataFrameWriter

        return DataFrameWriter(self)

    # -- within

    def _of(self, chosen: Iterable[int]) -> DataFrame:
        chosen = list(chosen)
        if self.is_cached:
            return DataFrame(self._session, DerivedScan(self.schema, lambda site: self._columns("select")), chosen)
        made = DataFrame(self._session, self._scan, [self._wanted[at] for at in chosen])
        if self._names is not None:
            made._names = [self._names[at] for at in chosen]
        return made

    def _derived(self, make: Callable[[_native.Columns, str], _native.Columns]) -> DataFrame:
        made = DataFrame(self._session, DerivedScan(self.schema, lambda site: make(self._columns("limit"), site)))
        made._names = self._names
        return made

    def _position(self, col: Any) -> int:
        return self._found(col)[0]

    def _found(self, col: Any) -> tuple[int, str]:
        """Returns where a column is, by its name in any case, and the name as it was asked for."""
        name = _as_name(col, "select")
        names = self.columns
        # Names with dots or spaces stand in backticks, which are doubled within.
        quoted = name not in names and len(name) > 2 and name[0] == name[-1] == "`"
        plain = name[1:-1].replace("``", "`") if quoted else name
        exact = [at for at, each in enumerate(names) if each == plain]
        alike = exact or [at for at, each in enumerate(names) if each.lower() == plain.lower()]
        if len(alike) == 1:
            return alike[0], plain
        if alike:
            places = ", ".join(f"`{names[at]}`" for at in alike)
            raise FiresteelError(
                f"[AMBIGUOUS_REFERENCE] Reference `{plain}` is ambiguous, could be: [{places}]: df.toDF(...) gives the"
                " columns other names."
            )
        known = ", ".join(f"`{each}`" for each in names)
        hint = ""
        outer = plain.partition(".")[0]
        if "." in plain and plain[-1] != "*" and any(each.lower() == outer.lower() for each in names):
            hint = (
                f" There are no expressions of columns, which parts of structs are: df.rdd.map(lambda row: row.{plain})"
                " has the part."
            )
        raise FiresteelError(
            f"[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `{plain}` cannot be resolved: the columns are"
            f" {known}.{hint}"
        )

    def _columns(self, operation: str) -> _native.Columns:
        if self._native_rdd is None:
            found = self._scan.columns(self._wanted, callsite.here(operation))
            if self._names is not None and self._wanted:
                found = found.renamed(self._names, callsite.here(operation))
            self._native_rdd = found
        return self._native_rdd

    def _stream_rdd(self, site: str) -> RDD[bytes]:
        return self._session._sc._late(lambda: self._columns("toArrow").streams(site), site, "MapPartitionsRDD")

    def _streams(self, operation: str) -> list[bytes]:
        return self._stream_rdd(callsite.here(operation)).collect()


def _as_name(col: Any, method: str) -> str:
    if isinstance(col, str):
        return col
    raise TypeError(
        f"{method} takes names of columns here, and not {type(col).__name__}: there are no expressions; df.rdd.map(...)"
        " computes columns"
    )


def _no_columns(name: object) -> str:
    return (
        f"Firesteel has no expressions of columns, so df[{name!r}] stands for nothing: take columns by"
        f' df.select("..."), and compute with df.rdd, whose rows have row[{name!r}].'
    )
