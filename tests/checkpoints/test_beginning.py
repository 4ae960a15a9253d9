"""A checkpoint that a run cannot begin with is refused before a device is used, with what to do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import pytest

from granite_fc.checkpoints.beginning import Beginning
from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from tests.models.families import LLAMA
from tests.training.small_run import Bytes

WHOLE = dataclasses.replace(LLAMA, vocab_size=Bytes.size)


def saved(config: DecoderConfig, folder: Path) -> Path:
    """A checkpoint by what it says of itself, which is all that is read before a device is used."""
    with Checkpoints(folder / "checkpoints") as checkpoints:
        about = {"model": dataclasses.asdict(config), "step": 3}
        checkpoints.save(3, {"params": jnp.zeros(())}, about)
    return folder


def test_the_same_model_is_taken(tmp_path: Path) -> None:
    Beginning.find(saved(WHOLE, tmp_path)).check(WHOLE, Bytes())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"adapter": AdapterConfig()}, r"INITIAL_CHECKPOINT_PATH: .*adapters.*convert --merge"),
        ({"param_dtype": "bfloat16"}, r"param_dtype: found 'float32', expected bfloat16.*--dtype"),
        ({"vocab_multiple": 48}, r"vocab_multiple: found '1, .* 64 rows', expected 48: .* 96 rows"),
        ({"rope_factor": 8.0}, r"DecoderConfig\.rope_factor: found '1\.0', expected 8\.0"),
    ],
)
def test_another_is_refused(change: dict, told: str, tmp_path: Path) -> None:
    there = dataclasses.replace(WHOLE, **change)
    with pytest.raises(ConfigurationError, match=told):
        Beginning.find(saved(there, tmp_path)).check(WHOLE, Bytes())


def test_what_is_computed_otherwise_is_the_same_model(tmp_path: Path) -> None:
    there = dataclasses.replace(WHOLE, vocab_multiple=32, compute_dtype="bfloat16", loss_chunk=7)
    Beginning.find(saved(there, tmp_path)).check(WHOLE, Bytes())


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such file"), (b'{"step": 3', "JSON|character|end"), (b"[]", "a JSON list")],
)
def test_a_damaged_one_is_named(content: bytes | None, told: str, tmp_path: Path) -> None:
    folder = saved(WHOLE, tmp_path)
    file = folder / "checkpoints" / "3" / "data" / "metadata"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"3/data/metadata: found .*({told})"):
        Beginning.find(folder).check(WHOLE, Bytes())
