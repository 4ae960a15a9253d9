"""What a model answered to an item of a suite."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from granite_fc.calls.syntax import ParseResult


@dataclasses.dataclass(frozen=True)
class GivenAnswer:
    """An answer, as it was written and as it was read.

    Attributes:
        text: All of it.
        parsed: The calls that it makes.
    """

    text: str
    parsed: ParseResult

    @classmethod
    def read(cls, text: str, read_calls: Callable[[str], ParseResult]) -> GivenAnswer:
        """Reads an answer, as `granite_fc.conventions` or a parser of one form does."""
        return cls(text, read_calls(text))
