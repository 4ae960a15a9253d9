"""BFCL as a suite."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import AssistantTurn, Turn, UserTurn
from granite_fc.calls.syntax import ParseResult
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.judge_calls import judge_calls
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.metrics import abstention, names, offered
from granite_fc.evaluation.question import Question
from granite_fc.evaluation.suites.abstention import DEFINITIONS, without_words
from granite_fc.evaluation.suites.answer import GivenAnswer
from granite_fc.evaluation.suites.bfcl.files import Row, data_folder, read_rows
from granite_fc.evaluation.suites.bfcl.functions import (
    JAVA,
    JAVASCRIPT,
    PYTHON,
    Language,
    function_of,
    spec_of,
)
from granite_fc.evaluation.suites.bfcl.gold import gold_call
from granite_fc.evaluation.suites.bfcl.matching import Accepted, problems_of_calls
from granite_fc.evaluation.suites.bfcl.overall import FORMULAS, STRICT_ABSTENTION
from granite_fc.evaluation.suites.suite import ACCURACY, Formula, SuiteItem

EXACT_MATCH = "exact_match"

# Of what is measured of all calls: reading, names, what was on offer, abstaining.
_OF_ANY_CALL = frozenset(
    {"parse_rate", *(metric.name for family in (offered, abstention) for metric in family.METRICS)}
)
_GENERAL = _OF_ANY_CALL | {metric.name for metric in names.METRICS}

AST_CATEGORIES = (
    "simple_python",
    "simple_java",
    "simple_javascript",
    "multiple",
    "parallel",
    "parallel_multiple",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
)
IRRELEVANCE_CATEGORIES = ("irrelevance", "live_irrelevance")
RELEVANCE_CATEGORIES = ("live_relevance",)
CATEGORIES = (*AST_CATEGORIES, *IRRELEVANCE_CATEGORIES, *RELEVANCE_CATEGORIES)

# Items whose accepted answer no call can give: what their own matcher and ours say against it.
UNANSWERABLE = types.MappingProxyType(
    {
        "live_simple_106-63-0": "a parameter has no accepted value",
        "live_simple_112-68-0": "a parameter has no accepted value",
        "live_multiple_862-181-3": "an accepted parameter is not declared",
        "live_multiple_964-207-0": "a required parameter is not in the accepted answer",
    }
)


@dataclasses.dataclass(frozen=True)
class Bfcl:
    """BFCL's single-turn categories.

    Accuracy of a category is the share of answers that are right. Where calls are expected an
    answer is right if all of its calls can be read and they are those that are accepted; words
    before the first are passed over. Of relevance it is right if all of its calls can be read and
    there is one: which is not looked at. Of irrelevance the official rule takes every other answer
    for right, also one whose calls cannot all be read; `strict_abstention` and `exact_match` take
    only those that abstain. Words in which nothing looks like a call abstain as `no_function` does.

    Attributes:
        items: All items, by category.
        accepted: Item to the calls that are right, of the categories with such.
        dots_as_underscores: Whether the answering model was offered function names with `_` for
            `.`, as interfaces such as OpenAI's demand (`underscore_to_dot` in BFCL).
    """

    items: tuple[SuiteItem, ...]
    accepted: Mapping[str, tuple[Accepted, ...]] = dataclasses.field(repr=False)
    dots_as_underscores: bool = False

    name: ClassVar[str] = "bfcl"
    formulas: ClassVar[Sequence[Formula]] = FORMULAS
    definitions: ClassVar[Mapping[str, str]] = types.MappingProxyType(
        {
            ACCURACY: "share of answers that are right by BFCL's rules for their category; of "
            "irrelevance also those that cannot be read",
            STRICT_ABSTENTION: "share of answers to irrelevance items that say no_function, or use "
            "words in which nothing looks like a call",
            EXACT_MATCH: "share of answers whose calls can all be read and are accepted as right; "
            "of relevance any calls are, of irrelevance only those that abstain are exact",
            **DEFINITIONS,
        }
    )
    remarks: ClassVar[Sequence[str]] = (
        "Single-turn categories only: multi-turn and agentic ones need their simulators, so no "
        "BFCL overall is computed.",
        "Four of the 2,351 Python items have no answer that is accepted, by bfcl-eval's checker "
        f"either: {', '.join(UNANSWERABLE)}.",
        "Accuracy is by granite_fc's own matcher; `benchmarks/bfcl_agreement.py` lists where it "
        "differs from bfcl-eval's and why.",
    )

    @classmethod
    def load(
        cls,
        directory: str | Path | None = None,
        categories: Sequence[str] = CATEGORIES,
    ) -> Bfcl:
        """Reads the data.

        Args:
            directory: `bfcl_eval/data`; None for that of the installed package.
            categories: Which to read.

        Raises:
            ConfigurationError: The data is not there or malformed, or a category is unknown.
        """
        for category in categories:
            if category not in CATEGORIES:
                raise ConfigurationError(
                    "suite bfcl: category", found=category, expected=", ".join(CATEGORIES)
                )
        folder = data_folder(None if directory is None else Path(directory))
        items, accepted = [], {}
        for category in categories:
            language = _language(category)
            for row in read_rows(folder, category, answered=category in AST_CATEGORIES):
                try:
                    calls = _accepted(row, language)
                    items.append(_item(row, category, language, calls))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise ConfigurationError(
                        f"suite bfcl: {row.id}",
                        found=f"{type(error).__name__}: {error}",
                        expected="an item as bfcl-eval has it",
                    ) from None
                if calls is not None:
                    accepted[row.id] = calls
        return cls(tuple(items), accepted)

    def read(
        self, item: SuiteItem, text: str, read_calls: Callable[[str], ParseResult]
    ) -> GivenAnswer:
        """Reads an answer; functions offered with underscores get their own names again."""
        parsed = read_calls(text)
        if self.dots_as_underscores:
            parsed = _with_dots(item, parsed)
        return GivenAnswer(text, parsed)

    def judge(self, item: SuiteItem, answer: GivenAnswer) -> Judgement:
        """Judges an answer by the rule of its category."""
        parsed = without_words(answer, (spec.name for spec in item.functions))
        wrong: list[WrongPart] = []
        if parsed.error is not None:
            wrong = [WrongPart("parse", parsed.error)]
        elif item.category in IRRELEVANCE_CATEGORIES:
            wrong = [_needless(parsed.calls)] if parsed.calls else []
        elif not parsed.calls:
            wrong = [WrongPart("refusal", "no call")]
        elif item.category not in RELEVANCE_CATEGORIES:
            wrong = problems_of_calls(parsed.calls, self.accepted[item.id])
        own = {ACCURACY: not wrong}
        if item.category in IRRELEVANCE_CATEGORIES:
            own = {
                ACCURACY: parsed.error is not None or not parsed.calls,
                STRICT_ABSTENTION: not wrong,
            }
        return _judgement(item, parsed, own, wrong)


def _with_dots(item: SuiteItem, parsed: ParseResult) -> ParseResult:
    """The calls with the functions' own names; a name that is on offer as it is stays."""
    names = [spec.name for spec in item.functions]
    own = {name.replace(".", "_"): name for name in names} | {name: name for name in names}
    calls = tuple(
        dataclasses.replace(call, name=own.get(call.name, call.name)) for call in parsed.calls
    )
    return dataclasses.replace(parsed, calls=calls)


