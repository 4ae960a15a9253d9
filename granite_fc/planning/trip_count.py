"""How often a compiled program's loops run, from their text."""

from __future__ import annotations

import dataclasses
import re

from granite_fc.planning.program_text import Computation, Instruction, Program

# Instructions that hand a value on as it is.
_TRANSPARENT = {
    "bitcast",
    "convert",
    "copy",
    "copy-done",
    "copy-start",
    "optimization-barrier",
    "reshape",
}


@dataclasses.dataclass(frozen=True)
class Call:
    """Where a computation is called from, so that values passed to it can be followed.

    Attributes:
        instruction: The `while` or call.
        computation: The computation that holds it.
        outer: Where that one is called from.
    """

    instruction: Instruction
    computation: Computation
    outer: Call | None


def trip_count(program: Program, call: Call) -> int | None:
    """Returns how often a `while` runs its body, or None where its text does not tell.

    The count is what the compiler recorded, or else follows from the condition, which compares a
    counter with a constant, and from what the counter begins with and is raised by.
    """
    loop = call.instruction
    if match := re.search(r'"known_trip_count":\{"n":"?(\d+)', loop.attributes):
        return int(match[1])
    condition = program.computations[loop.called("condition")[0]]
    body = program.computations[loop.called("body")[0]]
    compare = _through_fusion(program, condition)
    if compare is None:
        return None
    direction, operands = compare
    if direction in ("GT", "GE"):
        direction, operands = {"GT": "LT", "GE": "LE"}[direction], operands[::-1]
    counter, limit_name = operands
    index = _loop_index(condition, counter)
    if direction not in ("LT", "LE") or index is None:
        return None
    limit = _constant(condition, limit_name, call)
    start = _initial(call, index)
    step = _step(body, index, call)
    if limit is None or start is None or not step or step < 0:
        return None
    return max(0, -(-(limit + (direction == "LE") - start) // step))


def _through_fusion(program: Program, condition: Computation) -> tuple[str, tuple[str, str]] | None:
    """Returns a condition's comparison: its direction, and the names of both sides in it."""
    root = condition.root
    if root.opcode == "fusion":
        inner = program.computations[root.called("calls")[0]]
        comparison = inner.root
        operands = []
        for operand in comparison.operands:
            source = inner.by_name[operand]
            if source.opcode != "parameter":
                return None
            operands.append(root.operands[int(source.literal)])
    else:
        comparison, operands = root, list(root.operands)
    direction = comparison.attribute("direction")
    if comparison.opcode != "compare" or direction is None or len(operands) != 2:
        return None
    return direction, (operands[0], operands[1])


def _resolve(computation: Computation, name: str) -> Instruction | None:
    instruction = computation.by_name.get(name)
    while instruction is not None and instruction.opcode in _TRANSPARENT:
        instruction = computation.by_name.get(instruction.operands[0])
    return instruction


def _loop_index(computation: Computation, name: str) -> int | None:
    """Returns which element of the loop's state a name stands for, or None."""
    instruction = _resolve(computation, name)
    if instruction is None or instruction.opcode != "get-tuple-element":
        return None
    source = _resolve(computation, instruction.operands[0])
    if source is None or source.opcode != "parameter":
        return None
    index = instruction.attribute("index")
    return None if index is None else int(index)


def _constant(computation: Computation, name: str, call: Call | None) -> int | None:
    """Returns an integer constant, followed through loop states that never change it."""
    instruction = _resolve(computation, name)
    if instruction is None:
        return None
    if instruction.opcode == "constant":
        try:
            return int(instruction.literal)
        except ValueError:
            return None
    index = _loop_index(computation, name)
    if index is None or call is None or call.instruction.opcode != "while":
        return None
    return _initial(call, index)


def _initial(call: Call, index: int) -> int | None:
    """Returns what an element of a loop's state begins with."""
    state = _resolve(call.computation, call.instruction.operands[0])
    if state is None or state.opcode != "tuple":
        return None
    return _constant(call.computation, state.operands[index], call.outer)


def _step(body: Computation, index: int, call: Call) -> int | None:
    """Returns by how much a loop's body raises an element of its state."""
    state = _resolve(body, body.root.name)
    if state is None or state.opcode != "tuple":
        return None
    total = 0
    name = state.operands[index]
    for _ in range(len(body.instructions)):
        if _loop_index(body, name) == index:
            return total
        addition = _resolve(body, name)
        if addition is None or addition.opcode != "add":
            return None
        first, second = addition.operands
        amount = _constant(body, second, call)
        if amount is None:
            first, amount = second, _constant(body, first, call)
        if amount is None:
            return None
        total, name = total + amount, first
    return None
