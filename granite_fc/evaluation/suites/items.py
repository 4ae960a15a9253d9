"""The items of a suite, as a model of one tasks package is asked for them."""

from __future__ import annotations

import functools

from granite_fc.calls.syntax import print_calls
from granite_fc.conventions import Conventions
from granite_fc.evaluation.items import Item
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.suites.suite import Suite, SuiteItem

# What silence must not earn, beside a suite's own metrics.
_EARNED = ("exact_match", "parse_rate", "abstention_recall")


def suite_items(suite: Suite, conventions: Conventions) -> list[Item]:
    """Writes every item as a request in the package's own words.

    Args:
        suite: The suite.
        conventions: How prompts are written and answers read.

    Returns:
        One item each, named and grouped as the suite names it and counts it.
    """
    return [
        Item(
            item_id=item.id,
            group=item.category,
            task=suite.name,
            prompt=conventions.prompt_for_calls(item.functions, item.conversation),
            target=print_calls(item.gold),
            judge=functools.partial(_judge, suite, conventions, item),
            grammar=functools.partial(conventions.call_grammar, item.functions, item.conversation),
            complete=conventions.calls_end,
            is_target_an_example=item.is_any_call_right,
        )
        for item in suite.items
    ]


def _judge(suite: Suite, conventions: Conventions, item: SuiteItem, text: str | None) -> Judgement:
    if text is not None:
        return suite.judge(item, suite.read(item, text, conventions.read_calls))
    judgement = suite.judge(item, suite.read(item, "", conventions.read_calls))
    # A suite may take silence for abstaining; who was not asked has not abstained.
    lost = {
        name: (0.0, below)
        for name, (_, below) in judgement.counts.items()
        if name in suite.definitions or name in _EARNED
    }
    wrong = judgement.wrong or (WrongPart("parse", "no answer"),)
    return Judgement(False, {**judgement.counts, **lost}, wrong)
