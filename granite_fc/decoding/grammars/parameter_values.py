"""Values of functions' parameters without the calls."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.calls.spec import FunctionSpec
from granite_fc.decoding.constraint import Constraint
from granite_fc.decoding.grammars.json_strings import Spelling
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.stretch import Stretch
from granite_fc.decoding.grammars.text_constraint import TextConstraint
from granite_fc.decoding.grammars.texts import choice, repeat, sequence, text
from granite_fc.decoding.grammars.tokens import tokens_of
from granite_fc.decoding.grammars.values import Values
from granite_fc.vocabularies.vocabulary import Vocabulary


class ParameterValuesGrammar:
    """Answers that are JSON objects, one a line, or `{}` alone.

    Each has some of the parameters of one of the functions, in the order of its schema, with values
    that fit; no reference is among them.

    Args:
        functions: The functions asked about.
        limits: Bounds of lengths; None for those that gin configures.
    """

    def __init__(
        self, functions: Sequence[FunctionSpec], limits: GrammarLimits | None = None
    ) -> None:
        limits = limits or GrammarLimits()
        lines = choice(
            [
                Values(spec.parameters, limits, Spelling(), None).object(
                    spec.parameters, limits.depth, all_optional=True, not_empty=True
                )
                for spec in functions
            ]
        )
        more = repeat(sequence(text("\n"), lines), 0, limits.calls - 1)
        self._stretch = Stretch(choice((text("{}"), sequence(lines, more))))

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        """Begins an answer; see `granite_fc.decoding.constraint.AnswerGrammar`."""
        tokens = tokens_of(vocabulary)
        return TextConstraint(self._stretch, tokens, tokens.prices(), max_new_tokens)
