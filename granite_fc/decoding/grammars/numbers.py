"""Numbers of JSON within bounds, as Python prints them."""

from __future__ import annotations

import functools
import math

from granite_fc.decoding.grammars.texts import (
    EMPTY,
    NOTHING,
    Bytes,
    Lexeme,
    Node,
    choice,
    optional,
    repeat,
    sequence,
    text,
)

_ANY = Bytes(frozenset(b"0123456789"))
_NOT_ZERO = Bytes(frozenset(b"123456789"))
# Most digits before and after the point: a float keeps 15 in all.
_DIGITS_OF_FLOATS = ((3, 12), (9, 6), (13, 2))


@functools.lru_cache(maxsize=1024)
def integers(low: float, high: float, digits: int) -> Node:
    """Whole numbers from `low` to `high`, both included, of at most so many digits."""
    return _lexeme(_integers(low, high, digits))


@functools.lru_cache(maxsize=1024)
def numbers(low: float, high: float, digits: int, decimals: int) -> Node:
    """Whole numbers, and others with a point and at most so many decimals, or with an exponent.

    They have no more digits than a float keeps. Between a bound that is not whole and the next
    whole number there are none. A bound that does not belong to the numbers is the float beside it.
    """
    if decimals < 1:
        return _lexeme(_integers(low, high, digits))
    options = [_integers(low, high, digits)]
    for before, after in _DIGITS_OF_FLOATS:
        most = 10 ** min(before, digits) - 1
        fraction = sequence(text("."), choice((text("0"), _ends(min(after, decimals)))))
        # A number with a point lies between its whole part and the next one, away from zero.
        options.append(sequence(_whole_parts(low, high, most), fraction))
        options.append(sequence(text("-"), _whole_parts(-high, -low, most), fraction))
    ends_in_digit = _ends(min(decimals, _DIGITS_OF_FLOATS[0][1]))
    for bound in (low, high):
        if abs(bound) < 10**digits:
            options.append(text(repr(float(bound))))
    if 0 < low < 1e-300:  # above 0
        options.append(sequence(text("0."), ends_in_digit) if high >= 1 else NOTHING)
    mantissa = sequence(_NOT_ZERO, optional(sequence(text("."), ends_in_digit)))
    small = sequence(text("e-"), choice((sequence(text("0"), _from(5)), sequence(_NOT_ZERO, _ANY))))
    large = sequence(text("e+"), choice((sequence(text("1"), _from(6)), sequence(_from(2), _ANY))))
    if low < 1e-300 and high >= 1:
        options.append(sequence(mantissa, small))
    if high == math.inf and low <= 1e16:
        options.append(sequence(mantissa, large))
    if high >= 0 and low <= -1:
        options.append(sequence(text("-"), mantissa, small))
    if low == -math.inf and high >= -1e16:
        options.append(sequence(text("-"), mantissa, large))
    return _lexeme(choice(options))


def _ends(decimals: int) -> Node:
    """Digits of which the last is not 0."""
    return sequence(repeat(_ANY, 0, decimals - 1), _NOT_ZERO)


def _lexeme(node: Node) -> Node:
    return NOTHING if node is NOTHING else Lexeme(node)


def _from(digit: int) -> Node:
    return Bytes(frozenset(b"0123456789"[digit:]))


def _whole_parts(low: float, high: float, most: int) -> Node:
    """What may stand before the point of numbers from `low` to `high` that are not negative."""
    if low > most or high < 0:
        return NOTHING
    return whole_numbers(math.ceil(max(low, 0)), math.floor(min(high, most + 1)) - 1)


def _integers(low: float, high: float, digits: int) -> Node:
    most = 10**digits - 1
    if low > most or high < -most:
        return NOTHING
    least = math.ceil(max(low, -most))
    greatest = math.floor(min(high, most))
    negative = whole_numbers(max(1, -greatest), -least)
    return choice((whole_numbers(max(0, least), greatest), sequence(text("-"), negative)))


def whole_numbers(low: int, high: int) -> Node:
    """Whole numbers from `low` to `high`, none of them negative, as part of a lexeme."""
    if low > high:
        return NOTHING
    options, whole_sizes = [], []
    for size in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (size - 1))
        last = min(high, 10**size - 1)
        if (first, last) == (10 ** (size - 1), 10**size - 1):
            whole_sizes.append(size)
        elif first <= last:
            options.append(_of_size(str(first), str(last)))
    if whole_sizes:
        more = repeat(_ANY, whole_sizes[0] - 1, whole_sizes[-1] - 1)
        options.append(sequence(_NOT_ZERO, more))
    if low == 0:
        options.append(text("0"))
    return choice(options)


def _of_size(low: str, high: str) -> Node:
    """Numbers of as many digits as both have."""
    if not low:
        return EMPTY
    if set(low[1:]) <= {"0"} and set(high[1:]) <= {"9"}:
        among = Bytes(frozenset(b"0123456789"[int(low[0]) : int(high[0]) + 1]))
        return sequence(among, repeat(_ANY, len(low) - 1, len(low) - 1))
    if low[0] == high[0]:
        return sequence(text(low[0]), _of_size(low[1:], high[1:]))
    middle = range(int(low[0]) + 1, int(high[0]))
    options = [
        sequence(text(low[0]), _of_size(low[1:], "9" * (len(low) - 1))),
        sequence(text(high[0]), _of_size("0" * (len(low) - 1), high[1:])),
    ]
    if middle:
        among = Bytes(frozenset(b"0123456789"[middle[0] : middle[-1] + 1]))
        options.append(sequence(among, repeat(_ANY, len(low) - 1, len(low) - 1)))
    return choice(options)
