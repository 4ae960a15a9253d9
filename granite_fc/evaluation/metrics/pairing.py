"""Which call of an answer stands for which gold call.

Only calls of one function are paired, each with at most one, and as many as there are. Of all such
pairings the one is taken in which the most parameters agree; of equally good ones that in which the
most parameters are named in both, then the one that keeps more of the order. A parameter agrees
where both calls name it with equal values (`granite_fc.calls.match`); a reference to a call of the
same answer is equal to one with the same path to the call that is paired with it.

The pairing is the best one wherever no argument of these calls is a reference, and with references
while there are at most 720 pairings to choose from. Beyond that it is improved function by function
from what agrees but for the calls that references lead to. Of a function's calls that are not equal
to a gold call, the first 256 are paired in this way and further ones in order, so that time stays
about linear in the length of an answer.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import NamedTuple

from granite_fc.calls.call import Call
from granite_fc.calls.match import linked_value_form

_MAX_PAIRINGS = 720
_MAX_CALLS = 256
_MAX_ROUNDS = 8

# Gold call to the call that stands for it, both by their places.
Pairing = dict[int, int]
# The places of the calls of one function in gold and in the answer.
_Group = tuple[list[int], list[int]]


class Argument(NamedTuple):
    """What is compared of an argument: its form, and the calls that its references lead to."""

    form: Hashable
    producers: tuple[int, ...]


class Answer:
    """The calls of one answer, ready to be compared.

    Args:
        calls: The calls.
        later: Labels to which references count though the call that has one only comes later.

    Attributes:
        names: The function of each call.
        arguments: Of each call, parameter to what is compared.
        users: Of each call the calls, with parameters, that refer to it.
    """

    def __init__(self, calls: Sequence[Call], later: Collection[str] = ()) -> None:
        self.names = [call.name for call in calls]
        self.arguments: list[dict[str, Argument]] = []
        self.users: dict[int, list[tuple[int, str]]] = defaultdict(list)
        producers: dict[str, int] = {}
        for place, call in enumerate(calls):
            if call.label is not None and call.label in later:
                producers.setdefault(call.label, place)
        for place, call in enumerate(calls):
            arguments = {}
            for parameter, value in call.arguments.items():
                slots: list[int] = []
                form = linked_value_form(value, producers, slots)
                arguments[parameter] = Argument(form, tuple(slots))
                for producer in slots:
                    self.users[producer].append((place, parameter))
            self.arguments.append(arguments)
            if call.label is not None:
                producers.setdefault(call.label, place)

    def is_linked(self, place: int) -> bool:
        """Whether a call refers to another of the answer, or another to it."""
        return place in self.users or any(a.producers for a in self.arguments[place].values())


def pair_calls(gold: Answer, given: Answer) -> Pairing:
    """Returns the pairing of which this module speaks."""
    pairing: Pairing = {}
    groups: list[_Group] = []
    places = _by_name(given)
    for name, wanted in _by_name(gold).items():
        found = places.get(name, [])
        _pair_equal(gold, given, wanted, found, pairing)
        pairing.update(zip(wanted[_MAX_CALLS:], found[_MAX_CALLS:], strict=False))
        if wanted and found:
            groups.append((wanted[:_MAX_CALLS], found[:_MAX_CALLS]))
    is_linked = any(gold.is_linked(i) for wanted, _ in groups for i in wanted)
    num_pairings = math.prod(_num_pairings(*group) for group in groups)
    if is_linked and num_pairings <= _MAX_PAIRINGS:
        return pairing | _best_of_all(gold, given, groups)
    for wanted, found in groups:
        pairing |= _assigned(gold, given, wanted, found, None)
    return _improved(gold, given, groups, pairing) if is_linked else pairing


def agreeing(
    gold: Answer, given: Answer, wanted: int, found: int, pairing: Pairing | None
) -> list[str]:
    """Returns the parameters of a pair of calls that agree.

    Args:
        gold: The right answer.
        given: The other one.
        wanted: Place of the gold call.
        found: Place of the other call.
        pairing: Tells whether references agree; None: those with equal paths do.
    """
    others = given.arguments[found]
    return [
        parameter
        for parameter, argument in gold.arguments[wanted].items()
        if (other := others.get(parameter)) is not None
        and argument.form == other.form
        and (
            pairing is None
            or all(
                pairing.get(a) == b
                for a, b in zip(argument.producers, other.producers, strict=False)
            )
        )
    ]


def _by_name(answer: Answer) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(answer.names):
        places[name].append(place)
    return places


def _pair_equal(
    gold: Answer, given: Answer, wanted: list[int], found: list[int], pairing: Pairing
) -> None:
    """Pairs equal calls that have no part in references, and takes them away.

    Some best pairing has them: were two equal calls paired with others, these could be paired
    instead, and no fewer parameters would agree.
    """
    equal: dict[Hashable, list[int]] = defaultdict(list)
    for place in reversed(found):
        if not given.is_linked(place):
            equal[frozenset(given.arguments[place].items())].append(place)
    for place in list(wanted):
        same = equal.get(frozenset(gold.arguments[place].items()))
        if same and not gold.is_linked(place):
            pairing[place] = same.pop()
            wanted.remove(place)
    taken = set(pairing.values())
    found[:] = [place for place in found if place not in taken]


def _num_pairings(wanted: Sequence[int], found: Sequence[int]) -> int:
    fewer, more = sorted((len(wanted), len(found)))
    return math.perm(more, fewer)


def _pairings(wanted: Sequence[int], found: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    if len(wanted) <= len(found):
        for chosen in itertools.permutations(found, len(wanted)):
            yield list(zip(wanted, chosen, strict=True))
    else:
        for chosen in itertools.permutations(wanted, len(found)):
            yield list(zip(chosen, found, strict=True))


def _best_of_all(gold: Answer, given: Answer, groups: Sequence[_Group]) -> Pairing:
    best: Pairing = {}
    most = (-1, -1, -1)
    for chosen in itertools.product(*(_pairings(*group) for group in groups)):
        pairing = dict(itertools.chain.from_iterable(chosen))
        value = _value(gold, given, pairing)
        if value > most:
            best, most = pairing, value
    return best


def _value(gold: Answer, given: Answer, pairing: Pairing) -> tuple[int, int, int]:
    """How good a pairing is: parameters that agree, that are in both, and pairs in order."""
    agree = sum(len(agreeing(gold, given, i, j, pairing)) for i, j in pairing.items())
    shared = sum(_num_shared(gold, given, i, j) for i, j in pairing.items())
    found = [pairing[place] for place in sorted(pairing)]
    return agree, shared, sum(a < b for a, b in itertools.pairwise(found))


def _num_shared(gold: Answer, given: Answer, wanted: int, found: int) -> int:
    return len(gold.arguments[wanted].keys() & given.arguments[found].keys())


def _assigned(
    gold: Answer,
    given: Answer,
    wanted: Sequence[int],
    found: Sequence[int],
    pairing: Pairing | None,
) -> Pairing:
    """The best pairing of the calls of one function, others being as in `pairing`."""
    if len(wanted) == 1 == len(found):
        return {wanted[0]: found[0]}
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    weights = np.zeros((len(wanted), len(found)))
    most = 1 + max(len(gold.arguments[i]) for i in wanted)
    # What decides between equal pairings may not outweigh one more parameter that agrees, nor the
    # order one more parameter in both.
    size = len(wanted) + len(found)
    for row, i in enumerate(wanted):
        for column, j in enumerate(found):
            agree = len(agreeing(gold, given, i, j, pairing))
            if pairing is not None:
                agree += _num_agreeing_users(gold, given, i, j, pairing)
            shared = _num_shared(gold, given, i, j)
            weights[row, column] = (agree * most * size + shared) * size + (row == column)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return {wanted[row]: found[column] for row, column in zip(rows, columns, strict=True)}


def _num_agreeing_users(gold: Answer, given: Answer, i: int, j: int, pairing: Pairing) -> int:
    """How many arguments that refer to a gold call would agree if it were paired with another."""
    trial = {**pairing, i: j}
    return sum(
        parameter in agreeing(gold, given, user, pairing[user], trial)
        for user, parameter in gold.users.get(i, ())
        if user in pairing
    )


def _improved(gold: Answer, given: Answer, groups: Sequence[_Group], pairing: Pairing) -> Pairing:
    value = _value(gold, given, pairing)
    for _ in range(_MAX_ROUNDS):
        before = value
        for wanted, found in groups:
            others = {i: j for i, j in pairing.items() if i not in wanted}
            trial = others | _assigned(gold, given, wanted, found, pairing)
            trial_value = _value(gold, given, trial)
            if trial_value > value:
                pairing, value = trial, trial_value
        if value == before:
            break
    return pairing
