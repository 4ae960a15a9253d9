"""Suites answered in one way, and what that adds up to."""

from __future__ import annotations

from granite_fc.calls.syntax import parse_calls, print_calls


def answered(suite, answer=lambda item: print_calls(item.gold)):
    """(item, judgement) of every item; by default of its gold answer."""
    return [
        (item, suite.judge(item, suite.read(item, answer(item), parse_calls)))
        for item in suite.items
    ]


def totals_of(judged):
    """Metric to category to the sums of numerators and denominators."""
    totals = {}
    for item, judgement in judged:
        for metric, counts in judgement.counts.items():
            categories = totals.setdefault(metric, {})
            before = categories.get(item.category, (0, 0))
            categories[item.category] = tuple(map(sum, zip(before, counts, strict=True)))
    return totals
