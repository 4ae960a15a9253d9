"""Whether references lead to something, and whether calls that are referred to have labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from granite_fc.calls.call import Call
from granite_fc.calls.output_path import dead_end
from granite_fc.calls.reference import Reference, references_in
from granite_fc.evaluation.metrics.arguments import Comparison
from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of
from granite_fc.evaluation.question import Question

METRICS = (
    Metric(
        "reference_validity",
        "Valid references",
        "References that lead to something over references predicted. Exactly one call before, of"
        " the prompt or of the answer, has the label, and its result, where the prompt shows it,"
        " has something at the path; where it does not, the function's output schema, if there is"
        " one, does not rule the path out. A place of which gold makes use is always there. To the"
        " output of a call that only comes later nothing can refer.",
    ),
    Metric(
        "hallucinated_references",
        "Hallucinated references",
        "References whose label no call has, of the prompt or of the answer, over references"
        " predicted. The label of a later call is not made up; calls in such an order are a mistake"
        " of their kind.",
        higher_is_better=False,
    ),
    Metric(
        "missing_labels",
        "Missing labels",
        "Calls without a label over the calls predicted for gold calls to whose output a later gold"
        " call refers.",
        "the most frequent error of nested calls in reruns of NESTFUL",
        higher_is_better=False,
    ),
)


Problem = Literal["label", "later", "repeated", "path"]


class CheckedReference(NamedTuple):
    """A reference of an answer.

    Attributes:
        call: Place of the call with it.
        parameter: The argument in which it stands.
        reference: The reference.
        problem: What is wrong with it: no call has the label ("label"), only the call itself or a
            later one has ("later"), several have ("repeated"), or there is nothing at the path
            ("path"); None where it is valid.
    """

    call: int
    parameter: str
    reference: Reference
    problem: Problem | None


def check_references(
    gold: Sequence[Call], given: Sequence[Call], question: Question
) -> list[CheckedReference]:
    """Looks where each reference of an answer leads.

    Where nothing is known of what a prompt shows, references to labels that the answer does not
    have are left out.
    """
    labels = Counter(call.label for call in (*question.shown, *given) if call.label is not None)
    shown = {call.label: call.name for call in question.shown if call.label is not None}
    used_by_gold = _places(gold, dict(shown))
    earlier = {label for label, _ in used_by_gold if label.startswith("$")}
    outputs = {spec.name: spec.output for spec in question.functions or ()}
    results = question.results_by_label
    producers: dict[str, str] = dict(shown)
    checked = []
    for place, call in enumerate(given):
        for parameter, value in call.arguments.items():
            for reference in references_in(value):
                label = reference.label
                problem: Problem | None = None
                if (producers.get(label, label), reference.path) in used_by_gold:
                    pass
                elif label not in producers and label not in earlier:
                    if question.functions is None and label not in labels:
                        continue
                    problem = "later" if label in labels else "label"
                elif label in results:
                    problem = None if _is_there(results[label], reference.path) else "path"
                elif label in producers:
                    schema = outputs.get(producers[label])
                    if schema is not None and dead_end(reference, schema) is not None:
                        problem = "path"
                if problem is None and labels[label] > 1:
                    problem = "repeated"
                checked.append(CheckedReference(place, parameter, reference, problem))
        if call.label is not None:
            producers.setdefault(call.label, call.name)
    return checked


def count_references(compared: Comparison, checked: Sequence[CheckedReference]) -> Counts:
    """Counts of the metrics of references."""
    needed = [i for i in labels_needed(compared.gold) if i in compared.pairing]
    missing = sum(compared.given[compared.pairing[i]].label is None for i in needed)
    return counts_of(
        reference_validity=(sum(c.problem is None for c in checked), len(checked)),
        hallucinated_references=(sum(c.problem == "label" for c in checked), len(checked)),
        missing_labels=(missing, len(needed)),
    )


def labels_needed(calls: Sequence[Call]) -> list[int]:
    """The places of calls to whose output another refers."""
    used = {reference.label for call in calls for reference in references_in(call.arguments)}
    return [place for place, call in enumerate(calls) if call.label in used]


def _places(
    calls: Sequence[Call], producers: dict[str, str]
) -> set[tuple[str, tuple[str | int, ...]]]:
    """What references of calls lead to: a function, or the label of an unknown call, and a path."""
    found = set()
    for call in calls:
        for reference in references_in(call.arguments):
            found.add((producers.get(reference.label, reference.label), reference.path))
        if call.label is not None:
            producers[call.label] = call.name
    return found


def _is_there(value: Any, path: Sequence[str | int]) -> bool:
    for entry in path:
        if isinstance(value, dict) and str(entry) in value:
            value = value[str(entry)]
        elif isinstance(value, list) and isinstance(entry, int) and entry < len(value):
            value = value[entry]
        else:
            return False
    return True
