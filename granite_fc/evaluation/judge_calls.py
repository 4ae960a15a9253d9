"""What can be said of calls, or of functions that are named, as an answer."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.calls.call import NO_FUNCTION, Call
from granite_fc.calls.match import answers_equal
from granite_fc.calls.syntax import ParseResult
from granite_fc.evaluation.error_kinds import (
    called,
    refused,
    unreadable,
    wrong_in_calls,
    wrong_in_names,
)
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.metrics.abstention import count_abstention
from granite_fc.evaluation.metrics.arguments import compare, count_arguments
from granite_fc.evaluation.metrics.execution import FreshFunctions, has_won
from granite_fc.evaluation.metrics.metric import counts_of
from granite_fc.evaluation.metrics.names import count_names
from granite_fc.evaluation.metrics.offered import (
    check_arguments,
    count_offered_arguments,
    count_offered_names,
)
from granite_fc.evaluation.metrics.references import check_references, count_references
from granite_fc.evaluation.metrics.whole import count_whole
from granite_fc.evaluation.question import NOTHING_KNOWN, Question


def judge_calls(
    gold: Sequence[Call],
    given: ParseResult,
    question: Question = NOTHING_KNOWN,
    *,
    in_order: bool = False,
    functions: FreshFunctions | None = None,
) -> Judgement:
    """Judges calls.

    Args:
        gold: The right calls, in an order in which they can be executed; none where nothing is to
            be called.
        given: What was read from the answer. Words before the calls make it one that cannot be
            read, as does an error.
        question: What the prompt shows.
        in_order: Whether gold's order is the only one.
        functions: Makes the functions of the prompt on a state as it was before the first shown
            call; None where they cannot be executed.

    Returns:
        The metrics of `names`, `arguments`, `references`, `offered`, `abstention`, `execution` and
        `whole`, as far as they have something to say.
    """
    calls = given.calls
    is_read = given.error is None and not given.text
    is_same = is_read and answers_equal(gold, calls)
    exact = is_same and (not in_order or answers_equal(gold, calls, in_order=True))
    compared = compare(gold, calls)
    arguments = check_arguments(gold, calls, question)
    references = check_references(gold, calls, question)
    gold_names, names = [call.name for call in gold], [call.name for call in calls]
    abstains = is_read and not calls
    counts = {
        **count_whole(exact=exact, is_read=is_read),
        **count_names(gold_names, names, is_read=is_read),
        **count_arguments(compared, is_same=is_same),
        **count_references(compared, references),
        **count_offered_names(gold_names, names, question, abstains=abstains),
        **count_offered_arguments(arguments),
        **count_abstention(gold_abstains=not gold, abstains=abstains, calls=bool(calls)),
    }
    if functions is not None:
        won = has_won(gold, calls, question, functions)
        if won is not None:
            counts |= counts_of(win_rate=(is_read and won, 1))
    wrong: tuple[WrongPart, ...] = ()
    if not is_read:
        wrong = unreadable(given.error)
    elif gold and not calls:
        wrong = refused(gold_names)
    elif calls and not gold:
        wrong = called(names)
    elif not exact:
        wrong = wrong_in_calls(compared, arguments, references, in_order=in_order)
    return Judgement(exact, counts, wrong)


def judge_names(
    gold: Sequence[str], given: Sequence[str] | None, question: Question = NOTHING_KNOWN
) -> Judgement:
    """Judges the names of functions in a row.

    Args:
        gold: The right names; `no_function` alone where nothing is to be called.
        given: The names of the answer; None where it has none that can be read.
        question: What the prompt shows.

    Returns:
        The metrics of `names`, `offered` (names alone), `abstention` and `whole`.
    """
    exact = given is not None and list(gold) == list(given)
    gold_names = [name for name in gold if name != NO_FUNCTION]
    names = [name for name in given or () if name != NO_FUNCTION]
    # That nothing is called is said alone.
    is_read = given is not None and (NO_FUNCTION not in given or len(given) == 1)
    abstains = is_read and not names
    counts = {
        **count_whole(exact=exact, is_read=is_read),
        **count_names(gold_names, names, is_read=is_read),
        **count_offered_names(gold_names, names, question, abstains=abstains),
        **count_abstention(gold_abstains=not gold_names, abstains=abstains, calls=bool(names)),
    }
    wrong: tuple[WrongPart, ...] = ()
    if not is_read:
        what = "no names" if given is None else f"{NO_FUNCTION} beside other names"
        wrong = unreadable(what)
    elif gold_names and not names:
        wrong = refused(gold_names)
    elif names and not gold_names:
        wrong = called(names)
    elif not exact:
        wrong = wrong_in_names(gold_names, names)
    return Judgement(exact, counts, wrong)


def judge_name(gold: str, given: str | None, question: Question = NOTHING_KNOWN) -> Judgement:
    """Judges the name of one function; see `judge_names`."""
    return judge_names((gold,), None if given is None else (given,), question)
