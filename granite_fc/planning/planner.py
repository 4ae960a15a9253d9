"""What `granite-fc plan` does: plans a run or its best layout, and what would fit if none does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from granite_fc import configuration
from granite_fc.errors import ConfigurationError
from granite_fc.planning.candidates import Candidate, candidates
from granite_fc.planning.configured import ConfiguredRun, read_run
from granite_fc.planning.estimate import Estimator
from granite_fc.planning.plan import Plan
from granite_fc.planning.search import (
    SECONDS_EACH,
    Corrections,
    Search,
    SearchResult,
    Trial,
    describe,
)
from granite_fc.planning.worker import Request, ask
from granite_fc.sharding.topology import Topology

# How often a slice is doubled in search of one that a run fits.
_MOST_DOUBLINGS = 3

Overrides = list[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Nearest:
    """A change with which a run that does not fit would.

    Attributes:
        topology: As configured, or larger.
        overrides: Gin overrides.
        plan: What compiling it told.
    """

    topology: str
    overrides: Overrides
    plan: Plan


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What planning found.

    Attributes:
        plan: Of the best layout that was found, or of the configured one.
        overrides: Gin overrides that select it; None where it is as configured.
        search: All that was looked at; None without a search.
        nearest: Where nothing fits, the nearest change that would, if one was found.
    """

    plan: Plan
    overrides: Overrides | None = None
    search: SearchResult | None = None
    nearest: Nearest | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the plan's fields and beside them what was tried, as JSON would hold them."""
        fields = self.plan.to_json()
        if self.search is not None:
            fields["overrides"] = dict(self.overrides or [])
            fields["tried"] = [trial.to_json() for trial in self.search.tried]
            fields["pruned"] = [trial.to_json() for trial in self.search.pruned]
        if not self.plan.fits:
            fields["nearest"] = self.nearest and {
                "topology": self.nearest.topology,
                "overrides": dict(self.nearest.overrides),
                "plan": self.nearest.plan.to_json(),
            }
        return fields


class Planner:
    """Plans one run.

    Args:
        request: The run as configured.
        tell: Called with what goes on.

    Raises:
        ConfigurationError: There is no such topology.
    """

    def __init__(self, request: Request, tell: Callable[[str], None]) -> None:
        self._request = request
        self._topology = Topology.parse(request.topology, request.num_slices)
        self._tell = tell
        self._corrections = Corrections()

    def plan(self) -> Outcome:
        """Plans the run as it is configured.

        Raises:
            ConfigurationError: The run cannot be made as configured.
            PlanningError: It does not compile.
        """
        plan = ask(self._request)
        if plan.fits:
            return Outcome(plan)
        self._tell("it does not fit; looking for the nearest change that would")
        run, topology = self._run(), self._topology
        configured = Candidate.of(run.recipe, run.mesh, topology)
        self._corrections.learn(configured, self._estimator(run, topology)(configured), plan)
        return Outcome(plan, nearest=self._nearest(run, topology, configured))

    def search(self) -> Outcome:
        """Finds the fastest layout that fits.

        Raises:
            ConfigurationError: The run cannot be made as configured, on any layout.
            PlanningError: Nothing compiled.
        """
        run, topology = self._run(), self._topology
        layouts = list(candidates(run.recipe, topology))
        try:
            configured = Candidate.of(run.recipe, run.mesh, topology)
        except ConfigurationError:
            # The configured mesh is of another number of chips: there is nothing to beat.
            if not layouts:
                raise
            configured = max(layouts, key=lambda one: one.mesh.fsdp)
            result = self._search(run, topology).fastest(layouts, None)
        else:
            layouts = [configured, *(one for one in layouts if one != configured)]
            result = self._search(run, topology).fastest(layouts, configured)
        if result.best is not None and result.best.plan is not None:
            overrides = result.best.candidate.overrides(_microbatches_name())
            self._save(result.best.candidate)
            return Outcome(result.best.plan, overrides, result)
        plans = [trial.plan for trial in result.tried if trial.plan is not None]
        # Where nothing compiled, the configured layout says why; where nothing fits, what is
        # reported is what would need least.
        plans = plans or [self._compile(configured, topology)]
        plan = min(plans, key=lambda plan: plan.peak_gib)
        return Outcome(plan, None, result, self._on_larger_slices(run, topology, configured))

    def _run(self) -> ConfiguredRun:
        request = self._request
        return read_run(request.gin_files, request.overrides, request.search_paths)

    def _estimator(self, run: ConfiguredRun, topology: Topology) -> Estimator:
        return Estimator(run.recipe, run.rules, topology, topology.devices())

    def _search(self, run: ConfiguredRun, topology: Topology) -> Search:
        return Search(
            self._estimator(run, topology),
            lambda candidate: self._compile(candidate, topology),
            topology.chip.hbm_bytes,
            self._tell,
            self._corrections,
        )

    def _others(
        self, run: ConfiguredRun, topology: Topology, configured: Candidate
    ) -> Sequence[Candidate]:
        return [one for one in candidates(run.recipe, topology) if one != configured]

    def _compile(self, candidate: Candidate, topology: Topology) -> Plan:
        # Of all that are compiled only the best is saved, and only once it is known.
        request = dataclasses.replace(self._of(candidate), topology=topology.name, save=None)
        return ask(request, SECONDS_EACH)

    def _save(self, candidate: Candidate) -> None:
        if self._request.save is not None:
            self._tell(f"saving {describe(candidate)}")
            ask(self._of(candidate))

    def _of(self, candidate: Candidate) -> Request:
        overrides = candidate.overrides(_microbatches_name())
        return dataclasses.replace(self._request, overrides=[*self._request.overrides, *overrides])

    def _nearest(
        self, run: ConfiguredRun, topology: Topology, configured: Candidate
    ) -> Nearest | None:
        """Finds the nearest change that fits, on these slices or else on larger ones."""
        result = self._search(run, topology).nearest(
            self._others(run, topology, configured), configured
        )
        if result.best is not None:
            return _change(result.best, topology)
        return self._on_larger_slices(run, topology, configured)

    def _on_larger_slices(
        self, run: ConfiguredRun, topology: Topology, configured: Candidate
    ) -> Nearest | None:
        for _ in range(_MOST_DOUBLINGS):
            larger = topology.larger()
            if larger is None:
                return None
            self._tell(f"looking at {larger.name}")
            fsdp = configured.mesh.fsdp * larger.num_devices // topology.num_devices
            configured = dataclasses.replace(
                configured, mesh=dataclasses.replace(configured.mesh, fsdp=fsdp)
            )
            topology = larger
            result = self._search(run, topology).nearest(
                candidates(run.recipe, topology), configured
            )
            if result.best is not None:
                return _change(result.best, topology)
        return None


def _change(trial: Trial, topology: Topology) -> Nearest:
    assert trial.plan is not None
    return Nearest(topology.name, trial.candidate.overrides(_microbatches_name()), trial.plan)


def _microbatches_name() -> str:
    """Returns what binds the number of microbatches: the runs' macro, or the parameter itself."""
    known = configuration.macro("MICROBATCHES") is not None
    return "MICROBATCHES" if known else "train.microbatches"
