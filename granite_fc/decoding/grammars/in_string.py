"""What the tokens of a vocabulary do in a string of JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from granite_fc.decoding.grammars.json_strings import JsonString, Spelling, StringState

# More than any answer has tokens; twice as many are a number of 32 bits.
FAR = 1 << 29


class InString:
    """What each token does between two characters of a string of one spelling.

    Args:
        spelled: The bytes of each token.
        plain: bool `[size]`, the tokens that are known to leave a string as open as it was.
        head: Returns how many bytes have to be taken off a text for the rest to be plain.
        spelling: How the string is written.

    Attributes:
        missing: int32 `[size]`, fewest bytes to the string's end after each token that leaves it
            open; out of reach for the others.
        characters: int16 `[size]`, characters of the string that each takes.
        closing: The tokens that close it.
        behind: For each of these, which of `texts` it spells behind the string.
        undecided: The tokens that leave it open and take no character: of an escape or of a quote.
        texts: Distinct texts in the order of their bytes, each with how many bytes have to be taken
            off it for the rest to be plain.
    """

    def __init__(
        self,
        spelled: Sequence[bytes],
        plain: np.ndarray,
        head: Callable[[bytes], int],
        spelling: Spelling,
    ) -> None:
        string = JsonString(0, FAR, spelling, is_literal=False)
        between = StringState(len(string.quote))
        self.missing = np.full(len(spelled), FAR, np.int32)
        self.missing[plain] = string.bytes_needed(between)
        self.characters = np.zeros(len(spelled), np.int16)
        self.characters[plain] = [
            len(spelled[token].decode()) for token in np.flatnonzero(plain).tolist()
        ]
        behind: dict[bytes, list[int]] = {}
        for token in np.flatnonzero(~plain).tolist():
            state, closed_at = _follow(string, between, spelled[token])
            if state is None:
                continue
            self.characters[token] = state.length
            if closed_at:
                behind.setdefault(spelled[token][closed_at:], []).append(token)
                continue
            self.missing[token] = string.bytes_needed(state)
            # An escape that has begun takes room, unless it may be the quote yet.
            self.characters[token] += bool(
                state.escape and not string.quote.startswith(state.escape)
            )
        self.texts = [(text, head(text)) for text in sorted(behind)]
        is_open = self.missing < FAR
        self.undecided = np.flatnonzero(is_open & (self.characters == 0)).tolist()
        tokens = [behind[text] for text, _ in self.texts]
        self.closing = np.array([token for group in tokens for token in group], np.int64)
        self.behind = np.repeat(np.arange(len(tokens)), [len(group) for group in tokens])


def _follow(string: JsonString, state: StringState, data: bytes) -> tuple[StringState | None, int]:
    """Returns the last state in a string, or None; and the bytes that closed it, or 0."""
    for count, byte in enumerate(data, 1):
        following = string.advance(state, byte)
        if isinstance(following, bool):
            return (state, count) if following else (None, 0)
        state = following
    return (state if data else None), 0
