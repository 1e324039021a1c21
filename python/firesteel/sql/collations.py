"""Collations, how texts are compared: their names in statements, and their places in JSON schemas.

In the JSON of a struct, a field of collated text says ``string``, and its metadata names the collation, so that readers
that know none still read the schema.
"""

from __future__ import annotations

import re
from typing import Any

from firesteel.sql.conditions import SchemaValueError
from firesteel.sql.datatypes import StringType

__all__ = ["KEY", "collated_name", "field_metadata", "normalized", "without_collations"]

#: The key in a field's metadata.
KEY = "__COLLATIONS"

_LOCALE = re.compile(r"(?:UNICODE|([A-Z]{2,3})(?:_([A-Z]{4}))?(?:_([A-Z]{3}))?)((?:_(?:CI|CS|AI|AS|RTRIM))*)")


def normalized(name: str) -> str | None:
    """Returns a collation's name as Spark writes it; None if there is none of this form.

    >>> normalized("utf8_lcase"), normalized("SR_CYRL_SRB_ci"), normalized("nope")
    ('UTF8_LCASE', 'sr_Cyrl_SRB_CI', None)
    """
    upper = name.upper()
    if upper in ("UTF8_BINARY", "UTF8_LCASE", "UTF8_BINARY_RTRIM", "UTF8_LCASE_RTRIM"):
        return upper
    found = _LOCALE.fullmatch(upper)
    if found is None:
        return None
    language, script, country, rest = found.groups()
    marks = rest.split("_")[1:]
    if len(marks) != len(set(marks)) or {"CI", "CS"} <= set(marks) or {"AI", "AS"} <= set(marks):
        return None
    parts = [language.lower() if language else "UNICODE", script and script.title(), country]
    parts += [mark for mark in ("CI", "AI", "RTRIM") if mark in marks]
    return "_".join(part for part in parts if part)


def collated_name(kind: StringType) -> str:
    """Returns a text's collation with who defines it.

    >>> collated_name(StringType("UNICODE"))
    'icu.UNICODE'
    """
    return f"{StringType.collationProvider(kind.collation)}.{kind.collation}"


def field_metadata(metadata: dict[str, Any]) -> dict[str, str]:
    """Takes the collations out of a field's metadata and returns them by their places, without who defines them."""
    found = {}
    for path, name in metadata.pop(KEY, {}).items():
        provider, _, collation = name.partition(".")
        _assert_valid_collation_provider(provider)
        found[path] = collation
    return found


def _assert_valid_collation_provider(provider: str) -> None:
    if provider.lower() not in StringType.providers:
        raise SchemaValueError.of(
            "COLLATION_INVALID_PROVIDER",
            f"The value {provider} does not represent a correct collation provider. Supported providers are:"
            f" [{', '.join(StringType.providers)}].",
        )


def without_collations(value: str | dict[str, Any]) -> str | dict[str, Any]:
    """Returns the JSON of a type without the collations of its own texts; a struct within keeps its fields' metadata.

    >>> without_collations({"type": "array", "elementType": "string collate UNICODE", "containsNull": True})
    {'type': 'array', 'elementType': 'string', 'containsNull': True}
    """
    if isinstance(value, str):
        return "string" if value.startswith("string collate ") else value
    parts = {"array": ("elementType",), "map": ("keyType", "valueType")}.get(value["type"], ())
    return {key: without_collations(part) if key in parts else part for key, part in value.items()}
