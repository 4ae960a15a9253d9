"""Model FLOPs utilisation: the share of the devices' peak that the model itself needs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from typing import Any

import jax

from granite_fc.models.adapters.attach import split
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, base_config, logical_axes
from granite_fc.training.freezing import part
from granite_fc.training.parameter_kinds import kind

FORMULA = (
    "MFU = ((6 N + 4 F) t + 12 L H h a) / (seconds x devices x peak), with N the trained and F the "
    "frozen parameters in matrices and the output table, t the positions that hold an example, L "
    "layers, H query heads of width h, and a the pairs of a position and one that it attends to "
    "(causal, inside its example); recomputation in the backward pass is not counted"
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
        per_token: 6 N + 4 F: for a frozen parameter there is no product for its gradient.
        per_attended: 12 L H h: two products of 2 h FLOPs a head and pair, and twice that backwards.
    """

    per_token: float
    per_attended: float

    @staticmethod
    def of(config: DecoderConfig, held: Collection[str] = ()) -> ModelFlops:
        """Counts them for a decoder.

        Args:
            config: The decoder.
            held: Names of the weights that stay as they are, besides those beside adapters.
        """
        own = [
            part(split(tree)[0], held) for tree in (abstract_params(config), logical_axes(config))
        ]
        trained, frozen = (_in_matrices(*side) for side in zip(*own, strict=True))
        table = config.padded_vocab_size * config.d_model
        if config.adapter is not None:
            base = base_config(config)
            frozen += _in_matrices(abstract_params(base), logical_axes(base)) + table
        elif ("embedding/table" if config.tie_embeddings else "head/table") in held:
            frozen += table
        else:
            trained += table
        return ModelFlops(
            per_token=6.0 * trained + 4.0 * frozen,
            per_attended=12.0 * config.num_layers * config.num_heads * config.head_dim,
        )

    def total(self, tokens: float, attended: float) -> float:
        """Returns the FLOPs of so many positions and attended pairs."""
        return self.per_token * tokens + self.per_attended * attended


def peak_flops(device_kind: str) -> float | None:
    """Returns the peak of one device in FLOP/s, or None where it is not known (a CPU's, say)."""
    return _PEAKS.get(device_kind)


def _in_matrices(shapes: Any, axes: Any) -> int:
    sizes = jax.tree.map(
        lambda leaf, names: math.prod(leaf.shape) if kind(names) == "matrix" else 0, shapes, axes
    )
    return sum(jax.tree.leaves(sizes))
