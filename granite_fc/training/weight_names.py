"""Weights chosen by regular expressions that match their whole names, as `model-info.txt` has them.

Layers share an array and so a name: `blocks/mlp/up/kernel`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from granite_fc.errors import ConfigurationError
from granite_fc.sharding.shardings import is_axes, path_name


def weight_names(axes: Any) -> list[str]:
    """Returns the names in a tree of logical axes, in its order."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(axes, is_leaf=is_axes)
    return [path_name(path) for path, _ in leaves]


def matching(pattern: str, names: Iterable[str]) -> set[str]:
    """Returns the names that a pattern matches from beginning to end."""
    return {name for name in names if re.fullmatch(pattern, name)}


def check_patterns(patterns: Sequence[str], *, key: str) -> None:
    """Checks that patterns are regular expressions.

    Args:
        patterns: The patterns.
        key: The setting that they are from.

    Raises:
        ConfigurationError: One is not.
    """
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ConfigurationError(
                key, found=pattern, expected=f"a regular expression: {error}"
            ) from error
