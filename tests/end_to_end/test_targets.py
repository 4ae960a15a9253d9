"""What carries loss in a packed batch of the cache is what SeqIO gives as targets."""

from __future__ import annotations

import collections

import numpy as np
import pytest
import seqio

from granite_fc.data.batches import Batches, MixtureComponent
from granite_fc.data.cache_reader import open_task
from tasks import mixtures  # noqa: F401  registers
from tasks.episode_renderer import present_vocabulary
from tasks.subtasks import SUBTASKS
from tests.end_to_end.conftest import Quickstart


def from_seqio(task: str) -> collections.Counter[tuple[str, str]]:
    """The (inputs, targets) texts of a task as SeqIO renders them, without any cache."""
    dataset = seqio.get_mixture_or_task(task).get_dataset(
        sequence_length=None, split="train", shuffle=False, use_cached=False
    )
    return collections.Counter(
        (example["inputs_pretokenized"].decode(), example["targets_pretokenized"].decode())
        for example in dataset.as_numpy_iterator()
    )


@pytest.mark.parametrize("subtask", SUBTASKS)
def test_tokens_that_carry_loss_decode_to_the_target_text(parsed: Quickstart, subtask: str) -> None:
    name = f"simulator_{subtask}"
    expected = from_seqio(name)
    vocabulary = present_vocabulary()
    batches = Batches(
        [MixtureComponent(open_task(parsed.cache, name, "train"), 1.0, 5)],
        sequence_length=256,
        batch_size=8,
        seed=3,
    )
    batch = batches.batch(0)
    seen = 0
    for row in range(8):
        segments = batch["segment_ids"][row]
        for segment in range(1, segments.max() + 1):
            places = segments == segment
            carries_loss = batch["loss_weights"][row][places] > 0
            targets = batch["targets"][row][places]
            first = int(np.argmax(carries_loss))
            assert carries_loss[first:].all(), "loss runs from the first target token to the last"
            inputs = [*batch["tokens"][row][places][:1], *targets[:first]]
            answer = targets[first:].tolist()
            assert answer[-1] == vocabulary.eos_id
            texts = (
                vocabulary.decode([int(token) for token in inputs]),
                vocabulary.decode(answer[:-1]),
            )
            assert texts in expected
            assert answer == [*vocabulary.encode(texts[1]), vocabulary.eos_id]
            assert set(batch["subtask_ids"][row][places]) == {5}
            seen += 1
    assert seen >= 8
    assert not batch["loss_weights"][batch["segment_ids"] == 0].any()
    assert sum(expected.values()) == len(open_task(parsed.cache, name, "train"))
