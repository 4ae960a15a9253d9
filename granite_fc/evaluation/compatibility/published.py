"""The published scorers on the answers of an evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.conventions import Conventions
from granite_fc.evaluation.compatibility.hammer import hammer_scores
from granite_fc.evaluation.compatibility.nestful_scorer import nestful_scores
from granite_fc.evaluation.compatibility.scores import Scores
from granite_fc.evaluation.items import Answer, Item


def published_scores(
    items: Sequence[Item], answers: Mapping[str, Answer], conventions: Conventions
) -> list[Scores]:
    """Scores the items whose right answers are calls, as each published scorer does.

    Args:
        items: What was asked; those whose target is no calls are passed over.
        answers: One for each, by `item_id`.
        conventions: How calls are read.

    Returns:
        Nothing where no item is left.
    """
    gold: list[list[dict[str, Any]]] = []
    made: list[list[dict[str, Any]] | None] = []
    texts: list[str] = []
    for item in items:
        right = conventions.read_calls(item.target)
        if right.error is not None or not right.calls:
            continue
        text = answers[item.item_id].text
        read = conventions.read_calls(text)
        gold.append([call.to_json() for call in right.calls])
        made.append(None if read.error is not None else [call.to_json() for call in read.calls])
        texts.append(text if made[-1] is None else json.dumps(made[-1]))
    if not gold:
        return []
    return [nestful_scores(gold, made), hammer_scores(gold, texts)]
