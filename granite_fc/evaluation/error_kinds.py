"""What kinds of mistakes there are, and which of them an answer makes.

An answer that is not exact makes at least one, an exact one none. Three kinds exclude all others,
in this order: where an answer cannot be read (`parse`), it is open what it might have meant; where
it calls nothing (`refusal`) or where nothing was to be called (`needless_call`), there is nothing
to compare. Otherwise calls are paired one to one (`granite_fc.evaluation.metrics.pairing`), those
that are left over with each other in order, and every argument of a pair makes at most one mistake,
the first of `reference`, `type` and `value` that applies. An answer has each kind as often as it
makes the mistake; of more than 32 mistakes only the first few of each kind are kept. So reports
count the answers with a kind, not the mistakes.
"""

from __future__ import annotations

import json
import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.reference import references_in, to_json_value
from granite_fc.evaluation.judgement import ErrorKind, WrongPart
from granite_fc.evaluation.metrics.arguments import Comparison, compare
from granite_fc.evaluation.metrics.grounding import Grounding
from granite_fc.evaluation.metrics.lcs import lcs_length
from granite_fc.evaluation.metrics.offered import CheckedArgument
from granite_fc.evaluation.metrics.references import CheckedReference, labels_needed

# Of an answer with thousands of mistakes more than these say nothing new.
_MAX_PARTS = 32
_MAX_DETAIL = 60

KINDS: Mapping[ErrorKind, str] = types.MappingProxyType(
    {
        "parse": "The answer, or a part of it, cannot be read in the form that is asked for.",
        "name": "Another function is called or named in place of the right one.",
        "missing": "A parameter of gold is not given; in a reply, a value that gold takes from"
        " results.",
        "extra": "A parameter is given that gold does not give; in a reply, a value that is known"
        " from nowhere.",
        "type": "A value is wrong and of another JSON type than gold's, or it does not fit the"
        " schema.",
        "value": "A value is wrong, though it fits; a reply says the same values in other words, or"
        " other words where the prompt is not known.",
        "reference": "A reference is not gold's, or stands for a value of gold, or a value for a"
        " reference of gold; or a call to which gold refers has no label, or several have the"
        " same.",
        "order": "The right calls or names come in an order that gold does not allow, as do calls"
        " of which one refers, as gold does, to the output of a later one.",
        "count": "Fewer or more calls, names or objects than gold has.",
        "refusal": "Nothing is called though something was to be.",
        "needless_call": "Something is called though nothing was to be.",
    }
)


def unreadable(reason: str | None) -> tuple[WrongPart, ...]:
    """The mistake of an answer that cannot be read."""
    return (WrongPart("parse", _short(reason or "text before the calls")),)


def refused(gold: Sequence[str]) -> tuple[WrongPart, ...]:
    """The mistake of an answer that calls nothing."""
    return (WrongPart("refusal", f"expected {_listed(gold)}"),)


def called(given: Sequence[str]) -> tuple[WrongPart, ...]:
    """The mistake of an answer where nothing was to be called."""
    return (WrongPart("needless_call", f"found {_listed(given)}"),)


def wrong_in_calls(
    compared: Comparison,
    arguments: Sequence[CheckedArgument],
    references: Sequence[CheckedReference],
    *,
    in_order: bool,
) -> tuple[WrongPart, ...]:
    """The mistakes of calls that are not those of gold.

    Args:
        compared: The calls beside gold.
        arguments: What was found out about their arguments.
        references: And about their references.
        in_order: Whether gold's order is the only one.
    """
    later = {(r.call, r.parameter) for r in references if r.problem == "later"}
    if later:
        # As calls that may come in any order, so that what is wrong beside it can be told.
        labels = {r.reference.label for r in references if r.problem == "later"}
        compared = compare(compared.gold, compared.given, labels)
    found = list(_in_pairs(compared, arguments, is_named=True))
    found += _in_leftovers(compared)
    found += _in_labels(compared, references)
    places = [compared.pairing[place] for place in sorted(compared.pairing)]
    right = {(j, name) for i, j in compared.pairing.items() for name in compared.right[i]}
    if not later.isdisjoint(right) or (in_order and places != sorted(places)):
        found.append(WrongPart("order", f"expected {_listed(c.name for c in compared.gold)}"))
    if not found:
        # All calls are right for themselves: what is wrong is how they hang together.
        kind: ErrorKind = "reference" if _repeats_label(compared) else "order"
        found.append(WrongPart(kind, f"found {_listed(c.name for c in compared.given)}"))
    return _most_telling(found)


def wrong_in_names(gold: Sequence[str], given: Sequence[str]) -> tuple[WrongPart, ...]:
    """The mistakes of names that are not those of gold."""
    left = list((Counter(gold) - Counter(given)).elements())
    more = list((Counter(given) - Counter(gold)).elements())
    found = list(_in_leftover_names(left, more))
    common = len(gold) - len(left)
    if lcs_length(gold, given) < common:
        found.append(WrongPart("order", f"expected {_listed(gold)}"))
    return _most_telling(found)


