"""The NESTFUL scorer as published, faults included.

After `src/scorer.py`, `src/utils.py` and `src/output_parsers.py` of
https://github.com/romitjain/NESTFUL (commit 3ebac99), the only public scorer of the benchmark;
IBM's own repository has none. What it takes from scikit-learn is written in numpy.

Win rate is not reproduced: it runs the benchmark's Python files. There the original passes
arguments by position, in the order in which the prediction names them, so keyword arguments in
another order give another result. Nor are the parsers of each model's format: predictions come as
calls, and None stands for an answer that could not be parsed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from granite_fc.evaluation.compatibility.label_sets import macro_scores
from granite_fc.evaluation.compatibility.scores import Scores

FAULTS = (
    "F1 is macro over the labels that gold has: a function or parameter value that gold never has "
    "costs no precision, and each label weighs the same however rare it is",
    "labels of a row are a set: a call that is made twice counts once, in any order",
    "parameters are kept by function name: of several calls of one function only the last counts, "
    "in gold and in predictions",
    "a label of parameter F1 is `name = value` without its function, and values are compared as "
    "Python prints them: 1 is not 1.0, but True is the string True",
    "partial match compares position by position; where numbers of calls differ, gold is walked "
    "first and everything after the first difference is wrong",
    "full match is strict in order, though the call graph may allow others",
    "labels in references are replaced by function names: which of two calls of one function is "
    "meant is not seen; references to a whole output keep their label, so its name matters",
    "the closing var_result is dropped: what is returned does not count",
)


def nestful_scores(
    gold: Sequence[Sequence[Mapping[str, Any]]],
    predicted: Sequence[Sequence[Mapping[str, Any]] | None],
) -> Scores:
    """Scores predictions.

    Args:
        gold: For every item its calls, `{"name", "arguments", "label"}`, in the benchmark's
            notation.
        predicted: The predicted calls likewise; None where the answer could not be parsed.

    Returns:
        f1_func and f1_param with their precision and recall, partial_match, full_match, and
        parsing_errors as a share of items.

    Raises:
        ValueError: There are no items, or not as many predictions.
    """
    if not gold or len(gold) != len(predicted):
        raise ValueError(f"{len(predicted)} predictions for {len(gold)} items")
    read = [calls if calls is None or all(map(_is_call, calls)) else None for calls in predicted]
    sides = (
        [_item(_grounded(calls), is_gold=True) for calls in gold],
        [_item(_grounded_if_labelled(calls or ()), is_gold=False) for calls in read],
    )
    function = macro_scores(*([item.names for item in side] for side in sides))
    rows: tuple[list, list] = ([], [])
    for right, made in zip(*sides, strict=True):
        for name in right.slots.keys() | made.slots.keys():
            rows[0].append(right.slots.get(name, ()))
            rows[1].append(made.slots.get(name, ()))
    parameter = macro_scores(*rows)
    partial = [_aligned_share(right.texts, made.texts) for right, made in zip(*sides, strict=True)]
    return Scores(
        "the NESTFUL scorer (romitjain/NESTFUL)",
        {
            "p_func": function[0],
            "r_func": function[1],
            "f1_func": function[2],
            "p_param": parameter[0],
            "r_param": parameter[1],
            "f1_param": parameter[2],
            "partial_match": float(np.mean(partial)),
            "full_match": float(np.mean([share == 1 for share in partial])),
            "parsing_errors": float(np.mean([calls is None for calls in read])),
        },
        FAULTS,
        len(gold),
    )


class _Item(NamedTuple):
    """Calls of one item as the three scores see them: names, slots by name, and whole texts."""

    names: list[str]
    slots: dict[str, list[str]]
    texts: list[str]


_Named = tuple[str, Mapping[str, Any]]


def _item(calls: Sequence[_Named], *, is_gold: bool) -> _Item:
    written = [(name, _slots(values, closed=not is_gold)) for name, values in calls]
    texts = [f"{name}({', '.join(sorted(slots))})" for name, slots in written]
    # A prediction may say by this call that it calls nothing.
    counted = [pair for pair in written if is_gold or pair != ("dummy", [])]
    return _Item([name for name, _ in counted], dict(counted), texts)


def _is_call(call: Any) -> bool:
    return (
        isinstance(call, Mapping)
        and "name" in call
        and isinstance(call.get("arguments", {}), Mapping)
        and isinstance(call.get("label", ""), str)
    )


def _grounded_if_labelled(calls: Sequence[Mapping[str, Any]]) -> list[_Named]:
    """Without a label nothing is to be grounded, and the original keeps var_result then."""
    if any("label" in call for call in calls):
        return _grounded(calls)
    return [(str(call["name"]), call.get("arguments", {})) for call in calls]


def _grounded(calls: Sequence[Mapping[str, Any]]) -> list[_Named]:
    """The calls without var_result, labels in references replaced by the functions' names."""
    kept = [call for call in calls if call["name"] != "var_result"]
    functions = {
        call["label"].replace("$", ""): str(call["name"])
        for call in kept
        if "label" in call and call["name"] != "varResult"
    }
    grounded: list[_Named] = []
    for call in kept:
        arguments = dict(call.get("arguments", call.get("parameters", {})))
        for name, value in arguments.items():
            if isinstance(value, list):
                arguments[name] = [_with_name(item, functions) for item in value]
            else:
                arguments[name] = _with_name(value, functions)
        grounded.append((str(call["name"]), arguments))
    return grounded


def _with_name(value: Any, functions: Mapping[str, str]) -> Any:
    """A reference `$var1.field$` with the function's name in place of the label."""
    if not (isinstance(value, str) and value.startswith("$var") and "." in value):
        return value
    label = value.split(".", 1)[0].replace("$", "")
    return value.replace(label, functions[label]) if label in functions else value


def _slots(arguments: Mapping[str, Any], *, closed: bool) -> list[str]:
    """`name = value`, in predictions with a dollar sign that lacks at the end of a reference."""
    written = []
    for name, value in arguments.items():
        unclosed = isinstance(value, str) and value.startswith("$") and not value.endswith("$")
        written.append(f"{name} = {value}{'$' if closed and unclosed else ''}")
    return written


def _aligned_share(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """The share of positions that agree, after the original's way to bring lengths together."""
    if len(gold) == len(predicted):
        pairs = list(zip(gold, predicted, strict=True))
    else:
        pairs = []
        i = j = 0
        while i < len(gold) or j < len(predicted):
            if i < len(gold) and j < len(predicted) and _name(gold[i]) == _name(predicted[j]):
                pairs.append((gold[i], predicted[j]))
                i, j = i + 1, j + 1
            elif i < len(gold):
                pairs.append((gold[i], ""))
                i += 1
            else:
                pairs.append(("", predicted[j]))
                j += 1
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else 0.0


def _name(text: str) -> str:
    return text.split("(", 1)[0]
