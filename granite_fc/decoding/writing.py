"""One answer while it is written, as the host knows it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np

from granite_fc.decoding.constraint import Constraint
from granite_fc.decoding.request import Answer, FinishReason, Request, Written
from granite_fc.models.config import DecoderConfig
from granite_fc.vocabularies.vocabulary import Vocabulary

# Tokens between two looks at whether a text is complete: so many, or this share of the text.
TOKENS_TO_A_LOOK = 8
_SHARE_TO_A_LOOK = 16


class Writing:
    """An answer that waits for a row, or is written in one."""

    def __init__(
        self,
        index: int,
        sample: int,
        request: Request,
        config: DecoderConfig,
        vocabulary: Vocabulary,
    ) -> None:
        """Begins an answer.

        Args:
            index: Which request it answers.
            sample: Which of its answers it is.
            request: The request.
            config: The decoder's shape.
            vocabulary: The decoder's ids.
        """
        self.index = index
        self.sample = sample
        self.request = request
        # The last token written need not be read: it may stand one past the last position.
        room = config.max_positions + 1 - len(request.prompt)
        self.limit = min(request.max_new_tokens, room)
        # The last token of a prompt is read as those that follow it are.
        self.prefilled = len(request.prompt) - 1
        self.constraint: Constraint | None = None
        self._vocabulary = vocabulary
        self._tokens: list[int] = []
        # Tokens that there will be when the text is looked at again.
        self._next_look = 0

    def begin(self) -> None:
        """Gets ready for the first token; not before, since states of grammars take room.

        Raises:
            NoRoomError: The grammar admits no answer of as many tokens as there are.
        """
        if self.request.grammar is not None:
            self.constraint = self.request.grammar.constraint(self._vocabulary, self.limit)

    def without_room(self) -> Written:
        """Returns that the answer ends before it begins, in place of `add`."""
        return Written(self.index, self.sample, (), Answer((), "", "no_room"))

    def allow(self, mask: np.ndarray) -> None:
        """Writes into int32 `[words]`, all ones so far, which ids may come next."""
        if self.constraint is not None:
            words = -(-self._vocabulary.size // 32)
            self.constraint.allow(mask[:words])
            mask[words:] = 0

    def add(self, tokens: list[int], eos_id: int) -> Written:
        """Takes the tokens that follow; at most the last one ends the answer."""
        ended = bool(tokens) and tokens[-1] == eos_id
        added = tokens[:-1] if ended else tokens
        self._tokens += added
        if self.constraint is not None:
            for token in added:
                self.constraint.accept(token)
        return Written(self.index, self.sample, tuple(added), self._answer(ended))

    def _answer(self, ended: bool) -> Answer | None:
        finish: FinishReason | None = None
        if ended:
            finish = "eos"
        elif self.constraint is not None and self.constraint.is_complete:
            finish = "complete"
        elif len(self._tokens) >= self.limit:
            finish = "length"
        complete = self._complete(is_last_look=finish is not None)
        if complete is not None or finish is None:
            return complete
        return Answer(tuple(self._tokens), self._vocabulary.decode(self._tokens), finish)

    def _complete(self, *, is_last_look: bool) -> Answer | None:
        """Returns the answer if the text says that it is one, whatever stands behind it.

        A constrained answer says so by its constraint.
        """
        asked = self.request.complete
        if asked is None or self.constraint is not None:
            return None
        written = len(self._tokens)
        if written < self._next_look and not is_last_look:
            return None
        # Each look reads the whole text: in all a look at every so many tokens would take the
        # square of its length.
        self._next_look = written + max(TOKENS_TO_A_LOOK, written // _SHARE_TO_A_LOOK)
        if asked(self._vocabulary.decode(self._tokens)) is None:
            return None

        # Tokens came several at a time: the fewest are those that it would have taken.
        def is_complete(count: int) -> bool:
            return asked(self._vocabulary.decode(self._tokens[:count])) is not None

        count = bisect.bisect_left(range(len(self._tokens)), True, key=is_complete)
        tokens: Sequence[int] = self._tokens[:count]
        text = self._vocabulary.decode(tokens)
        return Answer(tuple(tokens), text[: asked(text)], "complete")
