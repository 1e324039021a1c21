"""Serializers of Python objects, under the names that programs import from ``pyspark.serializers``.

The engine writes records in its own way and uses none of these: a serializer given to a context is accepted and changes
nothing. They work by themselves, though, and write the same streams as PySpark's: each object as a big-endian 32-bit
length and that many bytes.
"""

from __future__ import annotations

import io
import itertools
import marshal
import pickle
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from firesteel.framing import (
    SpecialLengths as SpecialLengths,
    pack_long as pack_long,
    read_bool as read_bool,
    read_frame,
    read_int as read_int,
    read_long as read_long,
    write_int as write_int,
    write_long as write_long,
    write_with_length as write_with_length,
)

__all__ = [
    "CPickleSerializer",
    "CloudPickleSerializer",
    "MarshalSerializer",
    "PickleSerializer",
    "UTF8Deserializer",
]

pickle_protocol = pickle.HIGHEST_PROTOCOL
"""The protocol of pickles."""
LARGEST_BYTES = (1 << 31) - 1
"""The largest object of a stream: its length must fit into 31 bits."""


class Serializer:
    """The base of all serializers. Two are equal when each can read what the other wrote."""

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        """Writes objects, one after the other."""
        raise NotImplementedError

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """Reads the objects that :meth:`dump_stream` wrote."""
        raise NotImplementedError

    def dumps(self, obj: Any) -> bytes:
        """Returns the bytes of an object, or of a batch of them."""
        raise NotImplementedError

    def loads(self, obj: Any) -> Any:
        """Returns the object of these bytes."""
        raise NotImplementedError

    def _load_stream_without_unbatching(self, stream: BinaryIO) -> Iterator[Iterable[Any]]:
        """Reads the objects batch by batch; single objects are batches of one."""
        return ([each] for each in self.load_stream(stream))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class FramedSerializer(Serializer):
    """Writes each object with its length before it; a kind of object defines ``dumps`` and ``loads``.

    >>> stream = io.BytesIO()
    >>> MarshalSerializer().dump_stream(["a", 1], stream)
    >>> _ = stream.seek(0)
    >>> list(MarshalSerializer().load_stream(stream))
    ['a', 1]
    """

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        """Writes objects, each with its length."""
        for each in iterator:
            self._write_with_length(each, stream)

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """Reads objects until the end of the stream, or the mark for the end of a section."""
        while True:
            try:
                each = self._read_with_length(stream)
            except EOFError:
                return
            yield each

    def _write_with_length(self, obj: Any, stream: BinaryIO) -> None:
        data = self.dumps(obj)
        if data is None:
            raise ValueError("serialized value should not be None")
        if len(data) > LARGEST_BYTES:
            raise ValueError(f"can not serialize object larger than 2G (this one has {len(data)} bytes)")
        write_with_length(data, stream)

    def _read_with_length(self, stream: BinaryIO) -> Any:
        data = read_frame(stream)
        return None if data is None else self.loads(data)


class BatchedSerializer(Serializer):
    """Writes objects in lists of ``batchSize`` by another serializer, and reads them one by one.

    >>> stream = io.BytesIO()
    >>> batched = BatchedSerializer(CPickleSerializer(), 2)
    >>> batched.dump_stream([1, 2, 3], stream)
    >>> _ = stream.seek(0)
    >>> list(CPickleSerializer().load_stream(stream))
    [[1, 2], [3]]
    """

    UNLIMITED_BATCH_SIZE = -1
    UNKNOWN_BATCH_SIZE = 0

    def __init__(self, serializer: Serializer, batchSize: int = UNLIMITED_BATCH_SIZE) -> None:
        self.serializer = serializer
        self.batchSize = batchSize

    def _batched(self, iterator: Iterable[Any]) -> Iterator[Any]:
        if self.batchSize == self.UNLIMITED_BATCH_SIZE:
            yield list(iterator)
            return
        records = iter(iterator)
        while batch := list(itertools.islice(records, self.batchSize)):
            yield batch

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        """Writes objects in lists."""
        self.serializer.dump_stream(self._batched(iterator), stream)

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """Reads objects one by one."""
        return itertools.chain.from_iterable(self._load_stream_without_unbatching(stream))

    def _load_stream_without_unbatching(self, stream: BinaryIO) -> Iterator[Iterable[Any]]:
        return self.serializer.load_stream(stream)

    def __repr__(self) -> str:
        return f"BatchedSerializer({self.serializer}, {self.batchSize})"


