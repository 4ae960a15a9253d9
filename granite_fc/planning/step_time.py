"""The time of a step, from what the compiled program does and what the chips can."""

from __future__ import annotations

import dataclasses

import numpy as np

from granite_fc.planning.collectives import Collective
from granite_fc.planning.hlo import Region, Summary
from granite_fc.planning.wires import Wires

# The share of the peak that splash attention reaches on blocks of 512 x 512 and heads that fill the
# matrix units' 128 lanes; no estimate of it is in the program. An assumption: to be replaced by a
# measurement on the chip at hand.
KERNEL_EFFICIENCY = 0.5
_LANES = 128

METHOD = (
    "Compute: the compiler's estimated_cycles, counted through loops, over the chip's clock, plus "
    f"attention kernels' FLOPs at {KERNEL_EFFICIENCY:.0%} of peak. Communication: bytes that a "
    "chip receives over the links of its group, without latency; over DCN by the chip's share of "
    "its host's network. In every loop the longer of work and asynchronous collectives counts, and "
    "synchronous collectives are added. Transfers to host memory, input and logging are not "
    "counted. An estimate from the program, not a measurement."
)


@dataclasses.dataclass(frozen=True)
class StepTime:
    """Seconds of one step.

    Attributes:
        total: The whole step.
        compute: Matrix units, vector units and memory, as the compiler estimates them.
        kernels: Attention kernels.
        synchronous: Collectives that nothing runs beside.
        asynchronous: Collectives that other work runs beside, hidden or not.
    """

    total: float
    compute: float
    kernels: float
    synchronous: float
    asynchronous: float

    @property
    def exposed(self) -> float:
        """Seconds in which the step does nothing but communicate."""
        return self.total - self.compute - self.kernels


def step_time(summary: Summary, wires: Wires, head_dim: int) -> StepTime:
    """Estimates the seconds of a step as `METHOD` says.

    Args:
        summary: Of the compiled program.
        wires: Of the mesh that it was compiled for.
        head_dim: Width of an attention head; one below 128 leaves matrix units idle.
    """
    chip = wires.topology.chip
    kernel_rate = chip.peak_flops * KERNEL_EFFICIENCY * min(head_dim, _LANES) / _LANES

    def visit(region: Region) -> StepTime:
        inner = [_times(visit(part), part.trips) for part in region.inner]
        synchronous = sum(wires.seconds(one) for one in region.collectives if not one.asynchronous)
        # Links are shared with the asynchronous collectives of the loops inside.
        beside = sum(part.asynchronous for part in inner)
        asynchronous = _together([one for one in region.collectives if one.asynchronous], wires)
        compute = region.cycles / chip.clock_hz
        kernels = region.kernel_flops / kernel_rate
        work = compute + kernels + sum(part.total for part in inner)
        return StepTime(
            total=max(work, asynchronous + beside) + synchronous,
            compute=compute + sum(part.compute for part in inner),
            kernels=kernels + sum(part.kernels for part in inner),
            synchronous=synchronous + sum(part.synchronous for part in inner),
            asynchronous=asynchronous + beside,
        )

    return _times(visit(summary.region), summary.region.trips)


def _together(collectives: list[Collective], wires: Wires) -> float:
    """Returns the seconds of asynchronous collectives that share links.

    Permutations in opposite directions use different wires of the same link, and slices are joined
    by another network than chips.
    """
    lanes = {"forward": 0.0, "backward": 0.0, "between slices": 0.0}
    others = 0.0
    for collective in collectives:
        seconds = wires.seconds(collective)
        if collective.between_slices:
            lanes["between slices"] += seconds
        elif collective.kind == "collective-permute" and len(collective.groups.groups):
            steps = np.diff(collective.groups.groups, axis=1)
            lanes["forward" if np.median(steps) > 0 else "backward"] += seconds
        else:
            others += seconds
    within = others + max(lanes["forward"], lanes["backward"])
    return max(within, lanes["between slices"])


def _times(one: StepTime, count: int) -> StepTime:
    return StepTime(*(count * value for value in dataclasses.astuple(one)))
