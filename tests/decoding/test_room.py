"""How many answers are written, and how many prompts read, at once."""

from __future__ import annotations

import pytest

from granite_fc.decoding.room import prompts_together, rows_for, rows_together
from granite_fc.models.config import DecoderConfig

# Granite 8B code: a position's keys and values take 2 x 36 layers x 8 heads x 128 x 2 bytes.
BYTES_OF_A_POSITION = 147_456


def granite_8b() -> DecoderConfig:
    return DecoderConfig(
        vocab_size=49_152,
        d_model=4_096,
        num_layers=36,
        num_heads=32,
        num_kv_heads=8,
        head_dim=128,
        d_ff=14_336,
        max_positions=8_192,
    )


@pytest.mark.parametrize("shards", [1, 3, 8, 256])
@pytest.mark.parametrize("length", [64, 1_024, 8_192])
def test_the_cache_of_a_part_fits_and_the_parts_are_even(length: int, shards: int) -> None:
    rows = rows_together(granite_8b(), length, shards, 64)
    of_part, rest = divmod(rows, shards)
    assert rest == 0
    assert of_part == 1 or of_part * length * BYTES_OF_A_POSITION <= 2**31
    assert rows <= max(64, shards)


def test_a_small_model_answers_many_at_once() -> None:
    assert rows_together(granite_8b(), 64, 1, 64) == 64
    assert rows_together(granite_8b(), 8_192, 1, 64) == 1


def test_few_numbers_of_rows_and_none_too_many() -> None:
    assert {rows_for(answers, 3, 48) for answers in range(1, 100)} == {3, 6, 12, 24, 48}
    assert rows_for(5, 1, 64) == 8
    assert rows_for(50, 1, 10) == 10


@pytest.mark.parametrize("length", [64, 1_024, 8_192])
def test_short_prompts_are_read_in_larger_groups(length: int) -> None:
    of_part = prompts_together(length, 1_000, 4, 64) // 4
    assert of_part == 1 or of_part * length <= 2_048
    assert prompts_together(length, 1, 4, 64) == 4
