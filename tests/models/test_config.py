"""Configurations that cannot be built are refused, and size files say how large they are."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import pytest

from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import count_params
from tests.models.families import LLAMA

GIN = Path(__file__).parents[2] / "gin"
PARAMETERS = {
    "smollm2_135m": 134_515_008,
    "granite_3b_code": 3_482_503_680,
    "granite_8b_code": 8_054_910_976,
    "granite_20b_code": 20_066_993_152,
    "granite_34b_code": 33_715_603_456,
    "granite_3_0_2b": 2_533_531_648,
    "granite_3_0_8b": 8_170_848_256,
    "llama_3_1_8b": 8_030_261_248,
    "llama_3_2_1b": 1_235_814_400,
    "tiny": None,
}


@pytest.fixture
def clean_gin() -> Iterator[None]:
    gin.clear_config()
    gin.add_config_file_search_path(str(GIN))
    yield
    gin.clear_config()


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_size_file_opens_with_its_exact_parameter_count(name: str, clean_gin: None) -> None:
    path = GIN / "models" / f"{name}.gin"
    gin.parse_config_file(str(path))
    count = count_params(DecoderConfig())
    assert path.read_text().splitlines()[0] == f"# {count:,} parameters."
    assert PARAMETERS[name] in (None, count)


def test_the_last_size_file_given_decides_alone(clean_gin: None) -> None:
    def configured(*names: str) -> DecoderConfig:
        gin.clear_config()
        for name in names:
            gin.parse_config_file(str(GIN / "models" / f"{name}.gin"))
        return DecoderConfig()

    for last in PARAMETERS:
        alone = configured(last)
        for first in PARAMETERS:
            assert configured(first, last) == alone, (first, last)


def test_every_size_file_is_tested() -> None:
    families = {"gpt_bigcode", "llama", "granite"}
    assert {path.stem for path in (GIN / "models").glob("*.gin")} == set(PARAMETERS) | families


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_kv_heads": 3}, "num_kv_heads: found 3, expected a divisor of num_heads = 4"),
        ({"head_dim": 7}, "head_dim: found 7, expected an even number"),
        ({"d_model": 0}, "d_model: found 0, expected a positive integer"),
        ({"num_layers": 2.0}, "num_layers: found 2.0, expected a positive integer"),
        ({"norm": "batchnorm"}, "norm: found 'batchnorm', expected one of 'rmsnorm'"),
        (
            {"remat_policy": "some"},
            "remat_policy: found 'some', expected one of 'none', 'projections'",
        ),
        ({"compute_dtype": "float16"}, "compute_dtype: found 'float16'"),
        ({"attention_dropout": 1.0}, r"attention_dropout: found 1.0, expected a share in \[0, 1\)"),
        ({"logits_scaling": 0.0}, "logits_scaling: found 0.0, expected a positive number"),
    ],
)
def test_what_cannot_be_built_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DecoderConfig.{message}"):
        dataclasses.replace(LLAMA, **change)


def test_a_padded_vocabulary_is_a_multiple() -> None:
    config = dataclasses.replace(LLAMA, vocab_size=61, vocab_multiple=16)
    assert config.padded_vocab_size == 64
    assert count_params(config) - count_params(LLAMA) == 3 * LLAMA.d_model


def test_shapes_axes_and_counts_touch_no_device() -> None:
    program = """
from jax._src import xla_bridge
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, count_params, logical_axes
config = DecoderConfig(64, 8, 2, 2, 1, 4, 16, 32)
abstract_params(config), count_params(config), logical_axes(config)
assert not xla_bridge._backends, xla_bridge._backends
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)
