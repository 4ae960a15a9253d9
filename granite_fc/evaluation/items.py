"""What is asked in an evaluation, wherever it comes from."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence

from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.evaluation.judgement import Judgement


@dataclasses.dataclass(frozen=True)
class Item:
    """One request.

    Attributes:
        item_id: Names it within the evaluation.
        group: What results are told for: a sub-task, or a category of a suite.
        task: The task or file that it comes from.
        prompt: What a model is given, up to where it is to write.
        target: A right answer, as it would be written.
        judge: Judges the text of an answer, or None where there is none (see `UNANSWERED`); never
            raises.
        grammar: Returns what answers may be, or None where that cannot be told; asked only for
            constrained decoding.
        complete: See `TaskDeclaration.complete`.
        is_target_an_example: Whether answers of all kinds are as right as the target.
        prompt_ids: The prompt as tokens, where these are known; else it is to be tokenised.
    """

    item_id: str
    group: str
    task: str
    prompt: str
    target: str
    judge: Callable[[str | None], Judgement]
    grammar: Callable[[], AnswerGrammar | None] | None = None
    complete: Callable[[str], int | None] | None = None
    is_target_an_example: bool = False
    prompt_ids: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model said to one item.

    Attributes:
        text: The answer.
        failure: Why there is less than a whole answer, one of `FAILURES`. None for a whole one.
    """

    text: str
    failure: str | None = None


PROMPT_TOO_LONG, NO_ROOM, CUT_OFF, TOO_LARGE = (
    "prompt_too_long",
    "no_room",
    "cut_off",
    "too_large",
)
FAILURES: Mapping[str, str] = types.MappingProxyType(
    {
        PROMPT_TOO_LONG: "The model has not as many positions as the request takes: it was not "
        "asked, and is wrong.",
        NO_ROOM: "Under its grammar the shortest answer takes more tokens than there are left: "
        "there is none, and it is wrong.",
        CUT_OFF: "The answer took all the tokens that it was allowed; it is judged as it is.",
        TOO_LARGE: "An answer of a million characters and more is not read, and is wrong.",
    }
)
# How the engine ended an answer (`granite_fc.decoding.request.FinishReason`), to the failure.
FAILURE_OF: Mapping[str, str] = types.MappingProxyType({"length": CUT_OFF, "no_room": NO_ROOM})
# Of these there is no answer to judge.
UNANSWERED = frozenset({PROMPT_TOO_LONG, NO_ROOM, TOO_LARGE})


@dataclasses.dataclass(frozen=True)
class JudgedAnswer:
    """An answer and what was found out about it."""

    item: Item
    answer: Answer
    judgement: Judgement

    def to_json(self) -> Mapping[str, object]:
        """Returns a line of a predictions file, which can be evaluated again."""
        record: dict[str, object] = {
            "id": self.item.item_id,
            "group": self.item.group,
            "task": self.item.task,
            "inputs": self.item.prompt,
            "targets": self.item.target,
            "prediction": self.answer.text,
            "exact": self.judgement.exact,
            "wrong": [dataclasses.asdict(part) for part in self.judgement.wrong],
        }
        if self.answer.failure is not None:
            record["failure"] = self.answer.failure
        return record


def judged(items: Sequence[Item], answers: Mapping[str, Answer]) -> list[JudgedAnswer]:
    """Judges the answer of every item.

    Args:
        items: All of the evaluation.
        answers: One for each, by `item_id`.
    """
    found = []
    for item in items:
        answer = answers[item.item_id]
        text = None if answer.failure in UNANSWERED else answer.text
        found.append(JudgedAnswer(item, answer, item.judge(text)))
    return found
