"""Whether a reply of STAR tells what the call right before it returned.

Most replies are templates. The label of a template says what came of a call: that something is
possible or not, that it was done or failed, that nothing was found, or what was found; or nothing,
where it asks for something else. That has to be what the result says. What a reply states in
figures, and the names from lists of choices that it has, must have been said or passed or returned
before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, CallTurn, Turn
from tasks.sources.said import Said, words_of
from tasks.sources.value_links import leaves

FREE = "custom"
# What a result's message, or a template's label, has in it; the first that fits.
_OUTCOMES_OF_MESSAGES = (
    ("impossible", r"unavailable|conflicting|is booked at|too small"),
    ("failed", r"failed|unable|not authorized"),
    ("possible", r"available"),
    ("done", r"confirmed|success|booked|thank you|unlocked"),
)
_OUTCOMES_OF_LABELS = (
    ("impossible", r"\w*(unavailable|not_available)\w*"),
    # That no venue at all is free, no result says.
    ("unknown", r"party_no_venue_available|\w*cannot_authenticate"),
    ("failed", r"\w*_failed"),
    ("nothing", r"\w*nothing_found"),
    ("possible", r"\w*_available|\w+_ask_confirm_booking"),
    ("done", r"\w*(successful|succeeded|confirmed|submitted)|\w+_confirm_(booking|rsvp)"),
    ("found", r"trivia_ask_question|(?!.*search_criteria)\w+_(inform|provide)(_\w+)?"),
)
_FIELDS = ("Message", "ReservationStatus", "ChangeStatus", "RequestStatus", "Confirmation")
# Messages that are themselves what was asked for.
_CONTENT = "doctor_followup"
# Choices that are words like any other.
_NO_NAMES = frozenset({"Book", "Check", "First", "No", "Yes"})
_NUMERAL = re.compile(r"\d+(?:\.\d+)?")


def outcome_of(name: str, result: Mapping[str, Any]) -> str:
    """Returns what came of a call: what its result says.

    Args:
        name: The API's name.
        result: What it returned.
    """
    if result.get("TotalItems") == 0:
        return "nothing"
    message = next((result[field] for field in _FIELDS if field in result), None)
    if message is None or name == _CONTENT:
        return "found"
    for outcome, pattern in _OUTCOMES_OF_MESSAGES:
        if re.search(pattern, message, re.IGNORECASE):
            return outcome
    return "found"


def fits(label: str, name: str, result: Mapping[str, Any]) -> bool:
    """Whether a template tells what came of a call.

    Args:
        label: The template's label.
        name: The API's name.
        result: What it returned.
    """
    told = next((o for o, pattern in _OUTCOMES_OF_LABELS if re.fullmatch(pattern, label)), None)
    outcome = outcome_of(name, result)
    # A ride that is possible is told with all its details, any outcome may be told word for word.
    is_in_words = label.startswith("spaceship_inform") or (told, name) == ("possible", "ride_book")
    return told == outcome or (is_in_words and outcome != "nothing")


class Statements:
    """Finds what replies state that is not known.

    Args:
        functions: All functions; their parameters list the names that are looked for.
    """

    def __init__(self, functions: Iterable[FunctionSpec]) -> None:
        self._names = {
            name: f" {' '.join(words_of(name))} "
            for function in functions
            for schema in function.properties.values()
            for name in (*schema.get("enum", ()), *schema.get("items", {}).get("enum", ()))
            if name not in _NO_NAMES and not any(map(str.isdigit, name))
        }

    def marked(self, turns: Sequence[Turn]) -> list[Turn]:
        """Returns the turns with the replies right after calls marked that state such a thing.

        Args:
            turns: The conversation; its calls have literal arguments.
        """
        said = Said()
        marked: list[Turn] = []
        for turn in turns:
            if isinstance(turn, CallTurn):
                for call, result in zip(turn.calls, turn.results, strict=True):
                    for _, value in (*leaves(call.arguments), *leaves(result)):
                        said.add(str(value))
            else:
                is_reply = isinstance(turn, AssistantTurn) and isinstance(marked[-1], CallTurn)
                if is_reply and not self._all_known(turn.text, said):
                    turn = AssistantTurn(turn.text, grounded=False)
                said.add(turn.text)
            marked.append(turn)
        return marked

    def _all_known(self, text: str, said: Said) -> bool:
        in_order = f" {' '.join(words_of(text))} "
        stated = [name for name, words in self._names.items() if words in in_order]
        stated += _NUMERAL.findall(text)
        return all(map(said.says, stated))
