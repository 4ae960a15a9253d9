"""Restaurants and tables."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World, plain

dining = Domain("dining")


@dining.function(
    arguments={"cuisine": Argument("cuisine", "cuisine"), "city": Argument("city", "city")},
    returns={"restaurants": [{"name": "restaurant", "rating": "rating"}]},
    nouns={
        "restaurants.0.name": phrases(
            "the best {cuisine} restaurant in {city}",
            "a good {cuisine} restaurant in {city}",
            "a restaurant in {city} with {cuisine} food",
            unseen=(
                "a nice {cuisine} restaurant around {city}",
                "some restaurant of {cuisine} cuisine in {city}",
            ),
        ),
    },
    questions={
        "restaurants.0.name": phrases(
            "which {cuisine} restaurant in {city} is good",
            unseen=("what {cuisine} restaurant can I try in {city}",),
        ),
    },
)
def find_restaurants(world: World, cuisine: str, city: str) -> dict[str, Any]:
    """Find a restaurant by cuisine."""
    found = []
    for rank in range(2):
        name = world.drawn("restaurant", cuisine, city, rank)
        found.append({"name": name, "rating": plain(world.number(20, 50, "stars", name) / 10)})
    return {"restaurants": found}


@dining.function(
    arguments={
        "restaurant": Argument("restaurant", "restaurant"),
        "people": Argument("count", "number of people"),
        "time": Argument("time", "time"),
    },
    returns={"table": "total"},
    commands=phrases(
        "reserve a table[ for {people} people] at {restaurant}[ at {time}]",
        "book a table at {restaurant}[ for {people} people][ at {time}]",
        "get a table[ for {people}] at {restaurant}[ at {time}]",
        unseen=(
            "have a table reserved[ for {people} people] at {restaurant}[ at {time}]",
            "hold a table at {restaurant}[ for a party of {people}][ at {time}]",
        ),
    ),
    done=(
        "Table {table} at {restaurant} is yours at {time} for {people} people.",
        "I reserved table {table} at {restaurant} for {people} people at {time}.",
    ),
)
def reserve_table(world: World, restaurant: str, people: int, time: str) -> dict[str, Any]:
    """Reserve a table at a restaurant."""
    return {"table": world.number(1, 40, "table", restaurant, people, time)}


@dining.function(
    arguments={"restaurant": Argument("restaurant", "restaurant")},
    returns={"rating": "rating"},
    nouns={
        "rating": phrases(
            "the restaurant rating of {restaurant}",
            "{restaurant}'s guest rating",
            "the rating guests give {restaurant}",
            unseen=(
                "the dining guest rating of {restaurant}",
                "the rating of the restaurant {restaurant}",
            ),
        ),
    },
    questions={
        "rating": phrases(
            "how do guests rate {restaurant}", unseen=("what rating do guests give {restaurant}",)
        ),
    },
)
def get_restaurant_rating(world: World, restaurant: str) -> dict[str, Any]:
    """Guest rating of a restaurant."""
    return {"rating": plain(world.number(20, 50, "stars", restaurant) / 10)}


@dining.function(
    arguments={"restaurant": Argument("restaurant", "restaurant")},
    returns={"opens": "time"},
    nouns={
        "opens": phrases(
            "the opening hour of {restaurant}",
            "{restaurant}'s opening hour",
            "the opening time of {restaurant}",
            unseen=(
                "the daily opening hour of {restaurant}",
                "the hour of opening at {restaurant}",
            ),
        ),
    },
    questions={
        "opens": phrases(
            "when does {restaurant} open", unseen=("at which hour does {restaurant} open",)
        ),
    },
)
def get_opening_hour(world: World, restaurant: str) -> dict[str, Any]:
    """Opening hour of a restaurant."""
    return {"opens": f"{world.number(8, 18, 'opens', restaurant):02d}:30"}
