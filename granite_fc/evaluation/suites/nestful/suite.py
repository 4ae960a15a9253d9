"""NESTFUL as a suite."""

from __future__ import annotations

import dataclasses
import hashlib
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import UserTurn
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.judge_calls import judge_calls
from granite_fc.evaluation.judgement import Judgement
from granite_fc.evaluation.question import Question
from granite_fc.evaluation.suites.abstention import DEFINITIONS, without_words
from granite_fc.evaluation.suites.answer import GivenAnswer
from granite_fc.evaluation.suites.nestful.files import REMEDY, SECOND_VERSION, Row, read_rows
from granite_fc.evaluation.suites.nestful.functions import spec_of
from granite_fc.evaluation.suites.nestful.notation import (
    RESULT_CALLS,
    call_of,
    text_in_our_notation,
)
from granite_fc.evaluation.suites.suite import ACCURACY, Formula, SuiteItem, Totals, share

# So many function documents of the executable part have about 25,000 characters, which fits into
# 8,192 tokens; all 39 of them do not.
FUNCTIONS_ON_OFFER = 10


def _overall(totals: Totals) -> float | None:
    counts = totals.get(ACCURACY, {}).values()
    return share((sum(count[0] for count in counts), sum(count[1] for count in counts)))


@dataclasses.dataclass(frozen=True)
class Nestful:
    """NESTFUL.

    An answer is right if its calls are the gold graph's: labels are names, and calls that do not
    use each other come in any order. The closing pseudo-call `var_result` is passed over, in gold
    and in answers, as the published scorer does. What is in front of the first call is too.
    Words in which nothing looks like a call are a refusal.

    Attributes:
        items: All items, by part.
    """

    items: tuple[SuiteItem, ...]

    name: ClassVar[str] = "nestful"
    formulas: ClassVar[Sequence[Formula]] = (
        Formula("overall", "share of all items whose calls are right as a graph", _overall),
    )
    definitions: ClassVar[Mapping[str, str]] = types.MappingProxyType(
        {
            ACCURACY: "share of answers whose calls are gold's, up to the names of labels and to "
            "reorderings that the call graph allows",
            "exact_match": f"the same as {ACCURACY}",
            **{name: DEFINITIONS[name] for name in ("parse_rate", "needless_refusals")},
        }
    )
    remarks: ClassVar[Sequence[str]] = (
        "No win rate: version 1's executable part calls web services of third parties, version 2's "
        "functions are files of foreign code, and neither is run.",
        "Version 1 does not say what was on offer with a request. Here it is the functions of gold "
        f"and others of the same part, {FUNCTIONS_ON_OFFER} in all, always the same ones. Gold "
        "itself calls 11 functions and gives 51 arguments that no function document has.",
        "Texts that hold a reference among other words, in a dozen gold answers, are compared as "
        "they are, labels included.",
    )

    @classmethod
    def load(cls, path: str | Path | None) -> Nestful:
        """Reads the data.

        Args:
            path: The folder of version 1 or a file of version 2.

        Raises:
            ConfigurationError: It is not there or malformed.
        """
        if path is None:
            raise ConfigurationError(
                "suite nestful",
                found="no directory",
                expected="the folder of the benchmark",
                remedy=REMEDY,
            )
        parts: dict[str, tuple[FunctionSpec, ...]] = {}
        items = []
        for row in read_rows(Path(path)):
            try:
                if row.category == SECOND_VERSION:
                    functions = _specs(row)
                else:
                    # All requests of a part share one list.
                    if row.category not in parts:
                        parts[row.category] = _specs(row)
                    functions = _offered(row, parts[row.category])
                items.append(_item(row, functions))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ConfigurationError(
                    f"suite nestful: {row.id}",
                    found=f"{type(error).__name__}: {error}",
                    expected="an item as NESTFUL has it",
                ) from None
        return cls(tuple(items))

    def read(
        self, item: SuiteItem, text: str, read_calls: Callable[[str], ParseResult]
    ) -> GivenAnswer:
        """Reads an answer in either notation, without the closing pseudo-call."""
        parsed = read_calls(text_in_our_notation(text))
        calls = tuple(call for call in parsed.calls if call.name not in RESULT_CALLS)
        return GivenAnswer(text, dataclasses.replace(parsed, calls=calls))

    def judge(self, item: SuiteItem, answer: GivenAnswer) -> Judgement:
        """Judges an answer as calls are, with all of their metrics."""
        parsed = without_words(answer, (spec.name for spec in item.functions))
        judgement = judge_calls(item.gold, parsed, Question(functions=item.functions))
        counts = {ACCURACY: (float(judgement.exact), 1.0), **judgement.counts}
        return dataclasses.replace(judgement, counts=counts)


def _specs(row: Row) -> tuple[FunctionSpec, ...]:
    """The functions on offer; of those with one name the first."""
    specs: dict[str, FunctionSpec] = {}
    for document in row.functions:
        specs.setdefault(document["name"], spec_of(document))
    return tuple(specs.values())


def _offered(row: Row, functions: tuple[FunctionSpec, ...]) -> tuple[FunctionSpec, ...]:
    """Those that gold calls, and others by a hash of item and name; in the order of the file."""
    needed = {call["name"] for call in row.calls}
    others = sorted(
        (spec.name for spec in functions if spec.name not in needed),
        key=lambda name: hashlib.sha256(f"{row.id} {name}".encode()).digest(),
    )
    num_needed = sum(spec.name in needed for spec in functions)
    chosen = needed | set(others[: max(0, FUNCTIONS_ON_OFFER - num_needed)])
    return tuple(spec for spec in functions if spec.name in chosen)


def _item(row: Row, functions: tuple[FunctionSpec, ...]) -> SuiteItem:
    known: set[str] = set()
    calls: list[Call] = []
    for position, obj in enumerate(row.calls, start=1):
        if obj["name"] not in RESULT_CALLS:
            calls.append(call_of(obj, position, known))
    CallGraph(tuple(calls))
    return SuiteItem(row.id, row.category, functions, (UserTurn(row.request),), tuple(calls))
