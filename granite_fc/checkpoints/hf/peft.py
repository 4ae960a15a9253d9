"""Adapters as Hugging Face's PEFT keeps them: `adapter_config.json` beside one safetensors file.

PEFT adapts the modules of the published model. Where several kernels of ours are parts of one
tensor, as in gpt_bigcode's `c_attn`, their adapters become one of as many times the rank: its A has
theirs side by side, and its B has each one's outputs in rows of their own and zeros elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from granite_fc.checkpoints.hf.config_out import family_of
from granite_fc.checkpoints.hf.families import TABLES
from granite_fc.checkpoints.hf.forms import Linear
from granite_fc.checkpoints.hf.weights import LAYER, Row, shapes_of
from granite_fc.models.adapters.attach import ADAPTER
from granite_fc.models.config import DecoderConfig

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

_KERNEL, _WEIGHT = "/kernel", ".weight"


class _Module(NamedTuple):
    """A module of the published model that has adapters.

    Attributes:
        name: Its name, with `{layer}`.
        rows: The kernels that its tensor holds, in order.
        adapted: Which of them have an adapter.
    """

    name: str
    rows: tuple[Row, ...]
    adapted: tuple[Row, ...]

    @property
    def suffix(self) -> str:
        """What its name ends with in every layer, which tells it from all others."""
        return self.name.partition(f"{LAYER}.")[2]


def peft_config(
    config: DecoderConfig, adapters: Mapping[str, Any], base: str | None
) -> dict[str, Any]:
    """Returns the content of `adapter_config.json`.

    Args:
        config: The decoder, with its adapter.
        adapters: The adapters' part of its parameters.
        base: What `base_model_name_or_path` is to say.
    """
    adapter = config.adapter
    assert adapter is not None
    modules = list(_modules(config, adapters))
    several = [module for module in modules if len(module.adapted) > 1]
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        "target_modules": [module.suffix for module in modules],
        # As many times of both, so that what it is multiplied by stays alpha / rank.
        "rank_pattern": {each.suffix: len(each.adapted) * adapter.rank for each in several},
        "alpha_pattern": {each.suffix: len(each.adapted) * adapter.alpha for each in several},
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "inference_mode": True,
    }


def peft_tensors(config: DecoderConfig, adapters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns the content of `adapter_model.safetensors`: float32, by PEFT's names.

    Args:
        config: The decoder, with its adapter.
        adapters: The adapters' part of its parameters, each `[layers, ...]`.
    """
    shapes = shapes_of(config)
    tensors: dict[str, np.ndarray] = {}
    for module in _modules(config, adapters):
        for layer in range(config.num_layers):
            name = f"base_model.model.{module.name.format(layer=layer)}"
            lora_a, lora_b = _of_layer(module, layer, adapters, shapes, config.vocab_size)
            tensors[f"{name}.lora_A.weight"] = lora_a
            tensors[f"{name}.lora_B.weight"] = lora_b
    return tensors


def _of_layer(
    module: _Module,
    layer: int,
    adapters: Mapping[str, Any],
    shapes: Mapping[tuple[str, ...], tuple[int, ...]],
    vocab_size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """A `[rank, inputs]` and B `[outputs, rank]` of one module, as PyTorch's linear maps."""
    into: list[np.ndarray] = []
    out: list[tuple[int, np.ndarray]] = []
    outputs = 0
    for row in module.rows:
        form = row.form
        assert isinstance(form, Linear)
        (size, inputs) = form.their_shape(shapes[tuple(row.ours.split("/"))][1:], vocab_size)
        if row in module.adapted:
            pair = _adapter_of(row, adapters)
            assert pair is not None
            lora_a, lora_b = (np.asarray(pair[name][layer]) for name in ("lora_a", "lora_b"))
            into.append(lora_a.reshape(inputs, -1).T)
            out.append((outputs, lora_b.reshape(-1, size).T))
        outputs += size
    lora_a = np.ascontiguousarray(np.concatenate(into), np.float32)
    joined = np.zeros((outputs, len(lora_a)), np.float32)
    for index, (begin, lora_b) in enumerate(out):
        size, rank = lora_b.shape
        joined[begin : begin + size, index * rank : (index + 1) * rank] = lora_b
    return lora_a, joined


def _modules(config: DecoderConfig, adapters: Mapping[str, Any]) -> Iterator[_Module]:
    table = TABLES[family_of(config, "PEFT")]
    kernels: dict[str, list[Row]] = {}
    for row in table:
        if LAYER in row.theirs and row.ours.endswith(_KERNEL):
            kernels.setdefault(row.theirs, []).append(row)
    for theirs, rows in kernels.items():
        adapted = tuple(row for row in rows if _adapter_of(row, adapters) is not None)
        if adapted:
            yield _Module(theirs.removesuffix(_WEIGHT), tuple(rows), adapted)


def _adapter_of(row: Row, adapters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    path: Sequence[str] = row.ours.removesuffix(_KERNEL).split("/")
    node: Any = adapters
    for name in (*path, ADAPTER):
        node = node.get(name)
        if node is None:
            return None
    return node
