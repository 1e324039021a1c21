"""The error for a record that has no place in a frame's columns: the native module asks for it once it has found one.
"""

from __future__ import annotations

import json
from typing import Any

from firesteel.errors import bounded_repr
from firesteel.sql.structs import StructType
from firesteel.sql.verification import _make_type_verifier

__all__ = ["explain"]


def explain(record: Any, schema: str) -> Exception:
    """Returns the error that names the field, its value and its type.

    >>> from firesteel.sql.types import *
    >>> explain(("x",), StructType([StructField("n", IntegerType())]).json())
    SchemaTypeError(...)
    """
    kind = StructType.fromJson(json.loads(schema))
    try:
        _make_type_verifier(kind)(record)
    except Exception as error:
        return error
    return TypeError(
        f"a record does not fit the columns {kind.simpleString()}, or has a value beyond its type:"
        f" {bounded_repr(record)}"
    )
