"""What the engine is asked, and what it answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.sampling import GREEDY, SamplingConfig

# The model wrote the end of sequence; the answer says all that may be said; it was cut off; its
# grammar admits none of so few tokens.
FinishReason = Literal["eos", "complete", "length", "no_room"]


@dataclasses.dataclass(frozen=True)
class Request:
    """One prompt, to be answered once or several times.

    Attributes:
        prompt: Token ids, at least one.
        max_new_tokens: Most tokens that an answer may take, the end of sequence included. Fewer
            where the decoder's positions end.
        samples: Answers to write; they share the work on the prompt.
        sampling: How tokens are drawn.
        seed: What the random numbers depend on, with the number of the sample and of the token and
            nothing else. From 0 to 2**64 - 1.
        grammar: What an answer may be. None: anything.
        complete: How many characters of a text written so far are the answer, where all that may
            follow is none; None where it goes on. What it says of a text it says of every
            longer one too. None: only the end of sequence tells. Not asked where there is a
            grammar, which knows.
        adapter: The name of the adapters to answer with, among `Engine`'s; None for the model as
            it is.
    """

    prompt: Sequence[int]
    max_new_tokens: int
    samples: int = 1
    sampling: SamplingConfig = GREEDY
    seed: int = 0
    grammar: AnswerGrammar | None = None
    complete: Callable[[str], int | None] | None = None
    adapter: str | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        tokens: Its token ids, without the end of sequence; where it is complete, those that made it
            so.
        text: What they say, cut where `Request.complete` says.
        finish: Why it ends: "eos", the model ended it; "complete", nothing may follow; "length", it
            was cut off; "no_room", its grammar admits none of so few tokens, and nothing was
            written.
    """

    tokens: tuple[int, ...]
    text: str
    finish: FinishReason


@dataclasses.dataclass(frozen=True)
class Written:
    """What has been added to one answer.

    Attributes:
        request: Which request it answers, counted from 0.
        sample: Which of its answers it is, counted from 0.
        tokens: The tokens added, without the end of sequence. Where an answer turned out to be
            complete they may go beyond it.
        answer: The whole answer, once it has ended.
    """

    request: int
    sample: int
    tokens: tuple[int, ...]
    answer: Answer | None
