"""The exceptions of schemas: each is a built-in exception, as programs catch it, and has PySpark's condition.

A text begins with the condition in brackets, which :meth:`firesteel.errors.FiresteelError.getCondition` reads. Under
PySpark's names ``PySparkTypeError`` is TypeError, and so on; that is why each class here is one of these, too.
"""

from __future__ import annotations

import os

from firesteel import as_pyspark
from firesteel.errors import FiresteelError, ParseError

__all__ = [
    "ParseError",
    "SchemaError",
    "SchemaIndexError",
    "SchemaKeyError",
    "SchemaTypeError",
    "SchemaValueError",
    "UnsupportedError",
    "check",
]


class SchemaError(FiresteelError):
    """A type that cannot be made of these parts, such as an interval from seconds to years.

    >>> SchemaTypeError.of("CANNOT_MERGE_TYPE", "a number and a list").getCondition()
    'CANNOT_MERGE_TYPE'
    """

    @classmethod
    def of(cls, condition: str, text: str) -> SchemaError:
        """Makes an exception whose text begins with the condition."""
        return cls(f"[{condition}] {text}")


class SchemaTypeError(SchemaError, TypeError):
    """A value of a type that the schema, or inference, does not accept."""


class SchemaValueError(SchemaError, ValueError):
    """A value that its type cannot hold, or a text that is no type."""


class SchemaIndexError(SchemaError, IndexError):
    """A position that a struct does not have."""


class SchemaKeyError(SchemaError, KeyError):
    """A field that a struct does not have."""

    def __str__(self) -> str:
        # A KeyError shows its text in quotes, since that is mostly a key.
        return str(self.args[0]) if self.args else ""


class UnsupportedError(SchemaError, NotImplementedError):
    """A type that cannot hold values here."""


def _show_as_pyspark() -> None:
    """Shows the exceptions under PySpark's names where programs know these."""
    for kind in (SchemaTypeError, SchemaValueError, SchemaIndexError, SchemaKeyError):
        kind.__module__ = "pyspark.errors.exceptions.base"
        kind.__name__ = kind.__qualname__ = kind.__name__.replace("Schema", "PySpark")


if os.environ.get(as_pyspark.VARIABLE) and as_pyspark.is_installed():
    _show_as_pyspark()


def check(holds: bool, text: str) -> None:
    """Raises AssertionError, as PySpark does for arguments of the wrong type, even where ``assert`` is switched off.

    >>> check(False, "field name 5 should be a string")
    Traceback (most recent call last):
        ...
    AssertionError: field name 5 should be a string
    """
    if not holds:
        raise AssertionError(text)
