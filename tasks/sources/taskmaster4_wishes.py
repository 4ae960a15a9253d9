"""Wishes of Taskmaster-4's customers that calls leave out or end in a search; unmade choices.

The calls follow the instructions of the collection; people wrote more than these asked for, or
less.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from tasks.sources.episode import CallTurn, Turn, UserTurn
from tasks.sources.said import words_of
from tasks.sources.taskmaster4_functions import CHANGE_THE_ORDER, WORDED
from tasks.sources.value_links import leaves

# What the bar's responses list to choose from, and sizes: how people say it, each with what calls
# that have it contain, whatever the spelling of the rest ("oat Milk", "caramelsauce-098").
_CHOICES = {
    "decaf": r"decaf\w*",
    "ice": r"iced?",
    "almond": r"almond",
    "lactose": r"lactose",
    "oat": r"oat( ?milk)?",
    "whole": r"whole",
    "fat": r"(non|not|no)[- ]?fat|skim(med)?",
    "2%": r"2 ?%",
    "triple": r"triple",
    "quad": r"quad(ruple)?",
    "caramel": r"caramel",
    "chocolate": r"chocolate",
    "cinnamon": r"cinnamon",
    "foam": r"foam(y)?",
    "hazelnut": r"hazelnut",
    "honey": r"honey",
    "sugar": r"sugars?(?! substitute)",
    "vanilla": r"vanilla",
    "whip": r"whip(ped)?",
    "extra": r"extra",
    "double": r"double(?![- ](check|shift))",
    "small": r"small",
    "medium": r"medium",
    "large": r"large",
    "tall": r"tall",
    "short": r"short",
    "grande": r"grande",
    "venti": r"venti",
}
# Where a choice is spoken of and not wished for: negated, replaced or asked about.
_NO_WISH_BEFORE = (
    r"(?<!no )(?<!not )(?<!without )(?<!instead of )(?<!than )(?<!n't want )(?<!n't want the )"
)
_QUESTION = re.compile(
    r"\b(do|does) (you|y'all|it|that)\b[^.?!]*[?]|\bwhat\b[^.?!]*|\b(which|any)\b[^.?!]*[?]",
    re.IGNORECASE,
)
_WISHES = {
    known: re.compile(rf"{_NO_WISH_BEFORE}(?<![\w-])({said})(?!\w)", re.IGNORECASE)
    for known, said in _CHOICES.items()
}
# Drinks and choices that calls name, with what the words of a customer who means them begin with:
# three letters where that tells them apart, whatever the spelling of the rest.
_NAMED = {
    **{
        name: (name[:3],)
        for name in words_of(
            "almond americano black cappuccino caramel chai chocolate cortado espresso hazelnut"
            " herbal honey lactose latte macchiato matcha mocha oat quad steamer triple vanilla"
            " whole"
        )
    },
    "decaf": ("dec", "caf"),
    "double": ("dou", "two"),
    "fat": ("fat", "non", "ski"),
    "ice": ("ice", "col"),
    "single": ("sin", "one"),
    "to go": ("go", "togo", "carr", "roa", "tak"),
}
# A question about what there is, which a search alone answers.
_ASKS_WHAT_THERE_IS = re.compile(
    r"\b(what|which)\b(?! i)|\b(do|does) (you|y'all|they|it|this)\b|\b(is|are) there\b"
    r"|\b(you|y'all)( guys| all)? (have|serve|sell|carry|offer)\b",
    re.IGNORECASE,
)


def wish_left_out(turns: Sequence[Turn]) -> str | None:
    """Returns a wish that no call passes on; None where there is none, or nothing was ordered.

    A wish is the name of something that can be chosen about a drink, or a size. A call passes it on
    if it changes the order and has the name in an option, the notes, or the name of the item or
    add-on that it identifies, or if it looks for such an item on the menu.

    Args:
        turns: The conversation. Its calls have literal arguments.
    """
    calls = [call for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
    if not any(call.name == "add_order_item" for call in calls):
        return None
    passed = " ".join(_passed(calls, _names(turns))).casefold()
    for turn in turns:
        if isinstance(turn, UserTurn):
            text = _QUESTION.sub("", turn.text)
            for known, wish in _WISHES.items():
                if known not in passed and (said := wish.search(text)):
                    return said[0]
    return None


def is_stopped_by_search(turns: Sequence[Turn]) -> bool:
    """Whether the calls end in a search for an ordered item, with no call after it.

    Nothing but what it returned, whatever that is, keeps it from being the beginning of the calls
    that make the order.

    Args:
        turns: The conversation.
    """
    place = max((n for n, turn in enumerate(turns) if isinstance(turn, CallTurn)), default=0)
    texts = [turn.text for turn in turns[:place] if isinstance(turn, UserTurn)]
    last = turns[place] if turns else None
    if not isinstance(last, CallTurn) or _ASKS_WHAT_THERE_IS.search(texts[-1]):
        return False
    call = last.calls[-1]
    return call.name == "get_menu_items" and "fields" not in call.arguments


def choice_not_said(turns: Iterable[Turn]) -> str | None:
    """Returns the value of a call with a drink or a choice that nobody spoke of before the call.

    Args:
        turns: The conversation. Its calls have literal arguments.
    """
    heard: set[str] = set()
    for turn in turns:
        if not isinstance(turn, CallTurn):
            heard.update(words_of(turn.text))
            continue
        for call in turn.calls:
            for path, value in leaves(call.arguments):
                if path[-1] in WORDED and not _is_heard(str(value), heard):
                    return str(value)
    return None


def _is_heard(value: str, heard: Collection[str]) -> bool:
    words = words_of(value.casefold().replace("togo", "to go"))
    text = f" {' '.join(words)}"
    return all(
        any(word.startswith(beginnings) for word in heard)
        for name, beginnings in _NAMED.items()
        if f" {name}" in text
    )


def _names(turns: Iterable[Turn]) -> dict[str, str]:
    """Returns the names that responses have for items and add-ons, by identifier."""
    found: dict[str, str] = {}
    for turn in turns:
        if isinstance(turn, CallTurn):
            for result in turn.results:
                for row in _rows(result):
                    for kind in ("menu_item_id", "addon_id"):
                        if kind in row and "name" in row:
                            found[str(row[kind])] = str(row["name"])
    return found


def _rows(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _rows(item)


def _passed(calls: Iterable[Call], names: Mapping[str, str]) -> Iterator[str]:
    for call in calls:
        if call.name in CHANGE_THE_ORDER or call.name == "get_menu_items":
            for _, value in leaves(call.arguments):
                yield str(value)
                yield names.get(str(value), "")
