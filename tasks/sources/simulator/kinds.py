"""The kinds of episode, each written turn by turn."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Mapping, Sequence

from tasks.sources.episode import AssistantTurn, Episode, NoCallReason, Turn, UserTurn
from tasks.sources.simulator import nesting, replies, requests, shapes
from tasks.sources.simulator.composer import Clause, Composer
from tasks.sources.simulator.links import ALL, FORMS
from tasks.sources.simulator.neighbours import distractors, neighbours, substitutes
from tasks.sources.simulator.programs import Program
from tasks.sources.simulator.registry import Function

SOURCE = "simulator"
_DISTRIBUTED_SHARE = 0.4
_SAME_FUNCTION_SHARE = 0.4
_CLARIFIED_SHARE = 0.35
_ON_ONE_THING_SHARE = 0.5


class Writer:
    """Writes one episode.

    Attributes:
        composer: Draws what is said.
        program: Makes and executes the calls.
        variant: Chooses among the variants of a kind, from 0 to 1. It outlives attempts that come
            to nothing, so that variants which often do are not made more rarely.
        turns: The conversation so far.
        no_call_reason: Why the last request is answered by no call.
        wanted: The function that a request without a call is about.
    """

    def __init__(self, composer: Composer, program: Program, variant: float) -> None:
        self.composer = composer
        self.program = program
        self.variant = variant
        self.turns: list[Turn] = []
        self.no_call_reason: NoCallReason | None = None
        self.wanted: Function | None = None

    def user_text(self) -> str:
        """Everything that the user says."""
        return "\n".join(turn.text for turn in self.turns if isinstance(turn, UserTurn))

    def exchange(
        self, request: str, clauses: Sequence[Clause], *, one_by_one: bool = False
    ) -> None:
        """Adds a request, the calls that it needs and the reply.

        Args:
            request: What the user says.
            clauses: What the request is made of.
            one_by_one: Whether the calls have to be made in this order and no other, each in a
                turn of its own.
        """
        program = self.program
        together = [[clause] for clause in clauses] if one_by_one else [clauses]
        called = [program.run(some) for some in together]
        reports = [
            replies.report(
                self.composer,
                clause,
                program.calls[clause.node],
                program.returned[clause.node],
                program.results,
            )
            for clause in clauses
        ]
        self.turns += [UserTurn(request), *called, AssistantTurn(" ".join(reports))]

    def answer_without_call(self, request: str, reply: str) -> None:
        """Adds a request and a reply, and no call."""
        self.turns += [UserTurn(request), AssistantTurn(reply)]

    def episode(self, episode_id: str) -> Episode:
        """Returns the episode, with other functions beside those needed."""
        needed = self.program.functions()
        related = [*needed, *([self.wanted] if self.wanted else [])]
        if self.no_call_reason == "no_function" and self.wanted:
            functions = substitutes(self.composer, self.wanted)
        else:
            functions = [function.spec for function in related]
            functions += neighbours(self.composer, related)
        return Episode(
            episode_id=episode_id,
            source=SOURCE,
            functions=tuple(functions),
            turns=tuple(self.turns),
            distractors=distractors(self.composer, related, functions),
            no_call_reason=self.no_call_reason,
        )


def _single(writer: Writer) -> None:
    clauses = shapes.single(writer.composer)
    writer.exchange(requests.request_of_one(writer.composer, clauses[0]), clauses)


def _nested(writer: Writer) -> None:
    shape = nesting.NESTED[bisect.bisect_right(_NESTED_BOUNDS, writer.variant)][0]
    clauses = shape(writer.composer)
    writer.program.label_all([clauses])
    writer.exchange(requests.request_in_order(writer.composer, clauses), clauses)


def _chained(writer: Writer) -> None:
    composer = writer.composer
    clauses = shapes.in_order(composer, on_one_thing=writer.variant < _ON_ONE_THING_SHARE)
    writer.exchange(requests.request_in_order(composer, clauses), clauses, one_by_one=True)


def _parallel(writer: Writer) -> None:
    composer = writer.composer
    if writer.variant < _DISTRIBUTED_SHARE:
        clauses = shapes.distributed(composer)
        request = requests.request_distributed(composer, clauses[0])
    elif writer.variant < _DISTRIBUTED_SHARE + _SAME_FUNCTION_SHARE:
        clauses = shapes.repeated(composer)
        request = requests.request_side_by_side(composer, clauses)
    else:
        clauses = shapes.side_by_side(composer)
        request = requests.request_side_by_side(composer, clauses)
    writer.exchange(request, clauses)


def _multi_turn(writer: Writer) -> None:
    composer = writer.composer
    if writer.variant < _CLARIFIED_SHARE:
        _clarified(writer)
        return
    clauses = nesting.chain_of_clauses(composer)
    writer.program.label_all([clauses])
    first, second = clauses
    writer.exchange(requests.request_of_one(composer, first), [first])
    writer.exchange(requests.follow_up(composer, second), [second])


def _clarified(writer: Writer) -> None:
    """The assistant asks for a value, the user gives it, the call is made."""
    composer = writer.composer
    clause = _incomplete_clause(composer)
    function, (name,) = clause.node.function, clause.omitted
    request = requests.request_of_one(composer, clause)
    writer.answer_without_call(request, replies.ask_for(composer, function, name))
    semantic_type = function.arguments[name]
    value = composer.literal(semantic_type)
    given = clause.node.arguments
    clause.node.arguments = {
        n: given.get(n, value) for n in function.arguments if n in given or n == name
    }
    writer.exchange(requests.answer(composer, semantic_type.write(value)), [clause])


def _no_function(writer: Writer) -> None:
    composer = writer.composer
    clause = shapes.single(composer)[0]
    writer.wanted = clause.node.function
    writer.no_call_reason = "no_function"
    request = requests.request_of_one(composer, clause)
    writer.answer_without_call(request, replies.decline(composer))


def _missing_parameter(writer: Writer) -> None:
    composer = writer.composer
    clause = _incomplete_clause(composer)
    writer.wanted = clause.node.function
    writer.no_call_reason = "missing_parameter"
    request = requests.request_of_one(composer, clause)
    question = replies.ask_for(composer, clause.node.function, clause.omitted[0])
    writer.answer_without_call(request, question)


def _incomplete_clause(composer: Composer) -> Clause:
    function, form = composer.pick(_CAN_OMIT)
    return composer.clause(function, form, omit_one=True)


def _can_omit(function: Function, form: str) -> bool:
    phrases = FORMS[function.name][form]
    required = set(function.spec.required)
    return all(
        any(required - template.fixed for template in templates)
        for templates in (phrases.train, phrases.validation)
    )


_CAN_OMIT = tuple((f, form) for f in ALL for form in FORMS[f.name] if _can_omit(f, form))
# The last bound is left out: whatever lies above the others is of the last shape.
_NESTED_BOUNDS = list(itertools.accumulate(share for _, share in nesting.NESTED[:-1]))

KINDS: Mapping[str, Callable[[Writer], None]] = {
    "single": _single,
    "nested": _nested,
    "chained": _chained,
    "parallel": _parallel,
    "multi_turn": _multi_turn,
    "no_function": _no_function,
    "missing_parameter": _missing_parameter,
}
