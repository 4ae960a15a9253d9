"""Makes a published model a run's folder, to be asked, evaluated and trained from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from granite_fc.checkpoints.beside import written_beside
from granite_fc.checkpoints.hf.check import check_weights, described
from granite_fc.checkpoints.hf.streamed import Piece, write_checkpoint
from granite_fc.checkpoints.hf.tensors import Published
from granite_fc.checkpoints.hf.tokens import tokenizer_of
from granite_fc.checkpoints.hf.weights import Tensor, shapes_of
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import PARAM_DTYPES, DecoderConfig

Progress = Callable[[int, int, str], None]

# How a model is computed is a run's choice; these fields say what it is.
_COMPUTED = {
    "embedding_dropout",
    "attention_dropout",
    "residual_dropout",
    "compute_dtype",
    "remat_policy",
    "scan_layers",
    "attention",
    "attention_block",
    "loss_chunk",
    "vocab_multiple",
    "adapter",
}


def import_model(
    published: Published, to: Path, *, dtype: str | None = None, progress: Progress
) -> DecoderConfig:
    """Writes a published model as a folder like a run's, with one checkpoint, of step 0.

    Args:
        published: The model.
        to: The folder, which is not there yet.
        dtype: The type to store weights in; None takes theirs, float32 where they have several or
            float16.
        progress: Called with tensors done, tensors in all, and the name of the next.

    Returns:
        The model.

    Raises:
        ConfigurationError: The model cannot be read, or the folder is there; nothing is written.
    """
    config = described(published)
    tensors = check_weights(published, config)
    config = dataclasses.replace(config, param_dtype=dtype or _type_of(published, tensors))
    vocabulary = tokenizer_of(published)
    if vocabulary is not None and vocabulary.size > config.vocab_size:
        raise ConfigurationError(
            f"{published.name}/tokenizer.json",
            found=f"{vocabulary.size} ids",
            expected=f"at most the model's vocab_size = {config.vocab_size}",
            remedy="It is the tokenizer of another model.",
        )
    data = {
        "step": 0,
        "batches": {},
        "subtasks": [],
        "model": dataclasses.asdict(config),
        "vocabulary": None
        if vocabulary is None
        else {"name": vocabulary.name, "digest": vocabulary.digest},
    }
    with written_beside(to) as folder:
        for name, content in published.files.items():
            (folder / name).write_bytes(content)
        text = _gin(published, config, has_tokenizer=vocabulary is not None)
        (folder / "config.gin").write_text(text, encoding="utf-8")
        write_checkpoint(
            folder / "checkpoints" / "0",
            shapes_of(config),
            lambda path: path[0] == "blocks",
            np.dtype(config.param_dtype),
            _pieces(published, tensors, progress),
            data,
        )
    return config


def _pieces(published: Published, tensors: list[Tensor], progress: Progress) -> Iterator[Piece]:
    for number, tensor in enumerate(tensors):
        progress(number, len(tensors), tensor.name)
        array = published.source.read(tensor.name)
        for part in tensor.parts:
            yield Piece(part.path, part.layer, part.padded(array))
    progress(len(tensors), len(tensors), "")


def _type_of(published: Published, tensors: list[Tensor]) -> str:
    infos = published.source.infos()
    types = {infos[tensor.name].dtype for tensor in tensors}
    return types.pop() if len(types) == 1 and types <= set(PARAM_DTYPES) else "float32"


def _gin(published: Published, config: DecoderConfig, *, has_tokenizer: bool) -> str:
    fields = [
        f"DecoderConfig.{field.name} = {getattr(config, field.name)!r}"
        for field in dataclasses.fields(config)
        if field.name not in _COMPUTED
    ]
    lines = [
        f"# {Path(published.name).name}, a {published.config['model_type']} model.",
        'include "runs/converted.gin"',
        "",
        f"SEQUENCE_LENGTH = {config.max_positions}",
        *(["VOCABULARY = %MODEL_DIR"] if has_tokenizer else []),
        "",
        *fields,
    ]
    return "\n".join(lines) + "\n"
