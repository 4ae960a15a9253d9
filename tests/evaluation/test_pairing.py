"""Pairings and subsequences against definitions by brute force."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.evaluation.metrics.arguments import compare
from granite_fc.evaluation.metrics.lcs import lcs_length
from granite_fc.evaluation.metrics.names import count_names
from tests.calls.strategies import graphs

few = st.lists(st.sampled_from("abc"), max_size=7)


@given(few, few)
def test_the_longest_common_subsequence(first, second):
    def subsequences(items):
        return {
            chosen
            for number in range(len(items) + 1)
            for chosen in itertools.combinations(items, number)
        }

    expected = max(map(len, subsequences(first) & subsequences(second)))
    assert lcs_length(first, second) == lcs_length(second, first) == expected


def test_long_sequences_share_what_they_share():
    assert lcs_length("ab" * 400, "ba" * 400) == 799
    assert lcs_length("a" * 1000, "b" * 1000) == 0
    assert lcs_length(range(500), range(250, 800)) == 250


@given(few, few)
def test_names_match_one_to_one(gold, found):
    left = list(gold)
    for name in found:
        if name in left:
            left.remove(name)
    matched = len(gold) - len(left)
    counts = count_names(gold, found, is_read=True)
    assert counts.get("name_f1", (0, 0)) == (2 * matched, len(gold) + len(found))
    assert counts.get("name_precision", (0, 0)) == (matched, len(found))
    assert counts.get("name_recall", (0, 0)) == (matched, len(gold))


def best_agreement(gold, found):
    """The most parameters that agree in any one-to-one pairing of calls of one function."""
    pairs = [(i, j) for i, a in enumerate(gold) for j, b in enumerate(found) if a.name == b.name]
    return max(
        agreement(gold, found, dict(chosen))
        for number in range(len(pairs) + 1)
        for chosen in itertools.combinations(pairs, number)
        if len({i for i, _ in chosen}) == len({j for _, j in chosen}) == number
    )


def agreement(gold, found, pairing):
    return sum(
        parameter in found[j].arguments
        and equal(value, found[j].arguments[parameter], (gold[:i], found[:j]), pairing)
        for i, j in pairing.items()
        for parameter, value in gold[i].arguments.items()
    )


def equal(a, b, before, pairing):
    if isinstance(a, Reference) and isinstance(b, Reference):
        own = [
            next((place for place, call in enumerate(calls) if call.label == ref.label), None)
            for calls, ref in zip(before, (a, b), strict=True)
        ]
        if own == [None, None]:
            return a == b
        return None not in own and a.path == b.path and pairing.get(own[0]) == own[1]
    if isinstance(a, Reference) or isinstance(b, Reference):
        return False
    if isinstance(a, list) and isinstance(b, list):
        same = (equal(x, y, before, pairing) for x, y in zip(a, b, strict=False))
        return len(a) == len(b) and all(same)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k], before, pairing) for k in a)
    return (type(a) is type(b) and a == b) or (is_number(a) and is_number(b) and a == b)


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


@settings(max_examples=80, deadline=None)
@given(graphs(max_calls=4), graphs(max_calls=4))
def test_the_pairing_is_the_best_one(gold, found):
    compared = compare(tuple(gold), tuple(found))
    assert sum(map(len, compared.right.values())) == best_agreement(tuple(gold), tuple(found))
    names = [(gold[i].name, found[j].name) for i, j in compared.pairing.items()]
    assert all(a == b for a, b in names)
    assert len(set(compared.pairing.values())) == len(compared.pairing)
    assert agreement(tuple(gold), tuple(found), compared.pairing) == sum(
        map(len, compared.right.values())
    )


values = st.fixed_dictionaries({}, optional={k: st.integers(0, 2) for k in "xyz"})
rows = st.lists(values, min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows, rows)
def test_the_pairing_of_many_calls_of_one_function_is_the_best_one(gold, found):
    def agree(chosen):
        return sum(len(a.items() & b.items()) for a, b in chosen)

    fewer, more = sorted((gold, found), key=len)
    expected = max(
        agree(zip(fewer, chosen, strict=True))
        for chosen in itertools.permutations(more, len(fewer))
    )
    compared = compare([Call("f", a) for a in gold], [Call("f", a) for a in found])
    assert sum(map(len, compared.right.values())) == expected


def test_many_linked_calls_are_told_apart_by_what_uses_them():
    number = 8  # of more pairings than are tried one by one
    made = [Call("f", {"k": 1}, f"$var_{n}") for n in range(number)]
    used = [Call("g", {"n": n, "x": Reference(f"$var_{n}", ("a",))}) for n in range(number)]
    other = [
        Call("g", {"n": n, "x": Reference(f"$var_{(n + 3) % number}", ("a",))})
        for n in range(number)
    ]
    compared = compare([*made, *used], [*made, *other])
    assert sum(map(len, compared.right.values())) == 3 * number
