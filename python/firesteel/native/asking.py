"""What the kernels ask numpy itself: functions whose bits depend on the processor, and on what numpy was built with.

One call computes what a whole batch wants. Whether that is what numpy gives for each row by itself is looked at once in
a process: ``exp`` and its kin must give an item the same result wherever in an array it stands, and the product of many
pairs of arrays must be that of each pair, wherever in memory these lie. If one bit differs, as with a BLAS whose order
of adding depends on addresses, such functions are interpreted.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["NAMES", "agrees_on", "of_each", "products"]

_OF_EACH = ("cos", "exp", "expm1", "log", "log10", "log1p", "log2", "sin", "tanh")

#: The functions that are asked for, by the names that the kernels have for them.
NAMES = frozenset((*_OF_EACH, "dot", "matmul", "norm"))

#: The lengths of the arrays whose products are compared: the longest is the longest that is asked for.
_LENGTHS = (*range(1, 66), 95, 96, 97, 127, 128, 129, 255, 256, 257, 511, 512, 1000, 1023, 1024)

#: The most items of which a function is compared: vectors of processors have eight at most.
_MOST_ITEMS = 33


def of_each(name: str, items: bytes) -> bytes:
    """Returns what a function gives of each float.

    >>> import numpy
    >>> of_each("exp", numpy.zeros(1).tobytes()) == numpy.ones(1).tobytes()
    True
    """
    numpy = sys.modules["numpy"]
    with numpy.errstate(all="ignore"):
        made: bytes = getattr(numpy, name)(numpy.frombuffer(items)).tobytes()
    return made


def products(one: bytes, two: bytes, length: int) -> bytes:
    """Returns the products of pairs of arrays of so many floats; of either side there may be one for all.

    >>> import numpy
    >>> pairs = numpy.ones(6).tobytes()
    >>> numpy.frombuffer(products(pairs, numpy.ones(2).tobytes(), 2)).tolist()
    [2.0, 2.0, 2.0]
    """
    numpy = sys.modules["numpy"]
    rows, columns = numpy.frombuffer(one).reshape(-1, 1, length), numpy.frombuffer(two).reshape(-1, length, 1)
    with numpy.errstate(all="ignore"):
        # Of a row with a column numpy makes what it makes of two arrays, and not what it does for matrices.
        made: bytes = numpy.matmul(rows, columns).tobytes()
    return made


_agreed: dict[str, bool] = {}


def agrees_on(name: str) -> bool:
    """Returns whether numpy computes a function for many rows as it does for each."""
    if name not in _agreed:
        numpy = sys.modules["numpy"]
        with numpy.errstate(all="ignore"):
            _agreed[name] = _items_agree(numpy, name) if name in _OF_EACH else _products_agree(numpy, name)
    return _agreed[name]


def _numbers(count: int) -> list[float]:
    """Returns numbers of many sizes, of both signs."""
    state, numbers = 1, []
    for _ in range(count):
        state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        numbers.append(((state >> 11) / 2**53 - 0.5) * 10.0 ** (state % 7 - 3))
    return numbers


def _items_agree(numpy: Any, name: str) -> bool:
    """Returns whether items have the same results alone and in arrays, beside large, small and ordinary ones."""
    function = getattr(numpy, name)
    items = _numbers(400)
    items[::29] = [0.0, -0.0, 5e-324, -1e-310, 708.5, -745.0, 710.0, 1e9, 1e300, -1e300, 1.0, 1 + 2**-52, 0.5, -1.0]
    items = [abs(item) for item in items] + items if name.startswith("log") else items
    whole = function(numpy.array(items))
    wanted = whole.tolist()
    for at, item in enumerate(items):
        alone = [function(item), function(numpy.float64(item)), function(numpy.array([item]))[0]]
        if not _are_same(numpy, alone, [wanted[at]] * 3) or type(alone[0]) is not numpy.float64:
            return False
    begin = 0
    for length in [*range(2, _MOST_ITEMS)] * 2:
        begin = (begin + 2 * length) % (len(items) - _MOST_ITEMS)
        if not _are_same(numpy, function(numpy.array(items[begin : begin + length])), wanted[begin : begin + length]):
            return False
    return True


def _are_same(numpy: Any, some: Any, others: Any) -> bool:
    """Returns whether numbers agree, bit by bit, where they are finite: others are not the kernels' to give."""
    one, two = numpy.array(some), numpy.array(others)
    is_finite = numpy.isfinite(one) | numpy.isfinite(two)
    return bool(one[is_finite].tobytes() == two[is_finite].tobytes())


def _products_agree(numpy: Any, name: str) -> bool:
    """Returns whether products of pairs are those of each pair by itself, at all addresses that arrays can have."""
    numbers = numpy.array(_numbers(_ROWS * max(_LENGTHS) + _APART))
    for length in _LENGTHS:
        count = _ROWS * length
        ones, twos = numbers[:count].reshape(_ROWS, length), numbers[_APART : _APART + count].reshape(_ROWS, length)
        zeros = numpy.full((_ROWS, length), -0.0)
        for one, two in ((ones, ones), (zeros, zeros)) if name == "norm" else ((ones, twos), (zeros, abs(twos))):
            if not _agree_on_rows(numpy, name, one, two):
                return False
    return True


_ROWS, _APART = 3, 15


def _agree_on_rows(numpy: Any, name: str, ones: Any, twos: Any) -> bool:
    """Returns whether products agree of some pairs, and of the first array of either side with all of the other one."""
    pairs = [(ones, twos)]
    if name != "norm":
        pairs += [(ones[:1], twos), (ones, twos[:1])]
    for some, others in pairs:
        wanted = []
        for at in range(_ROWS):
            one, two = some[min(at, len(some) - 1)].copy(), others[min(at, len(others) - 1)].copy()
            wanted.append(_alone(numpy, name, one, two))
        if type(wanted[0]) is not numpy.float64 or wanted[-1].tobytes() != _moved(numpy, name, one, two):
            return False
        if _together(numpy, name, some, others).tobytes() != numpy.array(wanted).tobytes():
            return False
    return True


def _alone(numpy: Any, name: str, one: Any, two: Any) -> Any:
    return numpy.linalg.norm(one) if name == "norm" else getattr(numpy, name)(one, two)


def _moved(numpy: Any, name: str, one: Any, two: Any) -> bytes | None:
    """Returns the bits of the product of a pair, if they are the same for all addresses within 16 bytes."""
    moved = []
    for array in (one, two):
        room = numpy.empty(2 * len(array) + 3)
        # Of two places that lie an odd number of items apart one is in the middle of 16 bytes.
        begins = (0, len(array) + 1 + len(array) % 2)
        places = [room[begin : begin + len(array)] for begin in begins]
        for place in places:
            place[:] = array
        moved.append(places)
    bits = {_alone(numpy, name, a, b).tobytes() for a in moved[0] for b in moved[1]}
    return bits.pop() if len(bits) == 1 else None


def _together(numpy: Any, name: str, ones: Any, twos: Any) -> Any:
    """Returns what the kernels make of pairs: those of one item they multiply themselves."""
    length = ones.shape[1]
    if length > 1:
        made = numpy.frombuffer(products(ones.tobytes(), twos.tobytes(), length))
    else:
        made = (ones * twos)[:, 0]
        made = made + 0.0 if name == "matmul" else made
    return numpy.sqrt(made) if name == "norm" else made
