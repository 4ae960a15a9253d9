"""Shares of companies."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import FunctionError, World

stocks = Domain("stocks")


def _held(world: World, company: str) -> int:
    return world.read("shares", company, lambda: world.number(5, 60, "shares", company))


@stocks.function(
    arguments={"company": Argument("company", "company")},
    returns={"price": "usd"},
    nouns={
        "price": phrases(
            "the share price of {company}",
            "{company}'s share price",
            "the price of one {company} share",
            unseen=("the latest share price for {company}", "the price per share of {company}"),
        ),
    },
    questions={
        "price": phrases(
            "how much is one {company} share", unseen=("what does one share of {company} cost",)
        ),
    },
)
def get_share_price(world: World, company: str) -> dict[str, Any]:
    """Share price of a company."""
    return {"price": world.cents(5, 300, "share", company)}


@stocks.function(
    arguments={"company": Argument("company", "company")},
    returns={"shares": "total"},
    nouns={
        "shares": phrases(
            "the number of {company} shares held",
            "the number of shares that I hold in {company}",
            unseen=(
                "the count of shares of {company} held by me",
                "the number of {company} shares in my hold",
            ),
        ),
    },
    questions={
        "shares": phrases(
            "how many {company} shares do I hold", unseen=("how many shares of {company} are held",)
        ),
    },
    observes={"shares": "company"},
)
def count_shares(world: World, company: str) -> dict[str, Any]:
    """Number of shares held."""
    return {"shares": _held(world, company)}


@stocks.function(
    arguments={
        "company": Argument("company", "company"),
        "shares": Argument("count", "number of shares"),
    },
    returns={"cost": "usd"},
    commands=phrases(
        "buy[ {shares}] shares of {company}",
        "buy[ {shares}] {company} shares",
        "invest in[ {shares}] shares of {company}",
        unseen=(
            "buy up[ {shares}] shares in {company}",
            "buy me[ {shares}] of the {company} shares",
        ),
    ),
    done=(
        "You bought {shares} shares of {company} for {cost}.",
        "I bought {shares} {company} shares: {cost}.",
    ),
    changes={"shares": "company"},
)
def buy_shares(world: World, company: str, shares: int) -> dict[str, Any]:
    """Buy shares of a company."""
    world.write("shares", company, _held(world, company) + shares)
    return {"cost": world.cents(5, 300, "share", company) * shares}


@stocks.function(
    arguments={
        "company": Argument("company", "company"),
        "shares": Argument("count", "number of shares"),
    },
    returns={"proceeds": "usd"},
    commands=phrases(
        "sell[ {shares}] shares of {company}",
        "sell[ {shares}] {company} shares",
        "sell off[ {shares}] shares of {company}",
        unseen=(
            "sell[ {shares}] of my {company} shares",
            "put up[ {shares}] shares of {company} to sell",
        ),
    ),
    done=(
        "You sold {shares} shares of {company} for {proceeds}.",
        "I sold {shares} {company} shares: {proceeds}.",
    ),
    changes={"shares": "company"},
)
def sell_shares(world: World, company: str, shares: int) -> dict[str, Any]:
    """Sell shares of a company."""
    left = _held(world, company) - shares
    if left < 0:
        raise FunctionError(f"fewer than {shares} shares of {company} are held")
    world.write("shares", company, left)
    return {"proceeds": world.cents(5, 300, "share", company) * shares}
