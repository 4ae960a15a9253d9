"""Which arguments of MultiWOZ take over a value from the talk about something else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from granite_fc.calls.reference import Reference
from tasks.sources.episode import ArgumentPlace, CallTurn, Turn, UserTurn
from tasks.sources.said import Said

# How users refer to what was spoken of before.
_BACK = re.compile(
    r"\b(same|similar|both|between|there|these|those|near|nearby|close|commute|group|whole"
    r"|all of us|book(ed|ing)|reserv(ed|ation)|dinner|lunch|the (hotel|guest ?house|restaurant"
    r"|attraction|museum|church|college|park|theat(re|er)|cinema|gallery|club|nightclub|pool"
    r"|place))\b",
    re.IGNORECASE,
)


def carried_over(
    turns: Sequence[Turn], services: Mapping[str, str], exempt: Sequence[str]
) -> list[ArgumentPlace]:
    """Returns the places of values that nobody gives in the talk about their own service.

    That talk begins after the last call to another service. There a value is given by what is said,
    or because the user refers to what was spoken of before ("the same day", "the hotel").

    Args:
        turns: The conversation.
        services: Function name to service.
        exempt: Parameters whose values are given in too many words to look for.
    """
    starts: dict[str, int] = {}
    places = []
    for index, turn in enumerate(turns):
        if not isinstance(turn, CallTurn):
            continue
        for number, call in enumerate(turn.calls):
            start = starts.get(services[call.name], 0)
            talk = [t for t in turns[start:index] if not isinstance(t, CallTurn)]
            if any(isinstance(t, UserTurn) and _BACK.search(t.text) for t in talk):
                continue
            said = Said(t.text for t in talk)
            places += [
                ArgumentPlace(index, number, name)
                for name, value in call.arguments.items()
                if name not in exempt and not isinstance(value, Reference) and not said.says(value)
            ]
        called = {services[call.name] for call in turn.calls}
        for service in {*services.values()} - called:
            starts[service] = index
    return places
