"""What a compiled step holds in a device's memory, and what one that does not fit would need."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import jax

from granite_fc.sharding.offload import is_on_host

GIB = 2**30
_UNITS = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_NEEDED = (
    # What the program as a whole needs, and what there is.
    re.compile(r"Used ([\d.]+)([BKMGT])\w* of ([\d.]+)([BKMGT])\w* hbm", re.IGNORECASE),
    # What its temporaries alone need.
    re.compile(r"\(([\d.]+)([BKMGT])\w*\) exceeds available HBM \(([\d.]+)([BKMGT])\w*\)"),
)


@dataclasses.dataclass(frozen=True)
class Memory:
    """Bytes on one device.

    Attributes:
        peak: The most that is in use at once, as the compiler counts it.
        arguments: What the step is given: parameters, the optimizer's state and a batch.
        temporaries: The sum of the compiler's temporary buffers; those that are not alive at once
            may share memory, so it can exceed the peak.
    """

    peak: int
    arguments: int
    temporaries: int

    @property
    def activations(self) -> int:
        """Activations, gradients and all else that is alive at the peak beside the arguments."""
        return max(0, self.peak - self.arguments)


def held(tree: Any, *, host: bool = False) -> int:
    """Returns the bytes of one device's part of arrays.

    Args:
        tree: Tree of `jax.ShapeDtypeStruct` with shardings.
        host: Count those that lie in the host's memory, instead of those on the device.
    """
    return sum(
        math.ceil(
            math.prod(leaf.sharding.shard_shape(leaf.shape))
            * jax.dtypes.itemsize_bits(leaf.dtype)
            / 8
        )
        for leaf in jax.tree.leaves(tree)
        if is_on_host(leaf) == host
    )


def memory_of(compiled: Any) -> Memory:
    """Reads what the compiler says of a compiled step.

    Args:
        compiled: `jax.stages.Compiled`.
    """
    analysis = compiled.memory_analysis()
    arguments, temporaries = analysis.argument_size_in_bytes, analysis.temp_size_in_bytes
    returned = analysis.output_size_in_bytes - analysis.alias_size_in_bytes
    peak = getattr(analysis, "peak_memory_in_bytes", 0)
    if peak:
        # Unlike `arguments`, it counts what lies in the host's memory too.
        peak -= analysis.host_argument_size_in_bytes
    return Memory(
        peak=peak or arguments + returned + temporaries,
        arguments=arguments,
        temporaries=temporaries,
    )


def needed_bytes(message: str, arguments: int) -> int | None:
    """Returns how much memory a program needs that the compiler refused for want of it.

    Args:
        message: The compiler's error.
        arguments: Bytes of the step's arguments on one device.

    Returns:
        Bytes, at least; None where the message is of something else.
    """
    if "RESOURCE_EXHAUSTED" not in message and "Ran out of memory" not in message:
        return None
    whole, temporaries = (pattern.search(message) for pattern in _NEEDED)
    if whole is not None:
        return _bytes(whole[1], whole[2])
    if temporaries is not None:
        return _bytes(temporaries[1], temporaries[2]) + arguments
    return None


def _bytes(number: str, unit: str) -> int:
    return int(float(number) * _UNITS[unit.upper()])
