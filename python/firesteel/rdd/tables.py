"""RDDs as tables: rows with a schema, and Arrow's columns. A frame of :mod:`firesteel.sql` does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from firesteel.rdd.saving import Saving

if TYPE_CHECKING:
    import pyarrow

    from firesteel.rdd.pipelined import RDD
    from firesteel.sql.frame import DataFrame
    from firesteel.sql.row import Row

__all__ = ["Tables"]

T_co = TypeVar("T_co", covariant=True)


class Tables(Saving[T_co]):
    """Adds what makes tables of an RDD's records."""

    #: The frame whose rows the records are, so that its columns need not be made anew.
    _frame: DataFrame | None = None

    def toDF(self, schema: Any = None, sampleRatio: float | None = None) -> DataFrame:
        """Makes a data frame of records: rows, tuples, dictionaries, objects. See
        :meth:`firesteel.sql.SparkSession.createDataFrame`.

        >>> sc.parallelize([("a", 1), ("b", 2)]).toDF(["key", "n"]).select("n").collect()
        [Row(n=1), Row(n=2)]
        """
        from firesteel.sql.creating import of_rdd
        from firesteel.sql.session import session_of

        return of_rdd(session_of(self.ctx), self, schema, sampleRatio)  # type: ignore[arg-type]

    def toArrow(self, schema: Any = None) -> pyarrow.Table:
        """Returns all records as a table of Arrow's, by a schema; without one, the types are those of the first record.

        Needs pyarrow. Of rows that were read as columns, or made by :meth:`mapInArrow`, the columns are taken as they
        are.

        >>> sc.parallelize([("a", 1), ("b", 2)]).toArrow("key string, n int").num_rows
        2
        """
        return self.toDF(schema).toArrow()

    def toRayDataset(self, schema: Any = None) -> Any:
        """Returns all records as a data set of Ray, by a schema; without one, the types are those of the first record.

        The master is ``ray``. Each partition becomes a block in the object store of the node that computed it, and none
        passes through the driver. Needs pyarrow and ``ray[data]``.

        >>> sc.parallelize([("a", 1)]).toRayDataset("key string, n int")
        Traceback (most recent call last):
            ...
        firesteel.errors.FiresteelError: toRayDataset needs executors on Ray (the master `ray`), ...
        """
        from firesteel.raydata import to_dataset

        return to_dataset(self.ctx, self.toDF(schema))

    def mapInArrow(
        self, f: Callable[[Iterator[Any]], Iterable[Any]], schema: Any, inputSchema: Any = None
    ) -> RDD[Row]:
        """Applies ``f`` to the record batches of each partition, as ``mapPartitions`` does to its records. ``f`` gives
        record batches with the columns of ``schema``, which are the rows of the result.

        Records become columns by ``inputSchema``; rows that were read as columns stay what they are. Needs pyarrow.

        >>> def doubled(batches):
        ...     import pyarrow.compute as pc
        ...     for batch in batches:
        ...         yield batch.set_column(0, "n", pc.multiply(batch.column("n"), 2))
        >>> sc.parallelize([(1,), (2,)]).mapInArrow(doubled, "n long", inputSchema="n long").collect()
        [Row(n=2), Row(n=4)]
        """
        return self.toDF(inputSchema).mapInArrow(f, schema).rdd
