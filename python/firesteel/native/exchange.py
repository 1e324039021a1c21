"""What the engine asks of functions that place keys in a shuffle: whether it can place typed ones without them."""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import Any

__all__ = ["ranges_of"]


def ranges_of(function: Any) -> tuple[list[Any], int | None] | None:
    """Returns the bounds by which a function places keys, and the number of the last range if that has the least keys;
    None if it places them in another way.

    >>> ranges_of(partial(bisect_left, ["b", "d"]))
    (['b', 'd'], None)
    """
    from firesteel.rdd.sorting import _Place
    from firesteel.sorting import identity

    if type(function) is partial and function.func is bisect_left:
        plain = len(function.args) == 1 and not function.keywords and type(function.args[0]) is list
        return (function.args[0], None) if plain else None
    if type(function) is _Place and function.keyfunc is identity:
        return function.bounds, function.last
    return None
