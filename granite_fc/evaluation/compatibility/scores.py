"""What a reproduced scorer gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores of a published scorer.

    Attributes:
        scorer: Whose they are.
        values: Its metric to its value, between 0 and 1 unless a fault lets it out.
        faults: What is wrong with them; to be shown with them.
        num_items: Number of items that were scored.
    """

    scorer: str
    values: Mapping[str, float]
    faults: tuple[str, ...]
    num_items: int
