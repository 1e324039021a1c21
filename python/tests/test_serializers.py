"""Serializers: streams with PySpark's framing, and names that programs import."""

import io
import pickle
import struct
from collections.abc import Iterable
from typing import Any

import pytest

from firesteel.serializers import (
    AutoBatchedSerializer,
    AutoSerializer,
    BatchedSerializer,
    CartesianDeserializer,
    CloudPickleSerializer,
    CompressedSerializer,
    CPickleSerializer,
    FlattenedValuesSerializer,
    MarshalSerializer,
    NoOpSerializer,
    PairDeserializer,
    PickleSerializer,
    Serializer,
    UTF8Deserializer,
    read_bool,
    read_int,
    read_long,
    write_int,
    write_long,
    write_with_length,
)

RECORDS = [1, "two", 3.0, None, b"4", (5, [6])]


def written(serializer: Serializer, records: Iterable[Any]) -> io.BytesIO:
    stream = io.BytesIO()
    serializer.dump_stream(records, stream)
    stream.seek(0)
    return stream


@pytest.mark.parametrize(
    "serializer",
    [
        CPickleSerializer(),
        PickleSerializer(),
        MarshalSerializer(),
        AutoSerializer(),
        CompressedSerializer(CPickleSerializer()),
        BatchedSerializer(CPickleSerializer()),
        BatchedSerializer(MarshalSerializer(), 2),
        AutoBatchedSerializer(CPickleSerializer(), 100),
    ],
    ids=str,
)
def test_what_is_written_is_read(serializer: Serializer) -> None:
    assert list(serializer.load_stream(written(serializer, RECORDS))) == RECORDS
    assert list(serializer.load_stream(written(serializer, []))) == []


def test_a_frame_is_a_length_and_bytes() -> None:
    assert written(NoOpSerializer(), [b"abc", b""]).getvalue() == b"\0\0\0\3abc\0\0\0\0"


def test_the_end_of_a_section_ends_a_stream_and_null_is_none() -> None:
    stream = io.BytesIO(struct.pack("!i", -5) + struct.pack("!i", -1) + b"\0\0\0\1x")
    assert list(NoOpSerializer().load_stream(stream)) == [None]
    assert stream.read() == b"\0\0\0\1x"


def test_a_frame_that_is_cut_off_ends_a_stream() -> None:
    assert list(NoOpSerializer().load_stream(io.BytesIO(b"\0\0\0\5ab"))) == []


def test_batches_grow_while_they_are_small() -> None:
    stream = written(AutoBatchedSerializer(PickleSerializer()), range(10))
    assert [len(batch) for batch in PickleSerializer().load_stream(stream)] == [1, 2, 4, 3]


def test_batches_shrink_when_they_are_large() -> None:
    stream = written(AutoBatchedSerializer(PickleSerializer(), 60), ["x", "x", "x"] + ["x" * 1000] * 12)
    assert [len(batch) for batch in PickleSerializer().load_stream(stream)] == [1, 2, 4, 2, 1, 1, 1, 1, 1, 1]


def test_long_lists_of_values_are_cut() -> None:
    serializer = FlattenedValuesSerializer(CPickleSerializer(), 2)
    assert list(serializer.load_stream(written(serializer, [("a", [1, 2, 3]), ("b", [4])]))) == [
        ("a", [1, 2]),
        ("a", [3]),
        ("b", [4]),
    ]


def test_two_streams_are_read_as_pairs() -> None:
    batched = BatchedSerializer(MarshalSerializer(), 2)
    stream = io.BytesIO()
    for batch in ([1, 2], ["a", "b"], [3], ["c"]):
        batched.dump_stream(batch, stream)
    stream.seek(0)
    assert list(PairDeserializer(batched, batched).load_stream(stream)) == [(1, "a"), (2, "b"), (3, "c")]
    stream.seek(0)
    assert list(CartesianDeserializer(batched, batched).load_stream(stream)) == [
        (1, "a"),
        (1, "b"),
        (2, "a"),
        (2, "b"),
        (3, "c"),
    ]


def test_pairs_of_unequal_batches_are_refused() -> None:
    stream = io.BytesIO()
    BatchedSerializer(MarshalSerializer()).dump_stream([1, 2], stream)
    BatchedSerializer(MarshalSerializer()).dump_stream([1], stream)
    stream.seek(0)
    batched = BatchedSerializer(MarshalSerializer())
    with pytest.raises(ValueError, match=r"different number of items in batches: \(2, 1\)"):
        list(PairDeserializer(batched, batched).load_stream(stream))


def test_text_is_read_as_text_or_bytes() -> None:
    stream = io.BytesIO()
    write_with_length("é".encode(), stream)
    for unicode, expected in ((True, ["é"]), (False, ["é".encode()])):
        stream.seek(0)
        assert list(UTF8Deserializer(unicode).load_stream(stream)) == expected


def test_numbers_of_streams() -> None:
    stream = io.BytesIO()
    write_int(-7, stream)
    write_long(1 << 40, stream)
    stream.write(b"\1")
    stream.seek(0)
    assert (read_int(stream), read_long(stream), read_bool(stream)) == (-7, 1 << 40, True)
    with pytest.raises(EOFError):
        read_int(stream)


def test_equality_names_and_printed_forms_are_pysparks() -> None:
    assert CPickleSerializer is CloudPickleSerializer
    assert BatchedSerializer(CPickleSerializer(), 2) == BatchedSerializer(CPickleSerializer(), 2)
    assert BatchedSerializer(CPickleSerializer(), 2) != BatchedSerializer(CPickleSerializer(), 3)
    assert CPickleSerializer() != MarshalSerializer()
    assert hash(MarshalSerializer()) == hash(MarshalSerializer())
    assert repr(BatchedSerializer(CPickleSerializer(), 2)) == "BatchedSerializer(CloudPickleSerializer(), 2)"
    assert repr(AutoBatchedSerializer(MarshalSerializer())) == "AutoBatchedSerializer(MarshalSerializer())"
    assert repr(UTF8Deserializer()) == "UTF8Deserializer(True)"


def test_functions_go_by_value_and_what_cannot_is_explained() -> None:
    serializer = CPickleSerializer()
    assert serializer.loads(serializer.dumps(lambda x: x + 1))(1) == 2
    with pytest.raises(pickle.PicklingError, match="Could not serialize object"):
        serializer.dumps(io.FileIO(0, closefd=False))


def test_only_allowed_names_are_unpickled() -> None:
    data = pickle.dumps(struct.Struct)
    assert CPickleSerializer([("_struct", "Struct")]).loads(data) is struct.Struct
    with pytest.raises(pickle.UnpicklingError, match="Unpickling _struct.Struct is not allowed"):
        CPickleSerializer([]).loads(data)
