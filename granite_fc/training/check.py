"""Everything about a run that can be wrong and can be told before a device or a cache is opened."""

from __future__ import annotations

import math
from collections.abc import Mapping

from granite_fc.checkpoints.checkpoints import CheckpointPolicy
from granite_fc.data import cache_files, declarations
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import split
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, logical_axes
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import partitions_of
from granite_fc.training.freezing import part
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.unused_settings import check_no_unused_settings
from granite_fc.vocabularies.vocabulary import Vocabulary


def check_run(
    *,
    model: DecoderConfig,
    optimizer: Optimizer,
    mesh: MeshConfig,
    rules: LogicalAxisRules,
    policy: CheckpointPolicy,
    vocabulary: Vocabulary,
    folders: Mapping[str, str],
    mixture_or_task_name: str,
    train_steps: int,
    batch_size: int,
    sequence_length: int,
    microbatches: int,
    seed: int,
    z_loss: float,
    clip_norm: float | None,
    offload_optimizer: bool,
    log_period: int,
    eval_period: int,
    eval_examples: int | None,
    eval_split: str,
    generation_examples: int,
    generation_period: int,
) -> None:
    """Checks a run's configuration.

    The arguments are those of `granite_fc.training.loop.train`; `folders` has the paths of what the
    run writes, by macro.

    Raises:
        ConfigurationError: Names the first thing that is wrong.
    """
    if isinstance(train_steps, bool) or not isinstance(train_steps, int) or train_steps < 1:
        raise ConfigurationError(
            "TRAIN_STEPS", found=train_steps, expected="an integer of at least 1"
        )
    for name, number, least in (
        ("log_period", log_period, 1),
        ("eval_period", eval_period, 0),
        ("eval_examples", 0 if eval_examples is None else eval_examples, 0),
        ("generation_examples", generation_examples, 0),
        ("generation_period", generation_period, 0),
    ):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ConfigurationError(
                f"train.{name}", found=number, expected=f"an integer of at least {least}"
            )
    if eval_split not in cache_files.HELD_OUT_SPLITS:
        raise ConfigurationError(
            "EVAL_SPLIT",
            found=eval_split,
            expected=f"one of {', '.join(cache_files.HELD_OUT_SPLITS)}",
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigurationError("RANDOM_SEED", found=seed, expected="an integer of at least 0")
    if not 0 <= z_loss < math.inf:
        raise ConfigurationError("train.z_loss", found=z_loss, expected="a number of at least 0")
    if clip_norm is not None and not clip_norm > 0:
        raise ConfigurationError(
            "train.clip_norm", found=clip_norm, expected="a number above 0, or None: no clipping"
        )
    if not isinstance(offload_optimizer, bool):
        raise ConfigurationError(
            "OFFLOAD_OPTIMIZER", found=offload_optimizer, expected="True or False"
        )
    for key, folder in folders.items():
        if "://" in str(folder):
            raise ConfigurationError(
                key,
                found=folder,
                expected="a folder of this machine's file system",
                remedy="Mount the bucket (gcsfuse, for one) and give the folder.",
            )
    if not isinstance(optimizer, Optimizer):
        raise ConfigurationError(
            "train.optimizer", found=optimizer, expected="@adamw(), @adafactor() or @muon()"
        )
    optimizer.check(train_steps)
    check_no_unused_settings(model, optimizer)
    policy.check()
    mesh.check()
    mesh.check_batch(batch_size, microbatches, sequence_length)
    rules.check()
    axes = logical_axes(model)
    own, _ = split(axes)
    trained, _ = part(own, optimizer.frozen_names(own))
    optimizer.build(trained, train_steps, model.num_layers)
    if mesh.is_explicit():
        partitions_of(axes, abstract_params(model), mesh.sizes(), rules)
    if sequence_length > model.max_positions:
        raise ConfigurationError(
            "SEQUENCE_LENGTH",
            found=sequence_length,
            expected=f"at most the model's max_positions = {model.max_positions}",
        )
    declarations.mixture_tasks(mixture_or_task_name)
    if vocabulary.size > model.vocab_size:
        raise ConfigurationError(
            "DecoderConfig.vocab_size",
            found=model.vocab_size,
            expected=f"at least the vocabulary's {vocabulary.size}",
        )
