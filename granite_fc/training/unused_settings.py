"""Settings that seem to say which weights a run trains, and do not reach it."""

from __future__ import annotations

import inspect

from granite_fc import typechecks
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.training.optimizer import Optimizer

_OPTIONS = ("frozen", "layer_decay", "rate_multipliers", "ema")


def check_no_unused_settings(model: DecoderConfig, optimizer: Optimizer) -> None:
    """Checks that gin sets no option of parts that a run does not have.

    Gin takes settings of anything that is imported: those of `adamw` in a run with Muon, of an
    average that is not kept, or of adapters beside a model that is trained itself, would be passed
    over without a word.

    Args:
        model: The run's decoder.
        optimizer: Its optimizer.

    Raises:
        ConfigurationError: There is such an option; one that is also set where it counts, if only
            to None, is taken for overruled.
    """
    bound = {
        f"{selector.rsplit('.', 1)[-1]}.{parameter}": value
        for (_, selector), values in typechecks.bindings().items()
        for parameter, value in values.items()
    }
    own = type(optimizer).__name__.lower()
    for kind in Optimizer.__subclasses__():
        other = kind.__name__.lower()
        for option in _OPTIONS:
            # A run's own config.gin says all that it computed with, defaults as well.
            default = inspect.signature(kind).parameters[option].default
            unused = other != own and bound.get(f"{other}.{option}", default) != default
            if unused and f"{own}.{option}" not in bound:
                raise ConfigurationError(
                    f"{other}.{option}",
                    found=f"a setting beside train.optimizer = @{own}()",
                    expected=f"{own}.{option}",
                )
    of_averages = sorted(name for name in bound if name.startswith("ema."))
    if optimizer.ema is None and of_averages and f"{own}.ema" not in bound:
        raise ConfigurationError(
            of_averages[0],
            found="a setting of a run that keeps no average",
            expected=f"{own}.ema = @ema()",
        )
    of_adapters = sorted(name for name in bound if name.startswith("AdapterConfig."))
    if model.adapter is None and of_adapters and "DecoderConfig.adapter" not in bound:
        raise ConfigurationError(
            of_adapters[0],
            found="a setting beside a model without adapters",
            expected="DecoderConfig.adapter = @AdapterConfig()",
            remedy="Add --gin_file=adapters/lora.gin.",
        )
