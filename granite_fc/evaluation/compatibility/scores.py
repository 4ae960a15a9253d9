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
    """

    scorer: str
    values: Mapping[str, float]
    faults: tuple[str, ...]

    def text(self) -> str:
        """The scores and their faults, a line each."""
        lines = [f"{name} {value:.3f}" for name, value in self.values.items()]
        notes = [f"fault: {fault}" for fault in self.faults]
        return "\n".join((f"As {self.scorer} counts, faults included:", *lines, *notes))
