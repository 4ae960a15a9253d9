"""Reads a compiled program's text: its computations and their instructions."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Mapping

_BITS = {"pred": 8, "bf16": 16, "token": 0, "opaque": 0, "c64": 64, "c128": 128}
_ARRAY = re.compile(r"([a-z]\w*)\[([\d,<=?]*)\]")
_HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\{$")
_END = re.compile(r"^\}(, execution_thread=\"\w+\")?$")
_ASSIGNMENT = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = (.*)$", re.DOTALL)
_NAME = re.compile(r"%([\w.\-]+)")
_COMMENT = re.compile(r"/\*.*?\*/")
_PARENTHESIS = re.compile(r"[()]")


@dataclasses.dataclass(frozen=True)
class ArrayType:
    """An array's element type and shape.

    Attributes:
        dtype: As in the text: "bf16", "f32", "pred".
        shape: The length of each axis.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Bytes of the elements, without padding."""
        return -(-self.size * _bits(self.dtype) // 8)


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        name: Its name, without "%".
        arrays: The arrays of its result, those of a tuple in their order.
        opcode: What it does.
        operands: Names of its operands.
        literal: What stands between the parentheses.
        attributes: The text behind them.
        is_root: Whether it is its computation's result.
    """

    name: str
    arrays: tuple[ArrayType, ...]
    opcode: str
    operands: tuple[str, ...]
    literal: str
    attributes: str
    is_root: bool

    @property
    def num_bytes(self) -> int:
        """Bytes of the result."""
        return sum(array.num_bytes for array in self.arrays)

    @functools.cached_property
    def estimated_cycles(self) -> int:
        """The compiler's estimate, 0 where it gives none."""
        match = re.search(r'"estimated_cycles":"?(\d+)', self.attributes)
        return int(match[1]) if match else 0

    def attribute(self, name: str) -> str | None:
        """Returns an attribute's text up to the end of its braces, or None."""
        match = re.search(rf"(?:^|[ ,]){name}=", self.attributes)
        if match is None:
            return None
        begin = match.end()
        depth = 0
        for position in range(begin, len(self.attributes)):
            character = self.attributes[position]
            if character in "{[(":
                depth += 1
            elif character in "}])":
                depth -= 1
            elif character in ", " and depth == 0:
                return self.attributes[begin:position]
        return self.attributes[begin:]

    def called(self, *names: str) -> list[str]:
        """Returns the computations that these attributes name."""
        found = []
        for name in names:
            text = self.attribute(name)
            if text is not None:
                found += re.findall(r"[\w.\-]+", text.replace("%", ""))
        return found


@dataclasses.dataclass(frozen=True)
class Computation:
    """A list of instructions, in the order in which they run where the program is scheduled."""

    name: str
    instructions: tuple[Instruction, ...]

    @functools.cached_property
    def by_name(self) -> Mapping[str, Instruction]:
        """Instruction name to instruction."""
        return {instruction.name: instruction for instruction in self.instructions}

    @functools.cached_property
    def root(self) -> Instruction:
        """The instruction whose result is the computation's."""
        return next(
            (instruction for instruction in self.instructions if instruction.is_root),
            self.instructions[-1],
        )


@dataclasses.dataclass(frozen=True)
class Program:
    """A whole program's text.

    Attributes:
        computations: Name to computation.
        entry: The name of the one that runs.
    """

    computations: Mapping[str, Computation]
    entry: str

    @staticmethod
    def parse(text: str) -> Program:
        """Reads the text of `jax.stages.Compiled.as_text`.

        Raises:
            ValueError: It has no entry computation.
        """
        computations: dict[str, Computation] = {}
        entry = name = ""
        lines: list[str] | None = None
        for line in text.splitlines():
            if lines is None:
                if match := _HEAD.match(line):
                    name, lines = match[2], []
                    entry = name if match[1] else entry
            elif _END.match(line):
                computations[name] = Computation(name, tuple(map(_instruction, lines)))
                lines = None
            elif _ASSIGNMENT.match(line):
                lines.append(line)
            elif lines:
                lines[-1] += line  # attributes of kernels contain line breaks
        if not entry:
            raise ValueError("The text has no ENTRY computation: it is no compiled program.")
        return Program(computations, entry)


def _bits(dtype: str) -> int:
    if dtype in _BITS:
        return _BITS[dtype]
    match = re.match(r"[a-z]+(\d+)", dtype)
    if match is None:
        raise ValueError(f"unknown element type {dtype}")
    return int(match[1])


def _instruction(line: str) -> Instruction:
    match = _ASSIGNMENT.match(line)
    assert match is not None
    is_root, name, text = bool(match[1]), match[2], _COMMENT.sub("", match[3])
    end = _closing(text, 0) + 1 if text.startswith("(") else text.index(" ")
    kind = text[:end]
    rest = text[end:].lstrip()
    opening = rest.index("(")
    closing = _closing(rest, opening)
    literal = rest[opening + 1 : closing]
    return Instruction(
        name=name,
        arrays=tuple(
            ArrayType(
                dtype, tuple(int(size.lstrip("<=")) for size in shape.split(",") if size != "")
            )
            for dtype, shape in _ARRAY.findall(kind)
        ),
        opcode=rest[:opening].strip(),
        operands=tuple(_NAME.findall(literal)),
        literal=literal,
        attributes=rest[closing + 1 :].lstrip(", "),
        is_root=is_root,
    )


def _closing(text: str, opening: int) -> int:
    depth = 0
    for match in _PARENTHESIS.finditer(text, opening):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    raise ValueError(f"parentheses do not close in {text[:200]!r}")
