"""How many answers are written, and how many prompts read, at once."""

from __future__ import annotations

import pytest

from granite_fc.decoding.room import Room, prompts_together, rows_for, rows_together
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


def rows_of_8b(prompt: int, ring: int, shards: int = 1, answers: int = 999, gib: int = 4) -> int:
    return rows_together(granite_8b(), Room(shards, 1, 64, gib * 2**30), prompt, ring, answers)


@pytest.mark.parametrize("shards", [1, 3, 8, 256])
@pytest.mark.parametrize("prompt", [64, 1_024, 8_192])
@pytest.mark.parametrize("answers", [10, 999])
def test_all_copies_on_a_part_fit_and_the_parts_are_even(
    prompt: int, shards: int, answers: int
) -> None:
    rows = rows_of_8b(prompt, 256, shards, answers)
    of_part, rest = divmod(rows, shards)
    assert rest == 0
    slots = of_part * (prompt + 256)
    if answers > rows:  # a shorter copy of the rows is made
        slots += of_part * (prompt // 2 + 256)
    slots += 2 * max(2_048, prompt)  # prompts that are read, and those before them
    assert of_part == 1 or slots * BYTES_OF_A_POSITION <= 2**32
    assert rows <= max(64, shards)


def test_rows_follow_what_they_take_and_what_there_is() -> None:
    assert rows_of_8b(64, 64) == 64
    assert rows_of_8b(8_192, 64) == 1
    assert rows_of_8b(1_024, 256, gib=1) < rows_of_8b(1_024, 256) < rows_of_8b(1_024, 256, gib=8)
    heads = Room(batch_shards=1, head_shards=8, most_rows=64, cache_bytes=2**32)
    assert rows_together(granite_8b(), heads, 1_024, 256, 999) == 64


def test_few_numbers_of_rows_and_none_too_many() -> None:
    assert {rows_for(answers, 3, 48) for answers in range(1, 100)} == {3, 6, 12, 24, 48}
    assert rows_for(5, 1, 64) == 8
    assert rows_for(50, 1, 10) == 10


@pytest.mark.parametrize("length", [64, 1_024, 8_192])
def test_short_prompts_are_read_in_larger_groups(length: int) -> None:
    of_part = prompts_together(length, 1_000, 4, 64) // 4
    assert of_part == 1 or of_part * length <= 2_048
    assert prompts_together(length, 1, 4, 64) == 4
