"""Semantic types: what a value is of, how it is drawn, written and referred back to.

An output may feed an argument where the types agree; `broader` lets temperatures, prices and the
like feed arithmetic.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from random import Random
from typing import Any

from tasks.sources.simulator import pools, words
from tasks.sources.simulator.phrases import Split


@dataclasses.dataclass(frozen=True, eq=False)
class SemanticType:
    """A kind of value.

    Attributes:
        name: Its name.
        schema: JSON Schema of a value.
        sample: Draws a value that users of a split name; None for values that only functions
            produce.
        text: How a value is written in a sentence; `{}` is the value itself.
        anaphor: How a value found just before is referred back to; empty where that cannot be.
        closed: Whether the values are a small set that both splits share.
        broader: A type whose arguments also accept these values.
        spoken: Words for values that are not written as they are, such as "on" for true.
        asked_by: The question word for it.
        item: The type of the items of a list.
    """

    name: str
    schema: Mapping[str, Any]
    sample: pools.Sampler | None = None
    text: str = "{}"
    anaphor: str = ""
    closed: bool = False
    broader: str = ""
    spoken: Mapping[Any, str] = dataclasses.field(default_factory=dict)
    asked_by: str = "what"
    item: SemanticType | None = None

    def write(self, value: Any) -> str:
        """Returns the value as a sentence has it."""
        return self.text.replace("{}", self.surface(value))

    def surface(self, value: Any) -> str:
        """Returns the words from which the value itself can be read off."""
        if isinstance(value, list):
            return enumeration([str(item) for item in value])
        if self.spoken:
            return self.spoken[value]
        return str(value)

    def draw(self, random: Random, split: Split) -> Any:
        """Draws a value.

        Raises:
            TypeError: Only functions produce values of this type.
        """
        if self.sample is None:
            raise TypeError(f"nobody names values of type {self.name}")
        return self.sample(random, split)

    def feeds(self, argument: SemanticType) -> bool:
        """Whether a value of this type may be the value of an argument of that type."""
        return argument is self or argument.name == self.broader


def enumeration(items: list[str], conjunction: str = "and") -> str:
    """Returns "a", "a and b" or "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


_STRING = {"type": "string"}
_INTEGER = {"type": "integer"}
_NUMBER = {"type": "number"}
_BOOLEAN = {"type": "boolean"}
TYPES: dict[str, SemanticType] = {}


def _add(
    name: str, schema: Mapping[str, Any], sample: pools.Sampler | None = None, **how: Any
) -> None:
    TYPES[name] = SemanticType(name, schema, sample, **how)


def _add_closed(name: str, *values: Any, **how: Any) -> None:
    schema = {"type": "string", "enum": list(values)} if isinstance(values[0], str) else _INTEGER
    _add(name, schema, pools.shared(values), closed=True, **how)


def _add_list(name: str, item: str) -> None:
    sample = TYPES[item].sample
    assert sample is not None
    schema = {"type": "array", "items": TYPES[item].schema}
    _add(name, schema, pools.several(sample), item=TYPES[item])