class FlattenedValuesSerializer(BatchedSerializer):
    """Writes pairs of a key and a list of values, and cuts long lists: the key is repeated with each part.

    >>> stream = io.BytesIO()
    >>> flat = FlattenedValuesSerializer(CPickleSerializer(), 2)
    >>> flat.dump_stream([("a", [1, 2, 3])], stream)
    >>> _ = stream.seek(0)
    >>> list(flat.load_stream(stream))
    [('a', [1, 2]), ('a', [3])]
    """

    def __init__(self, serializer: Serializer, batchSize: int = 10) -> None:
        super().__init__(serializer, batchSize)

    def _batched(self, iterator: Iterable[Any]) -> Iterator[Any]:
        for key, values in iterator:
            for start in range(0, len(values), self.batchSize):
                yield key, values[start : start + self.batchSize]

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """Reads pairs, with the parts of lists as they were written."""
        return self.serializer.load_stream(stream)

    def __repr__(self) -> str:
        return f"FlattenedValuesSerializer({self.serializer}, {self.batchSize})"


class AutoBatchedSerializer(BatchedSerializer):
    """Writes objects in lists whose length follows the size of the objects, so that a list has about ``bestSize``
    bytes.

    >>> stream = io.BytesIO()
    >>> AutoBatchedSerializer(CPickleSerializer()).dump_stream(range(4), stream)
    >>> _ = stream.seek(0)
    >>> list(CPickleSerializer().load_stream(stream))
    [[0], [1, 2], [3]]
    """

    def __init__(self, serializer: Serializer, bestSize: int = 1 << 16) -> None:
        super().__init__(serializer, self.UNKNOWN_BATCH_SIZE)
        self.bestSize = bestSize

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        """Writes lists: the next is twice as long after a small one, half as long after one ten times too large."""
        length, records = 1, iter(iterator)
        while batch := list(itertools.islice(records, length)):
            data = self.serializer.dumps(batch)
            write_with_length(data, stream)
            if len(data) < self.bestSize:
                length *= 2
            elif len(data) > 10 * self.bestSize and length > 1:
                length //= 2

    def __repr__(self) -> str:
        return f"AutoBatchedSerializer({self.serializer})"


class CartesianDeserializer(Serializer):
    """Reads batches of two kinds in turn, and gives all pairs of each two."""

    def __init__(self, key_ser: Serializer, val_ser: Serializer) -> None:
        self.key_ser = key_ser
        self.val_ser = val_ser

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """Reads pairs."""
        return itertools.chain.from_iterable(self._load_stream_without_unbatching(stream))

    def _load_stream_without_unbatching(self, stream: BinaryIO) -> Iterator[Iterable[Any]]:
        for left, right in _batches_in_turn(self.key_ser, self.val_ser, stream):
            yield itertools.product(left, right)

    def __repr__(self) -> str:
        return f"CartesianDeserializer({self.key_ser}, {self.val_ser})"


class PairDeserializer(Serializer):
    """Reads batches of two kinds in turn, and gives the first of each as a pair, then the second, and so on."""

    def __init__(self, key_ser: Serializer, val_ser: Serializer) -> None:
        self.key_ser = key_ser
        self.val_ser = val_ser

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """Reads pairs; ValueError where two batches are not equally long."""
        return itertools.chain.from_iterable(self._load_stream_without_unbatching(stream))

    def _load_stream_without_unbatching(self, stream: BinaryIO) -> Iterator[Iterable[Any]]:
        for left, right in _batches_in_turn(self.key_ser, self.val_ser, stream):
            lefts, rights = list(left), list(right)
            if len(lefts) != len(rights):
                raise ValueError(
                    "Can not deserialize PairRDD with different number of items in batches: "
                    f"({len(lefts)}, {len(rights)})"
                )
            yield zip(lefts, rights)

    def __repr__(self) -> str:
        return f"PairDeserializer({self.key_ser}, {self.val_ser})"


