from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.data import planner as planner_module
from granite_fc.data.permutation import key_of, mix64, permute
from granite_fc.data.planner import PlannedTask, Planner

SEED = 21


def planned_task(name, rate, lengths, sequence_length):
    lengths = np.asarray(lengths, np.uint32)
    fitting = np.flatnonzero(lengths <= sequence_length + 1).astype(np.uint32)
    return PlannedTask(name, rate, fitting, lengths)


def make_planner(sequence_length=50, window=300):
    random = np.random.default_rng(2)
    tasks = [
        planned_task("a", 3.0, random.integers(2, 40, 210), sequence_length),
        planned_task("b", 1.0, random.integers(30, 70, 50), sequence_length),
        planned_task("c", 0.3, [7], sequence_length),
    ]
    return Planner(tasks, sequence_length=sequence_length, seed=SEED, window=window)


def drawn(rows):
    return collections.Counter(
        pair for row in rows for pair in zip(row.tasks.tolist(), row.indices.tolist(), strict=True)
    )


def windows(planner, number):
    """The first plans, in order."""
    plans, row = [], 0
    for _ in range(number):
        plans.append(planner.window_of_row(row))
        row = plans[-1].end.row
    return plans


TASKS = st.lists(
    st.tuples(st.floats(0.01, 10), st.lists(st.integers(2, 33), max_size=40)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(TASKS, st.integers(20, 33), st.integers(1, 200))
def test_every_example_once_an_epoch(tasks, sequence_length, window):
    described = [
        planned_task(f"task{number}", rate, [2, *lengths], sequence_length)
        for number, (rate, lengths) in enumerate(tasks)
    ]
    planner = Planner(described, sequence_length=sequence_length, seed=SEED, window=window)
    plans = windows(planner, 4)
    times = drawn(planner.rows(range(plans[-1].end.row)))
    for number, task in enumerate(described):
        epochs, begun = divmod(plans[-1].end.examples[number], len(task.fitting))
        counts = [times[number, index] for index in task.fitting.tolist()]
        # Every finished epoch holds each example once, the one that has begun each at most once.
        assert sorted(counts) == [epochs] * (len(counts) - begun) + [epochs + 1] * begun
        assert sum(counts) == sum(n for (of, _), n in times.items() if of == number)


def test_a_window_holds_exactly_the_next_examples_of_each_order():
    planner = make_planner()
    for plan in windows(planner, 5):
        expected = collections.Counter()
        for number, task in enumerate(planner.tasks):
            size = len(task.fitting)
            for draw in range(plan.start.examples[number], plan.end.examples[number]):
                key = int(mix64(np.uint64([draw // size]), key_of(SEED, "order", task.name))[0])
                place = permute(np.array([draw % size]), size, key)[0]
                expected[number, int(task.fitting[place])] += 1
        rows = [plan.row(number) for number in range(plan.end.row - plan.start.row)]
        assert drawn(rows) == expected


def test_rows_fit_and_lengths_are_those_of_the_examples():
    planner = make_planner()
    for row in planner.rows(range(400)):
        assert 0 < row.lengths.sum() <= 50
        for task, index, length in zip(row.tasks, row.indices, row.lengths, strict=True):
            assert length == int(planner.tasks[task].lengths[index]) - 1


def test_neither_rows_nor_their_segments_are_ordered_by_length():
    random = np.random.default_rng(3)
    task = planned_task("a", 1.0, random.integers(2, 400, 20_000), 1000)
    planner = Planner([task], sequence_length=1000, seed=SEED, window=8192)
    plan = planner.window_of_row(0)
    rows = [plan.row(number) for number in range(plan.end.row)]
    longest = [row.lengths.max() for row in rows]
    assert abs(np.corrcoef(longest, np.arange(len(rows)))[0, 1]) < 0.1
    places = np.concatenate([np.arange(len(row.lengths)) for row in rows])
    relative = np.concatenate([row.lengths - row.lengths.mean() for row in rows])
    assert abs(np.corrcoef(places, relative)[0, 1]) < 0.05


def test_rows_in_any_order_and_from_any_planner_are_the_same():
    forward = make_planner().rows(range(2000))
    planner = make_planner()
    for number in [1999, 3, 700, 1500, 0, 1999]:
        [row] = planner.rows([number])
        assert np.array_equal(row.indices, forward[number].indices)
        assert np.array_equal(row.tasks, forward[number].tasks)


def test_forgetting_plans_and_positions_changes_nothing(monkeypatch):
    forward = make_planner().rows(range(3000))
    monkeypatch.setattr(planner_module, "_PLANS_KEPT", 2)
    monkeypatch.setattr(planner_module, "_POSITIONS_KEPT", 8)
    planner = make_planner()
    for number in [*range(0, 3000, 40), *range(2999, 0, -333)]:
        [row] = planner.rows([number])
        assert np.array_equal(row.indices, forward[number].indices)


def test_an_adopted_position_spares_planning_what_is_before(monkeypatch):
    far = make_planner().window_of_row(3000)
    packed = []
    monkeypatch.setattr(
        planner_module,
        "pack",
        lambda lengths, capacity, pack=planner_module.pack: (
            packed.append(len(lengths)) or pack(lengths, capacity)
        ),
    )
    resumed = make_planner()
    resumed.adopt(far.start)
    plan = resumed.window_of_row(3000)
    assert len(packed) == 1
    assert plan.start == far.start
    assert plan.end == far.end
    assert np.array_equal(plan.indices, far.indices)
    # What is before can still be had.
    assert np.array_equal(resumed.rows([5])[0].indices, make_planner().rows([5])[0].indices)


@pytest.mark.parametrize("row", [0, 1, 137, 900])
def test_drawn_before_counts_the_rows_before(row):
    planner = make_planner()
    examples, positions = planner.drawn_before(row)
    rows = planner.rows(range(row))
    for number in range(3):
        assert examples[number] == sum(int((each.tasks == number).sum()) for each in rows)
        assert positions[number] == sum(
            int(each.lengths[each.tasks == number].sum()) for each in rows
        )


def test_windows_grow_for_short_examples_so_that_their_last_row_does_not_matter():
    task = planned_task("a", 1.0, np.random.default_rng(1).integers(2, 40, 5000), 4096)
    planner = Planner([task], sequence_length=4096, seed=SEED, window=1024)
    plan = planner.window_of_row(0)
    assert plan.end.positions[0] / (plan.end.row * 4096) > 0.99


def test_an_added_task_leaves_the_orders_of_the_others():
    lengths = [5, 9, 3, 8]
    alone = Planner([planned_task("a", 1.0, lengths, 10)], sequence_length=10, seed=SEED, window=40)
    two = Planner(
        [planned_task("0", 1.0, lengths, 10), planned_task("a", 1.0, lengths, 10)],
        sequence_length=10,
        seed=SEED,
        window=40,
    )
    assert np.array_equal(alone._drawn(0, 0, 40), two._drawn(1, 0, 40))
    assert not np.array_equal(two._drawn(0, 0, 40), two._drawn(1, 0, 40))
