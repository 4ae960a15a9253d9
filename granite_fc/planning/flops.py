"""FLOPs of a compiled program's instructions, from their shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from granite_fc.planning.program_text import ArrayType, Computation, Instruction

_KERNEL = re.compile(r"splash_(?:mha|mqa)_(fwd|dq|dkv)")
# Products of [queries, keys] by a head's width in each phase of the attention kernel: scores, and
# their product with the values; backwards the scores again, and the gradients. The kernel for the
# gradients of keys and values may compute that of the queries with them.
_PRODUCTS = {"fwd": 2, "dq": 3, "dkv": 4}
_FLOATS = ("bf16", "f16", "f32")


def instruction_flops(computation: Computation, instruction: Instruction) -> float:
    """Returns the FLOPs of a matrix product or convolution, 0 of anything else.

    A multiplication and an addition count as two. Padding counts nothing.
    """
    if instruction.opcode == "dot":
        return _dot(instruction, *_operands(computation, instruction)[:2])
    if instruction.opcode == "convolution":
        return _convolution(instruction, *_operands(computation, instruction)[:2])
    return 0.0


def kernel_flops(computation: Computation, instruction: Instruction) -> float:
    """Returns the FLOPs of a splash attention kernel, 0 of any other instruction.

    Blocks of a query and an earlier key of the same row count, those on the diagonal whole; what
    the kernel skips between examples packed into one row cannot be known. Where a device holds
    fewer queries than keys, the device with the last queries is meant, which has most to do.
    """
    if instruction.opcode != "custom-call" or "tpu_custom_call" not in instruction.attributes:
        return 0.0
    match = _KERNEL.search(f"{instruction.name} {instruction.attributes}")
    if match is None:
        return 0.0
    phase = match[1]
    operands = _operands(computation, instruction)
    floats = [array for array in operands if array.dtype in _FLOATS and len(array.shape) >= 2]
    if len(floats) < 3:
        return 0.0
    query, key = floats[:2]
    queries, width = query.shape[-2:]
    keys = key.shape[-2]
    suffix = "" if phase == "fwd" else f"_{phase}"
    block_q = _metadata(instruction, f"block_q{suffix}")
    block_kv = _metadata(instruction, f"block_kv{suffix}")
    # The rows of a batch are laid end to end. The kernel's first table has an entry for every block
    # of all queries and one row's keys, or for dkv of one row's queries and all keys.
    rows = 1
    table = operands[0].shape
    if block_q and block_kv and len(table) == 3:
        rows = queries // (table[1] * block_q) if phase == "dkv" else keys // (table[2] * block_kv)
        rows = max(rows, 1)
    queries, keys = queries // rows, keys // rows
    pairs = rows * queries * (keys - queries / 2 + (block_kv or 0) / 2)
    products = _PRODUCTS[phase]
    if phase == "dkv" and r"use_fused_bwd_kernel\": true" in instruction.attributes:
        products += 1
    return 2.0 * products * math.prod(query.shape[:-2]) * pairs * width


def _metadata(instruction: Instruction, name: str) -> int | None:
    match = re.search(rf'\\"{name}\\": (\d+)', instruction.attributes)
    return int(match[1]) if match else None


def _operands(computation: Computation, instruction: Instruction) -> list[ArrayType]:
    return [
        array
        for name in instruction.operands
        if name in computation.by_name
        for array in computation.by_name[name].arrays
    ]


def _dot(instruction: Instruction, left: ArrayType, right: ArrayType) -> float:
    contracted = math.prod(
        left.shape[int(axis)]
        for axis in re.findall(r"\d+", instruction.attribute("lhs_contracting_dims") or "")
    )
    return 2.0 * instruction.arrays[0].size * contracted


def _convolution(instruction: Instruction, left: ArrayType, right: ArrayType) -> float:
    labels = instruction.attribute("dim_labels")
    assert labels is not None
    match = re.fullmatch(r"(\w+)_(\w+)->(\w+)", labels)
    assert match is not None, labels
    inputs, kernel, outputs = match.groups()
    result = instruction.arrays[0]
    window = _window(instruction.attribute("window") or "{}")
    spatial = sorted(label for label in kernel if label.isdigit())
    total = 2.0 * result.shape[outputs.index("b")] * result.shape[outputs.index("f")]
    total *= right.shape[kernel.index("i")]
    total /= int(instruction.attribute("batch_group_count") or 1)
    for position, label in enumerate(spatial):
        total *= _valid_positions(
            input_size=left.shape[inputs.index(label)],
            output_size=result.shape[outputs.index(label)],
            kernel_size=right.shape[kernel.index(label)],
            stride=_at(window, "stride", position, 1),
            low=_at(window, "pad", position, 0),
            input_dilation=_at(window, "lhs_dilate", position, 1),
            kernel_dilation=_at(window, "rhs_dilate", position, 1),
        )
    return total


def _valid_positions(
    *,
    input_size: int,
    output_size: int,
    kernel_size: int,
    stride: int,
    low: int,
    input_dilation: int,
    kernel_dilation: int,
) -> int:
    """Counts pairs of an output and a kernel position that meet an input and no padding."""
    span = (input_size - 1) * input_dilation + 1
    valid = 0
    for offset in range(kernel_size):
        first = offset * kernel_dilation - low
        if input_dilation == 1:
            # Outputs o with 0 <= first + o * stride < span.
            begin = max(0, -(first // stride))
            end = min(output_size, -((first - span) // stride))
            valid += max(0, end - begin)
        else:
            valid += sum(
                0 <= (position := first + output * stride) < span and position % input_dilation == 0
                for output in range(output_size)
            )
    return valid


def _window(text: str) -> Mapping[str, list[int]]:
    """Reads "{size=2x2 pad=1_1x0_0}"; of padding only that before the first element."""
    return {
        name: [int(part.split("_")[0]) for part in values.split("x")]
        for name, values in re.findall(r"(\w+)=([\d_x\-]+)", text)
    }


def _at(window: Mapping[str, list[int]], name: str, position: int, default: int) -> int:
    values = window.get(name)
    return values[position] if values else default
