"""The corner of ``pyspark.sql`` that RDD programs start from: a session, its context, and lines of text as rows.

There are no queries, tables or data frames here; what asks for them is refused in one sentence that says what to use.
"""

from firesteel.sql.session import DataFrameReader, RuntimeConfig, SparkSession, TextFrame
from firesteel.sql.types import Row

__all__ = ["DataFrameReader", "Row", "RuntimeConfig", "SparkSession", "TextFrame", "is_remote"]


def is_remote() -> bool:
    """Whether a session speaks to a server of Spark Connect: never here.

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
    """Names of data frames are refused with a sentence, where an import would only say that it cannot find them."""
    if name in _NOT_HERE:
        raise ImportError(
            f"cannot import name {name!r}: Firesteel has no data frames. Of pyspark.sql it has what RDD programs begin"
            " with: SparkSession, its sparkContext, read.text(path).rdd, and Row",
            name=__name__,
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
