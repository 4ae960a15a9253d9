"""What every suite offers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import Turn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult
from granite_fc.evaluation.judgement import Judgement
from granite_fc.evaluation.suites.answer import GivenAnswer

ACCURACY = "accuracy"

# Metric to category to (sum of numerators, sum of denominators).
Totals = Mapping[str, Mapping[str, tuple[float, float]]]


@dataclasses.dataclass(frozen=True)
class SuiteItem:
    """One request of a suite.

    Attributes:
        id: Unique in the suite.
        category: What the suite counts it under.
        functions: Those on offer.
        conversation: What was said so far; the last turn is the user's.
        gold: Calls that are a right answer; none where no function is to be called. Printed by
            `granite_fc.calls.syntax.print_calls` they are an answer in writing.
        is_any_call_right: Whether gold is an example, and any call would do.
    """

    id: str
    category: str
    functions: tuple[FunctionSpec, ...]
    conversation: tuple[Turn, ...]
    gold: tuple[Call, ...]
    is_any_call_right: bool = False


@dataclasses.dataclass(frozen=True)
class Formula:
    """A score of several categories together.

    Attributes:
        name: What reports call it.
        definition: How it is computed, in words.
        compute: From totals to the score between 0 and 1; None where a category that it needs has
            no items.
    """

    name: str
    definition: str
    compute: Callable[[Totals], float | None]


class Suite(Protocol):
    """A benchmark, loaded."""

    @property
    def name(self) -> str:
        """How commands call it."""
        ...

    @property
    def items(self) -> Sequence[SuiteItem]:
        """Its items."""
        ...

    @property
    def formulas(self) -> Sequence[Formula]:
        """Its own overall scores."""
        ...

    @property
    def definitions(self) -> Mapping[str, str]:
        """What the metrics mean that `judge` counts by the suite's own rules."""
        ...

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader of its scores should know: what was left out, and why."""
        ...

    def read(
        self, item: SuiteItem, text: str, read_calls: Callable[[str], ParseResult]
    ) -> GivenAnswer:
        """Reads an answer; one in the suite's own notation as well. Never raises.

        Args:
            item: What was asked.
            text: The answer.
            read_calls: Reads calls, as `granite_fc.conventions` or a parser of one form does.
        """
        ...

    def judge(self, item: SuiteItem, answer: GivenAnswer) -> Judgement:
        """Judges one answer. The metric `accuracy` is what the suite itself counts as right."""
        ...


def share(total: tuple[float, float] | None) -> float | None:
    """Numerators per denominators; None without any."""
    if total is None or not total[1]:
        return None
    return total[0] / total[1]


def mean_of(shares: Sequence[float | None]) -> float | None:
    """The unweighted mean; None if one of them is."""
    known = [value for value in shares if value is not None]
    return sum(known) / len(known) if known and len(known) == len(shares) else None