def _judgement(
    item: SuiteItem, parsed: ParseResult, own: Mapping[str, bool], wrong: Sequence[WrongPart]
) -> Judgement:
    """Adds the general metrics that do not compare values, of which many are right here."""
    exact = not wrong
    general = judge_calls(item.gold, parsed, Question(functions=item.functions)).counts
    kept = {name for name in general if name in _GENERAL}
    if item.category in RELEVANCE_CATEGORIES:
        # There is no right call to compare names with.
        kept = {name for name in kept if name in _OF_ANY_CALL}
    counts = {name: (float(right), 1.0) for name, right in own.items()}
    counts |= {name: general[name] for name in general if name in kept}
    return Judgement(exact, {**counts, EXACT_MATCH: (float(exact), 1.0)}, tuple(wrong))


def _needless(calls: Sequence[Call]) -> WrongPart:
    names = ", ".join(call.name[:40] for call in calls[:3])
    return WrongPart("needless_call", f"{len(calls)} calls: {names}")


def _language(category: str) -> Language:
    return {"simple_java": JAVA, "simple_javascript": JAVASCRIPT}.get(category, PYTHON)


def _accepted(row: Row, language: Language) -> tuple[Accepted, ...] | None:
    if row.accepted is None:
        return None
    documents: dict[str, Mapping] = {}
    for document in row.functions:
        documents.setdefault(document["name"], document)
    return tuple(
        Accepted(function_of(documents[name], language), values)
        for call in row.accepted
        for name, values in call.items()
    )


def _item(
    row: Row, category: str, language: Language, accepted: tuple[Accepted, ...] | None
) -> SuiteItem:
    gold: tuple[Call, ...] = ()
    if accepted is not None:
        gold = tuple(gold_call(one) for one in accepted)
    elif category in RELEVANCE_CATEGORIES:
        # Any call is right.
        gold = (Call(row.functions[0]["name"]),)
    return SuiteItem(
        row.id,
        category,
        tuple(spec_of(document, language) for document in row.functions),
        tuple(_conversation(row.messages)),
        gold,
        is_any_call_right=category in RELEVANCE_CATEGORIES,
    )


def _conversation(messages: Sequence[Mapping[str, str]]) -> list[Turn]:
    """Turns; what the system says goes before what the user says next."""
    turns: list[Turn] = []
    system = ""
    for message in messages:
        if message["role"] == "system":
            system += f"{message['content']}\n\n"
        elif message["role"] == "user":
            turns.append(UserTurn(system + message["content"]))
            system = ""
        else:
            turns.append(AssistantTurn(message["content"]))
    return turns
