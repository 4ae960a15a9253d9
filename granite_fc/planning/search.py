"""Finds the layout of a run that fits a topology and is fastest, compiling as few as it can."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.planning.candidates import Candidate
from granite_fc.planning.estimate import Estimate
from granite_fc.planning.memory import GIB
from granite_fc.planning.plan import Plan
from granite_fc.planning.worker import PlanningError

# Layouts that one search compiles at most, and seconds that each may take.
MOST_COMPILED = 8
SECONDS_EACH = 240.0
# Layouts on one mesh that are compiled at most: a mesh that disappoints does so in many variants.
_MOST_ON_A_MESH = 3
# Layouts whose corrected estimate is longer than the best by less than this are compiled as well.
_TOLERANCE = 0.1
# Beyond so many times the memory that there is, an estimate is taken at its word.
_HOPELESS = 1.5

Compile = Callable[[Candidate], Plan]


# Whether a mesh has data, sequence and tensor neighbours.
_Kind = tuple[bool, bool, bool]


@dataclasses.dataclass(frozen=True)
class Trial:
    """A layout that was looked at.

    Attributes:
        candidate: The layout.
        estimate: From its shapes; None where it cannot be laid out.
        outcome: "fits", "does not fit", "failed: ..." for what was compiled, else why it was not.
        plan: What compiling told; None where it was not compiled or failed.
    """

    candidate: Candidate
    estimate: Estimate | None
    outcome: str
    plan: Plan | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the trial as JSON would hold it."""
        return {
            "mesh": self.candidate.mesh.sizes(),
            "microbatches": self.candidate.microbatches,
            "remat_policy": self.candidate.remat_policy,
            "outcome": self.outcome,
            "estimated_peak_gib": self.estimate and self.estimate.peak_bytes / GIB,
            "estimated_step_seconds": self.estimate and self.estimate.step_seconds,
            "peak_gib": self.plan and self.plan.peak_gib,
            "step_seconds": self.plan and self.plan.step_seconds,
            "mfu_bound": self.plan and self.plan.mfu_bound,
        }


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        best: The trial of the fastest layout that fits, or None.
        tried: What was compiled, in order.
        pruned: What was not, fastest first.
    """

    best: Trial | None
    tried: list[Trial]
    pruned: list[Trial]


class Corrections:
    """How far off estimates were, learnt from what is compiled.

    Peaks are corrected by the last layout of the same remat policy; those of a policy of which none
    was compiled by the one that was underestimated most, so that few compilations are spent on
    what does not fit. Times are corrected by layouts that wait for the same kinds of neighbours, of
    these by the one that was underestimated least; where none was compiled they are taken to be no
    worse than estimated, so that nothing is given up that might be faster.
    """

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}
        self._times: dict[_Kind, dict[str, float]] = {}

    def learn(self, candidate: Candidate, estimate: Estimate, plan: Plan) -> None:
        """Takes in what compiling told of a layout."""
        policy = candidate.remat_policy
        self._peaks[policy] = plan.peak_gib * GIB / estimate.peak_bytes
        if plan.step_seconds is not None:
            times = self._times.setdefault(_kind(candidate), {})
            ratio = plan.step_seconds / estimate.step_seconds
            times[policy] = min(ratio, times.get(policy, ratio))

    def knows(self, candidate: Candidate) -> bool:
        """Whether a time of a layout with the same kinds of neighbours was learnt."""
        return _kind(candidate) in self._times

    def peak_bytes(self, candidate: Candidate, estimate: Estimate) -> float:
        """Returns the corrected estimate of a peak."""
        others = max(self._peaks.values(), default=1.0)
        return estimate.peak_bytes * self._peaks.get(candidate.remat_policy, others)

    def step_seconds(self, candidate: Candidate, estimate: Estimate) -> float:
        """Returns the corrected estimate of a step's time."""
        times = self._times.get(_kind(candidate))
        if times is None:
            known = (ratio for each in self._times.values() for ratio in each.values())
            return estimate.step_seconds * min((1.0, *known))
        return estimate.step_seconds * times.get(candidate.remat_policy, min(times.values()))


def _kind(candidate: Candidate) -> _Kind:
    """Returns over which mesh axes, beside fsdp, devices wait for each other."""
    mesh = candidate.mesh
    return mesh.data > 1, mesh.sequence > 1, mesh.tensor > 1


