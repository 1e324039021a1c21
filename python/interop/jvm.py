"""What only Spark's side can do: files of Hadoop's own writer, with classes that no Python value becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Where Hadoop's writables are.
PACKAGE = "org.apache.hadoop.io."


def package(sc: Any) -> Any:
    """Hadoop's package of writables."""
    global _gateway
    _gateway = sc._gateway
    return sc._jvm.org.apache.hadoop.io


def write(sc: Any, path: str, name: str, made: Callable[[], Any]) -> None:
    """A sequence file of one pair: an IntWritable and what is made."""
    io, conf = package(sc), sc._jsc.hadoopConfiguration()
    file = sc._jvm.org.apache.hadoop.fs.Path(path + "/part-00000")
    classes = [sc._jvm.java.lang.Class.forName(PACKAGE + each) for each in ("IntWritable", name)]
    writer = io.SequenceFile.createWriter(file.getFileSystem(conf), conf, file, *classes)
    writer.append(io.IntWritable(1), made())
    writer.close()


def map_of(into: Any, **values: Any) -> Any:
    """Puts values under keys of Text."""
    for key, value in values.items():
        into.put(_gateway.jvm.org.apache.hadoop.io.Text(key), value)
    return into


def strings(*values: str) -> Any:
    """An array of Java's."""
    array = _gateway.new_array(_gateway.jvm.java.lang.String, len(values))
    for index, value in enumerate(values):
        array[index] = value
    return array


_gateway: Any = None
