"""Hammer's evaluation as published, faults included.

After `evaluation/evaluate.py` of https://github.com/MadeAgents/Hammer (commit ff415d9), by which
the Hammer papers score API-Bank, Seal-Tools, Tool-Alpaca and Nexus Raven. Where a predicted call is
no object with an object of arguments the original ends with an exception; here it counts as a call
without parameters, and under the name that it gives, if it gives one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.evaluation.compatibility.scores import Scores

FAULTS = (
    "a predicted call is right if gold has its name anywhere: two predictions of one gold call "
    "both count, so recall can exceed 1",
    "parameters are compared with the first gold call of the name that shares any, not with the "
    "best one, and one gold call can serve several predictions",
    "values are compared as Python prints them: True equals the string True, 1 is not 1.0",
    "parameters whose value is the empty string are left out on both sides",
    "a right call without parameters counts one right parameter, which neither gold nor the "
    "prediction counts",
    "an answer that cannot be parsed counts as one predicted call, a refusal as none",
    "where nothing is right no score is printed; here it is 0",
)


def hammer_scores(gold: Sequence[Sequence[Mapping[str, Any]]], predicted: Sequence[str]) -> Scores:
    """Scores answers.

    Args:
        gold: For every item its calls, `{"name", "arguments"}`.
        predicted: For every item the text of the answer: a JSON list of calls, or an object with
            one in `tool_calls`, with or without a code fence.

    Returns:
        p_api, r_api, f1_api, p_param, r_param and f1_param, micro-averaged.

    Raises:
        ValueError: Not as many answers as items.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(predicted)} answers for {len(gold)} items")
    right_calls = predicted_calls = 0
    right_parameters = predicted_parameters = 0
    gold_calls = sum(len(calls) for calls in gold)
    gold_parameters = sum(len(_given(call["arguments"])) for calls in gold for call in calls)
    for calls, text in zip(gold, predicted, strict=True):
        made = _parsed(text)
        if made is None:
            predicted_calls += 1
            continue
        predicted_calls += len(made)
        for call in made:
            fields = call if isinstance(call, Mapping) else {}
            arguments = fields.get("arguments")
            predicted_parameters += len(_given(arguments))
            same_name = [one for one in calls if one["name"] == fields.get("name")]
            right_calls += bool(same_name)
            shared = (_shared(one["arguments"], arguments) for one in same_name)
            right_parameters += next((count for count in shared if count), 0)
    return Scores(
        "Hammer's evaluate.py",
        {
            **_scores("api", right_calls, predicted_calls, gold_calls),
            **_scores("param", right_parameters, predicted_parameters, gold_parameters),
        },
        FAULTS,
        len(gold),
    )


def _scores(what: str, right: int, predicted: int, gold: int) -> dict[str, float]:
    if not right * predicted * gold:
        return {f"p_{what}": 0.0, f"r_{what}": 0.0, f"f1_{what}": 0.0}
    precision, recall = right / predicted, right / gold
    f1 = 2 * precision * recall / (precision + recall)
    return {f"p_{what}": precision, f"r_{what}": recall, f"f1_{what}": f1}


def _parsed(text: str) -> list[Any] | None:
    try:
        value = json.loads(text.replace("```json", "").replace("```", ""))
    except (ValueError, RecursionError):
        return None
    if isinstance(value, Mapping) and "tool_calls" in value:
        value = [] if value["tool_calls"] is None else value["tool_calls"]
    return value if isinstance(value, list) else None


def _given(arguments: Any) -> dict[str, Any]:
    """The parameters that count."""
    if not isinstance(arguments, Mapping):
        return {}
    return {name: value for name, value in arguments.items() if value != ""}


def _shared(gold: Mapping[str, Any], predicted: Any) -> int:
    """How many parameters of gold the prediction has with the same printed value."""
    if not isinstance(predicted, Mapping):
        return 0
    made = _given(predicted)
    if not gold and not made:
        return 1
    return sum(
        name in made and str(value) == str(made[name]) for name, value in _given(gold).items()
    )
