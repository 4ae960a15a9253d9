"""The published scorers on the answers of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.syntax import ParseResult
from granite_fc.evaluation.compatibility.answers import SCORERS
from granite_fc.evaluation.compatibility.scores import Scores
from granite_fc.evaluation.items import Answer, Item


def published_scores(
    items: Sequence[Item],
    answers: Mapping[str, Answer],
    read_calls: Callable[[Item, str], ParseResult],
) -> list[Scores]:
    """Scores the items whose right answers are calls, as each published scorer does.

    Args:
        items: What was asked; those whose target is no calls, or an example of many, are passed
            over.
        answers: One for each, by `item_id`.
        read_calls: Reads the calls of an answer to an item.

    Returns:
        Nothing where no item is left.
    """
    gold: list[tuple[Call, ...]] = []
    given: list[ParseResult] = []
    for item in items:
        right = read_calls(item, item.target)
        if right.error is None and right.calls and not item.is_target_an_example:
            gold.append(right.calls)
            given.append(read_calls(item, answers[item.item_id].text))
    return [score(gold, given) for score in SCORERS.values()] if gold else []
