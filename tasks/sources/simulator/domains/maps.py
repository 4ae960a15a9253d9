"""Places, distances and rides."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World, plain

maps = Domain("maps")
_SPEED = {"walking": 5, "cycling": 18, "driving": 80, "train": 120}


def _distance(world: World, first: str, second: str) -> int:
    return world.number(20, 900, "distance", *sorted((first, second)))


@maps.function(
    arguments={"person": Argument("person", "person")},
    returns={"city": "city"},
    nouns={
        "city": phrases(
            "the home city of {person}",
            "{person}'s home city",
            "the city where {person} lives",
            unseen=("the city that is home to {person}", "the city {person} calls home"),
        ),
    },
    questions={
        "city": phrases(
            "in which city does {person} live", unseen=("which city is {person}'s home",)
        ),
    },
)
def find_home_city(world: World, person: str) -> dict[str, Any]:
    """Home city of a person."""
    return {"city": world.drawn("city", "home", person)}


@maps.function(
    arguments={
        "origin": Argument("city", "first city"),
        "destination": Argument("city", "second city"),
    },
    returns={"distance": "km"},
    nouns={
        "distance": phrases(
            "the distance from {origin} to {destination}",
            "the distance between {origin} and {destination}",
            "the road distance from {origin} to {destination}",
            unseen=(
                "the distance to {destination} starting at {origin}",
                "the total distance between {origin} and {destination}",
            ),
        ),
    },
    questions={
        "distance": phrases(
            "how far is it from {origin} to {destination}",
            unseen=("what distance lies between {origin} and {destination}",),
        ),
    },
)
def get_distance(world: World, origin: str, destination: str) -> dict[str, Any]:
    """Distance between two cities."""
    return {"distance": _distance(world, origin, destination)}


@maps.function(
    arguments={
        "origin": Argument("city", "start city"),
        "destination": Argument("city", "city to reach"),
        "mode": Argument("travel_mode", "mode of travel", optional=True, default="driving"),
    },
    returns={"route": {"minutes": "minutes"}},
    nouns={
        "route.minutes": phrases(
            "the travel time from {origin} to {destination}[ by {mode}]",
            "the[ {mode}] travel time between {origin} and {destination}",
            "the time to travel from {origin} to {destination}[ by {mode}]",
            unseen=(
                "the[ {mode}] travel time to {destination} out of {origin}",
                "the travel duration between {origin} and {destination}[ by {mode}]",
            ),
        ),
    },
    questions={
        "route.minutes": phrases(
            "how long is the travel from {origin} to {destination}[ by {mode}]",
            unseen=("how much time does the travel from {origin} to {destination} take",),
        ),
    },
)
def get_travel_time(
    world: World, origin: str, destination: str, mode: str = "driving"
) -> dict[str, Any]:
    """Travel time between two cities."""
    hours = _distance(world, origin, destination) / _SPEED[mode]
    return {"route": {"minutes": round(hours * 60)}}


@maps.function(
    arguments={"city": Argument("city", "city")},
    returns={"airport": "airport", "distance": "km"},
    nouns={
        "airport": phrases(
            "the nearest airport to {city}",
            "the airport nearest to {city}",
            "{city}'s nearest airport",
            unseen=("the closest airport near {city}", "the airport that serves {city}"),
        ),
    },
    questions={
        "airport": phrases(
            "which airport is nearest to {city}", unseen=("what airport does {city} have nearby",)
        ),
    },
)
def find_airport(world: World, city: str) -> dict[str, Any]:
    """Nearest airport of a city."""
    letters = tuple("ABCDEFGHKLMNOPRSTVZ")
    code = "".join(world.choice(letters, "airport", city, place) for place in range(3))
    return {"airport": code, "distance": world.number(4, 60, "airport", city)}


@maps.function(
    arguments={
        "kind": Argument("place_kind", "kind of place"),
        "city": Argument("city", "city"),
    },
    returns={"places": [{"street": "status", "rating": "rating"}]},
    nouns={
        "places.0.street": phrases(
            "the address of a {kind} in {city}",
            "the street of the first {kind} in {city}",
            "a {kind} address in {city}",
            unseen=(
                "the address of some {kind} around {city}",
                "the street address of a {kind} in {city}",
            ),
        ),
    },
    questions={
        "places.0.street": phrases(
            "where is a {kind} in {city}", unseen=("at what address is a {kind} in {city}",)
        ),
    },
)
def find_places(world: World, kind: str, city: str) -> dict[str, Any]:
    """Address of a kind of place."""
    streets = ("Main Street", "Mill Lane", "Station Road", "Church Street", "Park Avenue")
    places = []
    for rank in range(2):
        street = world.choice(streets, "street", kind, city, rank)
        number = world.number(1, 120, "house", kind, city, rank)
        rating = plain(world.number(20, 50, "place", kind, city, rank) / 10)
        places.append({"street": f"{number} {street}", "rating": rating})
    return {"places": places}


@maps.function(
    arguments={
        "city": Argument("city", "city"),
        "time": Argument("time", "pickup time"),
        "passengers": Argument("count", "number of passengers", optional=True, default=1),
    },
    returns={"fare": "usd"},
    commands=phrases(
        "order a taxi in {city}[ at {time}][ for {passengers} passengers]",
        "call a taxi[ for {passengers} passengers] in {city}[ at {time}]",
        "get me a taxi in {city}[ for {time}]",
        unseen=(
            "hail a taxi[ for {passengers} passengers] in {city}[ around {time}]",
            "send a taxi[ at {time}] in {city}",
        ),
    ),
    done=(
        "A taxi comes at {time} in {city}; the fare is {fare}.",
        "I ordered a taxi in {city} for {time}, {fare}.",
    ),
)
def order_taxi(world: World, city: str, time: str, passengers: int = 1) -> dict[str, Any]:
    """Order a taxi in a city."""
    return {"fare": world.cents(12, 60, "taxi", city, time) + 2 * passengers}
