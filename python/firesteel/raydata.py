"""Data sets of Ray made of RDDs, and the other way: ``rdd.toRayDataset()`` and ``sc.fromRayDataset()``.

An executor on Ray writes its partitions as Arrow's columns into a file of its node, and a task of Ray on the same node
puts them into the node's object store. So the records never pass through the driver, which learns of names of files
alone, and the objects belong to the program: they outlive executors. The other way Ray writes Parquet files into a
directory that all nodes have, since a partition may be computed on any of them.
"""

from __future__ import annotations

import importlib
import os
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from firesteel.errors import FiresteelError

if TYPE_CHECKING:
    from firesteel.context import SparkContext
    from firesteel.rdd.pipelined import RDD
    from firesteel.sql.frame import DataFrame

__all__ = ["from_dataset", "to_dataset"]

#: The variable that tells executors which of Ray's nodes they are on.
NODE = "FIRESTEEL_RAY_NODE"


def _library() -> Any:
    try:
        return importlib.import_module("ray.data")
    except ImportError as error:
        raise FiresteelError(f"data sets of Ray need its library: pip install 'ray[data]' ({error})") from None


def to_dataset(context: SparkContext, frame: DataFrame) -> Any:
    """Returns a data set with the rows of a frame, one block for each partition that has any, in their order."""
    from firesteel import ray as connection

    if not connection.is_master(context.master):
        raise FiresteelError(
            f"toRayDataset needs executors on Ray (the master `ray`), and the master is `{context.master}`: save the"
            " records as Parquet where Ray's nodes can read them, and use ray.data.read_parquet"
        )
    data, ray = _library(), importlib.import_module("ray")
    files = frame.mapInArrow(_write, "node string, path string").collect()
    if not files:
        return data.from_arrow(frame.toArrow())
    affinity = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    # It takes no core: all may be lent to the executors.
    load = ray.remote(num_cpus=0, max_retries=0, num_returns=2)(_loader())
    loaded = [load.options(scheduling_strategy=affinity(row.node, soft=False)).remote(row.path) for row in files]
    try:
        ray.get([done for _, done in loaded])
    except Exception as error:  # whatever Ray raises: a file or its node is gone
        raise FiresteelError(
            f"a partition was computed, and cannot be put into Ray's object store: {connection.first_line(error)}"
        ) from error
    return data.from_arrow_refs([table for table, _ in loaded])


def _write(batches: Iterator[Any]) -> Iterable[Any]:
    """Writes a partition's batches into a file; gives one row that says where it is."""
    import pyarrow

    from firesteel.files import SparkFiles

    node = os.environ.get(NODE)
    if node is None:
        raise FiresteelError(f"this executor is not on Ray: the variable {NODE} is not set")
    # Files that nobody takes, of attempts that do not count, go with the application.
    path = os.path.join(SparkFiles.getRootDirectory(), f"partition-{uuid.uuid4().hex}.arrow")
    writer = None
    for batch in batches:
        if writer is None:
            writer = pyarrow.ipc.new_file(path, batch.schema)
        writer.write_batch(batch)
    if writer is not None:
        writer.close()
        yield pyarrow.record_batch([[node], [path]], names=["node", "path"])


def _loader() -> Any:
    """Returns the function that moves a file into the object store; it travels by value."""

    def load(path: str) -> tuple[Any, bool]:
        import os

        import pyarrow

        with pyarrow.memory_map(path) as file, pyarrow.ipc.open_file(file) as reader:
            table = reader.read_all()
        os.remove(path)
        return table, True

    return load


def from_dataset(context: SparkContext, dataset: Any, path: str) -> RDD[Any]:
    """Has Ray write a data set as Parquet into a new directory, and returns the rows of its files."""
    from firesteel.sql.session import session_of

    _library()
    dataset.write_parquet(path)
    return session_of(context).read.parquet(path).rdd
