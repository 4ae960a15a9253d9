"""Which examples stand in which row of a run.

A run is one endless sequence of rows. It is cut into windows of a fixed number of draws; a window's
quotas, its examples, their packing and the order of its rows follow from the seed, the window's
number and how much was drawn before. A window's number of rows is known once it is packed, so
finding a row takes the `Position` at which some earlier window begins; positions are small, and a
checkpoint carries one, so that nothing before it is ever planned again.

Only lengths are read here, never tokens.
"""

from __future__ import annotations

import bisect
import collections
import dataclasses
import threading
from collections.abc import Sequence

import numpy as np

from granite_fc.data.mixing import MixingRates
from granite_fc.data.packing import pack
from granite_fc.data.permutation import key_of, mix64, permute, shuffled

# A window's last row is rarely full. Among this many rows it costs 0.1 % of the positions.
_LEAST_ROWS = 512
_MOST_DRAWS = 2**18
_PLANS_KEPT = 16
_POSITIONS_KEPT = 4096


@dataclasses.dataclass(frozen=True)
class PlannedTask:
    """What the planner knows of one task of a mixture.

    Attributes:
        name: The task's name; its shuffles are keyed by it, so they do not depend on the other
            tasks.
        rate: Its relative rate, in examples.
        fitting: Integers [num_fitting], the indices of the examples that may be drawn.
        lengths: Integers [num_examples], tokens an example.
    """

    name: str
    rate: float
    fitting: np.ndarray
    lengths: np.ndarray


@dataclasses.dataclass(frozen=True)
class Position:
    """Where a window begins.

    Attributes:
        window: The window's number.
        row: Its first row, counted over the run.
        examples: Examples of each task in the windows before.
        positions: Positions that those examples took, per task.
    """

    window: int
    row: int
    examples: tuple[int, ...]
    positions: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class PlannedRow:
    """The examples of one row, in order.

    Attributes:
        tasks: int64 [num_segments], the number of the task that each segment comes from.
        indices: int64 [num_segments], its index among that task's examples.
        lengths: int64 [num_segments], the positions it takes: its tokens less one.
    """

    tasks: np.ndarray
    indices: np.ndarray
    lengths: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class WindowPlan:
    """All rows of one window.

    Attributes:
        start: Where the window begins.
        end: Where the next one begins.
        tasks: int64 [num_draws], in row order; likewise `indices` and `lengths`.
        indices: See `PlannedRow`.
        lengths: See `PlannedRow`.
        row_starts: int64 [num_rows + 1], where each row begins in these arrays.
    """

    start: Position
    end: Position
    tasks: np.ndarray
    indices: np.ndarray
    lengths: np.ndarray
    row_starts: np.ndarray

    def row(self, number: int) -> PlannedRow:
        """Returns a row by its number in the window."""
        part = slice(self.row_starts[number], self.row_starts[number + 1])
        return PlannedRow(self.tasks[part], self.indices[part], self.lengths[part])


