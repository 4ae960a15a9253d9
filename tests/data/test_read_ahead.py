from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest

from granite_fc.data.read_ahead import ReadAhead
from tests.data.examples_in_memory import small_mixture


def reading_threads():
    return {thread for thread in threading.enumerate() if "grain" in thread.name}


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("start", [0, 17])
def test_yields_the_batches_in_order_from_any_step(threads, start):
    alone = small_mixture()
    rows = slice(4, 8)
    with ReadAhead(small_mixture(), rows=rows, start=start, threads=threads) as batches:
        for expected, (step, batch) in enumerate(itertools.islice(batches, 20), start):
            assert step == expected
            for name, array in alone.batch(step, rows).items():
                assert np.array_equal(batch[name], array)


def test_stops_before_stop():
    with ReadAhead(small_mixture(), start=3, stop=6) as batches:
        assert [step for step, _ in batches] == [3, 4, 5]


def test_threads_end_when_closed():
    # Those of an earlier test may still be ending.
    before = reading_threads()
    with ReadAhead(small_mixture(), threads=2) as batches:
        next(batches)
        started = reading_threads() - before
        assert started
    for thread in started:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_measures_the_time_spent_waiting():
    batches = small_mixture()
    make = batches.batch

    def slow(step, rows):
        time.sleep(0.05)
        return make(step, rows)

    batches.batch = slow
    with ReadAhead(batches, threads=1, ahead=4) as read_ahead:
        for _ in range(4):
            next(read_ahead)
        assert read_ahead.seconds_waited > 0.1
        time.sleep(0.6)
        waited = read_ahead.seconds_waited
        next(read_ahead)
        assert read_ahead.seconds_waited - waited < 0.04


def test_an_error_is_raised_where_its_batch_is_due():
    batches = small_mixture()
    make = batches.batch

    def failing(step, rows):
        if step == 2:
            raise RuntimeError("unreadable record")
        return make(step, rows)

    batches.batch = failing
    with ReadAhead(batches) as read_ahead:
        assert next(read_ahead)[0] == 0
        assert next(read_ahead)[0] == 1
        with pytest.raises(RuntimeError, match="unreadable record"):
            next(read_ahead)
