"""Which arguments nobody asked for in the dialogues of Schema-Guided Dialogue."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tasks.sources.episode import ArgumentPlace, CallTurn, Turn
from tasks.sources.said import Said
from tasks.sources.sgd_library import DialogueLibrary

_PRICE_RANGE = "price_range"
# Words for a price that fit two of the values listed: inexpensive and moderate, or both expensive
# ones. One is a common misspelling.
_OPEN_PRICE = re.compile(
    r"\b(affordable|afforadable|economical|fancy)\b"
    r"|(\bnot|n't|\bnothing)( \w+)? (costly|expensive|pricey)\b",
    re.IGNORECASE,
)


def leaves_price_open(slot: str, text: str) -> bool:
    """Whether what is said of a range of prices fits two of its values.

    Args:
        slot: The slot of which it is said.
        text: What the user says.
    """
    return slot == _PRICE_RANGE and _OPEN_PRICE.search(text) is not None


class Wishes:
    """What was said of the values of a dialogue so far."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        # Values told in other words, from which they do not follow.
        self._reworded: set[str] = set()
        self._known: set[str] = set()

    def hear(self, turn: Mapping[str, Any], given: Collection[str] | None = None) -> None:
        """Takes in what is said.

        Args:
            turn: The data set's turn.
            given: The values that it gives, where it is the user's.
        """
        actions = [action for frame in turn["frames"] for action in frame["actions"]]
        self._known.update(given or ())
        for action in actions:
            if given is None or action["act"] != "INFORM":
                self._known.update(action["canonical_values"])
                continue
            self._told.update(action["canonical_values"])
            said = Said([turn["utterance"]])
            self._reworded.update(v for v in action["canonical_values"] if not said.says(v))

    def unasked(
        self, before: Sequence[Turn], turn: CallTurn, library: DialogueLibrary
    ) -> Iterator[ArgumentPlace]:
        """Yields the arguments of a call turn that nobody asked for.

        They are values that the user told in other words, from which they do not follow ("scary"
        for "Horror", "affordable" for "moderate"), before anybody said or offered them; and the
        optional arguments of searches that the user did not tell, and an earlier result has, such
        as the airline of a flight that was chosen.

        Args:
            before: The turns before it.
            turn: The turn.
            library: The functions of the dialogue's services.
        """
        specs = {spec.name: spec for spec in library.functions(())}
        found = {
            value
            for earlier in before
            if isinstance(earlier, CallTurn)
            for result in earlier.results
            for row in result["results"]
            for value in row.values()
        }
        untold, unfollowed = found - self._told, self._reworded - self._known
        for number, call in enumerate(turn.calls):
            spec = specs[call.name]
            for name, value in call.arguments.items():
                is_chosen = (
                    name not in spec.required
                    and not library.is_transaction(call.name)
                    and spec.properties.get(name, {}).get("default") != value
                    and value in untold
                )
                if is_chosen or value in unfollowed:
                    yield ArgumentPlace(len(before), number, name)
