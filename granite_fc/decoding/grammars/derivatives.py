"""What follows the first bytes of texts: derivatives of regular expressions.

Brzozowski, "Derivatives of Regular Expressions", Journal of the ACM 11(4), 1964.
"""

from __future__ import annotations

from collections.abc import Callable

from granite_fc.decoding.grammars.texts import (
    EMPTY,
    NON_ASCII,
    NOTHING,
    Bytes,
    Choice,
    Node,
    Repeat,
    Sequence,
    Text,
    choice,
    repeat,
    sequence,
)


def is_nullable(node: Node) -> bool:
    """Whether the empty text is among those of a part of a lexeme."""
    match node:
        case Text(data):
            return not data
        case Sequence(parts):
            return all(map(is_nullable, parts))
        case Choice(options):
            return any(map(is_nullable, options))
        case Repeat(item, low, _):
            return low <= 0 or is_nullable(item)
    return False


def beginning_unlike(node: Node, among: frozenset[int]) -> Node:
    """The texts of a part of a lexeme that have a first byte, and none of some of ASCII."""
    if node is NON_ASCII:
        return node
    match node:
        case Text(data):
            return NOTHING if not data or data[0] in among else node
        case Bytes(own):
            return Bytes(own - among) if own - among else NOTHING
        case Choice(options):
            return choice([beginning_unlike(option, among) for option in options])
        case Sequence(parts):
            return _of_first(parts, lambda part: beginning_unlike(part, among))
        case Repeat(item, low, high):
            return sequence(beginning_unlike(item, among), repeat(item, low - 1, high - 1))
    raise TypeError(f"{type(node).__name__} is no part of a pattern")


def after(node: Node, byte: int) -> Node:
    """What follows a byte of ASCII in the texts of a part of a lexeme that begin with it."""
    if node is NON_ASCII:
        return NOTHING
    match node:
        case Text(data):
            return Text(data[1:]) if data and data[0] == byte else NOTHING
        case Bytes(own):
            return EMPTY if byte in own else NOTHING
        case Choice(options):
            return choice([after(option, byte) for option in options])
        case Sequence(parts):
            return _of_first(parts, lambda part: after(part, byte))
        case Repeat(item, low, high):
            return sequence(after(item, byte), repeat(item, low - 1, high - 1))
    raise TypeError(f"{type(node).__name__} is no part of a pattern")


def _of_first(parts: tuple[Node, ...], change: Callable[[Node], Node]) -> Node:
    """A sequence whose first part that is not empty, whichever this is, is another."""
    found = []
    for index, part in enumerate(parts):
        found.append(sequence(change(part), *parts[index + 1 :]))
        if not is_nullable(part):
            break
    return choice(found)
