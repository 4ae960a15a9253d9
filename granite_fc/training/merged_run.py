"""A run's adapters merged into their base: the folder of a run whose model has none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from granite_fc import configuration
from granite_fc.checkpoints.beside import check_free, written_beside
from granite_fc.checkpoints.hf.export_model import Progress
from granite_fc.checkpoints.hf.streamed import Piece, write_checkpoint
from granite_fc.checkpoints.hf.weights import shapes_of
from granite_fc.checkpoints.initial import read_data
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.merge import merged_arrays
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import base_config
from granite_fc.training.trained_model import TrainedModel, configure, load

_CONFIG = "config.gin"
# Later bindings count: what the run was, but for these.
_CHANGES = """
# Its adapters were merged into the model that they stood beside.
DecoderConfig.adapter = None
DecoderConfig.param_dtype = {dtype!r}
"""


def merge_run(
    checkpoint: Path,
    to: Path,
    *,
    overrides: Sequence[tuple[str, str]] = (),
    dtype: str | None = None,
    progress: Progress,
) -> DecoderConfig:
    """Writes the model that a checkpoint's adapters and their base are together.

    What is written can be asked and evaluated, converted, and named in `INITIAL_CHECKPOINT_PATH`.
    The model is read as `load` reads it, and written one layer's array after the other.

    Args:
        checkpoint: `.../checkpoints/<step>`, of a run whose `config.gin` says where the base is.
        to: The folder, which is not there yet.
        overrides: (name, value) pairs over that, such as another INITIAL_CHECKPOINT_PATH; macros
            among them hold for what is written as well.
        dtype: The type to store weights in; None takes the run's `DecoderConfig.param_dtype`.
        progress: Called with arrays done, arrays in all, and the name of the next.

    Returns:
        The merged model.

    Raises:
        ConfigurationError: The checkpoint has no adapters, its base is another, or the folder is
            there; nothing is written.
    """
    check_free(to)
    about = read_data(checkpoint)
    if about["model"].get("adapter") is None:
        raise ConfigurationError(
            "--from", found=f"{checkpoint}, a whole model", expected="a checkpoint of adapters"
        )
    model = load(configure(str(checkpoint), [], overrides), overrides)
    dtype = dtype or model.config.param_dtype
    config = dataclasses.replace(base_config(model.config), param_dtype=dtype)
    about |= {"model": dataclasses.asdict(config), "frozen": [], "ema_decay": None}
    text = (checkpoint.parent.parent / _CONFIG).read_text(encoding="utf-8")
    with written_beside(to) as folder:
        given = [
            f"{name} = {configuration.as_gin_value(value)}\n"
            for name, value in overrides
            if name.isidentifier()
        ]
        text += _CHANGES.format(dtype=dtype) + "".join(given)
        (folder / _CONFIG).write_text(text, encoding="utf-8")
        write_checkpoint(
            folder / "checkpoints" / str(model.step),
            shapes_of(config),
            lambda path: path[0] == "blocks",
            np.dtype(dtype),
            _pieces(model, dtype, progress),
            about,
        )
    return config


def _pieces(model: TrainedModel, dtype: str, progress: Progress) -> Iterator[Piece]:
    shapes = shapes_of(base_config(model.config))
    layers = model.config.num_layers
    total = sum(layers if path[0] == "blocks" else 1 for path in shapes)
    for number, (path, layer, array) in enumerate(merged_arrays(model.config, model.params, dtype)):
        progress(number, total, "/".join(path))
        yield Piece(path, layer, np.asarray(array))
    progress(total, total, "")
