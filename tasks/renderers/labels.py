"""Labels of calls as an example shows them: only where they are of use, numbered in order."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference, references_in, with_labels


def number_labels(
    shown: Sequence[Call], target: Sequence[Call], *, label_all_shown: bool = False
) -> tuple[list[Call], list[Call]]:
    """Rewrites labels so that a model can know them when it writes the target.

    An episode labels every call whose output is used anywhere in it. Were such a label kept in a
    target whose own calls do not use it, the model would have to foresee later turns.

    Args:
        shown: The calls that the prompt shows.
        target: The calls to be written after it.
        label_all_shown: Whether every shown call has a label, so that the labels do not give away
            which outputs the target uses.

    Returns:
        Both with labels `$var_1`, `$var_2`, ... in order of appearance: in `target` only the
        calls that a later one of it refers to, in `shown` those that any of these calls refers to.
    """
    used_in_target = {reference.label for call in target for reference in _references(call)}
    used = used_in_target.union(ref.label for call in shown for ref in _references(call))
    renamed: dict[str, str] = {}
    next_number = 1
    numbered: list[Call] = []
    for index, call in enumerate((*shown, *target)):
        is_shown = index < len(shown)
        label = None
        if (is_shown and label_all_shown) or call.label in (used if is_shown else used_in_target):
            label = f"$var_{next_number}"
            next_number += 1
            if call.label is not None:
                renamed[call.label] = label
        if label != call.label or used:
            call = Call(call.name, with_labels(call.arguments, renamed), label)
        numbered.append(call)
    return numbered[: len(shown)], numbered[len(shown) :]


def has_reference(calls: Sequence[Call]) -> bool:
    """Whether a call uses the output of another, in these calls or before them."""
    return any(True for call in calls for _ in _references(call))


def _references(call: Call) -> list[Reference]:
    return list(references_in(call.arguments))
