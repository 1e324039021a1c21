"""The exceptions of schemas: each is a built-in exception, as programs catch it, and has PySpark's condition.

A text begins with the condition in brackets, which :meth:`firesteel.errors.FiresteelError.getCondition` reads. Under
PySpark's names ``PySparkTypeError`` is TypeError, and so on; that is why each class here is one of these, too.
"""

from __future__ import annotations

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


def check(holds: bool, text: str) -> None:
    """Raises AssertionError, as PySpark does for arguments of the wrong type, even where ``assert`` is switched off.

    >>> check(False, "field name 5 should be a string")
    Traceback (most recent call last):
        ...
    AssertionError: field name 5 should be a string
    """
    if not holds:
        raise AssertionError(text)
