"""What one step of a compiled program does: cycles, FLOPs and collectives, counted through loops.

Call `summarize(compiled.as_text(), mesh.shape)`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

import numpy as np

from granite_fc.planning.collectives import ALL_REDUCE_SCATTER, KINDS, Collective, CollectiveTotal
from granite_fc.planning.device_groups import DeviceGroups, pair_axes, parse_groups, parse_pairs
from granite_fc.planning.flops import instruction_flops, kernel_flops
from granite_fc.planning.program_text import Computation, Instruction, Program
from granite_fc.planning.trip_count import Call, trip_count

# Between slices the TPU compiler sends and receives through the hosts, and says what for.
_BETWEEN_SLICES = re.compile(r'_xla_megascale_transfer_type="(\w+)"')
_ASYNCHRONOUS_CALLS = ("async-start", "call-start")


@dataclasses.dataclass(frozen=True)
class Region:
    """The program, or a loop in it; figures are of one run, without the regions inside.

    Attributes:
        name: The computation's name.
        trips: How often it runs in one run of the region around it.
        cycles: The compiler's estimated cycles; collectives and custom kernels have none.
        flops: FLOPs of matrix products.
        kernel_flops: FLOPs of attention kernels.
        collectives: Collectives, in order.
        inner: The loops in it.
    """

    name: str
    trips: int
    cycles: int
    flops: float
    kernel_flops: float
    collectives: tuple[Collective, ...]
    inner: tuple[Region, ...]

    def walk(self, times: int = 1) -> Iterator[tuple[Region, int]]:
        """Yields this and all regions inside with how often each runs in one step."""
        times *= self.trips
        yield self, times
        for region in self.inner:
            yield from region.walk(times)


@dataclasses.dataclass(frozen=True)
class Summary:
    """One step on one device.

    Attributes:
        region: The program with its loops.
        cycles: The compiler's estimated cycles.
        flops: FLOPs of matrix products, those of recomputation included.
        kernel_flops: FLOPs of attention kernels.
        collectives: Totals, largest first.
        unknown_loops: Loops whose trip count the text does not tell, counted once.
    """

    region: Region
    cycles: int
    flops: float
    kernel_flops: float
    collectives: tuple[CollectiveTotal, ...]
    unknown_loops: tuple[str, ...]

    def num_bytes(self, kind: str) -> int:
        """Returns the output bytes of all collectives of a kind."""
        return sum(total.num_bytes for total in self.collectives if total.kind == kind)


def summarize(text: str, mesh_shape: Mapping[str, int]) -> Summary:
    """Counts what one step does on one device.

    Args:
        text: The text of the compiled program, `compiled.as_text()`.
        mesh_shape: Mesh axis to size, in mesh order: `mesh.shape`.

    Raises:
        ValueError: The text is no compiled program.
    """
    program = Program.parse(text)
    walker = _Walker(program, mesh_shape)
    region = walker.region(program.computations[program.entry], 1, None)
    totals: dict[tuple[str, str], list[float]] = {}
    cycles, flops, kernels = 0, 0.0, 0.0
    for part, times in region.walk():
        cycles += times * part.cycles
        flops += times * part.flops
        kernels += times * part.kernel_flops
        for collective in part.collectives:
            total = totals.setdefault((collective.kind, collective.axes), [0, 0, 0.0, 0])
            total[0] += times
            total[1] += times * collective.num_bytes
            total[2] += times * collective.received_bytes
            total[3] += times * collective.num_bytes * collective.asynchronous
    collectives = [
        CollectiveTotal(kind, axes, int(count), int(size), received, int(asynchronous))
        for (kind, axes), (count, size, received, asynchronous) in totals.items()
    ]
    collectives.sort(key=lambda total: -total.num_bytes)
    return Summary(region, cycles, flops, kernels, tuple(collectives), tuple(walker.unknown))


class _Walker:
    """Follows control flow from the entry; `unknown` names the loops of unknown length."""

    def __init__(self, program: Program, mesh_shape: Mapping[str, int]) -> None:
        self._program = program
        self._mesh_shape = mesh_shape
        self._num_devices = 1
        for size in mesh_shape.values():
            self._num_devices *= size
        self.unknown: list[str] = []

    def region(self, computation: Computation, trips: int, call: Call | None) -> Region:
        cycles, flops, kernels, work = 0, 0.0, 0.0, 0
        inner: list[Region] = []
        found: list[Collective] = []
        # Asynchronous collectives that have begun: their place in `found`, and the work before.
        begun: dict[str, tuple[int, int]] = {}
        for instruction in computation.instructions:
            here = Call(instruction, computation, call)
            if instruction.opcode in ("while", "conditional", "call"):
                inner.append(self._control(here))
                work += 1
                continue
            cycles += instruction.estimated_cycles
            kernel = kernel_flops(computation, instruction)
            kernels += kernel
            work += instruction.estimated_cycles > 0 or kernel > 0
            if instruction.opcode in ("fusion", *_ASYNCHRONOUS_CALLS):
                flops += self._fused_flops(instruction)
            else:
                flops += instruction_flops(computation, instruction)
            if instruction.opcode.endswith("-done"):
                source = instruction.operands[0] if instruction.operands else ""
                if source in begun:
                    place, before = begun.pop(source)
                    if work == before:
                        found[place] = dataclasses.replace(found[place], asynchronous=False)
                continue
            for collective in self._collectives(instruction):
                if instruction.opcode.endswith("-start") or collective.between_slices:
                    begun[instruction.name] = len(found), work
                found.append(collective)
        return Region(computation.name, trips, cycles, flops, kernels, tuple(found), tuple(inner))

    def _control(self, call: Call) -> Region:
        instruction = call.instruction
        if instruction.opcode == "while":
            trips = trip_count(self._program, call)
            if trips is None:
                self.unknown.append(instruction.name)
            body = self._program.computations[instruction.called("body")[0]]
            return self.region(body, 1 if trips is None else trips, call)
        names = instruction.called(
            "to_apply", "calls", "true_computation", "false_computation", "branch_computations"
        )
        branches = [self.region(self._program.computations[name], 1, call) for name in names]
        # Of a choice the branch that takes longest counts.
        return max(branches, key=lambda region: sum(n * part.cycles for part, n in region.walk()))

    def _fused_flops(self, instruction: Instruction) -> float:
        total = 0.0
        for name in instruction.called("calls", "to_apply"):
            computation = self._program.computations[name]
            for fused in computation.instructions:
                if fused.opcode in ("fusion", "call"):
                    total += self._fused_flops(fused)
                else:
                    total += instruction_flops(computation, fused)
        return total

    def _collectives(self, instruction: Instruction) -> list[Collective]:
        """Returns the collectives that begin with an instruction."""
        kind = instruction.opcode.removesuffix("-start")
        if kind in KINDS:
            return [self._collective(instruction, kind, instruction.opcode != kind)]
        if instruction.opcode == "recv":
            return self._received(instruction)
        if instruction.opcode not in ("fusion", *_ASYNCHRONOUS_CALLS):
            return []
        found = []
        for name in instruction.called("calls", "to_apply"):
            fused = self._program.computations[name].instructions
            begins = any('"AsyncCollectiveStart"' in part.attributes for part in fused)
            scatters = any(part.opcode == "dynamic-slice" for part in fused)
            for part in fused:
                if part.opcode in KINDS:
                    # The TPU compiler repeats a collective in every fusion that moves a part of it.
                    if "async_collective_fusion_config" in part.attributes and not begins:
                        continue
                    kind = part.opcode
                    if kind == "all-reduce" and scatters:
                        kind = ALL_REDUCE_SCATTER
                    asynchronous = begins or instruction.opcode in _ASYNCHRONOUS_CALLS
                    found.append(self._collective(part, kind, asynchronous))
                else:
                    found += self._collectives(part)
        return found

    def _collective(self, instruction: Instruction, kind: str, asynchronous: bool) -> Collective:
        arrays = instruction.arrays
        if instruction.opcode.endswith("-start") and kind != "all-reduce":
            count = len(instruction.operands)
            arrays = arrays[count : 2 * count]
        pairs = instruction.attribute("source_target_pairs")
        if pairs is not None:
            groups = parse_pairs(pairs)
            axes = pair_axes(groups, self._mesh_shape)
        else:
            _, _, text = instruction.attributes.partition("replica_groups=")
            groups = parse_groups(text or "{}", self._num_devices)
            axes = groups.axes(self._mesh_shape)
        return Collective(
            name=instruction.name,
            kind=kind,
            axes=axes,
            groups=groups,
            num_bytes=sum(array.num_bytes for array in arrays),
            asynchronous=asynchronous,
        )

    def _received(self, instruction: Instruction) -> list[Collective]:
        """Returns the collective between slices whose result arrives here, if it is one."""
        match = _BETWEEN_SLICES.search(instruction.attributes)
        if match is None:
            return []
        crossing = next(iter(self._mesh_shape), "-")
        size = self._mesh_shape.get(crossing, 1)
        inside = self._num_devices // max(size, 1)
        groups = DeviceGroups(np.arange(self._num_devices).reshape(size, inside).T)
        return [
            Collective(
                name=instruction.name,
                kind=match[1].lower().replace("_", "-"),
                axes=crossing,
                groups=groups,
                num_bytes=instruction.arrays[0].num_bytes,
                asynchronous=True,
                between_slices=True,
            )
        ]
