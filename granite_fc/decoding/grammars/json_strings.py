"""Strings of JSON: what may stand between two quotes, and how much of it."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from typing import NamedTuple

_LABEL_START = b"$var_"
_DIGITS = frozenset(b"0123456789")
_QUOTE, _BACKSLASH, _LESS = b'"\\<'
_ANY_SECOND = (0x80, 0xBF)
# Second bytes of UTF-8 after these first ones are fewer than 0x80 to 0xBF: they would spell what
# fewer bytes can, a surrogate or what lies past U+10FFFF.
_NARROW_SECOND = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}


class StringState(NamedTuple):
    """How far into a string a text has come.

    Attributes:
        opening: Bytes of the opening quote.
        length: Characters begun.
        pending: Bytes that the character begun still needs.
        second: Bounds of the next of them.
        escape: What an escape or a closing quote has of its bytes.
        marker: What the text ends with of a marker.
        label: Bytes of the beginning that are those of a label, or -1.
    """

    opening: int = 0
    length: int = 0
    pending: int = 0
    second: tuple[int, int] = _ANY_SECOND
    escape: bytes = b""
    marker: bytes = b""
    label: int = -1


UNOPENED = StringState()


class Spelling(NamedTuple):
    """How a JSON text stands in an answer.

    Attributes:
        quoted: How often it stands inside a JSON string: 0 as it is.
        markers: Strings that begin with `<` and must not occur: this is written as its escape.
    """

    quoted: int = 0
    markers: tuple[str, ...] = ()

    def spell(self, json_text: str) -> str:
        """Returns how a JSON text is written."""
        for marker in self.markers:
            json_text = json_text.replace(marker, f"\\u003c{marker[1:]}")
        for _ in range(self.quoted):
            json_text = json.dumps(json_text, ensure_ascii=False)[1:-1]
        return json_text


AS_IT_IS = Spelling()


@dataclasses.dataclass(frozen=True, eq=False)
class JsonString:
    """A string with its quotes: characters as `strict_json.encode` writes them.

    Attributes:
        low: Fewest characters.
        high: Most characters.
        spelling: How JSON is written here.
        is_literal: Whether it must not begin like a reference, nor, where it must not be empty,
            with what could escape one.
    """

    low: int
    high: int
    spelling: Spelling = AS_IT_IS
    is_literal: bool = True

    @functools.cached_property
    def quote(self) -> bytes:
        """How a quote is written."""
        return _quote(self.spelling)

    def advance(self, state: StringState, byte: int) -> StringState | bool:
        """Takes a byte.

        Returns:
            The next state, True where the string is closed, False where the byte cannot follow.
        """
        opening, count, pending, second, escape, marker, label = state
        if opening < len(self.quote):
            return byte == self.quote[opening] and self._opened(opening + 1)
        if pending:
            low, high = second
            return low <= byte <= high and StringState(opening, count, pending - 1)
        if escape or byte in (_QUOTE, _BACKSLASH):
            return self._escape(count, escape + bytes((byte,)))
        if byte < 0x20 or count >= self.high:
            return False
        if byte >= 0x80:
            return self._begin_character(count, byte)
        if label >= 0:
            label = self._label(label, count, byte)
            if label == -2:
                return False
        if marker or byte == _LESS:
            marker = self._marker(marker, byte)
            if marker and marker in _markers(self.spelling)[0]:
                return False
        return StringState(opening, count + 1, 0, _ANY_SECOND, b"", marker, label)

    def bytes_needed(self, state: StringState) -> int:
        """Fewest bytes that end the string."""
        quote = len(self.quote)
        if state.opening < quote:
            return quote - state.opening + self.low + quote
        count, needed = state.length, state.pending + quote
        if state.escape:
            if count >= self.low and self.quote.startswith(state.escape):
                return quote - len(state.escape)
            units, _ = _escapes(self.spelling)
            unit = min(len(unit) for unit in units if unit.startswith(state.escape))
            count, needed = count + 1, unit - len(state.escape) + quote
        return needed + max(self.low - count, 0)

    def before_characters(self, state: StringState) -> tuple[bytes, ...]:
        """What may have to be written for characters to follow as they are.

        Returns:
            The rest of the opening quote, or the rests of escapes; empty between two characters.
        """
        if state.escape:
            units, _ = _escapes(self.spelling)
            begun = len(state.escape)
            return tuple(unit[begun:] for unit in units if unit.startswith(state.escape))
        return (self.quote[state.opening :],)

    def watched(self, state: StringState) -> tuple[bytes, ...]:
        """The rests of markers that have begun, which this class rules out and no regex."""
        if not state.marker:
            return ()
        begun = len(state.marker)
        markers, _ = _markers(self.spelling)
        return tuple(marker[begun:] for marker in markers if marker.startswith(state.marker))

    def regex(self) -> str:
        """The string as a regular expression, but for markers inside of it."""
        return _regex(self.low, self.high, self.spelling, self.is_literal)

    def _opened(self, opening: int) -> StringState:
        return StringState(opening, label=0 if self.is_literal else -1)

    def _escape(self, count: int, escape: bytes) -> StringState | bool:
        if escape == self.quote:
            return count >= self.low
        units, prefixes = _escapes(self.spelling)
        has_room = count < self.high
        if escape in prefixes:
            state = StringState(len(self.quote), count, escape=escape)
            return (has_room or self.quote.startswith(escape)) and state
        return escape in units and has_room and StringState(len(self.quote), count + 1)

    def _begin_character(self, count: int, byte: int) -> StringState | bool:
        if not 0xC2 <= byte <= 0xF4:
            return False
        pending = 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
        second = _NARROW_SECOND.get(byte, _ANY_SECOND)
        return StringState(len(self.quote), count + 1, pending, second)

    def _label(self, label: int, count: int, byte: int) -> int:
        """Bytes in common with the beginning of a label; -1 for none, -2 where it must not be."""
        if label < 0 or label < count:
            return -1
        if label == len(_LABEL_START):
            return -2 if byte in _DIGITS else -1
        if byte == _LABEL_START[label]:
            return label + 1
        # One more dollar sign escapes a literal that looks like a reference. It does not count
        # as a character of the literal.
        return -2 if label == 1 and byte == _LABEL_START[0] and self.low else -1

    def _marker(self, marker: bytes, byte: int) -> bytes:
        known = _markers(self.spelling)[1]
        if marker in known and byte in known[marker]:
            return marker + bytes((byte,))
        return b"<" if byte == _LESS and self.spelling.markers else b""


@functools.lru_cache(maxsize=64)
def _quote(spelling: Spelling) -> bytes:
    return spelling.spell('"').encode()


@functools.lru_cache(maxsize=64)
def _escapes(spelling: Spelling) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """How characters are escaped, and all that such an escape or a quote may begin with."""
    awkward = ['"', "\\", *map(chr, range(0x20))]
    units = {spelling.spell(json.dumps(character)[1:-1]).encode() for character in awkward}
    if spelling.markers:
        units.add(spelling._replace(markers=()).spell("\\u003c").encode())
    wholes = (*units, _quote(spelling))
    prefixes = {whole[:size] for whole in wholes for size in range(1, len(whole))}
    return frozenset(units), frozenset(prefixes)


@functools.lru_cache(maxsize=64)
def _markers(spelling: Spelling) -> tuple[frozenset[bytes], dict[bytes, frozenset[int]]]:
    """The markers, and for each of their beginnings the bytes that lead on to one."""
    markers = frozenset(marker.encode() for marker in spelling.markers)
    following: dict[bytes, set[int]] = {}
    for marker in markers:
        for size in range(1, len(marker)):
            following.setdefault(marker[:size], set()).add(marker[size])
    return markers, {start: frozenset(found) for start, found in following.items()}


@functools.lru_cache(maxsize=256)
def _regex(low: int, high: int, spelling: Spelling, is_literal: bool) -> str:
    """See `JsonString.regex`.

    What begins like a reference is spelled out as what it begins with and what may follow: the
    difference of two expressions would be too large for llguidance.
    """
    units, _ = _escapes(spelling)
    escapes = _any_of(tuple(sorted(unit.decode() for unit in units)))
    quote = re.escape(_quote(spelling).decode())

    def characters(begun: int) -> str:
        least, most = max(low - begun, 0), high - begun
        return f'([^"\\\\\\x00-\\x1F]|{escapes}){{{least},{most}}}'

    def begins(text: str, without: str) -> str:
        count = len(text) + 1
        first = f'([^"\\\\\\x00-\\x1F{without}]|{escapes})'
        return re.escape(text) + first + characters(count)

    if not is_literal:
        return f"{quote}{characters(0)}{quote}"
    start = _LABEL_START.decode()
    options = [re.escape(start[:n]) for n in range(low, min(len(start), high) + 1)]
    for size in range(min(len(start) + 1, high)):
        following = start[size] if size < len(start) else "0-9"
        also = "$" if size == 1 and low else ""
        options.append(begins(start[:size], following + also))
    return f"{quote}({'|'.join(options)}){quote}"


def _any_of(texts: tuple[str, ...]) -> str:
    """Returns a short regular expression of some texts; short ones are made into automata sooner.

    Args:
        texts: The texts, none the beginning of another.
    """
    if texts == ("",):
        return ""
    rests: dict[str, list[str]] = {}
    for text in texts:
        rests.setdefault(text[0], []).append(text[1:])
    firsts: dict[str, list[str]] = {}
    for first, found in rests.items():
        firsts.setdefault(_any_of(tuple(found)), []).append(re.escape(first))
    options = [f"[{''.join(found)}]{rest}" for rest, found in firsts.items()]
    return options[0] if len(options) == 1 else f"({'|'.join(options)})"
