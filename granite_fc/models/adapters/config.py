"""What is trained beside a frozen model, and what the model is stored in meanwhile."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence

import gin

from granite_fc.errors import ConfigurationError

PLAIN_DTYPES = ("bfloat16", "float32")
QUANTIZED_DTYPES = ("int8", "int4", "nf4")


@gin.configurable(module="granite_fc.models")
@dataclasses.dataclass(frozen=True)
class AdapterConfig:
    """Low-rank adapters (LoRA; Hu et al., 2021), and what their frozen base is stored in.

    A projection W of the blocks becomes W + (alpha / rank) A B, with A `[*inputs, rank]` and B
    `[rank, *outputs]` in float32. B begins at 0, so training begins at the base. With a quantised
    base this is QLoRA (Dettmers et al., 2023).

    Attributes:
        rank: Columns of A and rows of B.
        alpha: The adapters' output is multiplied by alpha / rank.
        dropout: Share of an adapter's input entries dropped in training; the base sees them all.
        target: A regular expression, or several of which one has to match the whole name of a
            projection, such as `blocks/attention/query` or `blocks/mlp/up`, for it to get an
            adapter. Each has to match one at least.
        base_dtype: What the blocks' kernels are stored in: "bfloat16", "float32", or quantised as
            "int8", "int4" or "nf4". What else there is of a quantised base is bfloat16.
        block_size: Weights that share a scale where the base is quantised. Blocks lie along a
            kernel's last input axis; where the size does not divide its length, blocks are the
            largest smaller size that does.
    """

    rank: int = 8
    alpha: float = 32.0
    dropout: float = 0.0
    target: str | Sequence[str] = ("blocks/.*",)
    base_dtype: str = "bfloat16"
    block_size: int = 64

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            ConfigurationError: A value is out of range, or a pattern is no regular expression.
        """
        if not isinstance(self.target, str):
            # Gin gives lists; what functions are compiled for has to be hashable.
            object.__setattr__(self, "target", tuple(self.target))
        for name in ("rank", "block_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                self._reject(name, "a positive integer")
        if not 0.0 < self.alpha < math.inf:
            self._reject("alpha", "a positive number")
        if not 0.0 <= self.dropout < 1.0:
            self._reject("dropout", "a share in [0, 1)")
        if self.base_dtype not in PLAIN_DTYPES + QUANTIZED_DTYPES:
            self._reject(
                "base_dtype", "one of " + ", ".join(map(repr, PLAIN_DTYPES + QUANTIZED_DTYPES))
            )
        if not self.patterns:
            self._reject("target", "at least one pattern")
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except (re.error, TypeError) as error:
                raise ConfigurationError(
                    "AdapterConfig.target", found=pattern, expected=f"a regular expression: {error}"
                ) from error

    def _reject(self, name: str, expected: str) -> None:
        raise ConfigurationError(
            f"AdapterConfig.{name}", found=getattr(self, name), expected=expected
        )

    @property
    def patterns(self) -> Sequence[str]:
        """The regular expressions."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def scale(self) -> float:
        """What an adapter's output is multiplied by."""
        return self.alpha / self.rank

    @property
    def is_quantized(self) -> bool:
        """Whether kernels are stored as codes and scales."""
        return self.base_dtype in QUANTIZED_DTYPES

    @property
    def plain_dtype(self) -> str:
        """The type of the base's parameters that are not quantised."""
        return "bfloat16" if self.is_quantized else self.base_dtype

    def targets(self, names: Sequence[str]) -> set[str]:
        """Returns which of the projections get an adapter.

        Args:
            names: Those that there are.

        Raises:
            ConfigurationError: A pattern matches none; names the pattern and the projections.
        """
        chosen: set[str] = set()
        for pattern in self.patterns:
            matched = {name for name in names if re.fullmatch(pattern, name)}
            if not matched:
                raise ConfigurationError(
                    "AdapterConfig.target",
                    found=pattern,
                    expected="a regular expression that matches the whole name of a weight: "
                    + ", ".join(names),
                )
            chosen |= matched
        return chosen
