"""The published scorers on answers that were read as all answers are."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.syntax import ParseResult
from granite_fc.evaluation.compatibility.hammer import hammer_scores
from granite_fc.evaluation.compatibility.nestful_scorer import nestful_scores
from granite_fc.evaluation.compatibility.scores import Scores

Scorer = Callable[[Sequence[Sequence[Call]], Sequence[ParseResult]], Scores]


def _by_nestful(gold: Sequence[Sequence[Call]], given: Sequence[ParseResult]) -> Scores:
    # Our labels and references are those of the benchmark's version 2, which the scorer reads.
    return nestful_scores(
        [[call.to_json() for call in calls] for calls in gold],
        [None if p.error is not None else [call.to_json() for call in p.calls] for p in given],
    )


def _by_hammer(gold: Sequence[Sequence[Call]], given: Sequence[ParseResult]) -> Scores:
    return hammer_scores(
        [[call.to_json() for call in calls] for calls in gold],
        [
            "" if p.error is not None else json.dumps([call.to_json() for call in p.calls])
            for p in given
        ],
    )


# Name to a function of gold and given calls, item by item. An answer that could not be read as a
# whole is to a scorer one that it could not parse.
SCORERS: Mapping[str, Scorer] = types.MappingProxyType(
    {"nestful_scorer": _by_nestful, "hammer": _by_hammer}
)