def _batches_in_turn(
    left: Serializer, right: Serializer, stream: BinaryIO
) -> Iterator[tuple[Iterable[Any], Iterable[Any]]]:
    return zip(left._load_stream_without_unbatching(stream), right._load_stream_without_unbatching(stream))


class NoOpSerializer(FramedSerializer):
    """For bytes: they are written as they are.

    >>> NoOpSerializer().loads(b"as it is")
    b'as it is'
    """

    def dumps(self, obj: bytes) -> bytes:
        """Returns the same bytes."""
        return obj

    def loads(self, obj: bytes) -> bytes:
        """Returns the same bytes."""
        return obj


class PickleSerializer(FramedSerializer):
    """Python's own pickle.

    >>> PickleSerializer().loads(PickleSerializer().dumps({1: "one"}))
    {1: 'one'}
    """

    def dumps(self, obj: Any) -> bytes:
        """Returns the pickled object."""
        return pickle.dumps(obj, pickle.HIGHEST_PROTOCOL)

    def loads(self, obj: bytes, encoding: str = "bytes") -> Any:
        """Unpickles an object; ``encoding`` is for strings of Python 2."""
        return pickle.loads(obj, encoding=encoding)


class CloudPickleSerializer(FramedSerializer):
    """Pickles functions and classes of the main program by value, through cloudpickle.

    ``allowed_names``, pairs of a module and a name, limits what may be unpickled; by default anything may.

    >>> serializer = CloudPickleSerializer()
    >>> serializer.loads(serializer.dumps(lambda x: x + 1))(1)
    2
    """

    allowed_names: Any = None

    def __init__(self, allowed_names: Any = None) -> None:
        super().__init__()
        self.allowed_names = allowed_names

    def dumps(self, obj: Any) -> bytes:
        """Returns the pickled object; raises PicklingError with the reason if it cannot be pickled."""
        from firesteel import shipping

        try:
            return shipping.dumps(obj)
        except pickle.PickleError:
            raise
        except Exception as error:
            raise pickle.PicklingError(f"Could not serialize object: {type(error).__name__}: {error}") from error

    def loads(self, obj: bytes, encoding: str = "bytes") -> Any:
        """Unpickles an object; raises UnpicklingError for names that are not allowed."""
        if self.allowed_names is None:
            return pickle.loads(obj, encoding=encoding)
        return _AllowedUnpickler(obj, self.allowed_names, encoding).load()


CPickleSerializer = CloudPickleSerializer


class _AllowedUnpickler(pickle.Unpickler):
    """Unpickles only allowed names, since unpickling a name may run its code."""

    def __init__(self, data: bytes, allowed_names: Any, encoding: str) -> None:
        super().__init__(io.BytesIO(data), encoding=encoding)
        self._allowed = allowed_names

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in self._allowed:
            raise pickle.UnpicklingError(f"Unpickling {module_name}.{global_name} is not allowed")
        return super().find_class(module_name, global_name)


class MarshalSerializer(FramedSerializer):
    """Uses marshal: faster than pickle, for numbers, text, bytes, and tuples, lists, sets and dictionaries of them.

    >>> MarshalSerializer().loads(MarshalSerializer().dumps((1, "a")))
    (1, 'a')
    """

    def dumps(self, obj: Any) -> bytes:
        """Returns the object's bytes; raises ValueError for objects of other kinds."""
        return marshal.dumps(obj)

    def loads(self, obj: bytes) -> Any:
        """Returns the object of these bytes."""
        return marshal.loads(obj)


