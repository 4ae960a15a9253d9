"""What the compiler says where a program does not fit."""

from __future__ import annotations

import pytest

from granite_fc.planning.memory import GIB, needed_bytes

# As libtpu 0.0.42 and older ones word it.
TEMPORARIES = (
    "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required for HLO temporaries "
    "(41.40G) exceeds available HBM (15.75G)."
)
WHOLE = (
    "RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory space hbm. "
    "Used 17.26G of 15.75G hbm. Exceeded hbm capacity by 1.51G."
)


def test_temporaries_are_needed_beside_the_arguments():
    assert needed_bytes(TEMPORARIES, arguments=2 * GIB) == pytest.approx(43.40 * GIB)


def test_the_need_of_the_whole_program_is_taken_as_it_is():
    assert needed_bytes(WHOLE, arguments=2 * GIB) == pytest.approx(17.26 * GIB)


@pytest.mark.parametrize("unit, size", [("M", 2**20), ("T", 2**40)])
def test_units(unit, size):
    message = WHOLE.replace("17.26G", f"512.5{unit}")
    assert needed_bytes(message, arguments=0) == pytest.approx(512.5 * size)


def test_other_errors_are_not_taken_for_it():
    assert needed_bytes("INVALID_ARGUMENT: during context [hlo verifier]", arguments=0) is None
