"""What renderers give, and what they are given beside the episode."""

from __future__ import annotations

import collections
import dataclasses
from typing import NamedTuple

from tasks.dialects import DIALECTS, Dialect
from tasks.keyed import drawn
from tasks.renderers.token_counter import TokenCounter
from tasks.rendering_config import RenderingConfig


class Example(NamedTuple):
    """One training example as text.

    Attributes:
        inputs: The prompt, up to where the answer begins.
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
        counts: What became of the examples, added to by every call of a renderer. Given, but made
            shorter: "leaner_detail", "shed_functions" ("few_functions", where fewer than three are
            left), "trimmed_history", "split_conversation".
            Left out: "too_long"; "ungrounded", where a value of the target is known from nowhere,
            and "hidden_result", where it depends on a result that the prompt cannot show, or
            nothing but such a result, or an order of effects, tells why the calls end;
            "partly_said", where it is open which values of a turn's calls the text gives. What
            targets refer to: "references_within_turn", "references_across_turns".
    """

    config: RenderingConfig
    count_tokens: TokenCounter | None = None
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def __post_init__(self) -> None:
        if self.config.sequence_length is not None and self.count_tokens is None:
            raise ValueError("a sequence length needs a token counter")

    def count(self, reason: str, number: int = 1) -> None:
        """Adds to `counts`; nothing is no entry."""
        if number:
            self.counts[reason] += number

    def on_trial(self) -> RenderingContext:
        """The same with counts of its own, for examples that may not be used."""
        return dataclasses.replace(self, counts=collections.Counter())

    def dialect(self, episode_id: str, subtask: str) -> Dialect:
        """The dialect of an episode's examples of a sub-task, by a hash of both."""
        key = (self.config.seed, episode_id, subtask, "dialect")
        return DIALECTS[drawn(self.config.dialects, *key)]
