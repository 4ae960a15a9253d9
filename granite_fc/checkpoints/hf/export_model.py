"""Makes a checkpoint a directory as Hugging Face publishes models."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from granite_fc.checkpoints.beside import written_beside
from granite_fc.checkpoints.checkpoints import STATE
from granite_fc.checkpoints.hf.config_out import published_config
from granite_fc.checkpoints.hf.directory import CONFIG
from granite_fc.checkpoints.hf.families import TABLES
from granite_fc.checkpoints.hf.safetensors_writer import SHARD_BYTES, SafetensorsWriter, check_room
from granite_fc.checkpoints.hf.special_ids import special_ids, with_special_ids
from granite_fc.checkpoints.hf.stored import chunks
from granite_fc.checkpoints.hf.weights import Part, paths_of, shapes_of, tensors_of
from granite_fc.checkpoints.strict import check_same_arrays, stored_arrays
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params

Progress = Callable[[int, int, str], None]


def stored_config(about: Mapping[str, Any]) -> DecoderConfig:
    """Returns the model that a checkpoint says it is of.

    Args:
        about: What `read_data` gave.
    """
    fields = {field.name for field in dataclasses.fields(DecoderConfig)}
    given = {name: value for name, value in about["model"].items() if name in fields}
    if given.get("adapter") is not None:
        given["adapter"] = AdapterConfig(**given["adapter"])
    return DecoderConfig(**given)


def export_model(
    checkpoint: Path,
    config: DecoderConfig,
    to: Path,
    *,
    files: Mapping[str, bytes],
    eos_id: int | None,
    dtype: str | None = None,
    use_ema: bool = True,
    shard_bytes: int = SHARD_BYTES,
    progress: Progress,
) -> None:
    """Writes a checkpoint's model as config, weights and what stands beside them.

    Arrays are read in the pieces that they were saved in, and each goes where it belongs in files
    that are laid out before: no array is ever held whole, unless it was saved so.

    Args:
        checkpoint: `.../checkpoints/<step>`.
        config: Its model.
        to: The directory, which is not there yet.
        files: The tokenizer's, and others to hand on, by name.
        eos_id: The id that ends an answer; None where no vocabulary is known.
        dtype: The type of the weights; None takes that which they are saved in.
        use_ema: Whether an average of the parameters, where the run kept one, takes their place.
        shard_bytes: The most bytes of a file of weights.
        progress: Called with arrays done, arrays in all, and the name of the next.

    Raises:
        ConfigurationError: transformers has no such model, the checkpoint is another's, the
            directory is there, or there is no room for the weights; nothing is written.
    """
    where = str(checkpoint)
    if config.adapter is not None:
        raise ConfigurationError(
            where,
            found="adapters, without the model that they stand beside",
            expected="a checkpoint of a whole model",
        )
    dtype = dtype or config.param_dtype
    content = published_config(config, where, dtype)
    content |= special_ids(files, eos_id)
    stored = stored_arrays(checkpoint / STATE)
    check_same_arrays(stored["params"], abstract_params(config), where)
    averaged = paths_of(stored.get("ema", {})) if use_ema else ()
    tensors = tensors_of(TABLES[content["model_type"]], config)
    places: dict[tuple[str, ...], dict[int | None, Part]] = {}
    for tensor in tensors:
        for piece in tensor.parts:
            places.setdefault(piece.path, {})[piece.layer] = piece
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    with written_beside(to) as folder:
        check_room(folder, shapes.values(), dtype)
        writer = SafetensorsWriter(folder, shapes, dtype, shard_bytes=shard_bytes)
        for name, data in with_special_ids(files, eos_id).items():
            (folder / name).write_bytes(data)
        _write_json(folder / CONFIG, content)
        for number, path in enumerate(shapes_of(config)):
            progress(number, len(places), "/".join(path))
            part = "ema" if path in averaged else "params"
            for index, values in chunks(checkpoint / STATE, part, path):
                _write(writer, places[path], index, values)
        progress(len(places), len(places), "")


def _write(
    writer: SafetensorsWriter, parts: Mapping[int | None, Part], index: Any, values: Any
) -> None:
    """Writes a piece of an array where it belongs in the tensors of its layers."""
    if None in parts:
        _assign(writer, parts[None], index, values)
        return
    for layer, array in zip(range(index[0].start, index[0].stop), values, strict=True):
        _assign(writer, parts[layer], index[1:], array)


def _assign(writer: SafetensorsWriter, part: Part, index: Any, values: Any) -> None:
    view = part.view(writer.tensor(part.name))
    # Rows of padding have no place there.
    target = view[index]
    target[...] = values[: target.shape[0]]


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
