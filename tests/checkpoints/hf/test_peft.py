"""Adapters, loaded by PEFT onto the published model, compute what they do here."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import peft
import pytest
import safetensors
import torch

from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.checkpoints.hf.peft import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from granite_fc.checkpoints.hf.safetensors_writer import SHARD_BYTES, SafetensorsWriter
from granite_fc.cli.main import main
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join, split
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.decoder import adapt_params, hidden_states
from granite_fc.models.head import logits
from granite_fc.training.exported_adapters import export_adapters
from tests.models.families import FAMILIES, hugging_face_model, random_params, sequence


@pytest.mark.parametrize(
    ("family", "target"),
    [
        ("llama", ("blocks/.*",)),
        ("llama", ("blocks/attention/(query|value)",)),
        ("granite", ("blocks/mlp/.*",)),
        ("gpt_bigcode", ("blocks/.*",)),
        ("gpt_bigcode", ("blocks/attention/(query|value)", "blocks/mlp/down")),
    ],
)
def test_peft_computes_the_same(family: str, target: tuple[str, ...], tmp_path: Path) -> None:
    base = FAMILIES[family]
    adapter = AdapterConfig(rank=3, alpha=7.0, target=target, base_dtype="float32")
    config = dataclasses.replace(base, adapter=adapter)
    plain = random_params(base)
    adapters, frozen = split(adapt_params(config, plain, jax.random.key(1)))
    keys = iter(jax.random.split(jax.random.key(2), 100))
    adapters = jax.tree.map(lambda x: 0.2 * jax.random.normal(next(keys), x.shape), adapters)
    inputs = sequence(base, 2, 12)
    params = join(adapters, frozen)
    ours = jax.jit(lambda p: logits(config, p, hidden_states(config, p, *inputs)))(params)

    with Checkpoints(tmp_path / "run" / "checkpoints") as checkpoints:
        about = {"model": dataclasses.asdict(config), "step": 3}
        checkpoints.save(3, {"params": adapters}, about)
    to = tmp_path / "peft"
    assert main(["convert", f"--from={tmp_path / 'run'}", f"--to={to}"]) == 0
    assert {path.name for path in to.iterdir()} == {ADAPTER_CONFIG, ADAPTER_WEIGHTS}
    published = hugging_face_model(base, plain)
    tokens = torch.tensor(np.array(inputs[0]), dtype=torch.long)
    with torch.no_grad():
        before = published(input_ids=tokens).logits.numpy()
        model = peft.PeftModel.from_pretrained(published, to).eval()
        theirs = model(input_ids=tokens).logits.numpy()
        merged = model.merge_and_unload()(input_ids=tokens).logits.numpy()
    assert np.abs(theirs - before).max() > 0.1
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    np.testing.assert_allclose(ours, merged, atol=1e-4)


def test_all_adapters_are_in_the_one_file_that_peft_reads(tmp_path: Path) -> None:
    # Beyond what a file of a model holds; sparse, it takes no room.
    shapes = {name: (SHARD_BYTES // 4,) for name in ("one", "two", "three")}
    writer = SafetensorsWriter(tmp_path, shapes, "float32", shard_bytes=None, name=ADAPTER_WEIGHTS)
    writer.tensor("three")[-1] = 5.0
    assert [path.name for path in tmp_path.iterdir()] == [ADAPTER_WEIGHTS]
    with safetensors.safe_open(tmp_path / ADAPTER_WEIGHTS, "np") as file:
        assert set(file.keys()) == set(shapes)
        end = SHARD_BYTES // 4
        assert file.get_slice("three")[end - 2 : end].tolist() == [0.0, 5.0]


def test_adapters_say_what_ends_an_answer_and_want_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = FAMILIES["llama"]
    config = dataclasses.replace(base, adapter=AdapterConfig(base_dtype="float32"))
    adapters, _ = split(adapt_params(config, random_params(base), jax.random.key(1)))
    about = {"model": dataclasses.asdict(config), "step": 3}
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(3, {"params": adapters}, about)

    def export() -> None:
        export_adapters(
            tmp_path / "checkpoints" / "3",
            config,
            tmp_path / "peft",
            files={"generation_config.json": b'{"eos_token_id": 2, "top_k": 5}'},
            eos_id=7,
            base=None,
            dtype="float32",
            use_ema=False,
        )

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
        with pytest.raises(ConfigurationError, match="100 bytes left"):
            export()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]
    export()
    written = json.loads((tmp_path / "peft" / "generation_config.json").read_text())
    assert written["eos_token_id"] == [7, 2] and written["top_k"] == 5
