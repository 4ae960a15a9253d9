"""Values that users name: a fixed hash deals each out to the train or to the validation split.

So no value of validation is ever seen in training, while the words and digits that values are made
of are: what can be learnt is to copy a value, not to know it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from tasks.sources.simulator import words
from tasks.sources.simulator.phrases import Split

Sampler = Callable[[Random, Split], Any]

# One in this many values belongs to the validation split.
_DEAL = 4


def split_of(value: Any) -> Split:
    """Returns the split that a value belongs to."""
    return "validation" if zlib.crc32(str(value).encode()) % _DEAL == 0 else "train"


def dealt(draw: Callable[[Random], Any]) -> Sampler:
    """Returns a sampler of the values of `draw` that belong to the split asked for."""

    def sample(random: Random, split: Split) -> Any:
        while split_of(value := draw(random)) != split:
            pass
        return value

    return sample


def dealt_integers(low: int, high: int, step: int = 1) -> Sampler:
    """Returns a sampler of low, low + step, ... up to high."""
    count = (high - low) // step + 1
    return dealt(lambda random: low + step * int(random.random() * count))


def shared(values: tuple[Any, ...]) -> Sampler:
    """Returns a sampler of a closed set, the same in both splits."""
    return lambda random, split: values[int(random.random() * len(values))]


def combined(pattern: str, *pools: tuple[str, ...]) -> Sampler:
    """Returns a sampler that fills each `{}` of a pattern from its own pool of words."""
    return dealt(
        lambda random: pattern.format(*(pool[int(random.random() * len(pool))] for pool in pools))
    )


def code(prefix: str, low: int = 1000, high: int = 9999) -> Sampler:
    """Returns a sampler of codes: a prefix and a number."""
    return dealt(lambda random: f"{prefix}{low + int(random.random() * (high - low + 1))}")


def several(sample_one: Sampler, low: int = 2, high: int = 3) -> Sampler:
    """Returns a sampler of lists of distinct values."""

    def sample(random: Random, split: Split) -> list[Any]:
        values: list[Any] = []
        wanted = random.randint(low, high)
        while len(values) < wanted:
            value = sample_one(random, split)
            if value not in values:
                values.append(value)
        return values

    return sample


def _flight(random: Random) -> str:
    return f"{random.choice(words.AIRLINES)}{random.randint(100, 999)}"


def _date(random: Random) -> str:
    return f"{random.choice(words.MONTHS)} {random.randint(1, 28)}"


def _time(random: Random) -> str:
    return f"{random.randint(6, 22):02d}:{random.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)):02d}"


person = combined("{} {}", words.FIRST_NAMES, words.LAST_NAMES)
doctor = combined("Dr. {} {}", words.FIRST_NAMES, words.LAST_NAMES)
city = combined("{}{}", words.CITY_STEMS, words.CITY_ENDINGS)
flight = dealt(_flight)
date = dealt(_date)
time = dealt(_time)
phone = dealt(lambda random: f"555-{random.randint(0, 9999):04d}")


def email(random: Random, split: Split) -> str:
    """Samples an address made of a person's name."""
    return f"{person(random, split).replace(' ', '.').lower()}@{random.choice(words.MAIL_HOSTS)}"
