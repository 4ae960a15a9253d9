"""Which of several things that the assistant of MultiWOZ offers the user takes."""

from __future__ import annotations

import re

from tasks.sources.multiwoz_acts import Acts
from tasks.sources.multiwoz_functions import name_words, same_name

_ORDINAL = re.compile(r"\b(first|second|third|last|former|latter)\b", re.IGNORECASE)


class Choices:
    """What was offered last in each domain, and what the user has said since."""

    def __init__(self) -> None:
        self._offered: dict[str, list[str]] = {}
        self._since: dict[str, list[str]] = {}

    def hear(self, text: str) -> None:
        """Takes in what the user says."""
        for said in self._since.values():
            said.append(text)

    def offer(self, told: Acts) -> None:
        """Takes in what a reply names."""
        for domain in ("restaurant", "hotel"):
            names = [
                value
                for name, _, slot, value in told
                if (name, slot) == (domain, "Name") and value not in ("none", "?")
            ]
            if names:
                self._offered[domain] = names
                self._since[domain] = []

    def is_left_open(self, domain: str, name: str) -> bool:
        """Whether several were offered, this one too, and the user did not say which.

        Its place in the offer tells it, and so does a word of its name that no other name has.
        """
        offered = self._offered.get(domain, ())
        others = [other for other in offered if not same_name(other, name)]
        if not others or len(others) == len(offered):
            return False
        said = " ".join(self._since[domain])
        own = name_words(name).difference(*map(name_words, others))
        return not _ORDINAL.search(said) and own.isdisjoint(name_words(said))
