"""Films and cinema tickets."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World, plain

cinema = Domain("cinema")


@cinema.function(
    arguments={"film": Argument("film", "film title")},
    returns={"director": "person"},
    nouns={
        "director": phrases(
            "the director of {film}",
            "{film}'s director",
            "the film director behind {film}",
            unseen=("the director who made {film}", "the director in charge of {film}"),
        ),
    },
    questions={
        "director": phrases("who directed {film}", unseen=("who was the director of {film}",)),
    },
)
def find_director(world: World, film: str) -> dict[str, Any]:
    """Director of a film."""
    return {"director": world.drawn("person", "director", film)}


@cinema.function(
    arguments={"film": Argument("film", "film title")},
    returns={"minutes": "minutes"},
    nouns={
        "minutes": phrases(
            "the running time of {film}",
            "{film}'s running time",
            "the total running time of {film}",
            unseen=("the full running time of {film}", "the running minutes of {film}"),
        ),
    },
    questions={
        "minutes": phrases(
            "how long is {film} running", unseen=("for how long is {film} running",)
        ),
    },
)
def get_running_time(world: World, film: str) -> dict[str, Any]:
    """Running time of a film."""
    return {"minutes": world.number(78, 190, "running", film)}


@cinema.function(
    arguments={"film": Argument("film", "film title"), "city": Argument("city", "city")},
    returns={"showtimes": ["time"]},
    nouns={
        "showtimes.0": phrases(
            "the first showtime of {film}[ in {city}]",
            "the showtime of {film}[ in {city}]",
            "the next showtime[ in {city}] for {film}",
            unseen=(
                "the earliest showtime[ in {city}] of {film}",
                "the cinema showtime for {film}[ in {city}]",
            ),
        ),
    },
    questions={
        "showtimes.0": phrases(
            "at which showtime is {film} on[ in {city}]",
            unseen=("what showtime does {film} have[ in {city}]",),
        ),
    },
)
def find_showtimes(world: World, film: str, city: str) -> dict[str, Any]:
    """Showtime of a film in a city."""
    first = world.number(13, 19, "show", film, city)
    return {"showtimes": [f"{first}:15", f"{first + 3}:45"]}


@cinema.function(
    arguments={
        "film": Argument("film", "film title"),
        "tickets": Argument("count", "number of tickets"),
    },
    returns={"total": "usd"},
    commands=phrases(
        "buy[ {tickets}] tickets for {film}",
        "buy[ {tickets}] cinema tickets for {film}",
        "get[ {tickets}] tickets to see {film}",
        unseen=(
            "purchase[ {tickets}] tickets for {film}",
            "buy tickets to {film}[, {tickets} of them]",
        ),
    ),
    done=(
        "You have {tickets} tickets for {film}, {total} in total.",
        "I bought {tickets} tickets for {film}. They cost {total}.",
    ),
)
def buy_tickets(world: World, film: str, tickets: int) -> dict[str, Any]:
    """Buy cinema tickets for a film."""
    return {"total": world.cents(7, 18, "ticket", film) * tickets}


@cinema.function(
    arguments={"film": Argument("film", "film title")},
    returns={"rating": "rating"},
    nouns={
        "rating": phrases(
            "the rating of {film}",
            "{film}'s viewer rating",
            "the average rating of {film}",
            unseen=("the rating that viewers gave {film}", "the present rating for {film}"),
        ),
    },
    questions={
        "rating": phrases(
            "how good is the rating of {film}", unseen=("which rating did {film} get",)
        ),
    },
)
def get_film_rating(world: World, film: str) -> dict[str, Any]:
    """Viewer rating of a film."""
    return {"rating": plain(world.number(10, 50, "rating", film) / 10)}
