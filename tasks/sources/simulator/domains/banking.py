"""Accounts, cards, transfers and currencies."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import FunctionError, World, plain

banking = Domain("banking")
# Units of each currency that one US dollar buys.
_RATES = {
    **{"USD": 1.0, "EUR": 0.9, "GBP": 0.8, "JPY": 150.0},
    **{"CHF": 0.88, "SEK": 10.5, "CAD": 1.35, "AUD": 1.5},
}


def _balance(world: World, account: str) -> float:
    return world.read("balance", account, lambda: world.cents(1500, 9000, "balance", account))


def _withdraw(world: World, account: str, amount: float) -> float:
    left = plain(_balance(world, account) - amount)
    if left < 0:
        raise FunctionError(f"account {account} does not hold {amount} dollars")
    world.write("balance", account, left)
    return left


@banking.function(
    arguments={"account": Argument("account", "account number")},
    returns={"balance": "usd"},
    nouns={
        "balance": phrases(
            "the balance of {account}",
            "the current balance on {account}",
            "{account}'s balance",
            unseen=("the remaining balance in {account}", "the balance left on {account}"),
        ),
    },
    questions={
        "balance": phrases(
            "how much money is in {account}",
            unseen=("what balance does {account} have",),
        ),
    },
    observes={"balance": "account"},
)
def get_balance(world: World, account: str) -> dict[str, Any]:
    """Balance of a bank account."""
    return {"balance": _balance(world, account)}


@banking.function(
    arguments={"owner": Argument("person", "account owner")},
    returns={"account": "account"},
    nouns={
        "account": phrases(
            "{owner}'s bank account",
            "the bank account of {owner}",
            "the account of {owner}",
            unseen=("the bank account belonging to {owner}", "{owner}'s main account"),
        ),
    },
)
def find_account(world: World, owner: str) -> dict[str, Any]:
    """Bank account of a person."""
    return {"account": world.drawn("account", "owned by", owner)}


@banking.function(
    arguments={
        "amount": Argument("usd", "amount in dollars"),
        "source": Argument("account", "account to take it from"),
        "target": Argument("account", "account to send it to"),
    },
    returns={"balance": "usd"},
    commands=phrases(
        "transfer[ {amount}][ from {source}][ to {target}]",
        "move[ {amount}][ from {source}][ to {target}] by transfer",
        "make a transfer[ of {amount}][ from {source}][ to {target}]",
        unseen=(
            "wire a transfer[ of {amount}][ out of {source}][ into {target}]",
            "transfer money,[ {amount}][ from {source}][ over to {target}]",
        ),
    ),
    done=(
        "{amount} went from {source} to {target}; {balance} are left.",
        "I transferred {amount} to {target}, and {source} now holds {balance}.",
    ),
    changes={"balance": "source"},
)
def transfer_money(world: World, amount: float, source: str, target: str) -> dict[str, Any]:
    """Transfer money between accounts."""
    left = _withdraw(world, source, amount)
    world.write("balance", target, plain(_balance(world, target) + amount))
    return {"balance": left}


@banking.function(
    arguments={
        "amount": Argument("number", "amount"),
        "source": Argument("currency", "currency it is in"),
        "target": Argument("currency", "currency wanted"),
    },
    returns={"converted": "result"},
    nouns={
        "converted": phrases(
            "the value of {amount} {source} in {target}",
            "the worth of {amount} {source} in {target} currency",
            unseen=(
                "the currency value in {target} of {amount} {source}",
                "the equivalent in {target} currency of {amount} {source}",
            ),
        ),
    },
    commands=phrases(
        "convert {amount}[ from {source}][ to {target}]",
        "change the currency of {amount}[ from {source}][ to {target}]",
        unseen=(
            "convert the currency of {amount}[ out of {source}][ into {target}]",
            "exchange {amount}[ {source}][ to the currency {target}]",
        ),
    ),
    done=(
        "{amount} {source} is {converted} {target}.",
        "That makes {converted} {target} for {amount} {source}.",
    ),
)
def convert_currency(world: World, amount: float, source: str, target: str) -> dict[str, Any]:
    """Convert an amount between currencies."""
    return {"converted": plain(amount / _RATES[source] * _RATES[target])}


@banking.function(
    arguments={
        "company": Argument("company", "company"),
        "amount": Argument("usd", "amount in dollars"),
        "account": Argument("account", "account to pay from"),
    },
    returns={"balance": "usd"},
    commands=phrases(
        "pay the {company} bill[ of {amount}][ from {account}]",
        "pay a bill[ of {amount}][ from {company}] with {account}",
        "settle the bill of {company}[ over {amount}][ from {account}]",
        unseen=(
            "pay off the bill by {company}[ worth {amount}][ using {account}]",
            "use {account} for the bill[ of {amount}][ that {company} sent]",
        ),
    ),
    done=(
        "The bill of {company} is paid: {amount} from {account}, which now holds {balance}.",
        "I paid {amount} to {company}. {balance} are left on {account}.",
    ),
    changes={"balance": "account"},
)
def pay_bill(world: World, company: str, amount: float, account: str) -> dict[str, Any]:
    """Pay a bill of a company."""
    return {"balance": _withdraw(world, account, amount)}


@banking.function(
    arguments={"card": Argument("card", "card number")},
    returns={"blocked": "done"},
    commands=phrases(
        "block {card}",
        "freeze and block {card}",
        "stop {card} because the card is lost",
        unseen=("block the stolen {card}", "put a block on {card}"),
    ),
    done=("{card} is blocked.", "I blocked {card}."),
)
def block_card(world: World, card: str) -> dict[str, Any]:
    """Block a lost or stolen card."""
    world.write("blocked", card, True)
    return {"blocked": True}
