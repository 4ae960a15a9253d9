"""Model FLOPs utilisation: the share of the devices' peak that the model itself needs."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax

from granite_fc.models.config import DecoderConfig
from granite_fc.training.parameter_kinds import kind

FORMULA = (
    "MFU = (6 N t + 12 L H h a) / (seconds x devices x peak), with N the parameters in matrices "
    "and the output table, t the positions that hold an example, L layers, H query heads of width "
    "h, and a the pairs of a position and one that it attends to (causal, inside its example); "
    "recomputation in the backward pass is not counted"
)

# Dense bfloat16 FLOP/s of one JAX device. TPUs: docs.cloud.google.com/tpu/docs/{v4,v5e,v5p,v6e}, as
# of November 2026; GPUs: NVIDIA's data sheets, without sparsity.
_PEAKS = {
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5e": 197e12,
    "TPU v5": 459e12,
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,
    "TPU v6e": 918e12,
    "NVIDIA A100-SXM4-40GB": 312e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA H100 80GB HBM3": 989e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H200": 989e12,
}


@dataclasses.dataclass(frozen=True)
class ModelFlops:
    """FLOPs of training, forwards and backwards.

    Attributes:
        per_token: 6 N.
        per_attended: 12 L H h: two products of 2 h FLOPs a head and pair, and twice that backwards.
    """

    per_token: float
    per_attended: float

    @staticmethod
    def of(config: DecoderConfig, axes: Any, shapes: Any) -> ModelFlops:
        """Counts them for a decoder.

        Args:
            config: The decoder.
            axes: Tree of its parameters' logical axes.
            shapes: Tree of its parameters' shapes.
        """
        sizes = jax.tree.map(
            lambda leaf, names: math.prod(leaf.shape) if kind(names) == "matrix" else 0,
            shapes,
            axes,
        )
        matrices = sum(jax.tree.leaves(sizes))
        table = config.padded_vocab_size * config.d_model
        return ModelFlops(
            per_token=6.0 * (matrices + table),
            per_attended=12.0 * config.num_layers * config.num_heads * config.head_dim,
        )

    def total(self, tokens: float, attended: float) -> float:
        """Returns the FLOPs of so many positions and attended pairs."""
        return self.per_token * tokens + self.per_attended * attended


def peak_flops(device_kind: str) -> float | None:
    """Returns the peak of one device in FLOP/s, or None where it is not known (a CPU's, say)."""
    return _PEAKS.get(device_kind)
