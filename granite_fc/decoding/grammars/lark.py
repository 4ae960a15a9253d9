"""Sets of texts as a Lark grammar, in the dialect of llguidance."""

from __future__ import annotations

import json
import math
import re
from collections import Counter

from granite_fc.decoding.grammars.json_strings import JsonString
from granite_fc.decoding.grammars.texts import (
    NON_ASCII,
    Beyond,
    Boundary,
    Bytes,
    Choice,
    FreshKey,
    Lexeme,
    Node,
    Repeat,
    Sequence,
    Text,
)

# A noncharacter (Unicode, section 23.7).
_NO_TOKEN = "\\uFDD0"
# Where a text is fixed, llguidance would take one spelling of it; which one is the model's to say.
_OPTIONS = '%llguidance {"no_forcing": true}'


def lark(start: Node) -> str:
    """Writes a set of texts as a grammar whose rule `start` matches them.

    It matches more in two respects, which `progress` knows of: strings may have markers in them,
    and objects a free field name twice. Where a preview ends, no token goes on.
    """
    return _Writer(start).written()


class _Writer:
    def __init__(self, start: Node) -> None:
        self._uses: Counter[int] = Counter()
        self._names: dict[int, str] = {}
        self._lines: list[str] = []
        self._terminals: dict[str, str] = {}
        self._count(start)
        self._start = start

    def written(self) -> str:
        start = self._options(self._start)
        return "\n".join((_OPTIONS, f"start: {start}", *self._lines, ""))

    def _count(self, start: Node) -> None:
        pending = [start]
        while pending:
            node = pending.pop()
            self._uses[id(node)] += 1
            if self._uses[id(node)] == 1:
                pending.extend(_inside(node))

    def _expression(self, node: Node) -> str:
        """A node as part of a rule; one that is used again has a rule of its own."""
        if self._uses[id(node)] > 1 and isinstance(node, Sequence | Choice | Repeat):
            name = self._names.get(id(node))
            if name is None:
                name = self._names[id(node)] = f"r{len(self._names)}_"
                self._lines.append(f"{name}: {self._options(node)}")
            return name
        return self._plain(node)

    def _options(self, node: Node) -> str:
        if not isinstance(node, Choice):
            return self._plain(node)
        if not node.options:
            raise ValueError("a grammar without a text")
        return " | ".join(self._expression(option) for option in node.options)

    def _plain(self, node: Node) -> str:
        match node:
            case Text(data):
                return json.dumps(data.decode(), ensure_ascii=False)
            case Sequence(parts):
                return " ".join(self._expression(part) for part in parts)
            case Choice(_):
                return f"({self._options(node)})"
            case Repeat(item, low, high):
                return f"({self._expression(item)}){{{low},{high}}}"
            case JsonString():
                return self._string(node)
            case Lexeme(inside):
                if id(node) not in self._names:
                    self._names[id(node)] = self._terminal(f"/{_slashes(_regex(inside))}/")
                return self._names[id(node)]
            case Bytes(_):
                return self._terminal(f"/{_slashes(_regex(node))}/")
            case FreshKey(key, _, _, whatever):
                return f"{self._string(key)} {self._expression(whatever)}"
            case Boundary(preview):
                return self._expression(preview)
            case Beyond(_):
                return self._terminal(f"/{_NO_TOKEN}/")

    def _string(self, node: JsonString) -> str:
        return self._terminal(f"/{_slashes(node.regex())}/")

    def _terminal(self, definition: str) -> str:
        name = self._terminals.get(definition)
        if name is None:
            name = self._terminals[definition] = f"T{len(self._terminals)}"
            self._lines.append(f"{name}: {definition}")
        return name


def _inside(node: Node) -> tuple[Node, ...]:
    match node:
        case Sequence(parts):
            return parts
        case Choice(options):
            return options
        case Repeat(item, _, _):
            return (item,)
        case Boundary(preview):
            return (preview,)
        case FreshKey(_, _, _, whatever):
            return (whatever,)
    return ()


def _regex(node: Node) -> str:
    if node is NON_ASCII:
        return r"[^\x00-\x7F]"
    match node:
        case Text(data):
            return re.escape(data.decode())
        case Bytes(among):
            return "[" + "".join(re.escape(chr(byte)) for byte in sorted(among)) + "]"
        case Sequence(parts):
            return "".join(map(_regex, parts))
        case Choice(options):
            return "(" + "|".join(map(_regex, options)) + ")"
        case Repeat(item, low, high):
            return f"({_regex(item)}){{{low},{'' if high == math.inf else high}}}"
    raise TypeError(f"{type(node).__name__} is no part of a lexeme")


def _slashes(regex: str) -> str:
    return regex.replace("/", r"\/")
