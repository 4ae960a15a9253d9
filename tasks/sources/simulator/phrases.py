"""Phrase templates with value slots, told apart by the split that may use them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Literal

Split = Literal["train", "validation"]

_PIECE = re.compile(r"\[[^\]]*\]|\{[\w.]+\}|[^\[{]+")


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """A phrase with slots, such as `a flight from {origin}[ on {date}]`.

    What stands in brackets is left out where its slot has no value.

    Attributes:
        text: The phrase as written.
        slots: Names of all slots, in order.
        fixed: Those outside brackets, which need a value.
        possessive: Those followed by 's, where only a plain name reads well.
    """

    text: str
    slots: tuple[str, ...] = dataclasses.field(init=False)
    fixed: frozenset[str] = dataclasses.field(init=False)
    possessive: frozenset[str] = dataclasses.field(init=False)
    _pieces: tuple[tuple[str, str | tuple[tuple[str, str], ...]], ...] = dataclasses.field(
        init=False, repr=False
    )

    def __post_init__(self) -> None:
        pieces: list[tuple[str, str | tuple[tuple[str, str], ...]]] = []
        fixed = []
        for piece in _PIECE.findall(self.text):
            if piece.startswith("["):
                inner = tuple(_flat_piece(part) for part in _PIECE.findall(piece[1:-1]))
                pieces.append(("group", inner))
            else:
                pieces.append(_flat_piece(piece))
                if pieces[-1][0] == "slot":
                    fixed.append(piece[1:-1])
        object.__setattr__(self, "slots", tuple(re.findall(r"\{([\w.]+)\}", self.text)))
        object.__setattr__(self, "fixed", frozenset(fixed))
        possessive = frozenset(re.findall(r"\{([\w.]+)\}'s", self.text))
        object.__setattr__(self, "possessive", possessive)
        object.__setattr__(self, "_pieces", tuple(pieces))

    def fill(self, values: Mapping[str, str]) -> str:
        """Returns the phrase with its slots filled.

        Raises:
            KeyError: A slot outside brackets has no value.
        """
        written = []
        for kind, body in self._pieces:
            if kind == "text":
                written.append(body)
            elif kind == "slot":
                written.append(values[body])  # type: ignore[index]
            else:
                written.extend(_group(body, values))  # type: ignore[arg-type]
        return "".join(written)  # type: ignore[arg-type]


def _flat_piece(piece: str) -> tuple[str, str]:
    return ("slot", piece[1:-1]) if piece.startswith("{") else ("text", piece)


def _group(pieces: tuple[tuple[str, str], ...], values: Mapping[str, str]) -> list[str]:
    written = []
    for kind, body in pieces:
        if kind == "text":
            written.append(body)
        elif body in values:
            written.append(values[body])
        else:
            return []
    return written


@dataclasses.dataclass(frozen=True, eq=False)
class Phrases:
    """Interchangeable templates, those of train and those of validation."""

    train: tuple[Template, ...]
    validation: tuple[Template, ...]

    def of(self, split: Split) -> tuple[Template, ...]:
        """Returns the templates of a split."""
        return self.train if split == "train" else self.validation


def phrases(*train: str, unseen: tuple[str, ...]) -> Phrases:
    """Makes `Phrases` from strings; `unseen` are those of the validation split."""
    return Phrases(tuple(map(Template, train)), tuple(map(Template, unseen)))


def capitalised(text: str) -> str:
    """Returns a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
