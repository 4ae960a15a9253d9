"""A trained model, ready to be asked: its parameters on devices, its vocabulary, its settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from granite_fc import configuration
from granite_fc.checkpoints.beginning import KEY, Beginning
from granite_fc.checkpoints.initial import find_checkpoint, read_data, restore_params
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join, split
from granite_fc.models.adapters.fingerprint import fingerprint
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import (
    abstract_params,
    base_config,
    frozen_params,
    init_params,
    logical_axes,
)
from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import AXES, MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import named, partitions_of
from granite_fc.training.compilation_cache import AUTO, use_compilation_cache
from granite_fc.training.finished import finished_params, wants_average
from granite_fc.training.first_state import check_same_base
from granite_fc.training.layout import BASE
from granite_fc.training.resumption import check_same_model, check_same_vocabulary
from granite_fc.training.step import initial_key
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary

_CONFIG = "config.gin"
_KEY = "--checkpoint"


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """A checkpoint's model.

    Attributes:
        config: The decoder.
        params: Its parameters, spread over `mesh`.
        vocabulary: That of its data.
        mesh: The devices.
        rules: What logical axes mean on it.
        directory: The checkpoint.
        step: Steps that it was trained for.
    """

    config: DecoderConfig
    params: Any
    vocabulary: Vocabulary
    mesh: Mesh
    rules: LogicalAxisRules
    directory: Path
    step: int


def configure(
    checkpoint: str,
    gin_files: Sequence[str],
    overrides: Sequence[tuple[str, str]],
    search_paths: Sequence[str] = (),
) -> Path:
    """Makes the gin configuration that of a checkpoint's run, and returns the checkpoint.

    The run's `config.gin` comes first, then the given files and overrides. The run's folder is
    where the checkpoint is now, wherever it was trained.

    Args:
        checkpoint: A `MODEL_DIR`, its `checkpoints` or one checkpoint in it.
        gin_files: Further files; they are enough where there is no `config.gin`.
        overrides: (name, value) pairs.
        search_paths: Where to look for gin files.

    Raises:
        ConfigurationError: There is no checkpoint, or nothing that says what its model is.
    """
    directory = find_checkpoint(checkpoint, key=_KEY)
    model_dir = directory.parent.parent
    if not gin_files and not (model_dir / _CONFIG).is_file():
        raise ConfigurationError(
            _KEY,
            found=f"{directory} without {model_dir / _CONFIG}",
            expected="the folder that a run has left behind",
            remedy="Give the run's own gin files with --gin_file.",
        )
    configure_run(model_dir, gin_files, overrides, search_paths)
    return directory


def configure_run(
    model_dir: Path,
    gin_files: Sequence[str],
    overrides: Sequence[tuple[str, str]],
    search_paths: Sequence[str] = (),
) -> None:
    """Makes the gin configuration that of a run, wherever its folder is now.

    Args:
        model_dir: The run's folder.
        gin_files: Files that come after its own.
        overrides: (name, value) pairs.
        search_paths: Where to look for gin files.
    """
    own = [str(model_dir / _CONFIG)] if (model_dir / _CONFIG).is_file() else []
    configuration.parse(
        [*own, *gin_files], [("MODEL_DIR", str(model_dir)), *overrides], search_paths
    )


def load(directory: Path, overrides: Sequence[tuple[str, str]] = ()) -> TrainedModel:
    """Reads a checkpoint's parameters onto the devices that there are.

    Where the run kept an average of them, it is that, unless `ema.evaluate` says otherwise.

    They are spread by the run's rules over a mesh of all devices, split as parameters alone
    (`fsdp`) unless overrides say otherwise: the run's own mesh was that of other machines.

    Args:
        directory: What `configure` returned.
        overrides: Those given on the command line; of them `MeshConfig`'s and `ema`'s count here.

    Raises:
        ConfigurationError: The configuration is not that of the checkpoint's model or vocabulary,
            or the mesh does not fit the devices.
    """
    # The decoder as the run binds it: what adapters and sizes belong to is `train.model`.
    config = DecoderConfig()  # type: ignore[call-arg]  # gin binds the arguments
    about = read_data(directory)
    check_same_model(about, config)
    vocabulary = load_vocabulary()
    check_same_vocabulary(about, vocabulary)
    if vocabulary.size > config.vocab_size:
        raise ConfigurationError(
            "VOCABULARY",
            found=f"{vocabulary.name} of {vocabulary.size} entries",
            expected=f"at most the model's {config.vocab_size}",
        )
    use_compilation_cache(AUTO, directory.parent.parent)
    mesh = make_mesh(_mesh_config(overrides).resolve(jax.device_count()))
    rules = LogicalAxisRules()

    def finished(abstract: Any) -> Any:
        use_ema = wants_average(about, overrides)
        return finished_params(directory, about, abstract, use_ema=use_ema)

    wanted = _laid_out(config, mesh, rules)
    if config.adapter is None:
        params = finished(wanted)
    else:
        frozen = _frozen_base(config, directory, wanted, mesh, rules)
        params = join(finished(split(wanted)[0]), frozen)
    keep_as_used(config, params)
    return TrainedModel(config, params, vocabulary, mesh, rules, directory, int(about["step"]))


def keep_as_used(config: DecoderConfig, params: dict[str, Any]) -> None:
    """Holds kernels and tables in the type in which they are used, which changes no result.

    Training holds them in a wider one. What adapters stand beside is stored as it is used already.

    Args:
        config: The decoder.
        params: Its parameters, changed in place, one array after the other.
    """
    if config.adapter is not None:
        return
    for name, value in params.items():
        if isinstance(value, dict):
            keep_as_used(config, value)
        elif name in ("kernel", "table"):
            params[name] = value.astype(config.compute_dtype)


def _frozen_base(
    config: DecoderConfig, directory: Path, wanted: Any, mesh: Mesh, rules: LogicalAxisRules
) -> Any:
    """Reads or draws the model that a checkpoint's adapters were made for, as they find it."""
    base = base_config(config)
    path = configuration.macro(KEY)
    initial = None if path is None else Beginning.find(path)
    key = initial_key(configuration.macro("RANDOM_SEED", 0))
    with activate(mesh, rules):
        abstract = _laid_out(base, mesh, rules)
        shardings = jax.tree.map(lambda leaf: leaf.sharding, (abstract, split(wanted)[1]))
        if initial is None:
            plain = jax.jit(lambda: init_params(base, key), out_shardings=shardings[0])()
        else:
            plain = initial.params(config, abstract)
        number = jax.ShapeDtypeStruct((), jnp.uint32)
        then = restore_params(directory, number, part=BASE)
        check_same_base(then, jax.jit(fingerprint)(plain), initial, directory)
        return frozen_params(config, plain, shardings[1])


def _laid_out(config: DecoderConfig, mesh: Mesh, rules: LogicalAxisRules) -> Any:
    """A model's parameters as `jax.ShapeDtypeStruct`, spread over a mesh."""
    shapes = abstract_params(config)
    partitions = partitions_of(logical_axes(config), shapes, mesh.shape, rules)
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        shapes,
        named(mesh, partitions),
    )


def _mesh_config(overrides: Sequence[tuple[str, str]]) -> MeshConfig:
    given = {name.removeprefix("MeshConfig."): value for name, value in overrides}
    own = MeshConfig(data=1, fsdp=-1, sequence=1, tensor=1)
    return dataclasses.replace(
        own, **{axis: int(given[axis]) for axis in AXES if given.get(axis) is not None}
    )
