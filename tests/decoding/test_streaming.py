"""What is told of an answer while it is written adds up to the answer, each piece once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.request import Answer, FinishReason, Request, Written
from granite_fc.decoding.streaming import tell_answer
from granite_fc.vocabularies.vocabulary import Vocabulary
from tests.decoding.stubs import EvenIds


class Bytes(Vocabulary):
    """Ids are bytes."""

    name = "bytes"
    digest = "bytes"
    size = 256
    eos_id = -1

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode(errors="replace")


class Script:
    """Writes given pieces, and then says what the answer is."""

    def __init__(self, pieces: Sequence[bytes], answer: str, finish: FinishReason) -> None:
        self.pieces = pieces
        self.answer = Answer(tuple(answer.encode()), answer, finish)

    def stream(self, requests: Sequence[Request], *, steps: int) -> Iterator[Written]:
        *pieces, last = self.pieces
        for piece in pieces:
            yield Written(0, 0, tuple(piece), None)
        yield Written(0, 0, tuple(last), self.answer)


def told(
    pieces: Sequence[bytes],
    answer: str,
    *,
    finish: FinishReason = "complete",
    complete: Any = None,
    grammar: AnswerGrammar | None = None,
) -> list[str]:
    script: Any = Script(pieces, answer, finish)
    parts: list[str] = []
    request = Request([1], 99, complete=complete, grammar=grammar)
    found = tell_answer(script, Bytes(), request, parts.append)
    assert found == script.answer
    assert all(parts), "nothing is told of nothing"
    return parts


def before_b(text: str) -> int | None:
    """The text up to a "b", without the white space before it."""
    return None if "b" not in text else len(text[: text.index("b")].rstrip())


def test_white_space_that_is_cut_in_the_end_is_not_told() -> None:
    pieces = [b"one", b" two\n", b"\n", b"b"]
    assert told(pieces, "one two", complete=before_b) == ["one", " two"]


def test_white_space_inside_and_behind_an_answer_is_told() -> None:
    pieces = [b"one\n", b"two\n", b"."]
    assert told(pieces, "one\ntwo\n.", finish="eos", complete=before_b) == ["one", "\ntwo", "\n."]
    pieces = [b"one\n", b" "]
    assert told(pieces, "one\n ", finish="length", complete=before_b) == ["one", "\n "]
    assert told([b"one\n", b"two"], "one\ntwo", finish="eos") == ["one\n", "two"]


def test_nothing_is_told_twice_where_more_is_cut() -> None:
    assert told([b"one <t", b"x"], "one", complete=lambda text: None) == ["one <t"]


def test_what_is_behind_the_end_is_not_told() -> None:
    assert told([b"one two bad", b" worse"], "one two", complete=before_b) == ["one two"]


def test_a_character_is_told_when_all_its_bytes_are_there() -> None:
    euro = "€".encode()
    assert told([b"1 " + euro[:1], euro[1:2], euro[2:]], "1 €", finish="eos") == ["1 ", "€"]


def test_a_grammar_knows_where_its_answer_ends() -> None:
    parts = told([b"a b ", b"c"], "a b c", complete=before_b, grammar=EvenIds())
    assert parts == ["a b ", "c"]


def test_an_answer_without_room_is_told_as_nothing() -> None:
    assert told([b""], "", finish="no_room") == []


def test_an_engine_that_does_not_answer_is_an_error() -> None:
    class Silent:
        def stream(self, requests: Any, *, steps: int) -> Iterator[Written]:
            return iter(())

    silent: Any = Silent()
    with pytest.raises(RuntimeError):
        tell_answer(silent, Bytes(), Request([1], 2), print)
