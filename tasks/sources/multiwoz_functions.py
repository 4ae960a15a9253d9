"""The services of MultiWOZ as functions, and the databases that answer them.

Parameters are the informable slots of the version 2.2 schema, with its descriptions and values but
in the names of the version 2.1 belief states; those of bookings have the state's own names as well.
`free` is one more word for `yes` there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from granite_fc.errors import ConfigurationError
from tasks.sources.json_records import read_value
from tasks.sources.raw_files import RawFolder
from tasks.sources.said import words_of

_SCHEMA = "data/MultiWOZ_2.2/schema.json"
_DATABASE = "db/{domain}_db.json"
SEARCHABLE = ("restaurant", "hotel", "attraction", "train")
BOOKABLE = ("restaurant", "hotel", "train", "taxi")
FILES = (
    re.escape(_SCHEMA),
    *(re.escape(_DATABASE.format(domain=domain)) for domain in SEARCHABLE),
)

# Function: description, required parameters, others.
_FUNCTIONS = {
    "find_restaurant": ("Find restaurants", "", "name area food pricerange"),
    "find_hotel": (
        "Find hotels and guesthouses",
        "",
        "name area pricerange type stars parking internet",
    ),
    "find_attraction": (
        "Find attractions such as museums, parks, colleges and entertainment",
        "",
        "name area type",
    ),
    "find_train": ("Find trains", "", "departure destination day leaveAt arriveBy"),
    "book_restaurant": ("Reserve a table at a restaurant", "name people day time", ""),
    "book_hotel": ("Book rooms at a hotel or guesthouse", "name people day stay", ""),
    "book_train": ("Buy tickets for a train", "trainID people", ""),
    "book_taxi": ("Book a taxi", "departure destination", "leaveAt arriveBy"),
}
_BOOKING_SLOTS = ("people", "day", "time", "stay")
_DESCRIPTIONS = {
    "find_train.leaveAt": "Time after which the train leaves, HH:MM",
    "find_train.arriveBy": "Time before which the train arrives, HH:MM",
    "book_taxi.leaveAt": "Time at which the taxi is to leave, HH:MM",
    "book_taxi.arriveBy": "Time before which the taxi is to arrive, HH:MM",
    "book_restaurant.time": "time of the restaurant booking, HH:MM",
    "book_hotel.stay": "number of nights",
}
_INTEGERS = ("people", "stay", "stars")
_ROW_FIELDS = {
    "restaurant": "name area food pricerange address phone postcode",
    "hotel": "name area pricerange type stars parking internet address phone postcode price",
    "attraction": "name area type entrance_fee openhours address phone postcode",
    "train": "trainID departure destination day leaveAt arriveBy duration price",
}
_BOOKED = {"reference": "Number of the booking"}
_TAXI = {"type": "Colour and make of the car", "phone": "Telephone number of the driver"}
_NAME_FILLERS = {"the", "restaurant", "hotel", "guesthouse", "guest", "house", "and", "of"}


def read_functions(folder: RawFolder) -> dict[str, FunctionSpec]:
    """Returns all functions by name.

    Raises:
        ConfigurationError: The schema is not of the form that the data set has.
    """
    try:
        slots = {
            slot["name"]: slot
            for service in read_value(folder.read_text(_SCHEMA))
            for slot in service["slots"]
        }
        return {name: _function(name, slots) for name in _FUNCTIONS}
    except (KeyError, TypeError, ValueError) as error:
        raise _unfit(_SCHEMA, error) from error


def _function(name: str, slots: Mapping[str, Any]) -> FunctionSpec:
    description, required, others = _FUNCTIONS[name]
    action, _, domain = name.partition("_")
    properties = {}
    for parameter in [*required.split(), *others.split()]:
        is_booking = action == "book" and parameter in _BOOKING_SLOTS
        slot = slots[f"{domain}-{'book' if is_booking else ''}{parameter.lower()}"]
        properties[parameter] = _parameter(name, parameter, slot)
    parameters = {"type": "object", "properties": properties, "required": required.split()}
    return FunctionSpec(name, description, parameters, _output(action, domain))


def _parameter(function: str, parameter: str, slot: Mapping[str, Any]) -> dict[str, Any]:
    description = _DESCRIPTIONS.get(f"{function}.{parameter}", slot["description"])
    if parameter in _INTEGERS:
        return {"type": "integer", "description": description, "minimum": 0}
    schema: dict[str, Any] = {"type": "string", "description": description}
    if slot["is_categorical"]:
        schema["enum"] = [value for value in slot["possible_values"] if value != "free"]
    return schema


def _output(action: str, domain: str) -> dict[str, Any]:
    if action == "book":
        fields = _TAXI if domain == "taxi" else _BOOKED
        properties: dict[str, Any] = {
            name: {"type": "string", "description": words} for name, words in fields.items()
        }
    else:
        row = {name: {"type": "string"} for name in _ROW_FIELDS[domain].split()}
        if domain == "hotel":
            row["price"] = {"type": "object"}
        properties = {
            "total_results": {"type": "integer", "description": "Number of all hits"},
            "results": {"type": "array", "items": {"type": "object", "properties": row}},
        }
    return {"type": "object", "properties": properties}


class Database:
    """The rows of each domain, found by equality; times are bounds and names may be shortened.

    Args:
        folder: The data set.

    Raises:
        ConfigurationError: A file is missing or not of the form that the data set has.
    """

    def __init__(self, folder: RawFolder) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {}
        for domain in SEARCHABLE:
            name = _DATABASE.format(domain=domain)
            try:
                rows = read_value(folder.read_text(name))
                self._rows[domain] = [_row(domain, row) for row in rows]
            except (AttributeError, TypeError, ValueError) as error:
                raise _unfit(name, error) from error

    def find(self, domain: str, constraints: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Returns the rows that fit all constraints, in the database's order."""
        return [row for row in self._rows[domain] if fits(row, constraints)]


def fits(row: Mapping[str, Any], constraints: Mapping[str, Any]) -> bool:
    """Whether a row fits all constraints of a search."""
    return all(_fits(slot, value, row.get(slot, "")) for slot, value in constraints.items())


def same_name(one: str, other: str) -> bool:
    """Whether two names are of one thing, of which people leave out words."""
    words, others = name_words(one), name_words(other)
    return bool(words and others) and (words <= others or others <= words)


def name_words(name: str) -> frozenset[str]:
    """Returns the words of a text that may tell names apart, all in the singular."""
    words = words_of(re.sub(r"\s?'s?", "", name))
    return frozenset(word.removesuffix("s") for word in words if word not in _NAME_FILLERS)


def _row(domain: str, row: Mapping[str, Any]) -> dict[str, Any]:
    spelt = {name.replace(" ", "_"): value for name, value in row.items()}
    if spelt.get("type") == "mutliple sports":
        spelt["type"] = "multiple sports"
    # A question mark says that it is not known.
    fields = _ROW_FIELDS[domain].split()
    return {field: spelt[field] for field in fields if spelt.get(field) not in (None, "", "?")}


def _fits(slot: str, value: Any, found: str) -> bool:
    if slot == "name":
        return same_name(value, found)
    if slot == "leaveAt":
        return found >= value
    if slot == "arriveBy":
        return found <= value
    return str(value) == found


def _unfit(name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        "DATA_DIR", found=f"{name}: {error!r}", expected="the file as MultiWOZ's repository has it"
    )
