"""Storage levels: what they print, and when they are equal."""

import pickle

import pytest

from firesteel.storagelevel import StorageLevel


@pytest.mark.parametrize(
    ("level", "shown", "told"),
    [
        (StorageLevel.NONE, "StorageLevel(False, False, False, False, 1)", "Serialized 1x Replicated"),
        (StorageLevel.MEMORY_ONLY, "StorageLevel(False, True, False, False, 1)", "Memory Serialized 1x Replicated"),
        (StorageLevel.DISK_ONLY_3, "StorageLevel(True, False, False, False, 3)", "Disk Serialized 3x Replicated"),
        (
            StorageLevel.OFF_HEAP,
            "StorageLevel(True, True, True, False, 1)",
            "Disk Memory OffHeap Serialized 1x Replicated",
        ),
        (
            StorageLevel.MEMORY_AND_DISK_DESER,
            "StorageLevel(True, True, False, True, 1)",
            "Disk Memory Deserialized 1x Replicated",
        ),
    ],
)
def test_a_level_prints_its_flags(level: StorageLevel, shown: str, told: str) -> None:
    assert (repr(level), str(level)) == (shown, told)


def test_levels_are_equal_by_their_flags() -> None:
    assert StorageLevel(True, False, False, False) == StorageLevel.DISK_ONLY
    assert StorageLevel.DISK_ONLY != StorageLevel.DISK_ONLY_2
    assert StorageLevel.DISK_ONLY != "DISK_ONLY"
    assert pickle.loads(pickle.dumps(StorageLevel.OFF_HEAP)) == StorageLevel.OFF_HEAP
    with pytest.raises(TypeError):
        hash(StorageLevel.NONE)
