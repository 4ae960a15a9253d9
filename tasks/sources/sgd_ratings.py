"""Ratings of Schema-Guided Dialogue as people say them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TWO_DECIMALS = re.compile(r"(\d+\.\d)0")


def with_short_ratings(record: Any) -> tuple[Any, int]:
    """Returns a dialogue with ratings such as "4.20" written "4.2", and how many there were.

    Calls, results and acts have two decimals, of which the second is nothing; what is said has one.
    Amounts of money keep both.

    Args:
        record: The data set's record, or a part of it, of any form.
    """
    changed: list[str] = []
    return _short(record, False, changed), len(changed)


def _short(value: Any, is_rating: bool, changed: list[str]) -> Any:
    if isinstance(value, Mapping):
        # An act names its slot beside the values.
        act = _is_rating(value.get("slot"))
        return {
            key: _short(item, _is_rating(key) or (act and key == "canonical_values"), changed)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_short(item, is_rating, changed) for item in value]
    found = _TWO_DECIMALS.fullmatch(value) if is_rating and isinstance(value, str) else None
    if found is None:
        return value
    changed.append(found[1])
    return found[1]


def _is_rating(slot: Any) -> bool:
    return isinstance(slot, str) and slot.rpartition("_")[2] == "rating"
