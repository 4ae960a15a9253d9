"""The training loop.

`train` tells the whole story in order: check what can be checked, join the other hosts, open the
data, build the mesh, restore or initialise, compile, step.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gin
import jax

from granite_fc.checkpoints.beginning import Beginning, check_is_run
from granite_fc.checkpoints.checkpoints import CheckpointPolicy, Checkpoints
from granite_fc.checkpoints.initial import read_data, steps_saved
from granite_fc.data import declarations
from granite_fc.data.cache_status import missing_tasks
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import count_params
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.agreement import (
    agree,
    check_shared,
    facts_of_data,
    facts_of_mesh,
    facts_of_program,
)
from granite_fc.training.check import check_run
from granite_fc.training.compilation_cache import AUTO, use_compilation_cache
from granite_fc.training.first_state import first_state
from granite_fc.training.goodput import Goodput
from granite_fc.training.hosts import Hosts, join_hosts
from granite_fc.training.metrics_writer import METRICS
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import AdamW
from granite_fc.training.profile import Profile
from granite_fc.training.programs import Programs
from granite_fc.training.recipe import recipe_of
from granite_fc.training.resumption import verify_run
from granite_fc.training.run import Looks, Run, TrainResult
from granite_fc.training.run_data import open_run_data
from granite_fc.training.run_report import report_run
from granite_fc.vocabularies.vocabulary import Vocabulary

# How long one host may write caches, and the report, while the others wait.
_CACHES_SECONDS = 24 * 3600
_REPORT_SECONDS = 1800


@gin.configurable(module="granite_fc.training")
def train(
    *,
    model_dir: str,
    mixture_or_task_name: str,
    cache_dir: str,
    model: DecoderConfig,
    train_steps: int,
    batch_size: int,
    sequence_length: int,
    vocabulary: Vocabulary,
    seed: int = 0,
    initial_checkpoint_path: str | None = None,
    optimizer: Optimizer | None = None,
    mesh: MeshConfig | None = None,
    rules: LogicalAxisRules | None = None,
    microbatches: int = 1,
    z_loss: float = 1e-4,
    clip_norm: float | None = 1.0,
    offload_optimizer: bool = False,
    checkpoints: CheckpointPolicy | None = None,
    log_period: int = 10,
    eval_period: int = 1000,
    eval_examples: int | None = 256,
    eval_split: str = "validation",
    generation_examples: int = 0,
    generation_period: int = 0,
    compilation_cache_dir: str | None = AUTO,
    profile: Profile | None = None,
    write_caches: Callable[[list[str]], None] | None = None,
    started: float | None = None,
    dry_run: bool = False,
) -> TrainResult | None:
    """Trains a decoder, going on from the latest checkpoint in `model_dir` where there is one.

    On several hosts each calls it with the same arguments; see `granite_fc.training.hosts`.

    Args:
        model_dir: Where everything that the run leaves behind goes.
        mixture_or_task_name: What to train on.
        cache_dir: The folder of token caches.
        model: The decoder.
        train_steps: Steps in all, those before a restart included.
        batch_size: Rows of the global batch.
        sequence_length: Positions a row.
        vocabulary: That of the caches.
        seed: Of the initial parameters, the order of the data and dropout.
        initial_checkpoint_path: A checkpoint or a Hugging Face directory with the parameters that a
            new run begins with.
        optimizer: `AdamW()` as bound by gin where None.
        mesh: `MeshConfig()` as bound by gin where None.
        rules: `LogicalAxisRules()` as bound by gin where None.
        microbatches: Parts of a batch that run one after the other; they change memory and time,
            not results.
        z_loss: Weight of the squared log-partition function.
        clip_norm: Largest global norm of the gradients; None does not clip.
        offload_optimizer: Keep the optimizer's state in the hosts' memory between updates: less of
            the devices', a longer step, the same results.
        checkpoints: `CheckpointPolicy()` as bound by gin where None.
        log_period: Steps between log entries.
        eval_period: Steps between evaluations; 0 evaluates at the end only.
        eval_examples: Held-out examples a task; None takes all, 0 does not evaluate.
        eval_split: The held-out split: "validation", "unseen_function" or "unseen_service".
        generation_examples: Held-out examples a task that the model answers, the same ones each
            time; 0 asks none.
        generation_period: Steps between such evaluations; 0 has one at the end only.
        compilation_cache_dir: Where compiled programs are kept; see `use_compilation_cache`.
        profile: `Profile()` as bound by gin where None.
        write_caches: Called on one host with the names of tasks that have no cache yet, once all
            else has been checked; without it such a task is an error.
        started: When the program started, by `time.monotonic`, for the goodput; now where None.
        dry_run: Check everything, describe the run and stop before any device is used.

    Returns:
        How the run ended; None for a dry run.

    Raises:
        ConfigurationError: The run cannot be made as configured, or hosts disagree on it.
        HostsError: Other hosts of the run did not come.
        NonFiniteError: The loss or a norm is not finite.
        Preempted: The program was told to stop and saved a checkpoint; exit status 42.
    """
    clock = Goodput(started)
    mesh, rules = mesh or MeshConfig(), rules or LogicalAxisRules()
    policy, profile = checkpoints or CheckpointPolicy(), profile or Profile()
    check_run(
        model=model,
        optimizer=(optimizer := optimizer or AdamW()),
        mesh=mesh,
        rules=rules,
        policy=policy,
        vocabulary=vocabulary,
        folders={"MODEL_DIR": model_dir, "CACHE_DIR": cache_dir},
        mixture_or_task_name=mixture_or_task_name,
        train_steps=train_steps,
        batch_size=batch_size,
        sequence_length=sequence_length,
        microbatches=microbatches,
        seed=seed,
        z_loss=z_loss,
        clip_norm=clip_norm,
        offload_optimizer=offload_optimizer,
        log_period=log_period,
        eval_period=eval_period,
        eval_examples=eval_examples,
        eval_split=eval_split,
        generation_examples=generation_examples,
        generation_period=generation_period,
    )
    profile.check()
    folder = Path(model_dir).expanduser()
    initial = None
    if initial_checkpoint_path is not None:
        initial = Beginning.find(initial_checkpoint_path)
        initial.check(model, vocabulary)
    recipe = recipe_of(
        model=model,
        optimizer=optimizer,
        mixture_or_task_name=mixture_or_task_name,
        train_steps=train_steps,
        batch_size=batch_size,
        sequence_length=sequence_length,
        microbatches=microbatches,
        seed=seed,
        z_loss=z_loss,
        clip_norm=clip_norm,
        offload_optimizer=offload_optimizer,
    )
    with Hosts() if dry_run else join_hosts() as hosts:
        agree(hosts, facts_of_program())
        check_shared(hosts, folder, key="MODEL_DIR")
        tasks = declarations.mixture_tasks(mixture_or_task_name)
        missing = missing_tasks(tasks, cache_dir, vocabulary)
        if missing and dry_run:
            print(f"would write {len(missing)} caches in {cache_dir}: {', '.join(missing)}")
            return None
        if missing and write_caches is not None and hosts.is_leader:
            write_caches(missing)
        hosts.wait_for_all("caches", _CACHES_SECONDS)
        data = open_run_data(
            mixture_or_task_name,
            cache_dir,
            sequence_length=sequence_length,
            batch_size=batch_size,
            seed=seed,
            eval_examples=eval_examples,
            eval_split=eval_split,
        )
        if steps := steps_saved(folder):
            about = read_data(folder)
            check_is_run(about, folder)
            verify_run(about, recipe, data, vocabulary)
        if dry_run:
            print(f"{count_params(model):,} parameters, {len(data.tasks)} tasks: ready to train")
            return None
        agree(hosts, facts_of_data(data, recipe, steps))

        mesh = mesh.resolve(jax.device_count())
        mesh.check_batch(batch_size, microbatches, sequence_length)
        programs = Programs(recipe, make_mesh(mesh), rules)
        agree(hosts, facts_of_mesh(programs.mesh))
        use_compilation_cache(compilation_cache_dir, folder)
        with Checkpoints(folder / "checkpoints", policy) as saved:
            with clock.inside("restoring"):
                state, step = first_state(programs, saved, initial)
            clock.go_on(folder / METRICS, step)
            run = Run(
                programs,
                data,
                saved,
                policy,
                folder,
                state,
                step,
                hosts,
                clock,
                profile,
                vocabulary,
            )
            try:
                run.train(Looks(log_period, eval_period, generation_period, generation_examples))
            finally:
                # Also where answering requests failed: what was trained and measured is reported.
                if run.is_trained and hosts.is_leader:
                    report_run(
                        folder,
                        run.result(),
                        recipe,
                        data,
                        programs.layout.mesh_shape,
                        mixture=mixture_or_task_name,
                        vocabulary_name=vocabulary.name,
                    )
        hosts.wait_for_all("finished", _REPORT_SECONDS)
        return run.result()
