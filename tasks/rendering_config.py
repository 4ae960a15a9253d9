"""How episodes become text: what gin may change about it."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any

import gin

from granite_fc.errors import ConfigurationError
from tasks.subtasks import (
    FUNCTION_CHAINING,
    NAME_DETECTION,
    NESTED_CALLS,
    NEXT_BEST_FUNCTION,
    PARALLEL_CALLS,
    RESPONSE_GENERATION,
    SUBTASKS,
    UMBRELLA,
)

FUNCTION_DETAILS = ("full", "paper", "signature", "description")
TOO_LONG_POLICIES = ("shed", "drop", "error")

# Naming a function asks for no parameters; a reply may have to ask for one.
_OWN_DETAILS = types.MappingProxyType(
    {
        NAME_DETECTION: "description",
        NEXT_BEST_FUNCTION: "description",
        RESPONSE_GENERATION: "signature",
    }
)

_OWN_NEGATIVE_RATES = types.MappingProxyType(
    {NESTED_CALLS: 0.4, FUNCTION_CHAINING: 0.4, PARALLEL_CALLS: 0.4}
)


@gin.configurable(module="tasks")
@dataclasses.dataclass(frozen=True)
class RenderingConfig:
    """What decides the text of an example, beside the episode itself.

    Attributes:
        seed: Decides the order of libraries and the choice among instructions, for each episode by
            a hash of (seed, episode_id): no process, order or number of hosts has a part in it.
        num_functions: Functions in a library: those needed, always, and distractors up to this
            number, of the same service first.
        function_detail: How a function is written: "full" (JSON with types and required
            parameters), "paper" (JSON without them, as the Granite function-calling models were
            trained), "signature" (`f(a: string, b: integer = 3) - description`) or "description"
            (the name and one line).
        function_details: The same for single sub-tasks, over `function_detail`. Where a sub-task
            is absent, `name_detection` and `next_best_function` have "description" and
            `response_generation` "signature".
        negative_rates: For single sub-tasks, the share (from 0 to 1) that they use of the episodes
            that no call answers, chosen by hash. Where a sub-task is absent: 0.4 for nested calls,
            function chaining and parallel calls, which only some of the other episodes serve, so
            that all negatives would make up two fifths of their examples; 1 for the rest.
        sequence_length: Positions of a training row; an example has to fit into one. It takes as
            many positions as its inputs and targets have tokens: its last token, the
            end-of-sequence id, is only predicted. None: any length.
        too_long: What is done about an example that does not fit: "shed" (leave out distractor
            functions, the least related first, then the oldest history, never the request; dropped
            and counted if it is still too long), "drop" (dropped and counted) or "error".
    """

    seed: int = 0
    num_functions: int = 8
    function_detail: str = "full"
    function_details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    negative_rates: Mapping[str, float] = dataclasses.field(default_factory=dict)
    sequence_length: int | None = None
    too_long: str = "shed"

    def __post_init__(self) -> None:
        if self.num_functions < 1:
            raise _error("num_functions", self.num_functions, "at least 1")
        if self.sequence_length is not None and self.sequence_length < 2:
            raise _error("sequence_length", self.sequence_length, "at least 2, or None")
        if self.too_long not in TOO_LONG_POLICIES:
            raise _error("too_long", self.too_long, f"one of {', '.join(TOO_LONG_POLICIES)}")
        expected = f"one of {', '.join(FUNCTION_DETAILS)}"
        if self.function_detail not in FUNCTION_DETAILS:
            raise _error("function_detail", self.function_detail, expected)
        for field in ("function_details", "negative_rates"):
            for subtask in getattr(self, field):
                if subtask not in (*SUBTASKS, UMBRELLA):
                    raise _error(field, subtask, f"one of {', '.join((*SUBTASKS, UMBRELLA))}")
        for subtask, rate in self.negative_rates.items():
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
                raise _error(f"negative_rates[{subtask!r}]", rate, "a share from 0 to 1")
        for subtask, detail in self.function_details.items():
            if detail not in FUNCTION_DETAILS:
                raise _error(f"function_details[{subtask!r}]", detail, expected)

    def detail_of(self, subtask: str) -> str:
        """How functions are written in the examples of `subtask`."""
        own = self.function_details.get(subtask, _OWN_DETAILS.get(subtask))
        return own or self.function_detail

    def negative_rate_of(self, subtask: str) -> float:
        """The share of the negatives that `subtask` uses."""
        return self.negative_rates.get(subtask, _OWN_NEGATIVE_RATES.get(subtask, 1.0))

    def content(self, subtask: str) -> dict[str, Any]:
        """All that decides what the examples of `subtask` say, as JSON values."""
        return {
            "seed": self.seed,
            "num_functions": self.num_functions,
            "function_detail": self.detail_of(subtask),
            "negative_rate": self.negative_rate_of(subtask),
            "sequence_length": self.sequence_length,
            "too_long": self.too_long,
        }


def _error(field: str, found: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"RenderingConfig.{field}", found=found, expected=expected)
