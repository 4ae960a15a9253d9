"""Weights that training leaves as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.training.weight_names import matching, weight_names

Params = dict[str, Any]


def frozen_names(patterns: Sequence[str], axes: Any, *, key: str) -> frozenset[str]:
    """Returns the names of the weights that one of the patterns matches.

    Args:
        patterns: Regular expressions for whole names.
        axes: Tree of the parameters' logical axes; with adapters, the adapters'.
        key: The setting that the patterns are from.

    Raises:
        ConfigurationError: A pattern matches no weight, or no weight is left to train; names the
            weights.
    """
    names = weight_names(axes)
    found: set[str] = set()
    for pattern in patterns:
        matched = matching(pattern, names)
        if not matched:
            raise ConfigurationError(
                key,
                found=pattern,
                expected="a regular expression that matches the whole name of a weight: "
                + ", ".join(names),
            )
        found |= matched
    if found and len(found) == len(names):
        raise ConfigurationError(
            key,
            found=", ".join(patterns),
            expected="patterns that leave a weight to train: " + ", ".join(names),
        )
    return frozenset(found)


def part(params: Params, frozen: Collection[str], prefix: str = "") -> tuple[Params, Params]:
    """Parts a tree of parameters, or of what stands for them, by the names of the frozen ones.

    Args:
        params: Nested dictionaries.
        frozen: Names of the frozen weights.
        prefix: What `params` stand below, as the beginning of their names.

    Returns:
        What is trained and what is not; `join` makes them one again.
    """
    if not frozen:
        return params, {}
    trained: Params = {}
    held: Params = {}
    for name, node in params.items():
        if isinstance(node, dict):
            for side, below in zip(
                (trained, held), part(node, frozen, f"{prefix}{name}/"), strict=True
            ):
                if below:
                    side[name] = below
        else:
            (held if f"{prefix}{name}" in frozen else trained)[name] = node
    return trained, held
