"""Rows: tuples whose fields have names, as programs that came from data frames use them in RDDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from firesteel.errors import FiresteelError

__all__ = ["Row"]


_get = tuple.__getitem__


class Row(tuple[Any, ...]):
    """A tuple with names for its fields, in the order in which they are written.

    A row of names alone is a constructor for rows with these names.

    >>> Row(name="Ada", age=36)
    Row(name='Ada', age=36)
    >>> Person = Row("name", "age")
    >>> Person("Ada", 36).age
    36
    >>> Row(name="Ada", age=36) == ("Ada", 36)
    True
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Row:
        if args and kwargs:
            raise ValueError("args and kwargs should not be set together: Row takes either values or names with values")
        row = tuple.__new__(cls, args or tuple(kwargs.values()))
        if kwargs:
            row.__dict__["__fields__"] = list(kwargs)
        return row

    def asDict(self, recursive: bool = False) -> dict[str, Any]:
        """Returns names with values; ``recursive`` converts rows within lists, dictionaries and rows, too.

        >>> Row(id=1, tags=[Row(t="a")]).asDict(recursive=True)
        {'id': 1, 'tags': [{'t': 'a'}]}
        """
        fields = self._fields_or_none()
        if fields is None:
            raise TypeError("Cannot convert Row into dict: this one's fields have no names")
        return dict(zip(fields, (_plain(value) for value in self) if recursive else self))

    def __contains__(self, item: object) -> bool:
        """Returns whether a field has this name, or, if fields have no names, this value."""
        fields = self._fields_or_none()
        return tuple.__contains__(self, item) if fields is None else item in fields

    def __call__(self, *args: Any) -> Row:
        if len(args) > len(self):
            raise ValueError(f"Expected {len(self)} values for `fields`, got {len(args)}: the fields are {list(self)}")
        return _named([*self], list(args))

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, slice)):
            return tuple.__getitem__(self, item)
        return tuple.__getitem__(
            self, self._position(item, AttributeError if self._fields_or_none() is None else ValueError)
        )

    def __getattr__(self, item: str) -> Any:
        # Asked for each field of each row, so the usual way through is short.
        try:
            return _get(self, self.__dict__["__fields__"].index(item))
        except (KeyError, ValueError, IndexError):
            pass
        if item.startswith("__"):
            raise AttributeError(item)
        return _get(self, self._position(item, AttributeError))

    def __setattr__(self, key: str, value: Any) -> NoReturn:
        raise FiresteelError(
            f"Row is read-only: {key!r} cannot be set; make a new one, as Row(**{{**row.asDict(), ...}})"
        )

    def __reduce__(self) -> tuple[Callable[..., Row], tuple[Any, ...]]:
        fields = self._fields_or_none()
        return (Row, tuple(self)) if fields is None else (_named, (fields, list(self)))

    def __repr__(self) -> str:
        fields = self._fields_or_none()
        if fields is None:
            return f"<Row({', '.join(map(repr, self))})>"
        return f"Row({', '.join(f'{name}={value!r}' for name, value in zip(fields, self))})"

    def _fields_or_none(self) -> Sequence[str] | None:
        return self.__dict__.get("__fields__")

    def _position(self, name: str, error: type[Exception]) -> int:
        fields = self._fields_or_none() or []
        try:
            position = fields.index(name)
        except ValueError:
            known = f"its fields are {', '.join(map(str, fields))}" if fields else "its fields have no names"
            raise error(f"this row has no field {name!r}; {known}") from None
        if position >= len(self):
            raise error(f"this row's field {name!r} has no value; it has {len(self)} of {len(fields)}")
        return position


def _named(fields: Sequence[str], values: Iterable[Any]) -> Row:
    """Makes a row of names and values; pickled rows name this function."""
    row = tuple.__new__(Row, values)
    row.__dict__["__fields__"] = fields
    return row


#: The name under which rows that PySpark pickled ask for :func:`_named`, and by which programs call it.
_create_row = _named


def _plain(value: Any) -> Any:
    """Returns a value with dictionaries in place of rows."""
    if isinstance(value, Row):
        return value.asDict(recursive=True)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value
