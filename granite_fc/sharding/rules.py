"""Rules that send logical axes to mesh axes.

Models name what an axis is (`embed`, `heads`, `activation_batch`); these rules say over which mesh
axes it is split. The default rules never change between runs: data, fully sharded, sequence and
tensor parallelism are the sizes of the mesh axes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import gin
from jax.sharding import PartitionSpec

from granite_fc.errors import ConfigurationError
from granite_fc.sharding.mesh import AXES

Rule = tuple[str, str | Sequence[str] | None]

DEFAULT_RULES: tuple[Rule, ...] = (
    # Parameters. `sequence` joins `fsdp`: a device that holds other positions of the same rows
    # needs the same weights, gathered layer by layer like those of its fsdp neighbours.
    ("layers", None),
    ("vocab", "tensor"),
    ("embed", ("fsdp", "sequence")),
    ("heads", "tensor"),
    ("kv_heads", "tensor"),
    ("head_dim", None),
    ("mlp", "tensor"),
    # Wide biases are split like kernels, so that their gradients are never summed whole.
    ("mlp_bias", ("tensor", "fsdp", "sequence")),
    ("position", None),
    ("norm", None),
    # Scales of quantised kernels, one a block of an axis, lie where the block does. Where blocks do
    # not divide over the mesh, the last axis is split in their place.
    ("embed_blocks", ("fsdp", "sequence")),
    ("mlp_blocks", "tensor"),
    ("head_dim_blocks", None),
    ("embed_scales", ("fsdp", "sequence")),
    ("mlp_scales", ("tensor", "fsdp", "sequence")),
    ("mlp_scales", "tensor"),
    ("head_dim_scales", ("fsdp", "sequence")),
    # Adapters are narrow on one side, so the other is split as far as it goes.
    ("lora_rank", None),
    ("lora_mlp", ("tensor", "fsdp", "sequence")),
    ("lora_head_dim", ("fsdp", "sequence")),
    # Activations. Splitting the residual stream over `tensor` turns each all-reduce into a
    # reduce-scatter and an all-gather of the same volume, and what is kept for the backward pass
    # shrinks by the size of the axis.
    ("activation_batch", ("data", "fsdp")),
    ("activation_length", "sequence"),
    ("activation_embed", "tensor"),
    ("activation_heads", "tensor"),
    ("activation_kv_heads", "tensor"),
    ("activation_kv_length", None),
    ("activation_mlp", "tensor"),
    ("activation_vocab", "tensor"),
    # A table is looked up where its parts are: each device reads its part of the width for the
    # tokens of all its fsdp neighbours, and an all-to-all brings every row to its own device.
    ("lookup_batch", "data"),
    ("lookup_length", None),
)

# One key-value head serves every query head, so it cannot be split and is cheap to replicate. A
# decoding step has one position.
DEFAULT_WHOLE_IF_UNEVEN: tuple[str, ...] = (
    "kv_heads",
    "activation_kv_heads",
    "activation_length",
    "mlp_bias",
    "embed_blocks",
    "mlp_blocks",
    "mlp_scales",
    "head_dim_scales",
    "lora_mlp",
    "lora_head_dim",
)


@gin.configurable(module="granite_fc.sharding")
@dataclasses.dataclass(frozen=True)
class LogicalAxisRules:
    """An ordered list of rules.

    For each axis of an array the first rule of its name is used whose mesh axes no earlier axis of
    the same array has taken; without such a rule the axis stays whole. So a name may be listed
    again with a second choice.

    Attributes:
        rules: Pairs (logical axis, mesh axis or axes or None).
        extra_rules: Rules that are tried before `rules`; a run that changes one rule binds this.
        whole_if_uneven: Logical axes that stay whole where the mesh axes do not divide their
            length; elsewhere that is an error.
        max_replicated: Largest share of the parameters' bytes that may be whole over a mesh axis
            that is there to split them (see `granite_fc.sharding.replication`); 1 MiB always may.
    """

    rules: Sequence[Rule] = DEFAULT_RULES
    extra_rules: Sequence[Rule] = ()
    whole_if_uneven: Sequence[str] = DEFAULT_WHOLE_IF_UNEVEN
    max_replicated: float = 0.02

    def check(self) -> None:
        """Checks names against the mesh.

        Raises:
            ConfigurationError: A rule is no pair or names an unknown mesh axis, or a share is none.
        """
        if not 0 <= self.max_replicated <= 1:
            raise ConfigurationError(
                "LogicalAxisRules.max_replicated",
                found=self.max_replicated,
                expected="a share from 0 to 1",
            )
        for rule in (*self.extra_rules, *self.rules):
            if not isinstance(rule, Sequence) or isinstance(rule, str) or len(rule) != 2:
                raise ConfigurationError(
                    "LogicalAxisRules.rules",
                    found=rule,
                    expected="pairs (logical axis, mesh axis or axes or None)",
                )
            unknown = set(_mesh_axes(rule[1])) - set(AXES)
            if unknown:
                raise ConfigurationError(
                    f"LogicalAxisRules.rules[{rule[0]!r}]",
                    found=", ".join(sorted(map(str, unknown))),
                    expected=f"mesh axes out of {', '.join(AXES)}",
                )

    def mesh_axes(self, *axes: str | None) -> set[str]:
        """Returns all mesh axes over which rules may cut any of these logical axes."""
        return {
            mesh_axis
            for axis, target in (*self.extra_rules, *self.rules)
            if axis in axes
            for mesh_axis in _mesh_axes(target)
        }

    def partition(
        self,
        axes: Sequence[str | None],
        shape: Sequence[int],
        mesh_shape: Mapping[str, int],
        *,
        name: str = "array",
    ) -> PartitionSpec:
        """Returns how an array is split; mesh axes of size 1 are left out.

        Args:
            axes: The logical name of each axis, None for one that is never split.
            shape: The length of each axis.
            mesh_shape: Mesh axis to size.
            name: What to call the array in an error.

        Raises:
            ConfigurationError: An axis has no rule, or a length does not divide and the axis is not
                in `whole_if_uneven`.
        """
        if len(axes) != len(shape):
            raise ValueError(f"{name}: {len(axes)} logical axes {axes} for shape {tuple(shape)}")
        taken: set[str] = set()
        entries: list[str | tuple[str, ...] | None] = []
        for axis, length in zip(axes, shape, strict=True):
            chosen = self._choose(axis, mesh_shape, taken, name)
            ways = 1
            for mesh_axis in chosen:
                ways *= mesh_shape[mesh_axis]
            if length % ways:
                if axis not in self.whole_if_uneven:
                    raise ConfigurationError(
                        f"{name}, axis {axis}",
                        found=f"length {length} over {' x '.join(chosen)} = {ways}",
                        expected=f"a length that {ways} divides",
                        remedy="Change the mesh or the model's size, or add the axis to "
                        "LogicalAxisRules.whole_if_uneven to leave it whole.",
                    )
                chosen = ()
            taken.update(chosen)
            entries.append(None if not chosen else chosen[0] if len(chosen) == 1 else chosen)
        while entries and entries[-1] is None:
            entries.pop()
        return PartitionSpec(*entries)

    def _choose(
        self, axis: str | None, mesh_shape: Mapping[str, int], taken: set[str], name: str
    ) -> tuple[str, ...]:
        if axis is None:
            return ()
        known = False
        for rule_axis, target in (*self.extra_rules, *self.rules):
            if rule_axis != axis:
                continue
            known = True
            split = tuple(a for a in _mesh_axes(target) if mesh_shape[a] > 1)
            if taken.isdisjoint(split):
                return split
        if not known:
            raise ConfigurationError(
                f"{name}, axis {axis}",
                found="no rule",
                expected="a rule for every logical axis",
                remedy=f"Add ({axis!r}, None) or a mesh axis to LogicalAxisRules.extra_rules.",
            )
        return ()


def _mesh_axes(target: str | Sequence[str] | None) -> tuple[str, ...]:
    if target is None:
        return ()
    return (target,) if isinstance(target, str) else tuple(target)
