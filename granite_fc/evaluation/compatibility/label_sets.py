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
    columns = {label: index for index, label in enumerate(sorted({x for row in gold for x in row}))}
    if not columns:
        return 0.0, 0.0, 0.0
    right, wanted = (_indicators(rows, columns) for rows in (predicted, gold))
    if len(columns) == 1:
        present = [
            bool(value) for value in (0, 1) if (right == value).any() | (wanted == value).any()
        ]
        right, wanted = (
            np.concatenate([matrix if value else ~matrix for value in present], axis=1)
            for matrix in (right, wanted)
        )
    both = (right & wanted).sum(axis=0)
    precision = _ratio(both, right.sum(axis=0))
    recall = _ratio(both, wanted.sum(axis=0))
    f1 = _ratio(2 * both, right.sum(axis=0) + wanted.sum(axis=0))
    return float(precision.mean()), float(recall.mean()), float(f1.mean())


def _indicators(rows: Sequence[Sequence[str]], columns: dict[str, int]) -> np.ndarray:
    """A boolean matrix [rows, labels]."""
    matrix = np.zeros((len(rows), len(columns)), dtype=bool)
    for index, row in enumerate(rows):
        for label in row:
            if label in columns:
                matrix[index, columns[label]] = True
    return matrix


def _ratio(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    return np.divide(
        numerators, denominators, out=np.zeros(len(numerators)), where=denominators != 0
    )
