"""The key that a partition has most values of, for the figures of its task: pages name it when the task is slow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from firesteel import _native

__all__ = ["tell_hot_key", "tell_largest"]

K = TypeVar("K")

VALUES = 10_000
"""Values from which on a key may be the reason why its partition takes long."""
SHARE = 20
"""The share of a partition's values, in percent, from which a key is that reason."""


def tell_hot_key(table: Mapping[K, Any], met: Mapping[K, int]) -> None:
    """Notes for the figures which key of a table of lists has most values, if it is why the task takes long.

    ``met`` has the keys that may be it, with the values that were counted: so the lengths of all lists are asked for
    only where one of them is long.
    """
    key = max(met, key=met.__getitem__, default=None)
    if key is None or len(table[key]) < VALUES:
        return
    tell_largest(key, len(table[key]), sum(map(len, table.values())))


def tell_largest(key: Any, values: int, total: int) -> None:
    """Does the same for the key that is known to have most values."""
    if values >= VALUES and values * 100 >= total * SHARE:
        _native.note_hot_key(key, values)
