"""The structure of an expression in Java or JavaScript: strings, words, marks and brackets.

No expression is evaluated. It is taken apart in one pass, in time linear in its length, so that
commas and brackets inside of strings stay where they belong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
    (?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|`[^`\\]*+(?:\\.[^`\\]*+)*+`)
    |(?P<word>[\w$.]++)
    |(?P<mark>.)
    )""",
    re.DOTALL | re.VERBOSE,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MAX_DEPTH = 32
_MAX_LENGTH = 100_000
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


class NotALiteral(Exception):
    """A text is no literal of the type that is asked for; it may be another expression."""


class Part(NamedTuple):
    """A piece of an expression.

    Attributes:
        kind: "string", "word", "mark" or "group", which is a pair of brackets and what they hold.
        text: The piece as it is written; of a group the opening bracket.
        start: Where it begins.
        end: Where it ends.
        inside: The pieces in a group.
    """

    kind: str
    text: str
    start: int
    end: int
    inside: Sequence[Part] = ()


def parts_of(source: str) -> list[Part] | None:
    """Takes an expression apart.

    Returns:
        Its pieces; None where a string or bracket is not closed, brackets are nested more than 32
        deep, or there are more than 100,000 characters: that is no expression to look into.
    """
    if len(source) > _MAX_LENGTH:
        return None
    levels: list[list[Part]] = [[]]
    opened: list[tuple[str, int]] = []
    end = len(source.rstrip(" \t\n\r"))
    position = 0
    while position < end:
        match = _TOKEN.match(source, position, end)
        if match is None or match.lastgroup is None:
            return None
        kind = match.lastgroup
        start, position = match.span(kind)
        text = match[kind]
        if kind != "mark":
            levels[-1].append(Part(kind, text, start, position))
        elif text in "\"'`":
            return None
        elif text in _CLOSING:
            if len(opened) == _MAX_DEPTH:
                return None
            opened.append((text, start))
            levels.append([])
        elif text in ")]}":
            if not opened or _CLOSING[opened[-1][0]] != text:
                return None
            bracket, begun = opened.pop()
            inside = levels.pop()
            levels[-1].append(Part("group", bracket, begun, position, inside))
        else:
            levels[-1].append(Part(kind, text, start, position))
    return None if opened else levels[0]


def split(parts: Sequence[Part], mark: str) -> list[list[Part]]:
    """The pieces between marks; none at all of no pieces, and none after a mark at the end."""
    pieces: list[list[Part]] = [[]]
    for part in parts:
        if part.kind == "mark" and part.text == mark:
            pieces.append([])
        else:
            pieces[-1].append(part)
    if not pieces[-1]:
        pieces.pop()
    return pieces


def text_of(source: str, parts: Sequence[Part]) -> str:
    """The source of successive pieces."""
    return source[parts[0].start : parts[-1].end] if parts else ""


def only(parts: Sequence[Part], kind: str, text: str | None = None) -> Part | None:
    """The piece, where it is a single one of this kind (and text)."""
    if len(parts) == 1 and parts[0].kind == kind and text in (None, parts[0].text):
        return parts[0]
    return None


def string_content(literal: str) -> str:
    """What a string literal means: without its quotes and escapes."""
    inner = literal[1:-1]
    return _ESCAPE.sub(_unescaped, inner) if "\\" in inner else inner


def string_values_of(source: str, type_name: str) -> list[str]:
    """What source text can mean where text is asked for.

    Models write a string with its quotes or without. Of a parameter of type `any` accepted values
    do not tell a string from a variable, so there quotes are part of the text.
    """
    if type_name == "any":
        return [source]
    literal = only(parts_of(source) or (), "string")
    return [source] if literal is None else [string_content(literal.text), source]


def quoted(text: str) -> str:
    """A string as a literal in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter, character in (("n", "\n"), ("t", "\t"), ("r", "\r")):
        escaped = escaped.replace(character, f"\\{letter}")
    return f'"{escaped}"'


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
