"""How a text has calls: what stands around them, and how their JSON is written."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class CallFrame:
    r"""What stands around calls, each of them a JSON object, in an answer.

    Attributes:
        opening: Before the first call.
        between: Between two calls.
        closing: After the last one.
        numbered: Where calls have numbers, what stands before and after that of each call, right
            before its object.
        first_number: The number of the first call.
        call_closing: After the object of each call.
        has_quoted_arguments: Whether arguments are JSON inside of a string.
        markers: Strings that begin with `<` and do not occur in a call: in place of that one they
            have `\u003c`.
    """

    opening: str
    between: str
    closing: str = ""
    numbered: tuple[str, str] | None = None
    first_number: int = 1
    call_closing: str = ""
    has_quoted_arguments: bool = False
    markers: tuple[str, ...] = ()

    def call_opening(self, index: int) -> str:
        """What stands before the object of a call, counted from 0."""
        if self.numbered is None:
            return ""
        before, after = self.numbered
        return f"{before}{self.first_number + index}{after}"
