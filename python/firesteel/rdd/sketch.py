"""HyperLogLog: a sketch that counts distinct keys in little memory.

Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
(2007). A key's portable hash is mixed to 64 bits. The first ``bits`` of them choose a register, which keeps the
greatest position of the first one-bit among the rest. For few keys linear counting over the registers still empty is
closer, and is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from firesteel import _native

__all__ = ["bits_for", "estimate", "registers"]

_MASK = 0xFFFFFFFFFFFFFFFF


def bits_for(relative_sd: float) -> int:
    """Returns the number of bits that choose the register, for a relative standard deviation.

    >>> bits_for(0.05), bits_for(0.01)
    (9, 14)
    """
    return max(4, math.ceil(2.0 * math.log2(1.054 / relative_sd)))


def registers(records: Iterable[object], bits: int) -> list[bytes]:
    """Returns the registers of one partition.

    >>> max(registers([], 4)[0])
    0
    """
    portable_hash = _native.portable_hash
    kept = bytearray(1 << bits)
    shift = 64 - bits
    for record in records:
        # The finisher of SplitMix64 (Steele, Lea and Flood, 2014): portable hashes of small numbers are the numbers.
        mixed = (portable_hash(record) + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        mixed ^= mixed >> 31
        register = mixed >> shift
        rank = shift - (mixed & ((1 << shift) - 1)).bit_length() + 1
        if rank > kept[register]:
            kept[register] = rank
    return [bytes(kept)]


def estimate(parts: list[bytes], bits: int) -> int:
    """Estimates the number of distinct keys of all partitions.

    >>> estimate([], 4)
    0
    """
    count = 1 << bits
    merged = [0] * count
    for part in parts:
        merged = list(map(max, merged, part))
    alpha = {16: 0.673, 32: 0.697, 64: 0.709}.get(count, 0.7213 / (1 + 1.079 / count))
    raw = alpha * count * count / sum(2.0**-rank for rank in merged)
    empty = merged.count(0)
    if raw <= 2.5 * count and empty:
        return round(count * math.log(count / empty))
    return round(raw)
