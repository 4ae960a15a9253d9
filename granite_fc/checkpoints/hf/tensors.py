"""What a published model is, wherever it lies: a directory, one file of another format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

FLOAT_DTYPES = ("float32", "bfloat16", "float16")


class TensorInfo(NamedTuple):
    """Shape and type of a stored tensor.

    Attributes:
        shape: As the model has it.
        dtype: One of `FLOAT_DTYPES`, or another that the file has and no model here reads.
    """

    shape: tuple[int, ...]
    dtype: str


class TensorSource(Protocol):
    """Tensors under their Hugging Face names."""

    def infos(self) -> Mapping[str, TensorInfo]:
        """Returns what there is; reads headers only."""
        ...

    def read(self, name: str) -> np.ndarray:
        """Returns one tensor, bfloat16 as `ml_dtypes` has it.

        Its memory is given back when the caller drops it.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Published:
    """A published model.

    Attributes:
        name: Where it lies, for messages.
        source: Its weights.
        config: The content of `config.json`.
        files: What stands beside the weights, by file name: `tokenizer.json`,
            `tokenizer_config.json`, `generation_config.json`, `chat_template.jinja` and the like,
            as they are to stand in a Hugging Face directory.
    """

    name: str
    source: TensorSource
    config: Mapping[str, Any]
    files: Mapping[str, bytes]
