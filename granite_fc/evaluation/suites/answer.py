"""What a model answered to an item of a suite."""

from __future__ import annotations

import dataclasses

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
