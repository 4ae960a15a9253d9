"""What renderers give, and what they are given beside the episode."""

from __future__ import annotations

import collections
import dataclasses
from typing import NamedTuple

from tasks.renderers.token_counter import TokenCounter
from tasks.rendering_config import RenderingConfig


class Example(NamedTuple):
    """One training example as text.

    Attributes:
        inputs: The prompt; ends with a newline.
        targets: What the model is to write; begins and ends without white space.
    """

    inputs: str
    targets: str


@dataclasses.dataclass
class RenderingContext:
    """What rendering needs beside the episode.

    Attributes:
        config: The settings.
        count_tokens: Counts the tokens of a text; needed where `config.sequence_length` is set.
        counts: What became of the examples, added to by every call of a renderer:
            "shed_functions" and "trimmed_history" (given, but made shorter), "too_long" (dropped).
    """

    config: RenderingConfig
    count_tokens: TokenCounter | None = None
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def __post_init__(self) -> None:
        if self.config.sequence_length is not None and self.count_tokens is None:
            raise ValueError("a sequence length needs a token counter")
