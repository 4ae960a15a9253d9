"""Arrays of a checkpoint, read chunk by chunk as they were written."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts

Index = tuple[slice, ...]


def chunks(state: Path, part: str, path: tuple[str, ...]) -> Iterator[tuple[Index, np.ndarray]]:
    """Yields an array of a checkpoint in pieces, with where each is.

    Args:
        state: The checkpoint's `state`.
        part: The part of the state, such as "params".
        path: The array's, within the part.
    """
    # Orbax's own format: one OCDBT database, with an array of Zarr under each name.
    metadata = json.loads((state / "_METADATA").read_text(encoding="utf-8"))
    spec: dict[str, Any] = {
        "driver": "zarr3" if metadata.get("use_zarr3") else "zarr",
        "kvstore": {
            "driver": "ocdbt",
            "base": {"driver": "file", "path": f"{state}/"},
            "path": ".".join((part, *path)) + "/",
        },
    }
    store = ts.open(spec, open=True, read=True).result()
    steps = [int(step or 1) for step in store.chunk_layout.read_chunk.shape or ()]
    ranges = [range(0, size, step) for size, step in zip(store.shape, steps, strict=True)]
    for begins in itertools.product(*ranges):
        index = tuple(
            slice(begin, min(begin + step, size))
            for begin, step, size in zip(begins, steps, store.shape, strict=True)
        )
        yield index, store[index].read().result()
