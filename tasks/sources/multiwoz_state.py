"""The belief states of MultiWOZ as arguments."""

from __future__ import annotations

import collections
import re
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec

_UNSAID = ("", "not mentioned", "none")
_ANY = ("dontcare", "dont care", "do n't care", "any")
# Those who say "no" to these need none, but do not mind one.
_OPTIONAL = ("parking", "internet")
# Words for values of a search.
SPELLING = {"center": "centre", "moderately": "moderate", "inexpensive": "cheap"}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

# Slots of user acts to those of states.
SLOT_OF_ACT = {
    "Addr": "address",
    "Area": "area",
    "Arrive": "arriveBy",
    "Day": "day",
    "Depart": "departure",
    "Dest": "destination",
    "Food": "food",
    "Internet": "internet",
    "Leave": "leaveAt",
    "Name": "name",
    "Parking": "parking",
    "People": "people",
    "Price": "pricerange",
    "Stars": "stars",
    "Stay": "stay",
    "Time": "time",
    "Type": "type",
}


class StateError(ValueError):
    """A state from which no call follows.

    Attributes:
        reason: The reason under which it is counted.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def is_open(value: str) -> bool:
    """Whether a slot's value says nothing about what is wanted."""
    return value in _UNSAID or value in _ANY


def read_slots(
    slots: Mapping[str, str], function: FunctionSpec, coerced: collections.Counter[str]
) -> dict[str, Any]:
    """Returns the slots of a state that a function takes, as arguments.

    Args:
        slots: Slot to value.
        function: The function.
        coerced: Is added to: values changed, by rule.

    Raises:
        StateError: A value is none that the function takes.
    """
    arguments: dict[str, Any] = {}
    for name, schema in function.properties.items():
        value = slots.get(name, "")
        if not isinstance(value, str):
            raise StateError("malformed", f"{name}: {value!r}")
        if value in _ANY:
            coerced["dontcare_dropped"] += 1
        elif value == "no" and name in _OPTIONAL:
            coerced["not_needed_dropped"] += 1
        elif value not in _UNSAID:
            arguments[name] = _argument(name, value, schema, coerced)
    return arguments


def _argument(
    name: str, value: str, schema: Mapping[str, Any], coerced: collections.Counter[str]
) -> Any:
    if schema["type"] == "integer":
        if not value.isdecimal():
            raise StateError("value_does_not_fit", f"{name}: {value!r}")
        return int(value)
    if name in ("leaveAt", "arriveBy", "time"):
        if not _TIME.fullmatch(value):
            raise StateError("value_does_not_fit", f"{name}: {value!r}")
    elif "enum" in schema:
        spelt = {option.replace(" ", ""): option for option in schema["enum"]} | {"free": "yes"}
        if value.replace(" ", "") not in spelt:
            raise StateError("value_does_not_fit", f"{name}: {value!r}")
        fitting = spelt[value.replace(" ", "")]
        coerced["spelling"] += fitting != value
        return fitting
    return value
