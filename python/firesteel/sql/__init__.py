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
