"""``pyspark.loose_version``: versions of any shape, compared part by part."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["LooseVersion"]


class LooseVersion:
    """A version as a list of its numbers and words, in ``version``; the text itself is in ``vstring``.

    >>> LooseVersion("4.10.0rc1").version
    [4, 10, 0, 'rc', 1]
    >>> LooseVersion("4.9") < LooseVersion("4.10"), LooseVersion("4.9") == "4.9"
    (True, True)
    """

    def __init__(self, vstring: str | None = None) -> None:
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Takes a version apart: numbers, words of small letters, and whatever is between them but dots."""
        pieces = re.findall(r"\d+|[a-z]+|[^\da-z.]+", vstring)
        self.vstring = vstring
        self.version = [int(piece) if piece.isdigit() else piece for piece in pieces]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"LooseVersion ('{self}')"

    def _parts(self, other: object) -> Any:
        if isinstance(other, str):
            return LooseVersion(other).version
        return other.version if isinstance(other, LooseVersion) else None

    def __eq__(self, other: object) -> bool:
        parts = self._parts(other)
        return NotImplemented if parts is None else bool(self.version == parts)

    def __lt__(self, other: object) -> bool:
        parts = self._parts(other)
        return NotImplemented if parts is None else bool(self.version < parts)

    def __le__(self, other: object) -> bool:
        parts = self._parts(other)
        return NotImplemented if parts is None else bool(self.version <= parts)

    def __gt__(self, other: object) -> bool:
        parts = self._parts(other)
        return NotImplemented if parts is None else bool(self.version > parts)

    def __ge__(self, other: object) -> bool:
        parts = self._parts(other)
        return NotImplemented if parts is None else bool(self.version >= parts)

    __hash__ = None  # type: ignore[assignment]
