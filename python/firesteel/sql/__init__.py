"""The part of ``pyspark.sql`` that RDD programs start from: a session, its context, and lines of text as rows.

There are no queries, tables or data frames; uses of them are refused with a hint what to use.
"""

from firesteel.sql.session import DataFrameReader, RuntimeConfig, SparkSession, TextFrame
from firesteel.sql.row import Row

__all__ = ["DataFrameReader", "Row", "RuntimeConfig", "SparkSession", "TextFrame", "is_remote"]


def is_remote() -> bool:
    """Returns whether a session talks to a server of Spark Connect: never here.

    >>> is_remote()
    False
    """
    return False


_NOT_HERE = frozenset(
    "functions window dataframe column Catalog Column DataFrame DataFrameNaFunctions"
    " DataFrameStatFunctions DataFrameWriter DataFrameWriterV2 GroupedData HiveContext Observation PandasCogroupedOps"
    " SQLContext UDFRegistration UDTFRegistration VariantVal Window WindowSpec".split()
)


def __getattr__(name: str) -> object:
    """Refuses names of data frames with a hint, where an import would only say that it cannot find them."""
    if name in _NOT_HERE:
        raise ImportError(
            f"cannot import name {name!r}: Firesteel has no data frames. Of pyspark.sql it has what RDD programs begin"
            " with: SparkSession, its sparkContext, read.text(path).rdd, and Row",
            name=__name__,
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
