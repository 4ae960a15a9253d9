"""How many examples of each task a window of draws holds.

Drawing at random would leave a rare task's share to luck, and the n-th draw could not be known
without drawing the others. Here every window has a quota per task, and the fractions that do not
fit into whole examples are owed to later windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


class MixingRates:
    """Rates as exact integer shares, so that quotas never depend on rounding.

    Args:
        rates: Positive numbers; only their ratios matter, each taken as the decimal number that it
            prints as.
    """

    def __init__(self, rates: Sequence[float]) -> None:
        exact = [Fraction(repr(float(rate))) for rate in rates]
        scale = math.lcm(*(rate.denominator for rate in exact))
        numerators = [int(rate * scale) for rate in exact]
        common = math.gcd(*numerators)
        self.numerators = tuple(numerator // common for numerator in numerators)
        self.denominator = sum(self.numerators)

    @property
    def shares(self) -> tuple[float, ...]:
        """The fraction of the draws that each component gets."""
        return tuple(numerator / self.denominator for numerator in self.numerators)

    def quotas(self, window: int, draws: int, drawn: Sequence[int]) -> list[int]:
        """Returns how many examples of each component window number `window` holds.

        Cumulative counts stay at the exact share rounded down or up: a component's k-th example may
        be drawn once its share exceeds k - 1 and must be drawn before its share exceeds k, and the
        examples are taken in the order of those deadlines. A schedule that meets all deadlines
        exists, because drawing fractions of examples at the rates meets them; earliest deadline
        first finds it.

        Args:
            window: The window's number, from 0.
            draws: Draws a window.
            drawn: Examples of each component in the windows before, as this method returned them.

        Returns:
            One count per component; they sum to `draws`.
        """
        end = draws * (window + 1)
        due = [numerator * end // self.denominator for numerator in self.numerators]
        quotas = [max(must - had, 0) for must, had in zip(due, drawn, strict=True)]
        free = draws - sum(quotas)
        optional = [
            (self._deadline(component, due[component] + 1, draws), component)
            for component, numerator in enumerate(self.numerators)
            if numerator * end % self.denominator and drawn[component] <= due[component]
        ]
        for _, component in sorted(optional)[:free]:
            quotas[component] += 1
        return quotas

    def _deadline(self, component: int, count: int, draws: int) -> int:
        """The number of windows after which a component's share has reached `count`."""
        return -(-count * self.denominator // (self.numerators[component] * draws))
