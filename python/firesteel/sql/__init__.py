"""The part of ``pyspark.sql`` that RDD programs begin and end with: a session, its context, tables read and written.

There are no queries; uses of them are refused with a hint what to use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from firesteel.sql.row import Row
from firesteel.sql.session import RuntimeConfig, SparkSession

if TYPE_CHECKING:
    from firesteel.sql.frame import DataFrame
    from firesteel.sql.reading import DataFrameReader
    from firesteel.sql.writing import DataFrameWriter

__all__ = ["DataFrame", "DataFrameReader", "DataFrameWriter", "Row", "RuntimeConfig", "SparkSession", "is_remote"]


def is_remote() -> bool:
    """Returns whether a session talks to a server of Spark Connect: never here.

    >>> is_remote()
    False
    """
    return False


#: Names that are imported when they are asked for, since many programs want a session and no frame.
_LATER = {"DataFrame": "frame", "DataFrameReader": "reading", "DataFrameWriter": "writing", "VariantVal": "variant"}

_NOT_HERE = frozenset(
    "functions window column Catalog Column DataFrameNaFunctions"
    " DataFrameStatFunctions DataFrameWriterV2 GroupedData HiveContext Observation PandasCogroupedOps"
    " SQLContext UDFRegistration UDTFRegistration Window WindowSpec".split()
)


def __getattr__(name: str) -> object:
    """Imports what is asked for seldom, and refuses names of queries with a hint."""
    if name in _LATER:
        return getattr(importlib.import_module(f"firesteel.sql.{_LATER[name]}"), name)
    if name in _NOT_HERE:
        raise ImportError(
            f"cannot import name {name!r}: Firesteel has no queries. Of pyspark.sql it has what RDD programs begin and"
            " end with: SparkSession, its sparkContext, spark.read, createDataFrame, df.rdd, df.write, types and Row",
            name=__name__,
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
