"""Arithmetic and units."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World, plain

maths = Domain("maths")


@maths.function(
    arguments={"a": Argument("number", "first number"), "b": Argument("number", "second number")},
    returns={"sum": "result"},
    nouns={
        "sum": phrases(
            "the sum of {a} and {b}",
            "the total sum of {a} and {b}",
            unseen=("the sum that {a} and {b} make", "the sum when {a} is added to {b}"),
        ),
    },
)
def add_numbers(world: World, a: float, b: float) -> dict[str, Any]:
    """Sum of two numbers."""
    return {"sum": plain(a + b)}


@maths.function(
    arguments={"a": Argument("number", "first number"), "b": Argument("number", "second number")},
    returns={"difference": "result"},
    nouns={
        "difference": phrases(
            "the difference between {a} and {b}",
            "the difference of {a} and {b}",
            unseen=("the numerical difference of {a} and {b}", "the difference from {a} to {b}"),
        ),
    },
)
def subtract_numbers(world: World, a: float, b: float) -> dict[str, Any]:
    """Difference of two numbers."""
    return {"difference": plain(a - b)}


@maths.function(
    arguments={"a": Argument("number", "first number"), "b": Argument("number", "second number")},
    returns={"product": "result"},
    nouns={
        "product": phrases(
            "the product of {a} and {b}",
            "the product of {a} times {b}",
            unseen=("the multiplied product of {a} and {b}", "the product that {a} and {b} give"),
        ),
    },
    commands=phrases(
        "multiply {a} by {b}",
        "multiply {a} with {b}",
        unseen=("take {a} and multiply it by {b}", "multiply together {a} and {b}"),
    ),
    done=("{a} times {b} is {product}.", "The product of {a} and {b} is {product}."),
)
def multiply_numbers(world: World, a: float, b: float) -> dict[str, Any]:
    """Product of two numbers."""
    return {"product": plain(a * b)}


@maths.function(
    arguments={"numbers": Argument("numbers", "numbers")},
    returns={"average": "result"},
    nouns={
        "average": phrases(
            "the average of {numbers}",
            "the average of the numbers {numbers}",
            "the average across {numbers}",
            unseen=("the average value of {numbers}", "the average over {numbers}"),
        ),
    },
)
def average_numbers(world: World, numbers: list[float]) -> dict[str, Any]:
    """Average of several numbers."""
    return {"average": plain(sum(numbers) / len(numbers))}


@maths.function(
    arguments={
        "percent": Argument("share", "percentage"),
        "number": Argument("number", "number"),
    },
    returns={"part": "result"},
    nouns={
        "part": phrases(
            "{percent} of {number}",
            "the amount that is {percent} of {number}",
            unseen=("a part of {percent} of {number}", "exactly {percent} of {number}"),
        ),
    },
    questions={
        "part": phrases(
            "how much is {percent} of {number}", unseen=("how many are {percent} of {number}",)
        ),
    },
)
def percent_of(world: World, percent: int, number: float) -> dict[str, Any]:
    """Percentage of a number."""
    return {"part": plain(number * percent / 100)}


@maths.function(
    arguments={"degrees": Argument("celsius", "degrees Celsius")},
    returns={"fahrenheit": "fahrenheit"},
    nouns={
        "fahrenheit": phrases(
            "{degrees} in Fahrenheit",
            "the Fahrenheit value of {degrees}",
            unseen=("the Fahrenheit figure for {degrees}", "the value in Fahrenheit of {degrees}"),
        ),
    },
    commands=phrases(
        "convert {degrees} to Fahrenheit",
        "turn {degrees} into Fahrenheit",
        unseen=("express {degrees} in Fahrenheit", "convert {degrees} over to Fahrenheit"),
    ),
    done=("{degrees} is {fahrenheit}.", "That is {fahrenheit} for {degrees}."),
)
def to_fahrenheit(world: World, degrees: float) -> dict[str, Any]:
    """Convert degrees Celsius to Fahrenheit."""
    return {"fahrenheit": plain(degrees * 9 / 5 + 32)}


@maths.function(
    arguments={"distance": Argument("km", "kilometers")},
    returns={"miles": "miles"},
    nouns={
        "miles": phrases(
            "{distance} in miles",
            "the number of miles in {distance}",
            unseen=("the miles figure for {distance}", "the count of miles in {distance}"),
        ),
    },
    commands=phrases(
        "convert {distance} to miles",
        "turn {distance} into miles",
        unseen=("express {distance} in miles", "convert {distance} over to miles"),
    ),
    done=("{distance} is {miles}.", "That is {miles} for {distance}."),
)
def to_miles(world: World, distance: float) -> dict[str, Any]:
    """Convert kilometers to miles."""
    return {"miles": plain(distance * 0.621371)}
