"""What the user says: clauses as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.sources.simulator.composer import Clause, Composer
from tasks.sources.simulator.frames import Joiner
from tasks.sources.simulator.phrases import capitalised

_OPENING_SHARE = 0.12
_CLOSING_SHARE = 0.12
_TWO_SENTENCES_SHARE = 0.25
# Words that stay as they are after an opening.
_KEEP_CASE = ("I ", "I'd ")


def request_of_one(composer: Composer, clause: Clause) -> str:
    """Returns a request made of one clause."""
    return _decorated(composer, sentence(composer, clause))


def request_in_order(composer: Composer, clauses: Sequence[Clause]) -> str:
    """Returns a request for things to be done one after the other."""
    if len(clauses) == 1:
        return request_of_one(composer, clauses[0])
    phrases = [composer.verb_phrase(clause) for clause in clauses]
    if len(clauses) == 2 and composer.chance(_TWO_SENTENCES_SHARE):
        second = composer.frame(composer.frames.next_sentence).format(phrases[1])
        return _decorated(composer, f"{sentence(composer, clauses[0])} {capitalised(second)}")
    joined = _joined(composer.frame(composer.frames.in_order), phrases)
    return _decorated(composer, _as_command(composer, joined))


def request_side_by_side(composer: Composer, clauses: Sequence[Clause]) -> str:
    """Returns a request for independent things."""
    frames = composer.frames
    if len(clauses) == 2 and composer.chance(_TWO_SENTENCES_SHARE):
        second = composer.frame(frames.more).format(_uncapitalised(sentence(composer, clauses[1])))
        return _decorated(composer, f"{sentence(composer, clauses[0])} {second}")
    if all(clause.kind == "noun" for clause in clauses) and composer.chance(0.6):
        joined = _joined(composer.frame(frames.noun_joiners), [c.words for c in clauses])
        return _decorated(composer, composer.frame(frames.plain_nouns).format(joined))
    phrases = [composer.verb_phrase(clause) for clause in clauses]
    joined = _joined(composer.frame(frames.together), phrases)
    return _decorated(composer, _as_command(composer, joined))


def request_distributed(composer: Composer, clause: Clause) -> str:
    """Returns a request whose one clause asks for several calls."""
    if clause.kind == "noun":
        frame = composer.frame(composer.frames.plain_nouns)
        return _decorated(composer, frame.format(clause.words))
    return _decorated(composer, _as_command(composer, clause.words))


def follow_up(composer: Composer, clause: Clause) -> str:
    """Returns the request of a later turn."""
    phrase = composer.verb_phrase(clause)
    return capitalised(composer.frame(composer.frames.follow_up).format(phrase))


def answer(composer: Composer, value: str) -> str:
    """Returns the answer to a question for a value."""
    return composer.frame(composer.frames.answers).format(value)


def sentence(composer: Composer, clause: Clause) -> str:
    """Returns one clause as a sentence."""
    frames = composer.frames
    if clause.kind == "command":
        return _as_command(composer, clause.words)
    if clause.kind == "question":
        return capitalised(composer.frame(frames.questions).format(clause.words))
    question_word = clause.node.function.outputs[clause.path].asked_by
    frame = composer.frame(frames.nouns)
    return capitalised(frame.format(clause.words, wh=question_word))


def _as_command(composer: Composer, verb_phrase: str) -> str:
    return capitalised(composer.frame(composer.frames.commands).format(verb_phrase))


def _joined(joiner: Joiner, phrases: Sequence[str]) -> str:
    *body, final = phrases
    last = joiner.last if len(phrases) > 2 else joiner.between
    return f"{joiner.lead}{joiner.between.join(body)}{last}{final}"


def _decorated(composer: Composer, text: str) -> str:
    if composer.chance(_OPENING_SHARE):
        text = composer.frame(composer.frames.openings) + _uncapitalised(text)
    if composer.chance(_CLOSING_SHARE):
        text += composer.frame(composer.frames.closings)
    return text


def _uncapitalised(text: str) -> str:
    return text if text.startswith(_KEEP_CASE) else text[:1].lower() + text[1:]
