"""Macro scores over sets of labels, as scikit-learn gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def macro_scores(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> tuple[float, float, float]:
    """Unweighted means of precision, recall and F1 over the labels that gold has.

    What `MultiLabelBinarizer` fitted on gold alone and `precision_score`, `recall_score` and
    `f1_score` with `average="macro"` compute: a row's labels are a set, a label that no gold row
    has is dropped from predictions, and a score whose denominator is 0 is 0. With a single label in
    gold scikit-learn takes the matrix for one of two classes and averages over both; that is
    reproduced.

    Args:
        gold: The labels of each row.
        predicted: The labels of each row, as many rows.

    Returns:
        Precision, recall and F1; zeros without labels.
    """
    places = {label: place for place, label in enumerate(sorted({x for row in gold for x in row}))}
    if not places:
        return 0.0, 0.0, 0.0
    wanted, right, both = (np.zeros(len(places)) for _ in range(3))
    for of_gold, of_prediction in zip(gold, predicted, strict=True):
        gold_places = {places[label] for label in of_gold}
        right_places = {places[label] for label in of_prediction if label in places}
        for count, found in (
            (wanted, gold_places),
            (right, right_places),
            (both, gold_places & right_places),
        ):
            count[list(found)] += 1
    if len(places) == 1:
        rows = len(gold)
        both = np.append(both, rows - wanted - right + both)
        wanted, right = np.append(wanted, rows - wanted), np.append(right, rows - right)
        present = (wanted + right) > 0
        wanted, right, both = wanted[present], right[present], both[present]
    precision, recall = _ratio(both, right), _ratio(both, wanted)
    f1 = _ratio(2 * both, right + wanted)
    return float(precision.mean()), float(recall.mean()), float(f1.mean())


def _ratio(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    return np.divide(
        numerators, denominators, out=np.zeros(len(numerators)), where=denominators != 0
    )
