"""One answer, told while it is written."""

from __future__ import annotations

from collections.abc import Callable

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Answer, Request
from granite_fc.vocabularies.vocabulary import Vocabulary

# Tokens between two words of it: few enough to seem steady, enough to cost little.
_STEPS = 4
# What a vocabulary decodes the first bytes of a character to.
_UNFINISHED = "\ufffd"


def tell_answer(
    engine: Engine, vocabulary: Vocabulary, request: Request, tell: Callable[[str], None]
) -> Answer:
    """Lets a model answer one request once.

    Args:
        engine: The model.
        vocabulary: Its vocabulary.
        request: The request, of one sample.
        tell: Gets the text piece by piece; together they are the answer's text.

    Returns:
        The answer.
    """
    tokens: list[int] = []
    told = ""
    # A grammar's answer ends with its last token; another one may be cut before it.
    complete = request.complete if request.grammar is None else None

    def tell_rest(text: str) -> None:
        nonlocal told
        if text != told and text.startswith(told):
            tell(text.removeprefix(told))
            told = text

    for written in engine.stream([request], steps=_STEPS):
        tokens += written.tokens
        if written.answer is not None:
            tell_rest(written.answer.text)
            return written.answer
        text = vocabulary.decode(tokens).rstrip(_UNFINISHED)
        if complete is not None:
            # White space that an answer ends with is cut from it.
            end = complete(text)
            text = text.rstrip() if end is None else text[:end]
        tell_rest(text)
    raise RuntimeError("the engine ended without an answer")
