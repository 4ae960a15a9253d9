"""When the host looks at what has been written, and what it makes of it."""

from __future__ import annotations

import dataclasses

import pytest

from granite_fc.decoding.request import Answer, Request
from granite_fc.decoding.writing import Writing
from tests.decoding.numbers import Numbers
from tests.models.families import LLAMA

CONFIG = dataclasses.replace(LLAMA, max_positions=100_000)


class WordsEnd:
    """Says that so many words are all; counts the characters that it was asked of."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.read = 0

    def __call__(self, text: str) -> int | None:
        self.read += len(text)
        words = text.split(" ")
        return None if len(words) <= self.words else len(" ".join(words[: self.words]))


def written(complete: WordsEnd, tokens: int, step: int, limit: int) -> tuple[Answer, int]:
    """The answer to which `step` tokens at a time are added, and how many were."""
    request = Request([1], limit, complete=complete)
    writing = Writing(0, 0, request, CONFIG, Numbers())
    for start in range(0, tokens, step):
        added = [i % 10 for i in range(start, min(start + step, limit))]
        answer = writing.add(added, eos_id=-1).answer
        if answer is not None:
            return answer, start + len(added)
    raise AssertionError("no answer")


@pytest.mark.parametrize("step", [1, 4, 8, 32])
@pytest.mark.parametrize("words", [1, 30, 5_000])
def test_an_answer_is_cut_at_the_same_token_whenever_it_is_looked_at(words: int, step: int) -> None:
    complete = WordsEnd(words)
    answer, added = written(complete, 20_000, step, 20_000)
    assert answer.tokens == tuple(i % 10 for i in range(words))
    assert answer.text == "".join(f"{i % 10} " for i in range(words)).strip()
    assert answer.finish == "complete"
    # It is noticed a little later, and all looks together read it a few times.
    assert added <= max(words + 8 + step, words * 17 / 16 + step)
    assert complete.read < 40 * 2 * (words + 32)


def test_the_last_token_is_looked_at() -> None:
    answer, _ = written(WordsEnd(1_003), 1_003, 1, 1_003)
    assert (len(answer.tokens), answer.finish) == (1_003, "complete")
    answer, _ = written(WordsEnd(1_004), 1_003, 1, 1_003)
    assert (len(answer.tokens), answer.finish) == (1_003, "length")
