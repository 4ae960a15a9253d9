"""Rotary positions of a GGUF file of the architecture `llama`.

How Llama 3.1 and later stretch them is in no metadata: llama.cpp's converter writes, for each pair
of a head, by what the angle is divided (`rope_freqs.weight`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from granite_fc.checkpoints.gguf.file import GgufFile
from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.errors import ConfigurationError
from granite_fc.models.rope import rope_frequencies

DIVISORS = "rope_freqs.weight"
# As in every model of Llama 3.1 to 3.3; only the factor differs, and it is the largest divisor.
_LLAMA3 = {
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def rotary_fields(file: GgufFile, metadata: Metadata, head_dim: int) -> dict[str, Any]:
    """Returns `rope_theta` and, where positions are stretched, `rope_scaling` of `config.json`.

    Args:
        file: An opened file.
        metadata: Its metadata.
        head_dim: Width of a head.

    Raises:
        ConfigurationError: The divisors are not those of Llama 3.1's rule.
    """
    # What llama.cpp takes where a file does not say it.
    theta = metadata.number("llama.rope.freq_base", 10_000.0)
    if DIVISORS not in file.tensors:
        return {"rope_theta": theta}
    divisors = file.read(DIVISORS)
    factor = float(divisors.max(initial=1.0))
    if not (np.isfinite(factor) and _follows(divisors, head_dim, theta, factor)):
        raise ConfigurationError(
            f"{file.path}: {DIVISORS}",
            found=f"{divisors.size} divisors from {divisors.min(initial=np.inf):g} to {factor:g}",
            expected=f"the {head_dim // 2} of Llama 3.1's rule: 1 for pairs that turn more than 4 "
            "times within 8,192 positions, one factor for those that turn less than once, and a "
            "line between",
        )
    return {
        "rope_theta": theta,
        "rope_scaling": {"rope_type": "llama3", "factor": factor, **_LLAMA3},
    }


def _follows(divisors: np.ndarray, head_dim: int, theta: float, factor: float) -> bool:
    # The defaults of `rope_frequencies` are the numbers above.
    expected = rope_frequencies(head_dim, theta) / rope_frequencies(head_dim, theta, factor=factor)
    return divisors.shape == expected.shape and np.allclose(divisors, expected, rtol=1e-4, atol=0)
