"""Whether calls keep to the functions on offer: their names, parameters and types."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from granite_fc.calls.call import Call
from granite_fc.calls.match import value_form
from granite_fc.calls.spec import FunctionSpec
from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of
from granite_fc.evaluation.question import Question

# What hostile values could cost is quadratic in their size, as of lists whose items must differ.
_MAX_SIZE = 5_000
_TOO_LARGE = f"it has more than {_MAX_SIZE} characters and items"

METRICS = (
    Metric(
        "hallucination_rate",
        "Answers with a hallucinated name",
        "Answers that name a function which is not on offer, over answers that name any, or that"
        " say that nothing is to be called, and of which it is known what was on offer. A name that"
        " gold has is on offer. An answer without a name that can be read says nothing here.",
        "Abdelaziz et al., Granite-20B-FunctionCalling, arXiv 2407.00121, figure 3",
        higher_is_better=False,
        is_share=True,
    ),
    Metric(
        "hallucinated_names",
        "Hallucinated names",
        "Names predicted that are not on offer, over names predicted.",
        higher_is_better=False,
    ),
    Metric(
        "hallucinated_parameters",
        "Hallucinated parameters",
        "Parameters predicted that the function does not take, over the parameters predicted for"
        " functions on offer whose parameters are known. One that gold gives to a call of the same"
        " function is taken.",
        higher_is_better=False,
    ),
    Metric(
        "type_errors",
        "Type errors",
        "Arguments whose values do not fit the parameter's schema (JSON Schema 2020-12, as far as"
        " the prompt shows it), over the arguments of parameters that functions on offer take."
        " A reference fits anywhere; so does a value that gold gives to the same parameter. A value"
        f" of more than {_MAX_SIZE} characters and items is not checked and does not fit.",
        higher_is_better=False,
    ),
)


class CheckedArgument(NamedTuple):
    """An argument of an answer beside the parameters of its function.

    Attributes:
        call: Place of the call.
        parameter: The name.
        is_known: Whether the function takes it; None where that is not known.
        misfit: Why its value does not fit; None where it does, or where that is not known.
    """

    call: int
    parameter: str
    is_known: bool | None
    misfit: str | None


def check_arguments(
    gold: Sequence[Call], given: Sequence[Call], question: Question
) -> list[CheckedArgument]:
    """Looks at every argument of an answer."""
    specs = {spec.name: spec for spec in question.functions or ()}
    values: dict[tuple[str, str], set[Hashable]] = {}
    for call in gold:
        for parameter, value in call.arguments.items():
            values.setdefault((call.name, parameter), set()).add(value_form(value))
    checked = []
    for place, call in enumerate(given):
        if call.name not in specs:
            checked += [CheckedArgument(place, name, None, None) for name in call.arguments]
            continue
        given_by_gold = {
            parameter: forms for (name, parameter), forms in values.items() if name == call.name
        }
        checked += _checked(place, call.arguments, specs[call.name], given_by_gold)
    return checked


def check_values(
    gold: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]], question: Question
) -> list[CheckedArgument]:
    """Looks at parameter-value pairs of which it is not said which function they are for.

    A function on offer has to take a parameter, and one that does has to take the value.
    """
    if not question.functions:
        return [
            CheckedArgument(i, name, None, None) for i, pairs in enumerate(given) for name in pairs
        ]
    values: dict[str, set[Hashable]] = {}
    for pairs in gold:
        for parameter, value in pairs.items():
            values.setdefault(parameter, set()).add(value_form(value))
    checked = []
    for place, pairs in enumerate(given):
        found = [list(_checked(place, pairs, spec, values)) for spec in question.functions]
        for options in zip(*found, strict=True):
            known = [option.is_known for option in options]
            best = next((o for o in options if o.is_known is not False and not o.misfit), None)
            best = best or next((o for o in options if o.is_known is not False), options[0])
            is_known = True if True in known else None if None in known else False
            checked.append(best._replace(is_known=is_known))
    return checked


def count_offered_arguments(checked: Sequence[CheckedArgument]) -> Counts:
    """Counts of the metrics of parameters and values that do not fit what is on offer."""
    known = [argument for argument in checked if argument.is_known is not None]
    taken = [argument for argument in known if argument.is_known]
    return counts_of(
        hallucinated_parameters=(len(known) - len(taken), len(known)),
        type_errors=(sum(argument.misfit is not None for argument in taken), len(taken)),
    )


def count_offered_names(
    gold: Collection[str], given: Sequence[str], question: Question, *, abstains: bool
) -> Counts:
    """Counts of the metrics of names that are not on offer.

    Args:
        gold: The right names; none where nothing is to be called.
        given: The names that could be read.
        question: What the prompt shows.
        abstains: Whether the answer can be read and says that nothing is to be called.
    """
    if question.functions is None:
        return {}
    unknown = len(given) - sum(map(names_on_offer(gold, question).__contains__, given))
    return counts_of(
        hallucination_rate=(unknown > 0, bool(given) or abstains),
        hallucinated_names=(unknown, len(given)),
    )


def names_on_offer(gold: Collection[str], question: Question) -> set[str]:
    """The names that an answer may have."""
    return {spec.name for spec in question.functions or ()} | set(gold)


def size_of(value: Any) -> int:
    """Number of characters of the strings of a value and of items and fields."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(key) + size_of(item) + 1 for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(size_of(item) + 1 for item in value)
    return 1


def _checked(
    place: int,
    arguments: Mapping[str, Any],
    spec: FunctionSpec,
    by_gold: Mapping[str, set[Hashable]],
) -> Iterator[CheckedArgument]:
    # jsonschema takes a tenth of a second to import.
    from granite_fc.calls.fit import misfits, unexpected_names

    unexpected = set(unexpected_names(spec.parameters, arguments)) - by_gold.keys()
    small = {}
    for name, value in arguments.items():
        if size_of(value) <= _MAX_SIZE:
            small[name] = value
    wrong = misfits(spec.parameters, small)
    is_open = unexpected_names(spec.parameters, ["\0"]) == []
    for name, value in arguments.items():
        if is_open and name not in spec.properties:
            yield CheckedArgument(place, name, None, None)
            continue
        misfit = wrong.get(name) if name in small else _TOO_LARGE
        if misfit is not None and value_form(value) in by_gold.get(name, ()):
            misfit = None
        yield CheckedArgument(place, name, name not in unexpected, misfit)
