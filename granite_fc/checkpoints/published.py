"""Published models, told from our own checkpoints by what a path holds."""

from __future__ import annotations

from pathlib import Path

from granite_fc.checkpoints.gguf.file import is_gguf
from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.checkpoints.hf.directory import is_published, open_directory
from granite_fc.checkpoints.hf.tensors import Published


def open_published(path: str | Path) -> Published | None:
    """Opens a published model; reads no weight.

    Args:
        path: A Hugging Face directory, or a GGUF file.

    Returns:
        The model, or None where the path holds none.

    Raises:
        ConfigurationError: What it holds is damaged.
    """
    path = Path(path).expanduser().absolute()
    if is_gguf(path):
        return read_gguf(path)
    return open_directory(path) if is_published(path) else None
