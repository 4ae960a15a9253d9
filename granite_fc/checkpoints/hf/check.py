"""A model that there is held against the model that is wanted, before any weight is read."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from granite_fc.checkpoints.hf.config_in import decoder_config
from granite_fc.checkpoints.hf.directory import CONFIG
from granite_fc.checkpoints.hf.families import BUFFERS, TABLES
from granite_fc.checkpoints.hf.named import summary
from granite_fc.checkpoints.hf.tensors import FLOAT_DTYPES, Published, TensorInfo
from granite_fc.checkpoints.hf.weights import Tensor, tensors_of
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig

_HEAD = "lm_head.weight"

# What says something only where rotary positions are stretched.
_SCALED = ("rope_low_freq_factor", "rope_high_freq_factor", "rope_original_positions")
# What a model is. The rest is how it is computed, which each run decides for itself.
_SAME = (
    "vocab_size",
    "d_model",
    "num_layers",
    "num_heads",
    "num_kv_heads",
    "head_dim",
    "d_ff",
    "max_positions",
    "positions",
    "rope_theta",
    "rope_factor",
    *_SCALED,
    "norm",
    "norm_eps",
    "activation",
    "gated_mlp",
    "attention_bias",
    "mlp_bias",
    "tie_embeddings",
    "embedding_multiplier",
    "attention_multiplier",
    "residual_multiplier",
    "logits_scaling",
)


def described(published: Published) -> DecoderConfig:
    """Returns the model that a published one says it is.

    Raises:
        ConfigurationError: See `decoder_config`.
    """
    return decoder_config(published.config, f"{published.name}/{CONFIG}")


def check_same_decoder(theirs: DecoderConfig, ours: DecoderConfig, said_by: str) -> None:
    """Checks that a model that there is is the one that a run configures.

    Rotary positions have no weights: a run may be made for fewer of them.

    Args:
        theirs: The model.
        ours: The run's.
        said_by: What describes the model, for messages.

    Raises:
        ConfigurationError: Names every field that differs.
    """
    differing = [name for name in _SAME if getattr(theirs, name) != getattr(ours, name)]
    means_the_same = {
        "max_positions": ours.positions == "rope" and ours.max_positions < theirs.max_positions,
        **dict.fromkeys(("rope_theta", "rope_factor"), ours.positions == "learned"),
        **dict.fromkeys(_SCALED, ours.positions == "learned" or ours.rope_factor == 1.0),
        # None is a number of its own.
        "attention_multiplier": ours.attention_scale == theirs.attention_scale,
    }
    differing = [name for name in differing if not means_the_same.get(name, False)]
    if differing:
        raise ConfigurationError(
            ", ".join(f"DecoderConfig.{name}" for name in differing),
            found=", ".join(str(getattr(ours, name)) for name in differing),
            expected=", ".join(str(getattr(theirs, name)) for name in differing)
            + f" as {said_by} says",
            remedy="Set them so, or include the gin file of that model.",
        )


def check_weights(published: Published, config: DecoderConfig) -> list[Tensor]:
    """Checks that a published model has the weights of a decoder, and no others.

    Args:
        published: The model; headers are read, and two tables where both a tied model's are there.
        config: What it is.

    Returns:
        The tensors to read, in order.

    Raises:
        ConfigurationError: Names every weight that is missing, left over, or of another shape or of
            no float type.
    """
    family = str(published.config["model_type"])
    tensors = tensors_of(TABLES[family], config)
    infos = published.source.infos()
    problems = _differences(tensors, infos, re.compile(BUFFERS[family]))
    if config.tie_embeddings and problems.get(_HEAD) == _LEFT_OVER:
        # Some files have the one table of a tied model under both of its names.
        table = tensors[0].name
        if _is_copy(published, _HEAD, table):
            del problems[_HEAD]
        else:
            problems[_HEAD] = f"is not {table}, though tie_word_embeddings = true"
    if problems:
        raise ConfigurationError(
            published.name,
            found=summary(problems),
            expected=f"the weights of the {family} model that {CONFIG} describes",
        )
    return tensors


_LEFT_OVER = "is left over"


def _differences(
    tensors: list[Tensor], infos: Mapping[str, TensorInfo], buffers: re.Pattern[str]
) -> dict[str, str]:
    problems = {}
    for tensor in tensors:
        info = infos.get(tensor.name)
        if info is None:
            problems[tensor.name] = "is missing"
        elif info.shape != tensor.shape:
            problems[tensor.name] = f"is {list(info.shape)}, not {list(tensor.shape)}"
        elif info.dtype not in FLOAT_DTYPES:
            problems[tensor.name] = f"is {info.dtype}, not one of {', '.join(FLOAT_DTYPES)}"
    known = {tensor.name for tensor in tensors}
    for name in infos:
        if name not in known and not buffers.fullmatch(name):
            problems[name] = _LEFT_OVER
    return problems


def _is_copy(published: Published, one: str, other: str) -> bool:
    infos = published.source.infos()
    if other not in infos or infos[one] != infos[other] or infos[one].dtype not in FLOAT_DTYPES:
        return False
    first = published.source.read(one).view(np.uint8)
    return bool(np.array_equal(first, published.source.read(other).view(np.uint8)))
