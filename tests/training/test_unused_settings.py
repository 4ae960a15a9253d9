"""Options of an optimizer or of adapters that a run does not have are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gin
import pytest

from granite_fc import configuration
from granite_fc.errors import ConfigurationError
from granite_fc.training.loop import train
from granite_fc.training.recipe import configured_recipe
from granite_fc.training.unused_settings import check_no_unused_settings

# It trains with Muon.
QUICKSTART = "runs/quickstart.gin"


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    yield
    gin.clear_config()


@pytest.mark.parametrize(
    ("files", "settings", "told"),
    [
        (["optimizers/ema.gin"], {}, r"adamw\.ema: .*@muon\(\)', expected muon\.ema"),
        (["optimizers/frozen_embeddings.gin"], {}, r"adamw\.frozen: .*expected muon\.frozen"),
        ([], {"adafactor.layer_decay": "0.9"}, r"adafactor\.layer_decay: .* muon\.layer_decay"),
        ([], {"ema.decay": "0.9"}, r"ema\.decay: .*expected muon\.ema = @ema\(\)"),
        ([], {"AdapterConfig.rank": "4"}, r"AdapterConfig\.rank: .*adapters/lora\.gin"),
    ],
)
def test_what_reaches_nothing_is_refused(
    files: list[str], settings: dict[str, str], told: str, tmp_path: Path
) -> None:
    configuration.parse(
        [QUICKSTART, *files], [*settings.items(), ("MODEL_DIR", str(tmp_path / "run"))]
    )
    with pytest.raises(ConfigurationError, match=told):
        train(dry_run=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        ([], {}),
        (["optimizers/ema.gin"], {"train.optimizer": "@adamw()"}),
        (["optimizers/ema.gin"], {"muon.ema": "None"}),
        (["optimizers/ema.gin"], {"muon.ema": "@ema()"}),
        # As a run with AdamW leaves it in its config.gin.
        ([], {"adamw.frozen": "()", "adamw.layer_decay": "1.0", "adamw.ema": "None"}),
        (["adapters/lora.gin"], {"AdapterConfig.rank": "4"}),
        (["adapters/lora.gin"], {"DecoderConfig.adapter": "None"}),
    ],
)
def test_what_counts_or_is_overruled_is_not(files: list[str], settings: dict[str, str]) -> None:
    configuration.parse([QUICKSTART, *files], [*settings.items(), ("MODEL_DIR", "run")])
    recipe = configured_recipe(train)
    check_no_unused_settings(recipe.model, recipe.optimizer)
