"""Errors for private names that lead into Spark's JVM, with what to do instead: there is no JVM here.

Contexts and RDDs call :func:`missing` for the error of an attribute that they lack. It is an AttributeError, so
``hasattr`` and ``getattr`` with a default work as for any name.
"""

from __future__ import annotations

__all__ = ["missing"]

_SETTINGS = (
    "Instead of sc._jsc.hadoopConfiguration().set(key, value), set spark.hadoop.<key> in the SparkConf before the "
    "context is made; for other things that the JVM's context can do, see the methods of SparkContext."
)
_INSTEAD = {
    "_jsc": _SETTINGS,
    "_jvm": "Classes of Java and Scala cannot be loaded. " + _SETTINGS,
    "_gateway": "There is no py4j between the program and the engine.",
    "_jconf": "SparkConf.getAll() has all settings.",
    "_jrdd": "Give other code the RDD itself; RDD.id(), toDebugString() and getNumPartitions() say what it is.",
    "_jrdd_deserializer": "Records are pickled by the engine in its own way.",
    "_to_java_object_rdd": "Records are Python objects everywhere; collect them, or write them to files.",
}


def missing(owner: object, name: str) -> AttributeError:
    """Returns the error for an attribute that an object lacks.

    >>> sc._jsc.hadoopConfiguration()
    Traceback (most recent call last):
        ...
    AttributeError: 'SparkContext' object has no attribute '_jsc': there is no JVM. Instead of ...
    >>> hasattr(sc, "_jvm"), getattr(sc, "_gateway", None)
    (False, None)
    """
    if hasattr(type(owner), name):
        # A property of that name has failed with an AttributeError of its own, which is the one to raise.
        object.__getattribute__(owner, name)
    text = f"{type(owner).__name__!r} object has no attribute {name!r}"
    if name in _INSTEAD:
        text += f": there is no JVM. {_INSTEAD[name]}"
    return AttributeError(text)
