"""What an answer is judged by, beside the right answer."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec


@dataclasses.dataclass(frozen=True)
class Question:
    """What is known of a request.

    Attributes:
        functions: Those on offer, in as much detail as the prompt shows: a parameter without a type
            fits anything, and where parameters are not shown any name is admitted
            (`additionalProperties`). None where it is not known what was on offer.
        shown: The calls that the prompt shows as made, in order, labelled as it labels them.
        results: What these returned, one each; shorter where the prompt does not show them.
        said: All that users said, one text after the other on lines of their own.
        replied: All that the assistant said to them, likewise.
    """

    functions: tuple[FunctionSpec, ...] | None = None
    shown: tuple[Call, ...] = ()
    results: tuple[Any, ...] = ()
    said: str = ""
    replied: str = ""

    @property
    def results_by_label(self) -> Mapping[str, Any]:
        """Label to result, of the shown calls that have both."""
        return types.MappingProxyType(
            {
                call.label: result
                for call, result in zip(self.shown, self.results, strict=False)
                if call.label is not None
            }
        )


NOTHING_KNOWN = Question()
