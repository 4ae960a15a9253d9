"""The tensors of a GGUF file of the architecture `llama` under their Hugging Face names.

llama.cpp's converter, which writes such files (convert_hf_to_gguf.py), turns the rows of queries
and keys within each head, so that the two entries that rotary positions turn together lie side by
side. Here they are turned back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from granite_fc.checkpoints.gguf.file import GgufFile
from granite_fc.checkpoints.gguf.rotary import DIVISORS
from granite_fc.checkpoints.hf.tensors import TensorInfo
from granite_fc.errors import ConfigurationError

_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_IN_BLOCKS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_IN_BLOCK = re.compile(rf"blk\.(0|[1-9][0-9]{{0,5}})\.({'|'.join(_IN_BLOCKS)})\.(weight|bias)")


class LlamaTensors:
    """The tensors of an opened file; a `TensorSource`."""

    def __init__(self, file: GgufFile, num_heads: int, num_kv_heads: int) -> None:
        """Names the tensors.

        Args:
            file: An opened file.
            num_heads: Query heads.
            num_kv_heads: Key/value heads.

        Raises:
            ConfigurationError: Names a tensor that a llama model has no place for, or whose rows
                are no whole number of heads.
        """
        self._file = file
        self._stored: dict[str, str] = {}
        self._heads: dict[str, int] = {}
        for stored, tensor in file.tensors.items():
            if stored == DIVISORS:
                continue
            name, module = _hugging_face_name(file, stored)
            self._stored[name] = stored
            if module in ("attn_q", "attn_k"):
                heads = num_heads if module == "attn_q" else num_kv_heads
                if tensor.shape[0] % (2 * heads):
                    raise ConfigurationError(
                        f"{file.path}: {stored}",
                        found=f"{tensor.shape[0]:,} rows",
                        expected=f"{heads} heads, each of a whole number of pairs of rows",
                    )
                self._heads[name] = heads

    def infos(self) -> Mapping[str, TensorInfo]:
        """Returns every tensor's shape and type."""
        infos = {}
        for name, stored in self._stored.items():
            tensor = self._file.tensors[stored]
            infos[name] = TensorInfo(tensor.shape, tensor.type.dtype)
        return infos

    def read(self, name: str) -> np.ndarray:
        """Returns one tensor; what is quantised in the file becomes float32."""
        weights = self._file.read(self._stored[name])
        if name in self._heads:
            pairs = weights.reshape(self._heads[name], -1, 2, *weights.shape[1:])
            weights = pairs.swapaxes(1, 2).reshape(weights.shape)
        return weights


def _hugging_face_name(file: GgufFile, name: str) -> tuple[str, str]:
    """Returns a tensor's Hugging Face name, and its module's name in the file."""
    if name in _OUTSIDE:
        return _OUTSIDE[name], name
    if match := _IN_BLOCK.fullmatch(name):
        layer, module, kind = match.groups()
        return f"model.layers.{layer}.{_IN_BLOCKS[module]}.{kind}", module
    raise ConfigurationError(
        f"{file.path}: {name}",
        found="a tensor that our decoder has no place for",
        expected="those of a llama model without experts",
    )
