"""A run's adapters as a directory that PEFT loads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jax

from granite_fc.checkpoints.beside import written_beside
from granite_fc.checkpoints.hf.peft import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    peft_config,
    peft_tensors,
)
from granite_fc.checkpoints.hf.safetensors_writer import SafetensorsWriter, check_room
from granite_fc.checkpoints.hf.special_ids import with_special_ids
from granite_fc.checkpoints.initial import read_data
from granite_fc.models.adapters.attach import split
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params
from granite_fc.training.finished import finished_params


def export_adapters(
    checkpoint: Path,
    config: DecoderConfig,
    to: Path,
    *,
    files: Mapping[str, bytes],
    eos_id: int | None,
    base: str | None,
    dtype: str,
    use_ema: bool,
) -> None:
    """Writes `adapter_config.json`, `adapter_model.safetensors` and what stands beside them.

    Args:
        checkpoint: `.../checkpoints/<step>`, of adapters.
        config: Its model.
        to: The directory, which is not there yet.
        files: The tokenizer's, and others to hand on, by name.
        eos_id: The id that ends an answer; None where no vocabulary is known.
        base: Where the model is that they stand beside, as `base_model_name_or_path` says it.
        dtype: The type to write.
        use_ema: Whether the average of the adapters takes their place.

    Raises:
        ConfigurationError: The checkpoint is another's, it has no average, the directory is there,
            or there is no room for them; nothing is written.
    """
    about = read_data(checkpoint)
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    abstract = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device),
        split(abstract_params(config))[0],
    )
    adapters = jax.device_get(finished_params(checkpoint, about, abstract, use_ema=use_ema))
    tensors = peft_tensors(config, adapters)
    with written_beside(to) as folder:
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        check_room(folder, shapes.values(), dtype)
        # PEFT looks for one file alone.
        writer = SafetensorsWriter(folder, shapes, dtype, shard_bytes=None, name=ADAPTER_WEIGHTS)
        named = files if eos_id is None else with_special_ids(files, eos_id)
        for name, data in named.items():
            (folder / name).write_bytes(data)
        content = json.dumps(peft_config(config, adapters, base), indent=2)
        (folder / ADAPTER_CONFIG).write_text(content + "\n", encoding="utf-8")
        for name, tensor in tensors.items():
            writer.tensor(name)[...] = tensor
