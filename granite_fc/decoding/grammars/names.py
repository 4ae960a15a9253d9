"""Names of functions on offer."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.calls.call import NO_FUNCTION
from granite_fc.decoding.constraint import Constraint
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.stretch import Stretch
from granite_fc.decoding.grammars.text_constraint import TextConstraint
from granite_fc.decoding.grammars.texts import choice, repeat, sequence, text
from granite_fc.decoding.grammars.tokens import tokens_of
from granite_fc.vocabularies.vocabulary import Vocabulary


class NamesGrammar:
    """Answers that are names, one a line, or `no_function` alone.

    Args:
        names: Those on offer.
        most: Most of them in an answer, where one may come again; None for as many as gin
            configures for calls.
    """

    def __init__(self, names: Sequence[str], most: int | None = None) -> None:
        name = choice([text(each) for each in dict.fromkeys(names)])
        more = repeat(sequence(text("\n"), name), 0, (most or GrammarLimits().calls) - 1)
        self._stretch = Stretch(choice((sequence(name, more), text(NO_FUNCTION))))

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        """Begins an answer; see `granite_fc.decoding.constraint.AnswerGrammar`."""
        tokens = tokens_of(vocabulary)
        return TextConstraint(self._stretch, tokens, tokens.prices(), max_new_tokens)
