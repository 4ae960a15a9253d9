"""What is said and called in a conversation."""

from __future__ import annotations

import dataclasses
from typing import Any

from granite_fc.calls.graph import CallGraph


@dataclasses.dataclass(frozen=True)
class UserTurn:
    """What the user says."""

    text: str


@dataclasses.dataclass(frozen=True)
class CallTurn:
    """The calls that the assistant makes at one point, and what they return.

    Their order matters only as far as they refer to each other: calls that have to be made in order
    for another reason, because of what they change or because the user says so, are in call turns
    of their own, one right after the other.

    Attributes:
        calls: In an order in which they can be executed. Labels are unique in the conversation; a
            reference may point at an earlier call turn.
        results: One JSON value for each call; empty where none is recorded.
    """

    calls: CallGraph
    results: tuple[Any, ...] = ()


@dataclasses.dataclass(frozen=True)
class AssistantTurn:
    """What the assistant says to the user.

    Attributes:
        text: What it says.
        grounded: Whether all that it states is known: the conversation before it or a result that
            is shown gives it.
    """

    text: str
    grounded: bool = True


Turn = UserTurn | CallTurn | AssistantTurn
