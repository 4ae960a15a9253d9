"""Dishes, cooking and groceries."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World

recipes = Domain("recipes")


@recipes.function(
    arguments={
        "ingredients": Argument("ingredients", "ingredients"),
        "vegetarian": Argument("vegetarian", "vegetarian only", optional=True, default=False),
    },
    returns={"dish": "dish"},
    nouns={
        "dish": phrases(
            "a[ {vegetarian}] recipe with {ingredients}",
            "a[ {vegetarian}] recipe that uses {ingredients}",
            "the best[ {vegetarian}] recipe for {ingredients}",
            unseen=(
                "some[ {vegetarian}] recipe containing {ingredients}",
                "a[ {vegetarian}] recipe made of {ingredients}",
            ),
        ),
    },
    questions={
        "dish": phrases(
            "which[ {vegetarian}] recipe uses {ingredients}",
            unseen=("what[ {vegetarian}] recipe goes with {ingredients}",),
        ),
    },
)
def find_recipe(world: World, ingredients: list[str], vegetarian: bool = False) -> dict[str, Any]:
    """Find a recipe for some ingredients."""
    return {"dish": world.drawn("dish", "recipe", *sorted(ingredients), vegetarian)}


@recipes.function(
    arguments={"dish": Argument("dish", "dish")},
    returns={"minutes": "minutes"},
    nouns={
        "minutes": phrases(
            "the cooking time of {dish}",
            "the time for cooking {dish}",
            "{dish}'s cooking time",
            unseen=("the usual cooking time for {dish}", "the time that cooking {dish} takes"),
        ),
    },
    questions={
        "minutes": phrases(
            "how long does cooking {dish} take",
            unseen=("how much time is needed for cooking {dish}",),
        ),
    },
)
def get_cooking_time(world: World, dish: str) -> dict[str, Any]:
    """Cooking time of a dish."""
    return {"minutes": world.number(10, 120, "cooking", dish)}


@recipes.function(
    arguments={
        "dish": Argument("dish", "dish"),
        "servings": Argument("count", "number of servings", optional=True, default=1),
    },
    returns={"calories": "calories"},
    nouns={
        "calories": phrases(
            "the number of calories in[ {servings} servings of] {dish}",
            "the calorie count of[ {servings} servings of] {dish}",
            unseen=(
                "the total of calories in[ {servings} servings of] {dish}",
                "the calories count for[ {servings} servings of] {dish}",
            ),
        ),
    },
    questions={
        "calories": phrases(
            "how many calories are in[ {servings} servings of] {dish}",
            unseen=("how many calories does[ a dish of {servings} servings of] {dish} have",),
        ),
    },
)
def count_calories(world: World, dish: str, servings: int = 1) -> dict[str, Any]:
    """Calories of a dish."""
    return {"calories": world.number(120, 900, "calories", dish) * servings}


@recipes.function(
    arguments={"minutes": Argument("minutes", "minutes")},
    returns={"timers": "total"},
    commands=phrases(
        "start a timer for {minutes}",
        "set a timer to {minutes}",
        "set a kitchen timer for {minutes}",
        unseen=("run a timer for {minutes}", "let the kitchen timer count {minutes}"),
    ),
    done=(
        "The timer runs for {minutes}; timers: {timers}.",
        "I started timer {timers} for {minutes}.",
    ),
)
def start_timer(world: World, minutes: int) -> dict[str, Any]:
    """Start a kitchen timer."""
    timers = world.read("timers", "", int) + 1
    world.write("timers", "", timers)
    return {"timers": timers}


@recipes.function(
    arguments={"items": Argument("ingredients", "items")},
    returns={"entries": "total"},
    commands=phrases(
        "add {items} to the grocery list",
        "put {items} on the grocery list",
        "write {items} on my grocery list",
        unseen=("note {items} on the grocery list", "include {items} in my groceries"),
    ),
    done=(
        "I put {items} on the grocery list, which has {entries} entries.",
        "The grocery list now has {entries} entries, with {items}.",
    ),
)
def add_groceries(world: World, items: list[str]) -> dict[str, Any]:
    """Add items to the grocery list."""
    count = world.read("groceries", "", lambda: world.number(0, 9, "groceries")) + len(items)
    world.write("groceries", "", count)
    return {"entries": count}