class AutoSerializer(FramedSerializer):
    """Uses marshal until it cannot write an object, pickle from then on; a letter before each says which.

    >>> serializer = AutoSerializer()
    >>> [serializer.dumps(each)[:1] for each in (1, object, 2)]
    [b'M', b'P', b'P']
    """

    def __init__(self) -> None:
        super().__init__()
        self._type: bytes | None = None

    def dumps(self, obj: Any) -> bytes:
        """Returns the object's bytes after the letter."""
        if self._type is None:
            try:
                return b"M" + marshal.dumps(obj)
            except ValueError:
                self._type = b"P"
        return b"P" + pickle.dumps(obj, -1)

    def loads(self, obj: bytes) -> Any:
        """Returns the object of these bytes."""
        kind, data = obj[:1], obj[1:]
        if kind == b"M":
            return marshal.loads(data)
        if kind == b"P":
            return pickle.loads(data)
        raise ValueError(f"invalid serialization type: {kind!r}")


class CompressedSerializer(FramedSerializer):
    """Compresses the output of another serializer.

    >>> len(CompressedSerializer(CPickleSerializer()).dumps(" " * 10000)) < 100
    True
    """

    def __init__(self, serializer: FramedSerializer) -> None:
        super().__init__()
        assert isinstance(serializer, FramedSerializer), "serializer must be a FramedSerializer"
        self.serializer = serializer

    def dumps(self, obj: Any) -> bytes:
        """Returns the object's bytes, compressed."""
        return zlib.compress(self.serializer.dumps(obj), 1)

    def loads(self, obj: bytes) -> Any:
        """Returns the object of these bytes."""
        return self.serializer.loads(zlib.decompress(obj))

    def __repr__(self) -> str:
        return f"CompressedSerializer({self.serializer})"


class UTF8Deserializer(Serializer):
    """Reads text, each with its length in bytes before it; without ``use_unicode`` the bytes themselves.

    >>> list(UTF8Deserializer().load_stream(io.BytesIO(b"\\0\\0\\0\\2hi")))
    ['hi']
    """

    def __init__(self, use_unicode: bool = True) -> None:
        self.use_unicode = use_unicode

    def loads(self, stream: BinaryIO) -> str | bytes | None:
        """Reads the next text of a stream; raises EOFError at its end."""
        data = read_frame(stream)
        return data.decode("utf-8") if data is not None and self.use_unicode else data

    def load_stream(self, stream: BinaryIO) -> Iterator[str | bytes | None]:
        """Reads all texts to the stream's end."""
        while True:
            try:
                text = self.loads(stream)
            except (EOFError, struct.error):
                return
            yield text

    def __repr__(self) -> str:
        return f"UTF8Deserializer({self.use_unicode})"


class ChunkedStream:
    """A file that cuts what is written to it into frames of one length, each after its length, and ends with -1.

    >>> written = io.BytesIO()
    >>> written.close = lambda: None
    >>> chunked = ChunkedStream(written, 4)
    >>> chunked.write(b"abcdef"); chunked.close()
    >>> written.getvalue()
    b'\\x00\\x00\\x00\\x04abcd\\x00\\x00\\x00\\x02ef\\xff\\xff\\xff\\xff'
    """

    def __init__(self, wrapped: BinaryIO, buffer_size: int) -> None:
        self.wrapped = wrapped
        self.buffer_size = buffer_size
        self._waiting = bytearray()

    def write(self, bytes: bytes) -> None:
        """Writes whole frames, and keeps the rest."""
        self._waiting += bytes
        while len(self._waiting) >= self.buffer_size:
            write_with_length(self._waiting[: self.buffer_size], self.wrapped)
            del self._waiting[: self.buffer_size]

    def close(self) -> None:
        """Writes the rest and the end, and closes the file behind."""
        if self._waiting:
            write_with_length(self._waiting, self.wrapped)
        write_int(SpecialLengths.END_OF_DATA_SECTION, self.wrapped)
        self.wrapped.close()

    @property
    def closed(self) -> bool:
        """Whether the file behind is closed."""
        return self.wrapped.closed
