"""Replies of Taskmaster-4 that tell of a menu which no result gives."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence

from tasks.sources.episode import AssistantTurn, CallTurn, Turn

# What the responses of all conversations name: drinks, kinds of tea, and what goes into drinks.
_NAMED = re.compile(
    r"\b(americano|cap+uc+ino|cortado|espresso|frappuccino|latte|macchiato|matcha|mocha|steamer|chai"
    r"|brew|ice(?=d? (coffee|tea))|herbal|oolong|black|green|chamomile|peppermint|earl|almond|oat"
    r"|lactose|decaf|caramel|hazelnut|vanilla|chocolate|cinnamon|honey|cream|foam)"
    r"(?![- ]?tiful)",  # the bar is called Brew-tiful
    re.IGNORECASE,
)
_REPEATED = re.compile(r"(.)\1+")
# So many letters tell them apart, whatever the spelling of the rest; none counts twice in a row.
_STEM = 4
# That there is more than is named.
_MORE = re.compile(
    r"\b(?<!do not )(?<!don't )(have|offer|serve|carry|got)( \w+)?,? "
    r"(all (kinds|sorts)|many|several|(a )?(wide )?variety|lots|plenty|(a )?few|different)\b",
    re.IGNORECASE,
)
_FOUND_NOTHING: dict[str, list[str]] = {"menu_items": []}


def with_known_offers(turns: Sequence[Turn]) -> Iterator[Turn]:
    """Yields the turns; marks replies that tell of what only somebody with the menu knows.

    A reply right after calls does so if it names a drink, or something to put into one, that
    neither the conversation before it nor a call or result has; or if it says that there are many
    things where the result right before it has none: the menu was shown, or a search found nothing.
    """
    known = ""
    is_answer = has_nothing = False
    for turn in turns:
        if isinstance(turn, CallTurn):
            made = [call.to_json() for call in turn.calls]
            known += _plain(json.dumps([made, turn.results], ensure_ascii=False))
            has_nothing = turn.calls.names[-1] == "show_menu" or turn.results[-1] == _FOUND_NOTHING
        else:
            if isinstance(turn, AssistantTurn) and is_answer:
                is_unknown = any(stem not in known for stem in _stems(turn.text))
                if is_unknown or (has_nothing and _MORE.search(turn.text)):
                    turn = dataclasses.replace(turn, grounded=False)
            known += f" {_plain(turn.text)}"
        is_answer = isinstance(turn, CallTurn)
        yield turn


def _stems(text: str) -> Iterator[str]:
    return (_plain(found[0])[:_STEM] for found in _NAMED.finditer(text))


def _plain(text: str) -> str:
    return _REPEATED.sub(r"\1", text.casefold())
