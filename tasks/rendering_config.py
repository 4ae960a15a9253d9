"""How episodes become text: what gin may change about it."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import gin

from granite_fc.errors import ConfigurationError
from tasks.dialects import DIALECTS
from tasks.keyed import drawn
from tasks.sources.registry import SOURCES, all_sources
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
INSTRUCTIONS = ("varied", "short", "released")
TOO_LONG_POLICIES = ("shed", "drop", "error")
SHEDDING_STEPS = ("distractors", "detail", "history", "conversation")
UNGROUNDED_POLICIES = ("skip", "keep")

_ALL_SUBTASKS = (*SUBTASKS, UMBRELLA)

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
        seed: Decides the order of libraries and all choices among several, for each episode by a
            hash of (seed, episode_id): no process, order or number of hosts has a part in it.
        dialect: How prompts and calls are written: "granite", "granite3", "hermes" or "openai".
        dialect_shares: Several dialects instead, each with its share of the examples; the shares
            need not add up to 1.
        instructions: "varied" (every phrasing of a sub-task), "short" (those of a few words) or
            "released" (the one with which the dialect's models were released; where none is known,
            always the same phrasing).
        num_functions: Functions in a library: those needed and those that the shown conversation
            calls, always, even beyond this number, and distractors up to it, of the same service
            first. Two numbers: from the first to the second.
        function_detail: How a function is written: "full" (JSON with types and required
            parameters), "paper" (JSON without them, as the Granite function-calling models were
            trained), "signature" (`f(a: string, b: integer = 3) - description`) or "description"
            (the name and one line). Or several, each with its share of the examples:
            `{"full": 1, "signature": 1}`. An episode and a sub-task decide it, not the length of
            the example, which would tell calls from none; see `shed_order`.
        function_details: The same for single sub-tasks, over `function_detail`. Where a sub-task
            is absent, `name_detection` and `next_best_function` have "description" and
            `response_generation` "signature".
        negative_rates: For single sub-tasks, the share (from 0 to 1) that they use of the episodes
            that no call answers, chosen by hash. Where a sub-task is absent: 0.4 for nested calls,
            function chaining and parallel calls, which only some of the other episodes serve, so
            that all negatives would make up two fifths of their examples; 1 for the rest. The
            name of a source before that of a sub-task ("star_function_chaining") goes first.
        nothing_left_rate: Of the conversations that serve nested calls, function chaining or
            parallel calls and end in a request that needs no further call, the share (from 0 to 1)
            whose end is an example too, to be answered by `no_function`. Likewise the share of the
            calls without a value that the text gives ("Yes, send it") that parameter detection asks
            about, to be answered by `{}`.
        ungrounded: What is done about calls with an argument that nobody could know, and replies
            that state such a thing: "skip" (no example asks for them; counted) or "keep". Where
            the function alone is asked for, only required free text counts.
        sequence_length: Positions of a training row; an example has to fit into one. It takes as
            many positions as its inputs and targets have tokens: its last token, the
            end-of-sequence id, is only predicted. None: any length.
        too_long: What is done about an example that does not fit: "shed" (see `shed_order`;
            dropped and counted if it is still too long), "drop" (dropped and counted) or "error".
        shed_order: What "shed" gives up, in this order, each only as far as needed: "distractors"
            (functions that are not needed, the least related first, those that the conversation
            calls last), "detail" ("full" functions become signatures, and distractors that went
            before have a second chance), "history" (the oldest exchanges; never the request, nor
            an exchange that gives a value of the target, nor one with a call to whose output a
            later exchange that stays refers), "conversation" (all calls of a conversation are asked
            for in several stretches, the calls before each being shown). Three things hold in any
            order: three functions stay, or as many as there are, until no history can go and no
            conversation into more stretches; two always stay, and where the third goes, the history
            that then has room comes back; and where functions are written as "description", history
            goes before distractors, since such a function takes a line and an exchange many.
    """

    seed: int = 0
    dialect: str = "granite"
    dialect_shares: Mapping[str, float] = dataclasses.field(default_factory=dict)
    instructions: str = "varied"
    num_functions: int | tuple[int, int] = 8
    function_detail: str | Mapping[str, float] = "full"
    function_details: Mapping[str, str | Mapping[str, float]] = dataclasses.field(
        default_factory=dict
    )
    negative_rates: Mapping[str, float] = dataclasses.field(default_factory=dict)
    nothing_left_rate: float = 0.1
    ungrounded: str = "skip"
    sequence_length: int | None = None
    too_long: str = "shed"
    shed_order: Sequence[str] = SHEDDING_STEPS

    def __post_init__(self) -> None:
        smallest, largest = self.library_sizes
        if not (_is_count(smallest) and _is_count(largest) and smallest <= largest):
            raise _error("num_functions", self.num_functions, "at least 1, or a range of such")
        if self.sequence_length is not None and self.sequence_length < 2:
            raise _error("sequence_length", self.sequence_length, "at least 2, or None")
        _one_of("dialect", self.dialect, DIALECTS)
        _one_of("instructions", self.instructions, INSTRUCTIONS)
        _details("function_detail", self.function_detail)
        _one_of("ungrounded", self.ungrounded, UNGROUNDED_POLICIES)
        _one_of("too_long", self.too_long, TOO_LONG_POLICIES)
        for step in self.shed_order:
            _one_of("shed_order", step, SHEDDING_STEPS)
        for subtask, detail in self.function_details.items():
            _one_of("function_details", subtask, _ALL_SUBTASKS)
            _details(f"function_details[{subtask!r}]", detail)
        for name, rate in self.negative_rates.items():
            if not _is_subtask_or_task(name):
                expected = f"SUBTASK or SOURCE_SUBTASK, of the sub-tasks {', '.join(_ALL_SUBTASKS)}"
                raise _error("negative_rates", name, expected)
            _share(f"negative_rates[{name!r}]", rate)
        _share("nothing_left_rate", self.nothing_left_rate)
        if self.dialect_shares:
            _shares("dialect_shares", self.dialect_shares, DIALECTS)

    @property
    def library_sizes(self) -> tuple[int, int]:
        """The smallest and the largest number of functions in a library."""
        if isinstance(self.num_functions, Sequence):
            smallest, largest = self.num_functions
            return smallest, largest
        return self.num_functions, self.num_functions

    @property
    def dialects(self) -> Mapping[str, float]:
        """The dialects in use, with shares that add up to 1."""
        return _of_one(self.dialect_shares or {self.dialect: 1.0})

    def details_of(self, subtask: str) -> Mapping[str, float]:
        """How functions are written in the examples of `subtask`, with shares that add up to 1."""
        own = self.function_details.get(subtask, _OWN_DETAILS.get(subtask))
        found = own or self.function_detail
        return {found: 1.0} if isinstance(found, str) else _of_one(found)

    def detail_of(self, subtask: str, episode_id: str = "") -> str:
        """How functions are written in the examples of an episode."""
        return drawn(self.details_of(subtask), self.seed, episode_id, subtask, "detail")

    def negative_rate_of(self, subtask: str, source: str) -> float:
        """The share of a source's negatives that `subtask` uses."""
        own = self.negative_rates.get(subtask, _OWN_NEGATIVE_RATES.get(subtask, 1.0))
        return self.negative_rates.get(f"{source}_{subtask}", own)

    def content(self, subtask: str, source: str) -> dict[str, Any]:
        """All that decides what a source's examples of `subtask` say, as JSON values."""
        smallest, largest = self.library_sizes
        details = self.details_of(subtask)
        return {
            "seed": self.seed,
            "dialects": dict(self.dialects),
            "instructions": self.instructions,
            "num_functions": largest if smallest == largest else [smallest, largest],
            "function_detail": dict(details) if len(details) > 1 else next(iter(details)),
            "negative_rate": self.negative_rate_of(subtask, source),
            "nothing_left_rate": self.nothing_left_rate,
            "ungrounded": self.ungrounded,
            "sequence_length": self.sequence_length,
            "too_long": self.too_long,
            "shed_order": list(self.shed_order),
        }


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_subtask_or_task(name: str) -> bool:
    if name in _ALL_SUBTASKS:
        return True
    sources = {name.removesuffix(f"_{subtask}") for subtask in _ALL_SUBTASKS} - {name}
    return any(source in SOURCES or source in all_sources() for source in sources)


def _of_one(shares: Mapping[str, float]) -> dict[str, float]:
    total = sum(shares.values())
    return {name: share / total for name, share in sorted(shares.items()) if share}


def _details(field: str, found: str | Mapping[str, float]) -> None:
    if isinstance(found, Mapping):
        _shares(field, found, FUNCTION_DETAILS)
    else:
        _one_of(field, found, FUNCTION_DETAILS)


def _shares(field: str, found: Mapping[str, float], known: Collection[str]) -> None:
    for name, share in found.items():
        _one_of(field, name, known)
        if not _is_number(share) or not 0 <= share < math.inf:
            raise _error(f"{field}[{name!r}]", share, "a finite number of at least 0")
    if not sum(found.values()):
        raise _error(field, dict(found), "a share above 0")


def _one_of(field: str, found: object, known: Collection[str]) -> None:
    if found not in known:
        raise _error(field, found, f"one of {', '.join(known)}")


def _share(field: str, found: Any) -> None:
    if not _is_number(found) or not 0 <= found <= 1:
        raise _error(field, found, "a share from 0 to 1")


def _error(field: str, found: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"RenderingConfig.{field}", found=found, expected=expected)
