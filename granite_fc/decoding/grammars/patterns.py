"""Strings that match a pattern, as a set of texts."""

from __future__ import annotations

import functools
import json
import math
import re
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from granite_fc.decoding.grammars.derivatives import after, beginning_unlike, is_nullable
from granite_fc.decoding.grammars.json_strings import Spelling
from granite_fc.decoding.grammars.texts import (
    EMPTY,
    NON_ASCII,
    NOTHING,
    Bytes,
    Lexeme,
    Node,
    choice,
    repeat,
    sequence,
    text,
)

_ASCII = frozenset(range(0x80))
_CATEGORIES = {
    op.CATEGORY_DIGIT: frozenset(b"0123456789"),
    op.CATEGORY_SPACE: frozenset(b" \t\n\r\f\v"),
    op.CATEGORY_WORD: frozenset(i for i in _ASCII if chr(i).isalnum() or chr(i) == "_"),
}
_OPPOSITES = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT,
    op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
}
_BEGINNINGS = (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
_ENDS = (op.AT_END, op.AT_END_STRING)
_MOST_CHARACTERS_OF_A_CLASS = 256


class _UntranslatableError(Exception):
    """A pattern looks around, back, or at words."""


@functools.lru_cache(maxsize=512)
def matching_string(
    pattern: str, low: int, high: float, usual: int, spelling: Spelling, is_literal: bool
) -> tuple[Node, bool] | None:
    r"""The strings with their quotes in which a pattern is found, as Python's `re.search` does.

    Classes such as `\w` are those of ASCII. Where a marker could come about, `<` is written as its
    escape. A string that begins with `$v` or `$$` is left out of literals, since it could be a
    reference or an escaped one.

    Args:
        pattern: The pattern.
        low: Fewest characters.
        high: Most characters; infinite where there is no bound.
        usual: Most characters where there is none, as far as that can be kept to.
        spelling: How JSON is written.
        is_literal: Whether references may stand in the same place.

    Returns:
        The strings, and whether there are more that match; None where the pattern cannot be
        expressed.
    """
    try:
        parsed = parser.parse(pattern)
        translated = _Translation(spelling, low, high, usual)
        if parsed.state.flags & ~parser.SRE_FLAG_UNICODE:
            return None
        inside = translated.whole(list(parsed))
    except (_UntranslatableError, re.error, RecursionError, OverflowError):
        return None
    if is_literal:
        dollar = ord("$")
        second = after(inside, dollar)
        ends = EMPTY if is_nullable(second) else NOTHING
        second = choice((ends, beginning_unlike(second, frozenset(b"$v"))))
        ends = EMPTY if is_nullable(inside) else NOTHING
        unlike = beginning_unlike(inside, frozenset((dollar,)))
        inside = choice((ends, unlike, sequence(text("$"), second)))
    quote = text(spelling.spell('"'))
    found = sequence(quote, inside, quote)
    return (NOTHING if found is NOTHING else Lexeme(found)), translated.is_narrowed


class _Translation:
    """Translates what `re` has parsed."""

    def __init__(self, spelling: Spelling, low: int, high: float, usual: int) -> None:
        self._spelling = spelling
        self._low, self._high, self._usual = low, high, usual
        self.is_narrowed = False

    def whole(self, parts: list[Any]) -> Node:
        """All of a string in which some parts are found."""
        if len(parts) == 1 and parts[0][0] is op.SUBPATTERN:
            return self.whole(list(_group(parts[0][1])))
        if len(parts) == 1 and parts[0][0] is op.BRANCH:
            return choice([self.whole(list(branch)) for branch in parts[0][1][1]])
        anything = (op.MAX_REPEAT, (0, op.MAXREPEAT, [(op.IN, [(op.NEGATE, None)])]))
        begins = bool(parts) and parts[0][0] is op.AT and parts[0][1] in _BEGINNINGS
        parts = parts[1:] if begins else [anything, *parts]
        ends = bool(parts) and parts[-1][0] is op.AT and parts[-1][1] in _ENDS
        parts = parts[:-1] if ends else [*parts, anything]
        return self._bounded([part for part in parts if part[0] is not op.AT or _refuse()])

    def _bounded(self, parts: list[Any]) -> Node:
        """Parts one after the other that have together as many characters as they may have."""
        widths = [_width([part]) for part in parts]
        least, most = sum(low for low, _ in widths), sum(high for _, high in widths)
        varying = [i for i, (low, high) in enumerate(widths) if low != high]
        # One repetition without end gets the usual one; of several each goes on as it likes.
        is_one = most == math.inf and len(varying) == 1 and self._steps(parts[varying[0]])
        if least >= self._low and most <= self._high and not is_one:
            return self._sequence(parts)
        high = max(self._usual, self._low) if self._high == math.inf else self._high
        options = []
        for index in varying or [-1]:
            others = least - (widths[index][0] if varying else 0)
            steps = self._steps(parts[index]) if varying else None
            if steps is None:
                if self._low <= least <= self._high and index == (varying or [-1])[0]:
                    options.append(self._sequence([self._shortest(part) for part in parts]))
                continue
            first, last, size, inside = steps
            first = max(first, math.ceil((self._low - others) / size))
            last = min(last, math.floor((high - others) / size))
            if first <= last:
                limited = (op.MAX_REPEAT, (first, last, inside))
                fixed = [self._shortest(part) for part in parts]
                options.append(self._sequence([*fixed[:index], limited, *fixed[index + 1 :]]))
        self.is_narrowed |= len(varying) > 1
        return choice(options)

    def _steps(self, part: Any) -> tuple[int, float, int, Any] | None:
        """How often a part repeats what has always as many characters, and these."""
        if part[0] is op.SUBPATTERN and len(_group(part[1])) == 1:
            return self._steps(_group(part[1])[0])
        if part[0] not in (op.MAX_REPEAT, op.MIN_REPEAT):
            return None
        low, high, inside = part[1]
        least, most = _width(list(inside))
        last = math.inf if high == op.MAXREPEAT else int(high)
        return (int(low), last, int(least), inside) if least == most > 0 else None

    def _shortest(self, part: Any) -> Any:
        """A part with as few characters as it may have."""
        low, high = _width([part])
        if low == high:
            return part
        if part[0] in (op.MAX_REPEAT, op.MIN_REPEAT):
            return (op.MAX_REPEAT, (part[1][0], part[1][0], _all_shortest(self, part[1][2])))
        if part[0] is op.SUBPATTERN:
            return (op.SUBPATTERN, (*part[1][:-1], _all_shortest(self, _group(part[1]))))
        branches = [branch for branch in part[1][1] if _width(list(branch))[0] == low]
        return (op.BRANCH, (None, [_all_shortest(self, branch) for branch in branches]))

    def _sequence(self, parts: Any) -> Node:
        return sequence(*[self._part(*part) for part in parts])

    def _part(self, kind: Any, value: Any) -> Node:
        if kind is op.LITERAL:
            return self._character(value)
        if kind is op.NOT_LITERAL:
            return self._class([(op.NEGATE, None), (op.LITERAL, value)])
        if kind is op.ANY:
            return self._class([(op.NEGATE, None), (op.LITERAL, ord("\n"))])
        if kind is op.IN:
            return self._class(value)
        if kind is op.SUBPATTERN:
            return self._sequence(_group(value))
        if kind is op.BRANCH:
            return choice([self._sequence(branch) for branch in value[1]])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, inside = value
            item = self._sequence(inside)
            if is_nullable(item):  # what has to come once at least may be empty all the same
                item, low = beginning_unlike(item, frozenset()), 0
            return repeat(item, int(low), math.inf if high == op.MAXREPEAT else high)
        return _refuse()

    def _class(self, members: list[Any]) -> Node:
        is_negated = bool(members) and members[0][0] is op.NEGATE
        ascii_members: set[int] = set()
        others: set[int] = set()
        has_category = False
        for kind, value in members:
            if kind is op.LITERAL:
                (ascii_members if value < 0x80 else others).add(value)
            elif kind is op.RANGE:
                low, high = value
                ascii_members.update(range(low, min(high, 0x7F) + 1))
                others.update(range(max(low, 0x80), min(high, 0x80 + 2048) + 1))
                if not is_negated and high > 0x80 + 2048:
                    self.is_narrowed = True
                elif high > 0x80 + 2048:
                    has_category = True
            elif kind is op.CATEGORY:
                has_category = True
                positive = _CATEGORIES.get(_OPPOSITES.get(value, value))
                if positive is None:
                    return _refuse()
                ascii_members |= _ASCII - positive if value in _OPPOSITES else positive
        if is_negated:
            found = self._ascii(_ASCII - ascii_members)
            # A class of other alphabets is left out as a whole if it says anything of them.
            return found if others or has_category else choice((found, NON_ASCII))
        if len(others) > _MOST_CHARACTERS_OF_A_CLASS:
            self.is_narrowed = True
            others = set(sorted(others)[:_MOST_CHARACTERS_OF_A_CLASS])
        return choice(
            (self._ascii(frozenset(ascii_members)), *map(self._character, sorted(others)))
        )

    def _ascii(self, among: frozenset[int] | set[int]) -> Node:
        plain = {byte for byte in among if self._is_plain(byte)}
        options: list[Node] = [Bytes(frozenset(plain))] if plain else []
        return choice((*options, *(self._character(byte) for byte in sorted(among - plain))))

    def _character(self, code: int) -> Node:
        if 0xD800 <= code <= 0xDFFF:
            return NOTHING
        if self._is_plain(code):
            return text(chr(code))
        if code == ord("<"):
            return text(self._spelling._replace(markers=()).spell("\\u003c"))
        return text(self._spelling.spell(json.dumps(chr(code), ensure_ascii=False)[1:-1]))

    def _is_plain(self, code: int) -> bool:
        if code == ord("<"):
            return not self._spelling.markers
        return code >= 0x20 and code not in b'"\\'


def _all_shortest(translation: _Translation, parts: Any) -> list[Any]:
    return [translation._shortest(part) for part in parts]


def _group(value: Any) -> Any:
    _, added, removed, inside = value
    if added or removed:
        _refuse()
    return inside


def _width(parts: list[Any]) -> tuple[float, float]:
    """Fewest and most characters."""
    low = high = 0.0
    for kind, value in parts:
        if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            widths = [(1.0, 1.0)]
        elif kind is op.SUBPATTERN:
            widths = [_width(list(_group(value)))]
        elif kind is op.BRANCH:
            widths = [_width(list(branch)) for branch in value[1]]
        elif kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            first, last = _width(list(value[2]))
            times = math.inf if value[1] == op.MAXREPEAT else value[1]
            widths = [(first * value[0], last * times if last else 0.0)]
        else:
            _refuse()
        low += min(first for first, _ in widths)
        high += max(last for _, last in widths)
    return low, high


def _refuse() -> Any:
    raise _UntranslatableError
