"""How Taskmaster-4's calls spell what responses list and what customers say."""

from __future__ import annotations

import collections
import re
from typing import Any

# The collection's instructions and its customers each use either.
_WITHOUT_CAFFEINE = re.compile(r"\b(decaf|decaffeinated)\b", re.IGNORECASE)
# The bar's option for what is carried away, however a response writes it.
_TO_GO = "To go"
# Fields of calls that hold the customer's own words.
_SAID = frozenset({"query", "notes"})
# The menu's words for kinds of add-ons, at the end of their names.
_KIND = re.compile(r"(?<=\S) +(sauce|sweetener|syrup)s?$", re.IGNORECASE)
_SAID_KIND = re.compile(r"\b(sauce|sweetener|syrup)", re.IGNORECASE)
_OR = " OR "


class Spelling:
    """The spellings that a conversation has had so far.

    Attributes:
        coercions: How many values were written otherwise, by rule.
    """

    def __init__(self) -> None:
        self.coercions: collections.Counter[str] = collections.Counter()
        self._listed: dict[tuple[str, str], str] = {}
        self._said: set[str] = set()
        self._said_kinds: set[str] = set()

    def hear(self, text: str) -> None:
        """Takes in what the customer says."""
        self._said.update(word.lower() for word in _WITHOUT_CAFFEINE.findall(text))
        self._said_kinds.update(kind.lower() for kind in _SAID_KIND.findall(text))

    def learn(self, response: Any) -> None:
        """Takes in the options that a response lists for the attributes of an item or order."""
        if isinstance(response, dict):
            options = response.get("options")
            if isinstance(options, list):
                for option in options:
                    if isinstance(option, str):
                        self._listed[str(response.get("attribute_id")), _letters(option)] = option
            response = list(response.values())
        if isinstance(response, list):
            for item in response:
                self.learn(item)

    def to_go(self, value: Any) -> Any:
        """Writes the bar's option for orders to go in one way in a call or response."""
        if isinstance(value, list):
            return [self.to_go(item) for item in value]
        if isinstance(value, dict):
            return {
                name: self._to_go(item) if name in {"option", "options"} else self.to_go(item)
                for name, item in value.items()
            }
        return value

    def as_said(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Writes "decaf" or "decaffeinated" in a call the way that the customer says it."""
        if len(self._said) != 1:
            return arguments
        (said,) = self._said
        return {
            name: self._rewritten(value, said) if name in _SAID else value
            for name, value in arguments.items()
        }

    def without_kinds(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Writes add-ons in a search without the menu's word for the kind, if nobody said it."""
        query = arguments.get("query")
        if not isinstance(query, str):
            return arguments
        written = _OR.join(map(self._without_kind, query.split(_OR)))
        self.coercions["kind_as_said"] += written != query
        return {**arguments, "query": written}

    def as_listed(self, value: Any) -> Any:
        """Writes the options chosen in a call or response the way that a response listed them."""
        if isinstance(value, list):
            return [self.as_listed(item) for item in value]
        if not isinstance(value, dict):
            return value
        changed = {name: self.as_listed(item) for name, item in value.items()}
        option = changed.get("option")
        if isinstance(option, str):
            place = str(changed.get("attribute_id")), _letters(option)
            changed["option"] = self._listed.get(place, option)
            self.coercions["option_as_listed"] += changed["option"] != option
        return changed

    def _without_kind(self, addon: str) -> str:
        kind = _KIND.search(addon)
        is_unsaid = kind is not None and kind[1].lower() not in self._said_kinds
        return addon[: kind.start()] if kind is not None and is_unsaid else addon

    def _to_go(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._to_go(item) for item in value]
        is_other = isinstance(value, str) and value != _TO_GO and _letters(value) == "togo"
        self.coercions["to_go_spelled"] += is_other
        return _TO_GO if is_other else value

    def _rewritten(self, value: Any, said: str) -> Any:
        if not isinstance(value, str):
            return value
        written = _WITHOUT_CAFFEINE.sub(
            lambda found: found[0] if found[0].lower() == said else said, value
        )
        self.coercions["decaf_as_said"] += written != value
        return written


def _letters(option: str) -> str:
    """Returns what two spellings of an option have in common."""
    return "".join(letter for letter in option.casefold() if letter.isalnum() or letter == "%")
