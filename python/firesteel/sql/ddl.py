"""Reads types and schemas from the text in which statements write them: ``id BIGINT NOT NULL, tags ARRAY<STRING>``.

A text is one type, or columns with commas between them, with or without a colon behind the name. Upper and lower case
are the same, in names of types. Errors say at which place, and what was expected there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from firesteel.sql import datatypes as plain
from firesteel.sql import spatial, temporal
from firesteel.sql.collations import normalized
from firesteel.sql.conditions import ParseError, SchemaTypeError, SchemaValueError
from firesteel.sql.containers import ArrayType, MapType
from firesteel.sql.datatypes import DataType
from firesteel.sql.lexing import Token, failure, tokens
from firesteel.sql.structs import StructField, StructType
from firesteel.sql.variant import VariantType

_SIMPLE: dict[str, type[DataType]] = {
    **dict.fromkeys(("boolean",), plain.BooleanType),
    **dict.fromkeys(("tinyint", "byte"), plain.ByteType),
    **dict.fromkeys(("smallint", "short"), plain.ShortType),
    **dict.fromkeys(("int", "integer"), plain.IntegerType),
    **dict.fromkeys(("bigint", "long"), plain.LongType),
    **dict.fromkeys(("float", "real"), plain.FloatType),
    **dict.fromkeys(("double",), plain.DoubleType),
    **dict.fromkeys(("binary",), plain.BinaryType),
    **dict.fromkeys(("date",), temporal.DateType),
    **dict.fromkeys(("void",), plain.NullType),
    **dict.fromkeys(("variant",), VariantType),
}

_MAX_DIGITS = 38
_TIMESTAMP_DIGITS = 6
_MAX_DEPTH = 100
"""How deep types may nest: all that is done with a type recurses, and Python bounds that."""


def _parse_datatype_string(s: str) -> DataType:
    """Returns the type that a text describes; columns are a struct, and so is an empty text.

    >>> _parse_datatype_string("decimal(10,2)"), _parse_datatype_string("a: int, b: string").simpleString()
    (DecimalType(10,2), 'struct<a:int,b:string>')
    """
    if not isinstance(s, str):
        raise SchemaTypeError.of("NOT_EXPECTED_TYPE", f"a schema should be a str, got {type(s).__name__}.")
    words = tokens(s)
    if words[0].kind == "end":
        return StructType()
    # Names of columns may be names of types, so that a text is tried as one type first. Of the two errors, that which
    # came further into the text says more.
    as_type, as_columns = _Parser(s, words), _Parser(s, words)
    try:
        return as_type.whole(as_type.type)
    except ParseError as type_error:
        try:
            return as_columns.whole(as_columns.columns)
        except ParseError as columns_error:
            nearer = type_error if as_type.failed_at > as_columns.failed_at else columns_error
            raise nearer from None


class _Parser:
    """Goes through the words of one text."""

    def __init__(self, text: str, words: list[Token]) -> None:
        self.text = text
        self.words = words
        self.at = 0
        self.depth = 0
        self.failed_at = -1
        self.parametric: dict[str, Callable[[Token], DataType]] = {
            "string": self.string,
            **dict.fromkeys(("decimal", "dec", "numeric"), self.decimal),
            **dict.fromkeys(("char", "character", "varchar"), self.sized),
            "time": self.time,
            **dict.fromkeys(("timestamp", "timestamp_ltz", "timestamp_ntz"), self.timestamp),
            "interval": self.interval,
            "array": self.array,
            "map": self.map,
            "struct": self.struct,
            "geography": self.shape,
            "geometry": self.shape,
        }

    # What every rule needs.

    @property
    def token(self) -> Token:
        return self.words[self.at]

    def fail(self, problem: str, token: Token | None = None, condition: str = "PARSE_SYNTAX_ERROR") -> NoReturn:
        token = token or self.token
        self.failed_at = max(self.failed_at, token.start)
        raise failure(condition, problem, self.text, token)

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def is_word(self, *words: str, ahead: int = 0) -> bool:
        token = self.words[min(self.at + ahead, len(self.words) - 1)]
        return token.kind == "word" and token.value.lower() in words

    def is_sign(self, sign: str) -> bool:
        return self.token.kind == "sign" and self.token.value == sign

    def skip_sign(self, sign: str) -> bool:
        found = self.is_sign(sign)
        self.at += found
        return found

    def expect_sign(self, sign: str, expected: str = "") -> None:
        if not self.skip_sign(sign):
            self.fail(f"expected {expected or repr(sign)}")

    def skip_words(self, *words: str) -> bool:
        """Skips words that follow each other, if all of them do."""
        found = all(self.is_word(word, ahead=ahead) for ahead, word in enumerate(words))
        self.at += len(words) * found
        return found

    def number(self, what: str) -> int:
        if self.token.kind != "number" or not self.token.value.isdigit():
            self.fail(f"expected {what}, a number")
        return int(self.take().value)

    def whole(self, rule: Callable[[], DataType]) -> DataType:
        found = rule()
        if self.token.kind != "end":
            is_column = isinstance(found, StructType) and rule == self.columns
            self.fail("expected ',' or NOT NULL or COMMENT or the end" if is_column else "expected the end")
        return found

    # Columns.

    def columns(self) -> StructType:
        fields = [self.column()]
        while self.skip_sign(","):
            fields.append(self.column())
        return StructType(fields)

    def column(self) -> StructField:
        name = self.name("the name of a column")
        self.skip_sign(":")
        kind = self.type()
        nullable = not self.not_null()
        return StructField(name, kind, nullable, self.comment())

    def name(self, expected: str) -> str:
        token = self.token
        if token.kind not in ("word", "quoted"):
            self.fail(f"expected {expected}")
        self.at += 1
        if token.kind == "word" and (not token.value.isascii() or self.is_sign("-")):
            meant = re.match(r"[\w-]+", self.text[token.start :])
            self.fail(
                "a name with other signs than letters A to Z, digits and _ is put in backquotes,"
                f" as `{meant[0] if meant else token.value}`,",
                token,
                "INVALID_IDENTIFIER",
            )
        return token.value

    def not_null(self) -> bool:
        if not self.is_word("not"):
            return False
        self.at += 1
        if not self.is_word("null"):
            self.fail("expected NULL")
        self.at += 1
        return True

    def comment(self) -> dict[str, Any] | None:
        if not self.is_word("comment"):
            return None
        self.at += 1
        if self.token.kind != "string":
            self.fail("expected the comment, in quotes,")
        parts = []
        while self.token.kind == "string":
            parts.append(self.take().value)
        return {"comment": "".join(parts)}

    # Types.

    def type(self) -> DataType:
        token = self.token
        name = token.value.lower()
        if token.kind != "word":
            self.fail("expected a type")
        self.at += 1
        if name in self.parametric:
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                self.fail(f"types nest more than {_MAX_DEPTH} deep", token)
            found = self.parametric[name](token)
            self.depth -= 1
            return found
        if name not in _SIMPLE:
            self.fail("unknown type", token, "UNSUPPORTED_DATATYPE")
        if self.is_sign("("):
            self.fail(f"{token.value} has no parameters, expected the end of the type", None, "UNSUPPORTED_DATATYPE")
        return _SIMPLE[name]()

    def string(self, token: Token) -> DataType:
        if self.is_sign("("):
            self.fail("string has no length (varchar has), expected the end of the type", None, "UNSUPPORTED_DATATYPE")
        return plain.StringType(self.collation())

    def collation(self) -> str:
        if not self.is_word("collate"):
            return "UTF8_BINARY"
        self.at += 1
        token = self.token
        name = self.name("the name of a collation")
        while self.skip_sign("."):
            token = self.token
            name = self.name("the name of a collation")
        found = normalized(name)
        if found is None:
            problem = "no collation, such as UTF8_BINARY, UTF8_LCASE, UNICODE_CI or de_CI_AI,"
            self.fail(problem, token, "COLLATION_INVALID_NAME")
        return found

    def decimal(self, token: Token) -> DataType:
        if not self.skip_sign("("):
            return plain.DecimalType()
        first = self.token
        precision = self.number("the precision")
        scale = self.number("the scale") if self.skip_sign(",") else 0
        self.expect_sign(")", "')' or ',' and the scale" if not scale else "")
        if precision > _MAX_DIGITS:
            self.fail(
                f"a decimal has at most {_MAX_DIGITS} digits,", first, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"
            )
        if scale > precision:
            self.fail("the scale is more than all digits", first, "DECIMAL_SCALE_EXCEEDS_PRECISION")
        return plain.DecimalType(precision, scale)

    def sized(self, token: Token) -> DataType:
        if not self.is_sign("("):
            self.fail(f"expected '(' and a length, as {token.value}(10),", None, "DATATYPE_MISSING_SIZE")
        self.at += 1
        first = self.token
        length = self.number("the length")
        if length >= 1 << 31:
            self.fail("the length is too large", first)
        self.expect_sign(")")
        self.collation()
        return plain.VarcharType(length) if token.value.lower() == "varchar" else plain.CharType(length)

    def time(self, token: Token) -> DataType:
        precision = 6
        if self.skip_sign("("):
            first = self.token
            precision = self.number("the digits behind the seconds")
            if precision > 9:
                self.fail("a time has at most 9 digits behind the seconds", first, "UNSUPPORTED_TIME_PRECISION")
            self.expect_sign(")")
        self.skip_words("without", "time", "zone")
        return temporal.TimeType(precision)

    def timestamp(self, token: Token) -> DataType:
        if self.skip_sign("("):
            first = self.token
            if self.number("the digits behind the seconds") != _TIMESTAMP_DIGITS:
                problem = f"a timestamp has {_TIMESTAMP_DIGITS} digits behind the seconds, always,"
                self.fail(problem, first, "INVALID_TIMESTAMP_PRECISION")
            self.expect_sign(")")
        name = token.value.lower()
        if name == "timestamp_ntz" or (name == "timestamp" and self.skip_words("without", "time", "zone")):
            return temporal.TimestampNTZType()
        if name == "timestamp":
            self.skip_words("with", "local", "time", "zone")
        return temporal.TimestampType()

    def interval(self, token: Token) -> DataType:
        for kind in (temporal.DayTimeIntervalType, temporal.YearMonthIntervalType):
            fields = kind._inverted_fields
            if self.is_word(*fields):
                start = end = fields[self.take().value.lower()]
                smaller = [name for name, number in fields.items() if number > start]
                if self.is_word("to") and not smaller:
                    self.fail("expected the end of the interval")
                if self.skip_words("to"):
                    if not self.is_word(*smaller):
                        self.fail(f"expected {' or '.join(smaller)}")
                    end = fields[self.take().value.lower()]
                return kind(start, end)
        return temporal.CalendarIntervalType()

    def array(self, token: Token) -> DataType:
        self.opening(token, "ARRAY<INT>")
        element = self.type()
        self.expect_sign(">")
        return ArrayType(element)

    def map(self, token: Token) -> DataType:
        self.opening(token, "MAP<STRING, INT>")
        key = self.type()
        self.expect_sign(",", "',' and the type of the values")
        value = self.type()
        self.expect_sign(">")
        return MapType(key, value)

    def struct(self, token: Token) -> DataType:
        self.opening(token, "STRUCT<a: INT>")
        if self.skip_sign(">"):
            return StructType()
        found = self.columns()
        self.expect_sign(">", "',' or '>'")
        return found

    def opening(self, token: Token, example: str) -> None:
        if not self.skip_sign("<"):
            condition = f"INCOMPLETE_TYPE_DEFINITION.{token.value.upper()}"
            self.fail(f"expected '<' and what is in the {token.value.lower()}, as {example},", None, condition)

    def shape(self, token: Token) -> DataType:
        kind = spatial.GeographyType if token.value.lower() == "geography" else spatial.GeometryType
        self.expect_sign("(", f"'(' and the number of a reference system, as {token.value}(4326),")
        first = self.token
        srid = "ANY" if self.is_word("any") else self.number("the reference system")
        self.at += srid == "ANY"
        self.expect_sign(")")
        try:
            return kind(srid)
        except SchemaValueError as error:
            self.fail(f"{error.args[0].partition('] ')[2]} It stands", first, "ST_INVALID_SRID_VALUE")
