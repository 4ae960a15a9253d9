"""Which of STAR's queries to a booking API had to be checks and which bookings.

Nobody says which in so many words. The people who played the assistant were to check first whether
something is possible, and to book it once the user agrees, and mostly did: of their first queries
to an API, nine in ten are checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.sources.episode import ArgumentPlace, CallTurn, Turn, UserTurn
from tasks.sources.star_replies import outcome_of

REQUEST_TYPE = "RequestType"
_BOOK = "Book"
# What was possible is booked; a booking that failed is tried again.
_TO_BE_BOOKED = (("Check", "possible"), ("Check", "found"), ("Book", "failed"))


def unexpected_types(turns: Sequence[Turn]) -> list[ArgumentPlace]:
    """Returns the places where a check or a booking is not the one that is due.

    A booking is due where the query before with the same other arguments found that it is possible,
    or tried it and failed, and the user has answered since; a check elsewhere.

    Args:
        turns: The conversation; its calls have literal arguments.
    """
    exchange = 0
    before: dict[str, tuple[int, bool]] = {}
    places = []
    for index, turn in enumerate(turns):
        exchange += isinstance(turn, UserTurn)
        if not isinstance(turn, CallTurn):
            continue
        for number, (call, result) in enumerate(zip(turn.calls, turn.results, strict=True)):
            kind = call.arguments.get(REQUEST_TYPE)
            if kind is None:
                continue
            key = json.dumps([call.name, without_type(call.arguments)], sort_keys=True)
            asked, makes_due = before.get(key, (exchange, False))
            if (kind == _BOOK) != (makes_due and asked < exchange):
                places.append(ArgumentPlace(index, number, REQUEST_TYPE))
            before[key] = exchange, (kind, outcome_of(call.name, result)) in _TO_BE_BOOKED
    return places


def without_type(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments without the one that tells a check from a booking."""
    return {name: value for name, value in arguments.items() if name != REQUEST_TYPE}
