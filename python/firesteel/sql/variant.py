"""Variants, Spark's values of any shape: the type is known, so that schemas with it can be read and written.

Columns cannot hold variants here; where one would be made, stored or looked into, that is refused.
"""

from __future__ import annotations

from typing import Any, NoReturn

from firesteel.sql.conditions import UnsupportedError
from firesteel.sql.datatypes import AtomicType

__all__ = ["VariantType", "VariantVal"]


class VariantVal:
    """The two byte strings of a variant.

    >>> VariantVal(b"\\x00", b"\\x01\\x00\\x00")
    VariantVal(b'\\x00', b'\\x01\\x00\\x00')
    """

    def __init__(self, value: bytes, metadata: bytes) -> None:
        self.value = value
        self.metadata = metadata

    def __repr__(self) -> str:
        return f"VariantVal({self.value!r}, {self.metadata!r})"

    def toPython(self) -> NoReturn:
        """Refuses: variants cannot be read here."""
        _refuse("VariantVal.toPython")

    def toJson(self, zone_id: str = "UTC") -> NoReturn:
        """Refuses: variants cannot be read here."""
        _refuse("VariantVal.toJson")

    @classmethod
    def parseJson(cls, json_str: str) -> NoReturn:
        """Refuses: variants cannot be made here."""
        _refuse("VariantVal.parseJson")


class VariantType(AtomicType):
    """The type of variants.

    >>> VariantType().json()
    '"variant"'
    """

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, variant: Any) -> None:
        """Refuses everything but None: columns cannot hold variants."""
        if variant is not None:
            _refuse("VariantType.toInternal")

    def fromInternal(self, obj: Any) -> None:
        """Refuses everything but None: columns cannot hold variants."""
        if obj is not None:
            _refuse("VariantType.fromInternal")


def _refuse(what: str) -> NoReturn:
    raise UnsupportedError.of(
        "NOT_IMPLEMENTED",
        f"{what} is not implemented: columns cannot hold variants here. Keep the JSON text in a string column.",
    )
