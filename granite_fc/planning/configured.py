"""The run that gin describes, as much of it as a plan needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from granite_fc import configuration
from granite_fc.errors import ConfigurationError
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.recipe import Recipe

# Macros that a run needs and its plan does not.
_NOT_NEEDED = ("MODEL_DIR", "DATA_DIR", "CACHE_DIR", "VOCABULARY")


@dataclasses.dataclass(frozen=True)
class ConfiguredRun:
    """A run.

    Attributes:
        recipe: What is computed.
        mesh: How it is spread, as configured.
        rules: What logical axes mean.
    """

    recipe: Recipe
    mesh: MeshConfig
    rules: LogicalAxisRules


def read_run(
    gin_files: Sequence[str],
    overrides: Sequence[tuple[str, str]],
    search_paths: Sequence[str] = (),
) -> ConfiguredRun:
    """Reads gin files as `granite-fc train` would.

    The folders of the run and its data, and the vocabulary, need have no value; no cache is looked
    for.

    Raises:
        ConfigurationError: The run cannot be made as configured.
    """
    overrides = list(overrides)
    while True:
        try:
            configuration.parse(gin_files, overrides, search_paths)
            break
        except ConfigurationError as error:
            if error.key not in _NOT_NEEDED or error.found != "no value":
                raise
            overrides.append((error.key, "not needed"))
    # Gin files name the modules that they need, so these are imported after them.
    from granite_fc.training.loop import train
    from granite_fc.training.recipe import configured_recipe

    recipe = configured_recipe(train)
    return ConfiguredRun(recipe, MeshConfig(), LogicalAxisRules())
