"""The words of a text that describes a schema, each with its place, and the error that points at one."""

from __future__ import annotations

import re
from typing import NamedTuple

from firesteel.sql.conditions import ParseError

__all__ = ["Token", "failure", "tokens"]


class Token(NamedTuple):
    """A word, a quoted name, a number, a text or a sign; ``value`` is what it says, ``text`` how it is written."""

    kind: str
    value: str
    text: str
    start: int


_TOKEN = re.compile(
    r"""(?P<space>\s+|\0|--[^\n]*)
      | (?P<comment>/\*(?!\+))
      | (?P<number>(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?:[LSYFDlsyfd]|BD|bd)?)(?!\w))
      | (?P<word>\w+)
      | `(?P<quoted>(?:[^`]|``)*)`
      | (?P<string>[rR]?(?:'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"))
      | (?P<sign>::|.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PART = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a", "%": "\\%", "_": "\\_"}


def tokens(text: str) -> list[Token]:
    """Returns the words of a text, and at last its end; comments are left out.

    >>> [token.value for token in tokens("a INT COMMENT 'it''s'")]
    ['a', 'INT', 'COMMENT', "it's", '']
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None, "a sign is any character"
        kind, start, at = match.lastgroup or "", at, match.end()
        # In a raw or quoted text, the prefix would otherwise be taken for a word.
        if kind == "word" and match[0] in ("r", "R") and text[at : at + 1] in ("'", '"'):
            raw = re.compile(r"'[^']*'|\"[^\"]*\"").match(text, at)
            if raw:
                found.append(Token("string", raw[0][1:-1], text[start : raw.end()], start))
                at = raw.end()
                continue
        if kind == "comment":
            at = _comment_end(text, start)
        elif kind != "space":
            found.append(Token(kind, _value(kind, match), match[0], start))
    found.append(Token("end", "", "", len(text)))
    return found


def _comment_end(text: str, start: int) -> int:
    """Returns where a comment ends, in which others may begin and end."""
    depth, at = 1, start + 2
    while depth:
        part = _COMMENT_PART.search(text, at)
        if part is None:
            raise failure(
                "UNCLOSED_BRACKETED_COMMENT", "this comment does not end; append */", text, Token("", "", "/*", start)
            )
        depth += 1 if part[0] == "/*" else -1
        at = part.end()
    return at


def _value(kind: str, match: re.Match[str]) -> str:
    written = match[0]
    if kind == "quoted":
        return match["quoted"].replace("``", "`")
    if kind != "string":
        return written
    quote = written[0]
    return _ESCAPE.sub(_unescaped, written[1:-1].replace(quote * 2, f"\\{quote}"))


def _unescaped(match: re.Match[str]) -> str:
    escaped = match[1]
    if len(escaped) > 1:
        return chr(int(escaped[1:], 16) if escaped[0] in "uU" else int(escaped, 8))
    return _ESCAPED.get(escaped, escaped)


def failure(condition: str, problem: str, text: str, token: Token) -> ParseError:
    """Returns the error about a place of a text.

    >>> print(failure("PARSE_SYNTAX_ERROR", "expected a type", "a ,", tokens("a ,")[1]))
    [PARSE_SYNTAX_ERROR] expected a type at ',' (line 1, pos 2)
    a ,
    --^
    """
    line_start = text.rfind("\n", 0, token.start) + 1
    number, column = text.count("\n", 0, token.start) + 1, token.start - line_start
    where = f"at '{token.text}'" if token.text else "at the end of the text"
    line = text[line_start:].partition("\n")[0]
    return ParseError(f"[{condition}] {problem} {where} (line {number}, pos {column})\n{line}\n{'-' * column}^")