# People, places, times.
_add("person", _STRING, pools.person, anaphor="that person", asked_by="who")
_add("doctor", _STRING, pools.doctor, anaphor="that doctor", asked_by="who")
_add("city", _STRING, pools.city, anaphor="that city")
_add("date", _STRING, pools.date, anaphor="that day")
_add("time", _STRING, pools.time, anaphor="that time")
_add("email", _STRING, pools.email, anaphor="that address")
_add("phone", _STRING, pools.phone, anaphor="that number")
# Things with a code.
_add("flight", _STRING, pools.flight, text="flight {}", anaphor="that flight")
_add("booking", _STRING, pools.code("BK"), text="booking {}", anaphor="that booking")
_add("account", _STRING, pools.code("AC"), text="account {}", anaphor="that account")
_add("order", _STRING, pools.code("OR"), text="order {}", anaphor="that order")
_add("ticket", _STRING, pools.code("TK"), text="ticket {}", anaphor="that ticket")
_add("card", _STRING, pools.code("CD"), text="card {}")
_add("airport", _STRING, anaphor="that airport")
_add("gate", _STRING)
# Things with a name.
_TITLE = pools.combined("{} {}", words.ADJECTIVES, words.TITLE_NOUNS)
_add("song", _STRING, _TITLE, text="the song {}", anaphor="that song")
_add("film", _STRING, _TITLE, text="the film {}", anaphor="that film")
_add("book", _STRING, _TITLE, text="the book {}", anaphor="that book")
_add("artist", _STRING, pools.combined("The {} {}", words.ADJECTIVES, words.BAND_NOUNS))
_add(
    "product",
    _STRING,
    pools.combined("{} {}", words.MATERIALS, words.ITEMS),
    text="the {}",
    anaphor="that product",
)
_add(
    "dish",
    _STRING,
    pools.combined("{} {}", words.DISH_BASES, words.DISH_FORMS),
    anaphor="that dish",
)
_add(
    "hotel",
    _STRING,
    pools.combined("{} {}", words.HOTEL_NAMES, words.HOTEL_KINDS),
    text="the {}",
    anaphor="that hotel",
)
_add(
    "restaurant",
    _STRING,
    pools.combined("{} {}", words.RESTAURANT_FIRST, words.RESTAURANT_LAST),
    anaphor="that restaurant",
)
_add(
    "company",
    _STRING,
    pools.combined("{} {}", words.COMPANY_FIRST, words.COMPANY_LAST),
    anaphor="that company",
)
_add("medicine", _STRING, pools.combined("{}{}", words.MEDICINE_FIRST, words.MEDICINE_LAST))
_add("event", _STRING, pools.combined("{} {}", words.EVENT_FIRST, words.EVENT_LAST), text="the {}")
_add("ingredient", _STRING, pools.combined("{} {}", words.INGREDIENT_FORMS, words.INGREDIENTS))
_add(
    "message",
    _STRING,
    pools.combined("{}, {}", words.MESSAGE_FIRST, words.MESSAGE_LAST),
    text='"{}"',
)
_add("issue", _STRING, pools.combined("{} {}", words.ISSUES, words.ISSUE_PLACES), text='"{}"')
_add("playlist", _STRING, pools.combined("{} {}", words.ADJECTIVES, words.BAND_NOUNS), text='"{}"')
# Quantities that users name freely.
_add("number", _NUMBER, pools.dealt_integers(3, 999))
_add(
    "usd",
    _NUMBER,
    pools.dealt_integers(15, 900, 5),
    text="{} dollars",
    anaphor="that amount",
    broader="number",
)
_add(
    "km",
    _NUMBER,
    pools.dealt_integers(12, 990),
    text="{} kilometers",
    anaphor="that distance",
    broader="number",
)
_add(
    "celsius",
    _NUMBER,
    pools.dealt_integers(-15, 110),
    text="{} degrees",
    anaphor="that temperature",
    broader="number",
)
_add("kilograms", _NUMBER, pools.dealt_integers(40, 140), text="{} kilograms")
# Quantities that only functions produce.
_add("rating", _NUMBER, text="{} out of 5", broader="number")
_add("percent", _INTEGER, text="{} percent")
_add("calories", _INTEGER, text="{} calories", broader="number")
_add("milligrams", _INTEGER, text="{} milligrams")
_add("fahrenheit", _NUMBER, text="{} degrees Fahrenheit")
_add("miles", _NUMBER, text="{} miles")
_add("result", _NUMBER, broader="number")
_add("total", _INTEGER, broader="number")
_add("sky", {"type": "string", "enum": ["sunny", "cloudy", "rainy", "snowy", "windy"]})
_add("status", _STRING)
_add("done", _BOOLEAN)
# Closed sets.
_add_closed("count", *range(2, 10))
_add_closed("stars", 3, 4, 5)
_add_closed("minutes", *range(5, 121), text="{} minutes", anaphor="that long", broader="number")
_add_closed("share", *range(5, 100, 5), text="{} percent")
_add_closed("room_temperature", *range(15, 28), text="{} degrees")
_add_closed("currency", "USD", "EUR", "GBP", "JPY", "CHF", "SEK", "CAD", "AUD")
_add_closed("cuisine", "Italian", "Indian", "Thai", "Mexican", "Greek", "French", "Korean")
_add_closed("specialty", "dental", "heart", "skin", "eye", "family")
_add_closed("travel_mode", "walking", "cycling", "driving", "train")
_add_closed("seat_class", "economy", "business", "first")
_add_closed("priority", "low", "medium", "high", "critical")
_add_closed("door", "front door", "back door", "garage door", "garden gate", text="the {}")
_ROOMS = ("kitchen", "bedroom", "living room", "bathroom", "hallway", "garage", "office", "attic")
_add("room", _STRING, pools.shared(_ROOMS), closed=True, text="the {}")
_add_closed("place_kind", "pharmacy", "bakery", "museum", "library", "park", "bank")
_SWITCH = {True: "on", False: "off"}
_add("switch", _BOOLEAN, pools.shared((True, False)), closed=True, spoken=_SWITCH)
_add("vegetarian", _BOOLEAN, pools.shared((True,)), closed=True, spoken={True: "vegetarian"})
_add("express", _BOOLEAN, pools.shared((True,)), closed=True, spoken={True: "express"})
# Lists.
for _name, _item in (("numbers", "number"), ("songs", "song"), ("ingredients", "ingredient")):
    _add_list(_name, _item)
