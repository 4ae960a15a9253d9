"""Answers beside what was expected, with what differs marked."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.data.inspection import markup
from granite_fc.data.inspection.markup import escape
from granite_fc.evaluation.items import JudgedAnswer
from granite_fc.evaluation.page.differences import marked, shown
from granite_fc.evaluation.results import ModelResult
from granite_fc.visible_text import visible

_WRONG_EACH = 3
_RIGHT = 2
_MOST = 12


def examples(models: Sequence[ModelResult]) -> str:
    """Returns answers of each group: some with every kind of mistake, then some right ones.

    Args:
        models: All answered the same items; items are chosen by the first model's answers.
    """
    numbers: dict[str, list[int]] = {}
    for number, answer in enumerate(models[0].answers):
        numbers.setdefault(answer.item.group, []).append(number)
    parts = ["<p>Marked is what only one side has. Answers are chosen by the first model's.</p>"]
    for group, members in numbers.items():
        chosen = _chosen([(number, models[0].answers[number]) for number in members])
        right = sum(models[0].answers[number].judgement.exact for number in members)
        items = "".join(
            _item([model.answers[number] for model in models], models) for number in chosen
        )
        parts.append(
            f"<details><summary><b>{escape(markup.words(visible(group)))}</b>: {right} of "
            f"{len(members)} exact</summary>{items}</details>"
        )
    return "".join(parts)


def _chosen(answers: Sequence[tuple[int, JudgedAnswer]]) -> list[int]:
    """A few of every kind of mistake, in order, so that rare kinds are seen too."""
    taken: dict[int, None] = {}
    of_kind: dict[str, int] = {}
    for number, answer in answers:
        kinds = {part.kind for part in answer.judgement.wrong}
        if any(of_kind.get(kind, 0) < _WRONG_EACH for kind in kinds) and len(taken) < _MOST:
            taken[number] = None
            for kind in kinds:
                of_kind[kind] = of_kind.get(kind, 0) + 1
    right = [number for number, answer in answers if answer.judgement.exact][:_RIGHT]
    return [*taken, *right]


def _item(answers: Sequence[JudgedAnswer], models: Sequence[ModelResult]) -> str:
    first = answers[0]
    verdict = "right" if first.judgement.exact else "wrong"
    answered = "".join(
        _answered(answer, model.name if len(models) > 1 else "")
        for answer, model in zip(answers, models, strict=True)
    )
    return (
        f'<div class="example {verdict}"><span class="verdict">{verdict}</span> '
        f'<span class="who">{escape(visible(first.item.item_id))}</span>'
        f"<details><summary>what the model was given</summary><pre>{shown(first.item.prompt)}</pre>"
        f"</details>{answered}</div>"
    )


def _answered(answer: JudgedAnswer, name: str) -> str:
    expected, found = marked(answer.item.target, answer.answer.text)
    kinds = "".join(
        f"<li><b>{markup.words(part.kind)}</b>: {shown(part.detail)}</li>"
        for part in answer.judgement.wrong
    )
    failure = answer.answer.failure
    note = f" ({markup.words(failure)})" if failure else ""
    who = ""
    if name:
        verdict = "right" if answer.judgement.exact else "wrong"
        who = f'<div class="who">{escape(visible(name))}: {verdict}</div>'
    return (
        f'<div class="answered">{who}<div class="pair"><div>expected<pre>{expected}</pre></div>'
        f"<div>answered{escape(note)}<pre>{found}</pre></div></div>"
        f"{f'<ul>{kinds}</ul>' if kinds else ''}</div>"
    )