def wrong_in_values(
    compared: Comparison, arguments: Sequence[CheckedArgument]
) -> tuple[WrongPart, ...]:
    """The mistakes of parameter-value pairs that are not those of gold."""
    found = list(_in_pairs(compared, arguments, is_named=False))
    number = len(compared.given) - len(compared.gold)
    if number:
        detail = f"expected {len(compared.gold)} objects, found {len(compared.given)}"
        found.append(WrongPart("count", detail))
    return _most_telling(found)


def wrong_in_reply(found: Grounding) -> tuple[WrongPart, ...]:
    """The mistakes of a reply that is not word for word the reference."""
    wrong = [WrongPart("missing", f"expected {_text(value)}") for value in found.untold]
    wrong += [WrongPart("extra", f"found {_text(value)}") for value in found.invented or ()]
    told = "the same values in other words" if found.invented is not None else "other words"
    return _most_telling(wrong or [WrongPart("value", told)])


def _in_pairs(
    compared: Comparison, arguments: Sequence[CheckedArgument], *, is_named: bool
) -> Iterator[WrongPart]:
    misfits = {(a.call, a.parameter): a.misfit for a in arguments if a.misfit}
    for i, j in sorted(compared.pairing.items()):
        wanted, found = compared.gold[i].arguments, compared.given[j].arguments
        function = f"{compared.gold[i].name}." if is_named else ""
        for parameter, value in wanted.items():
            where = _short(f"{function}{parameter}")
            if parameter not in found:
                yield WrongPart("missing", f"{where}: expected {_text(value)}")
            elif parameter not in compared.right[i]:
                kind = _kind_of_value(value, found[parameter], misfits.get((j, parameter)))
                detail = f"{where}: expected {_text(value)}, found {_text(found[parameter])}"
                yield WrongPart(kind, detail)
        for parameter, value in found.items():
            if parameter not in wanted:
                yield WrongPart("extra", f"{_short(function + parameter)}: found {_text(value)}")


def _kind_of_value(wanted: Any, found: Any, misfit: str | None) -> ErrorKind:
    if any(True for value in (wanted, found) for _ in references_in(value)):
        return "reference"
    if misfit is not None or _json_type(wanted) != _json_type(found):
        return "type"
    return "value"


def _in_leftovers(compared: Comparison) -> Iterator[WrongPart]:
    """Pairs what has no call of the same function with each other."""
    taken = set(compared.pairing.values())
    left = [c.name for place, c in enumerate(compared.gold) if place not in compared.pairing]
    more = [c.name for place, c in enumerate(compared.given) if place not in taken]
    yield from _in_leftover_names(left, more)


def _in_leftover_names(left: Sequence[str], more: Sequence[str]) -> Iterator[WrongPart]:
    for wanted, found in zip(left, more, strict=False):
        yield WrongPart("name", f"expected {_text(wanted)}, found {_text(found)}")
    if len(left) > len(more):
        yield WrongPart("count", f"lacks {_listed(left[len(more) :])}")
    elif len(more) > len(left):
        yield WrongPart("count", f"has {_listed(more[len(left) :])} beside what is expected")


def _in_labels(compared: Comparison, references: Sequence[CheckedReference]) -> Iterator[WrongPart]:
    for place in labels_needed(compared.gold):
        if place in compared.pairing and compared.given[compared.pairing[place]].label is None:
            yield WrongPart("reference", f"{compared.gold[place].name} has no label")
    for reference in references:
        if reference.problem == "repeated":
            yield WrongPart("reference", f"several calls have {reference.reference.label}")


def _repeats_label(compared: Comparison) -> bool:
    labels = [call.label for call in compared.given if call.label is not None]
    used = {r.label for call in compared.gold for r in references_in(call.arguments)}
    earlier = used - {call.label for call in compared.gold}
    return len({*labels, *earlier}) < len(labels) + len(earlier)


def _most_telling(found: Sequence[WrongPart]) -> tuple[WrongPart, ...]:
    """Some of each kind, where there are many."""
    if len(found) <= _MAX_PARTS:
        return tuple(found)
    number = max(1, _MAX_PARTS // len({part.kind for part in found}))
    counted: Counter[str] = Counter()
    kept = []
    for part in found:
        counted[part.kind] += 1
        if counted[part.kind] <= number:
            kept.append(part)
    return tuple(kept)


def _json_type(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, Mapping) else type(value).__name__


def _listed(names: Any) -> str:
    return _short(", ".join(_short(name) for _, name in zip(range(8), names, strict=False)))


def _text(value: Any) -> str:
    try:
        return _short(json.dumps(to_json_value(value), ensure_ascii=False))
    except ValueError:  # nested deeper than what references can be written in
        return "..."


def _short(text: str) -> str:
    return text if len(text) <= _MAX_DETAIL else f"{text[:_MAX_DETAIL]}..."