class Planner:
    """The rows of a run, by number. May be used by several threads.

    Args:
        tasks: The tasks of the mixture.
        sequence_length: Positions a row.
        seed: Keys every shuffle.
        window: The least number of draws a window; where examples are short, a window is made large
            enough for some hundreds of rows.
    """

    def __init__(
        self, tasks: Sequence[PlannedTask], *, sequence_length: int, seed: int, window: int
    ) -> None:
        self.tasks = tuple(tasks)
        self.rates = MixingRates([task.rate for task in tasks])
        self.sequence_length = sequence_length
        self.seed = seed
        mean = sum(
            share * (task.lengths[task.fitting].mean(dtype=np.float64) - 1)
            for share, task in zip(self.rates.shares, self.tasks, strict=True)
        )
        self.draws = max(window, min(int(_LEAST_ROWS * sequence_length / mean), _MOST_DRAWS))
        nothing = (0,) * len(self.tasks)
        self._keys = [key_of(seed, "order", task.name) for task in self.tasks]
        self._positions = [Position(window=0, row=0, examples=nothing, positions=nothing)]
        self._plans: collections.OrderedDict[int, WindowPlan] = collections.OrderedDict()
        self._lock = threading.Lock()

    def window_of_row(self, row: int) -> WindowPlan:
        """Returns the plan of the window that holds a row of the run."""
        with self._lock:
            nearest = bisect.bisect_right(self._positions, row, key=lambda start: start.row) - 1
            plan = self._plan(self._positions[nearest])
            while plan.end.row <= row:
                plan = self._plan(plan.end)
            return plan

    def rows(self, numbers: Sequence[int]) -> list[PlannedRow]:
        """Returns rows of the run by their numbers."""
        planned = []
        plan = None
        for number in numbers:
            if plan is None or not plan.start.row <= number < plan.end.row:
                plan = self.window_of_row(number)
            planned.append(plan.row(number - plan.start.row))
        return planned

    def adopt(self, position: Position) -> None:
        """Takes over where a window begins, so that no window before it has to be planned."""
        with self._lock:
            self._remember(position)

    def drawn_before(self, row: int) -> tuple[list[int], list[int]]:
        """Returns the examples and the positions of each task before a row of the run."""
        plan = self.window_of_row(row)
        before = slice(0, plan.row_starts[row - plan.start.row])
        tasks, number = plan.tasks[before], len(self.tasks)
        examples = np.bincount(tasks, minlength=number)
        positions = np.zeros(number, np.int64)
        np.add.at(positions, tasks, plan.lengths[before])
        return (
            [int(had + more) for had, more in zip(plan.start.examples, examples, strict=True)],
            [int(had + more) for had, more in zip(plan.start.positions, positions, strict=True)],
        )

    def _plan(self, start: Position) -> WindowPlan:
        plan = self._plans.get(start.window)
        if plan is None:
            plan = self._plans[start.window] = self._make_plan(start)
            self._remember(plan.end)
            if len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)
        self._plans.move_to_end(start.window)
        return plan

    def _remember(self, position: Position) -> None:
        place = bisect.bisect_left(self._positions, position.window, key=lambda at: at.window)
        if place == len(self._positions) or self._positions[place].window != position.window:
            self._positions.insert(place, position)
        if len(self._positions) > _POSITIONS_KEPT:
            # Every other one of the older half goes: the further back, the more windows a row is
            # found through.
            del self._positions[1 : _POSITIONS_KEPT // 2 : 2]

    def _make_plan(self, start: Position) -> WindowPlan:
        quotas = self.rates.quotas(start.window, self.draws, start.examples)
        tasks = np.repeat(np.arange(len(self.tasks)), quotas)
        indices = np.concatenate(
            [
                self._drawn(number, first, quota)
                for number, (first, quota) in enumerate(zip(start.examples, quotas, strict=True))
            ]
        )
        lengths = np.concatenate(
            [
                task.lengths[drawn].astype(np.int64) - 1
                for task, drawn in zip(
                    self.tasks, np.split(indices, np.cumsum(quotas)[:-1]), strict=True
                )
            ]
        )
        order = shuffled(len(tasks), key_of(self.seed, "window", start.window))
        rows, num_rows = pack(lengths[order], self.sequence_length)
        # Rows were opened for the longest examples first; renumbering them at random takes that
        # order away.
        rows = shuffled(num_rows, key_of(self.seed, "rows", start.window))[rows]
        order = order[np.argsort(rows, kind="stable")]
        positions = np.zeros(len(self.tasks), np.int64)
        np.add.at(positions, tasks, lengths)
        end = Position(
            window=start.window + 1,
            row=start.row + num_rows,
            examples=tuple(a + b for a, b in zip(start.examples, quotas, strict=True)),
            positions=tuple(a + int(b) for a, b in zip(start.positions, positions, strict=True)),
        )
        row_starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=num_rows))])
        return WindowPlan(start, end, tasks[order], indices[order], lengths[order], row_starts)

    def _drawn(self, number: int, first: int, count: int) -> np.ndarray:
        """The examples of a task from its `first` draw on; each epoch has its own order."""
        fitting = self.tasks[number].fitting
        draws = np.arange(first, first + count, dtype=np.uint64)
        epochs, places = np.divmod(draws, np.uint64(len(fitting)))
        return fitting[permute(places, len(fitting), mix64(epochs, self._keys[number]))].astype(
            np.int64
        )
