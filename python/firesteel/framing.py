"""Numbers and lengths in streams of bytes, big-endian, as PySpark's processes write them to each other.

``firesteel.serializers`` builds on this module and re-exports its names, since programs import them from there.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, cast


class SpecialLengths:
    """The meanings of a length below zero in a stream."""

    END_OF_DATA_SECTION = -1
    PYTHON_EXCEPTION_THROWN = -2
    TIMING_DATA = -3
    END_OF_STREAM = -4
    NULL = -5
    START_ARROW_STREAM = -6
    START_OF_INIT_MESSAGE = -8


def read_frame(stream: BinaryIO) -> bytes | None:
    """Reads the bytes after a length; None for a null; EOFError at the end of the section or stream, or within a
    frame."""
    length = read_int(stream)
    if length == SpecialLengths.NULL:
        return None
    if length == SpecialLengths.END_OF_DATA_SECTION:
        raise EOFError
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _read_number(form: struct.Struct, stream: BinaryIO) -> Any:
    data = stream.read(form.size)
    if not data:
        raise EOFError
    return form.unpack(data)[0]


_INT, _LONG, _BOOL = struct.Struct("!i"), struct.Struct("!q"), struct.Struct("!?")


def read_int(stream: BinaryIO) -> int:
    """Reads the next 32-bit number of a stream.

    >>> import io
    >>> read_int(io.BytesIO(pack_long(5)[4:]))
    5
    """
    return cast(int, _read_number(_INT, stream))


def write_int(value: int, stream: BinaryIO) -> None:
    """Writes a 32-bit number."""
    stream.write(_INT.pack(value))


def read_long(stream: BinaryIO) -> int:
    """Reads the next 64-bit number of a stream."""
    return cast(int, _read_number(_LONG, stream))


def write_long(value: int, stream: BinaryIO) -> None:
    """Writes a 64-bit number."""
    stream.write(_LONG.pack(value))


def pack_long(value: int) -> bytes:
    """Returns the bytes of a 64-bit number."""
    return _LONG.pack(value)


def read_bool(stream: BinaryIO) -> bool:
    """Reads the next truth value of a stream, one byte."""
    return cast(bool, _read_number(_BOOL, stream))


def write_with_length(obj: bytes | bytearray, stream: BinaryIO) -> None:
    """Writes bytes with their length before them."""
    write_int(len(obj), stream)
    stream.write(obj)