class Search:
    """One search.

    Args:
        estimate: From a layout to its estimate.
        compile_plan: Compiles a layout.
        hbm_bytes: Memory of one chip that a program may use.
        tell: Called with what goes on.
        corrections: Of the estimates; learns.
    """

    def __init__(
        self,
        estimate: Callable[[Candidate], Estimate],
        compile_plan: Compile,
        hbm_bytes: float,
        tell: Callable[[str], None],
        corrections: Corrections,
    ) -> None:
        self._estimate = estimate
        self._compile = compile_plan
        self._hbm_bytes = hbm_bytes
        self._tell = tell
        self._corrections = corrections

    def fastest(self, candidates: Iterable[Candidate], first: Candidate | None) -> SearchResult:
        """Compiles layouts, those that promise most first, and returns the fastest that fits.

        Args:
            candidates: All layouts.
            first: The one that is compiled before all others, as the one to beat, unless it is
                estimated to need far more memory than there is.
        """
        estimated, pruned = self._estimated(candidates)
        estimated.sort(key=lambda pair: pair[1].step_seconds)
        tried: list[Trial] = []
        if first is not None:
            for pair in [pair for pair in estimated if pair[0] == first]:
                if pair[1].peak_bytes <= _HOPELESS * self._hbm_bytes:
                    estimated.remove(pair)
                    tried.append(self._try(*pair))
        while len(tried) < MOST_COMPILED:
            chosen = self._most_promising(estimated, tried)
            if chosen is None:
                break
            estimated.remove(chosen)
            tried.append(self._try(*chosen))
        if estimated and not tried:
            # None should fit: the one that needs least tells how much more memory there has to be.
            least = min(estimated, key=lambda pair: pair[1].peak_bytes)
            estimated.remove(least)
            tried.append(self._try(*least))
        best = _best(tried)
        for candidate, estimate in estimated:
            pruned.append(Trial(candidate, estimate, self._why_not(candidate, estimate, tried)))
        return SearchResult(best, tried, pruned)

    def nearest(self, candidates: Iterable[Candidate], configured: Candidate) -> SearchResult:
        """Compiles layouts that should fit, those nearest to the configured one first.

        Stops at the first that fits.
        """
        estimated, pruned = self._estimated(candidates)
        tried: list[Trial] = []
        estimated.sort(key=lambda pair: (pair[0].changes(configured), pair[1].step_seconds))
        while len(tried) < MOST_COMPILED // 2 and _best(tried) is None:
            chosen = next((pair for pair in estimated if self._should_fit(*pair)), None)
            if chosen is None:
                break
            estimated.remove(chosen)
            tried.append(self._try(*chosen))
        return SearchResult(_best(tried), tried, pruned)

    def _estimated(
        self, candidates: Iterable[Candidate]
    ) -> tuple[list[tuple[Candidate, Estimate]], list[Trial]]:
        estimated, pruned = [], []
        for candidate in candidates:
            try:
                estimated.append((candidate, self._estimate(candidate)))
            except ConfigurationError as error:
                pruned.append(Trial(candidate, None, f"cannot be laid out: {error.message}"))
        return estimated, pruned

    def _try(self, candidate: Candidate, estimate: Estimate) -> Trial:
        self._tell(f"compiling {describe(candidate)}")
        try:
            plan = self._compile(candidate)
        except (PlanningError, ConfigurationError) as error:
            message = error.message if isinstance(error, ConfigurationError) else str(error)
            return Trial(candidate, estimate, f"failed: {message}")
        self._corrections.learn(candidate, estimate, plan)
        return Trial(candidate, estimate, "fits" if plan.fits else "does not fit", plan)

    def _most_promising(
        self, estimated: list[tuple[Candidate, Estimate]], tried: list[Trial]
    ) -> tuple[Candidate, Estimate] | None:
        """Returns the fastest layout that should fit and beat what was found, or None."""
        promising = [pair for pair in estimated if self._why_not(*pair, tried) == ""]
        if len(tried) % 3 == 1:
            # Every third one is of a kind that is known, or optimism on others would use up all.
            known = [pair for pair in promising if self._corrections.knows(pair[0])]
            promising = known or promising
        return min(promising, key=lambda pair: self._corrections.step_seconds(*pair), default=None)

    def _why_not(self, candidate: Candidate, estimate: Estimate, tried: list[Trial]) -> str:
        """Returns why a layout is not worth compiling, or "" where it is."""
        peak = self._corrections.peak_bytes(candidate, estimate)
        if peak > self._hbm_bytes:
            return f"estimated to need {peak / GIB:.1f} GiB"
        best = _best(tried)
        seconds = self._corrections.step_seconds(candidate, estimate)
        if best is not None:
            if seconds >= _seconds(best) * (1 + _TOLERANCE):
                return f"estimated to take {seconds:.3g} s, longer than the best"
            same = [t for t in tried if t.candidate.mesh == candidate.mesh]
            if len(same) >= _MOST_ON_A_MESH:
                return f"{len(same)} others on its mesh were compiled"
        return "" if len(tried) < MOST_COMPILED else f"{MOST_COMPILED} others were compiled"

    def _should_fit(self, candidate: Candidate, estimate: Estimate) -> bool:
        return self._corrections.peak_bytes(candidate, estimate) <= self._hbm_bytes


def describe(candidate: Candidate) -> str:
    """Returns a layout in words."""
    axes = [f"{name} {size}" for name, size in candidate.mesh.sizes().items() if size > 1]
    return (
        f"{' x '.join(axes) or 'one chip'}, microbatches {candidate.microbatches}, "
        f"remat {candidate.remat_policy}"
    )


def _best(tried: Iterable[Trial]) -> Trial | None:
    fitting = [trial for trial in tried if trial.plan is not None and trial.plan.fits]
    return min(fitting, key=_seconds, default=None)


def _seconds(trial: Trial) -> float:
    seconds = trial.plan.step_seconds if trial.plan is not None else None
    return math.inf if seconds is None else seconds
