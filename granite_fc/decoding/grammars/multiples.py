"""Multiples of a number, as a set of texts."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

from granite_fc.decoding.grammars.numbers import whole_numbers
from granite_fc.decoding.grammars.texts import NOTHING, Lexeme, Node, choice, sequence, text

_MOST_ENDINGS = 128
_MOST_LISTED = 256
# The whole part of a number with a point, so that a float holds it and its decimals.
_DIGITS_OF_FLOATS = 12


@functools.lru_cache(maxsize=1024)
def multiples(
    kind: str, step: float, low: float, high: float, digits: int
) -> tuple[Node | list[float], bool]:
    """Multiples from `low` to `high`, both included.

    Where the step divides a power of ten, they are told by their last digits. Of a step such as
    0.01, which no float is, those with a point are left out that end in no power of a half: of
    many of them a float's arithmetic says that they are no multiples.

    Args:
        kind: `integer`, or `number`, which may have a point.
        step: What they are multiples of.
        low: Their bound; infinite where there is none.
        high: Their bound.
        digits: Most digits before the point.

    Returns:
        The multiples, and whether there are more. They are a list, to be checked one by one, where
        they are few or no digits tell them.
    """
    exact = Fraction(repr(step)) if isinstance(step, float) else Fraction(step)
    first, last = _quotients(exact, low, high)
    if last - first < _MOST_LISTED:
        return [_number(exact * i) for i in range(int(first), int(last) + 1)], False
    whole = _endings(exact.numerator) if exact.denominator == 1 else None
    if exact.denominator > 1 and exact.numerator == 1:
        whole = 0
    if whole is None:
        return _listed(exact, first, last), True
    decimals = [] if kind == "integer" else _decimals(exact)
    size = 10**whole
    unit = exact.numerator if exact.denominator == 1 else 1
    most = 10 ** (min(digits, _DIGITS_OF_FLOATS) if decimals else digits) - 1
    positive = _from_zero(unit, size, max(low, 0), min(high, most), decimals)
    negative = _from_zero(unit, size, max(-high, 0), min(-low, most), decimals, is_negative=True)
    found = choice((positive, sequence(text("-"), negative)))
    is_narrowed = exact.denominator > 1 and (kind == "integer" or not _is_float(exact))
    return (NOTHING if found is NOTHING else Lexeme(found)), is_narrowed


def _from_zero(
    unit: int, size: int, low: float, high: float, decimals: list[str], *, is_negative: bool = False
) -> Node:
    """Multiples that are not negative, without their sign."""
    if low > high:
        return NOTHING
    below, above = max(math.ceil(low / size), 1), math.floor(high / size) - 1
    endings = [str(ending).zfill(len(str(size)) - 1) for ending in range(0, size, unit)]
    inside = whole_numbers(below, above)
    options = []
    if inside is not NOTHING:
        fractions = [text(f".{each}") for each in decimals]
        ends = choice([text(ending) for ending in endings]) if size > 1 else text("")
        options.append(sequence(inside, ends, choice((text(""), *fractions))))
    edges = {0, math.floor(low / size), math.floor(high / size)}
    for quotient in sorted(edges):
        if below <= quotient <= above:
            continue
        for number in range(quotient * size, (quotient + 1) * size, unit):
            if low <= number <= high and (number or not is_negative):
                options.append(text(str(number)))
            options += [
                text(f"{number}.{each}")
                for each in decimals
                if low <= float(f"{number}.{each}") <= high
            ]
    return choice(options)


def _endings(step: int) -> int | None:
    """How many last digits tell whether a whole number is a multiple; None where none do."""
    for count in range(6):
        if 10**count % step == 0:
            return count if 10**count // step <= _MOST_ENDINGS else None
    return None


def _decimals(step: Fraction) -> list[str]:
    """What stands behind the point of multiples of a step below 1."""
    found = []
    for eighths in range(1, 64):
        part = Fraction(eighths, 64)
        if (part / step).denominator == 1:
            found.append(repr(float(part)).removeprefix("0."))
    return found


def _quotients(step: Fraction, low: float, high: float) -> tuple[float, float]:
    first = -math.inf if low == -math.inf else math.ceil(Fraction(low) / step)
    last = math.inf if high == math.inf else math.floor(Fraction(high) / step)
    return first, last


def _listed(step: Fraction, first: float, last: float) -> list[float]:
    half = _MOST_LISTED // 2
    start = int(first) if first > -half else -half
    if last < start + _MOST_LISTED:
        start = int(last) - _MOST_LISTED + 1
    return [_number(step * i) for i in range(start, start + _MOST_LISTED)]


def _number(value: Fraction) -> float:
    return value.numerator if value.denominator == 1 else float(value)


def _is_float(value: Fraction) -> bool:
    return Fraction(float(value)) == value
