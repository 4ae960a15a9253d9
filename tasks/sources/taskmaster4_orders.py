"""Which of several calls with an order's identifier in their response a later call refers to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference, references_in
from tasks.sources.episode import CallTurn, Turn

_ID = "order_id"


def with_latest_change(turns: Sequence[Turn], functions: frozenset[str]) -> list[Turn]:
    """Makes calls refer to the last change of an order in their turn, not to the first.

    So the reference says that the call comes after all changes of the turn.

    Args:
        turns: The conversation, with references.
        functions: Names of the functions whose calls come after all changes.
    """
    calls = [call for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
    labels = {call.label for call in calls}
    fresh = (f"$var_{number}" for number in range(len(calls) + 1, 2 * len(calls) + 2))
    found: list[Turn] = []
    known: frozenset[str] = frozenset()
    for turn in turns:
        if isinstance(turn, CallTurn):
            made = list(turn.calls)
            for place, call in enumerate(made):
                value = call.arguments.get(_ID)
                if call.name not in functions or not isinstance(value, Reference):
                    continue
                latest = _latest(made[:place], turn.results, value)
                if latest is not None:
                    label = made[latest].label or next(new for new in fresh if new not in labels)
                    made[latest] = dataclasses.replace(made[latest], label=label)
                    arguments = {**call.arguments, _ID: Reference(label, (_ID,))}
                    made[place] = dataclasses.replace(call, arguments=arguments)
            graph = CallGraph(tuple(made), known_labels=known)
            known |= frozenset(graph.labels)
            turn = dataclasses.replace(turn, calls=graph)
        found.append(turn)
    return found


def _latest(calls: Sequence[Call], results: Sequence[object], first: Reference) -> int | None:
    """The last call of the turn that changes the order that the reference leads to."""
    for place in reversed(range(len(calls))):
        result = results[place]
        refers = first in references_in(calls[place].arguments)
        if refers and isinstance(result, dict) and _ID in result:
            is_change = calls[place].name.startswith(("add_", "update_"))
            return place if is_change else None
    return None
