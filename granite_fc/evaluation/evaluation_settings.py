"""Which models an evaluation is of, what they are asked, and how."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Subject:
    """One model, or its answers.

    Attributes:
        name: What it is called.
        path: Its checkpoint, or the file or folder of its answers.
        is_checkpoint: Which of the two.
    """

    name: str
    path: str
    is_checkpoint: bool

    @classmethod
    def parse(cls, text: str, *, is_checkpoint: bool) -> Subject:
        """Reads `PATH` or `NAME=PATH`; a path alone is named by its last part."""
        name, equals, path = text.partition("=")
        if not equals or "/" in name:
            name, path = Path(text).expanduser().absolute().name, text
        return cls(name, path, is_checkpoint)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is asked, and how.

    Attributes:
        suite: Name of a suite, or None for a mixture.
        suite_dir: Where its data is, or None.
        dots_as_underscores: Whether its functions were offered with `_` for `.` in their names.
        mixture: Name of a mixture or task, or None for a suite.
        split: The held-out split of the mixture.
        examples: Requests of each task or category at most, 0 for all; None for the requests that
            the first file of answers answers, or else 100 of each task and all of a suite.
        constrained: Whether checkpoints answer by the items' grammars.
        max_new_tokens: Most tokens of an answer; None for what the items need.
        compatibility: Whether others' published scorers are run as well.
        adapters: `[SUBTASK=]DIR` of adapters that answer in place of the checkpoint's own.
        gin_files: Gin files beside those of the checkpoints.
        default_file: The gin file that is read where there is neither.
        overrides: (name, value) pairs.
        search_paths: Where to look for gin files.
    """

    suite: str | None
    suite_dir: str | None
    dots_as_underscores: bool
    mixture: str | None
    split: str
    examples: int | None
    constrained: bool
    max_new_tokens: int | None
    compatibility: bool
    adapters: Sequence[str]
    gin_files: Sequence[str]
    default_file: str
    overrides: Sequence[tuple[str, str]]
    search_paths: Sequence[str]
