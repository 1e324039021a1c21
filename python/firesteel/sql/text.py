"""Names and texts as statements and trees write them."""

from __future__ import annotations

import re

__all__ = ["quoted", "shown", "sql_string"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b", "\v": "\\v", "\a": "\\a"}


def quoted(name: str) -> str:
    """Returns a name as statements write it: in backquotes, unless it is a plain word.

    >>> quoted("id"), quoted("odd name"), quoted("a`b")
    ('id', '`odd name`', '`a``b`')
    """
    return name if _PLAIN.fullmatch(name) else "`" + name.replace("`", "``") + "`"


def sql_string(text: str) -> str:
    """Returns a text as statements write it.

    >>> print(sql_string("it's"))
    'it\\'s'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def shown(text: str) -> str:
    """Returns a text on one line.

    >>> print(shown("a\\tb"))
    a\\tb
    """
    return "".join(_ESCAPES.get(each, each) for each in text)
