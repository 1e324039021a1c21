"""Shapes on a globe and in a plane: their types are known, so that schemas with them can be read and written.

Columns cannot hold shapes here; where a value would be stored or read, that is refused.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from firesteel.sql.conditions import SchemaValueError, UnsupportedError
from firesteel.sql.datatypes import AtomicType

__all__ = ["Geography", "GeographyType", "Geometry", "GeometryType", "SpatialType"]


class _Shape:
    """A shape in the well-known binary form, with the number of its reference system."""

    def __init__(self, wkb: bytes, srid: int) -> None:
        self.wkb = wkb
        self.srid = srid

    def getSrid(self) -> int:
        """Returns the number of the reference system."""
        return self.srid

    def getBytes(self) -> bytes:
        """Returns the well-known binary form."""
        return self.wkb

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other) and (self.wkb, self.srid) == (other.wkb, other.srid)

    # Equal shapes may differ in bytes, so that shapes serve as no keys.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.wkb!r}, {self.srid})"


class Geography(_Shape):
    """A shape on the globe.

    >>> Geography.fromWKB(b"", 4326)
    Geography(b'', 4326)
    """

    @classmethod
    def fromWKB(cls, wkb: bytes, srid: int) -> Geography:
        """Makes one of its well-known binary form."""
        return cls(wkb, srid)


class Geometry(_Shape):
    """A shape in a plane.

    >>> Geometry.fromWKB(b"", 0).getSrid()
    0
    """

    @classmethod
    def fromWKB(cls, wkb: bytes, srid: int) -> Geometry:
        """Makes one of its well-known binary form."""
        return cls(wkb, srid)


class SpatialType(AtomicType):
    """The base of both types of shapes."""

    MIXED_SRID = -1
    MIXED_CRS = "SRID:ANY"
    DEFAULT_CRS = "OGC:CRS84"
    DEFAULT_SRID = 4326
    _systems: ClassVar[dict[int, str]] = {}

    def __init__(self, srid: int | str) -> None:
        if srid == "ANY":
            self.srid, self._crs = self.MIXED_SRID, self.MIXED_CRS
        elif isinstance(srid, int) and srid in self._systems:
            self.srid, self._crs = srid, self._systems[srid]
        else:
            known = ", ".join(map(str, self._systems))
            raise SchemaValueError.of(
                "ST_INVALID_SRID_VALUE",
                f"Invalid or unsupported SRID (spatial reference identifier) value: {srid}."
                f" Known are {known} and 'ANY'.",
            )

    @classmethod
    def _srid_of(cls, crs: str) -> int | str:
        if crs == cls.MIXED_CRS:
            return "ANY"
        for number, name in cls._systems.items():
            if name == crs:
                return number
        raise SchemaValueError.of(
            "ST_INVALID_CRS_VALUE",
            f"Invalid or unsupported CRS (coordinate reference system) value: '{crs}'."
            f" Known are {', '.join(cls._systems.values())} and {cls.MIXED_CRS}.",
        )

    def simpleString(self) -> str:
        """Returns the name with the number of the reference system."""
        return f"{self.typeName()}({'any' if self.srid == self.MIXED_SRID else self.srid})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'ANY' if self.srid == self.MIXED_SRID else self.srid})"

    def needConversion(self) -> bool:
        """Returns True."""
        return True

    def toInternal(self, obj: Any) -> None:
        """Refuses everything but None: columns cannot hold shapes."""
        self._refuse(obj)

    def fromInternal(self, obj: Any) -> None:
        """Refuses everything but None: columns cannot hold shapes."""
        self._refuse(obj)

    def _refuse(self, obj: Any) -> None:
        if obj is not None:
            self._cannot()

    def _cannot(self) -> NoReturn:
        raise UnsupportedError.of(
            "NOT_IMPLEMENTED",
            f"columns of type {self.simpleString()} cannot hold values here: use a binary column with the shape's"
            " getBytes(), and a number for its getSrid().",
        )


class GeographyType(SpatialType):
    """Shapes on the globe.

    >>> GeographyType(4326).json(), GeographyType("ANY").simpleString()
    ('"geography(OGC:CRS84, SPHERICAL)"', 'geography(any)')
    """

    DEFAULT_ALG = "SPHERICAL"
    _systems: ClassVar[dict[int, str]] = {4326: "OGC:CRS84"}

    def __init__(self, srid: int | str) -> None:
        super().__init__(srid)
        self._alg = self.DEFAULT_ALG

    @classmethod
    def _from_crs(cls, crs: str, alg: str) -> GeographyType:
        if alg != cls.DEFAULT_ALG:
            raise SchemaValueError.of(
                "ST_INVALID_ALGORITHM_VALUE",
                f"Invalid or unsupported edge interpolation algorithm value: '{alg}'. Known is {cls.DEFAULT_ALG}.",
            )
        return cls(cls._srid_of(crs))

    def jsonValue(self) -> str:
        """Returns the name with the reference system and the way in which edges run."""
        return f"geography({self._crs}, {self._alg})"


class GeometryType(SpatialType):
    """Shapes in a plane.

    >>> GeometryType(3857).json(), GeometryType(0).simpleString()
    ('"geometry(EPSG:3857)"', 'geometry(0)')
    """

    _systems: ClassVar[dict[int, str]] = {0: "SRID:0", 3857: "EPSG:3857", 4326: "OGC:CRS84"}

    @classmethod
    def _from_crs(cls, crs: str) -> GeometryType:
        return cls(cls._srid_of(crs))

    def jsonValue(self) -> str:
        """Returns the name with the reference system."""
        return f"geometry({self._crs})"
