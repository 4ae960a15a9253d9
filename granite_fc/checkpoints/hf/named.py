"""Problems of many weights, told in few words and without leaving one out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

_LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


def summary(problems: Mapping[str, str]) -> str:
    """Returns one text of what is wrong with which weights.

    Weights that differ in their layer alone and have one problem are named together, as
    `model.layers.{0-3,7}.mlp.up_proj.weight`.

    Args:
        problems: A weight's name to what is wrong with it.
    """
    layers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for name, problem in problems.items():
        found = _LAYER.search(name)
        pattern = name if found is None else _LAYER.sub("{}", name, count=1)
        layers[pattern, problem] += [] if found is None else [int(found[0])]
    return "; ".join(
        f"{pattern.replace('{}', _ranges(numbers), 1)} {problem}"
        for (pattern, problem), numbers in sorted(layers.items())
    )


def _ranges(numbers: list[int]) -> str:
    """`{0-3,7}` of 0, 1, 2, 3 and 7; a number alone as it is."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    shown = ",".join("-".join(map(str, run)) for run in runs)
    return shown if len(numbers) < 2 else f"{{{shown}}}"
