"""The training loop.

`train` tells the whole story in order: check what can be checked, open the data, build the mesh,
restore or initialise, compile, step.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gin
import jax

from granite_fc.checkpoints.checkpoints import CheckpointPolicy, Checkpoints
from granite_fc.checkpoints.initial import find_checkpoint, restore_params
from granite_fc.data.read_ahead import ReadAhead
from granite_fc.models.config import DecoderConfig
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.model_info import write_model_info
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.check import check_run
from granite_fc.training.metrics import Scalars, SumOfSteps, check_finite
from granite_fc.training.metrics_writer import MetricsWriter
from granite_fc.training.mfu import FORMULA, ModelFlops, peak_flops
from granite_fc.training.optimizers import AdamW, Optimizer
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.preemption import Preempted, PreemptionWatch
from granite_fc.training.programs import Programs, Recipe
from granite_fc.training.progress import TrainingProgress, describe
from granite_fc.training.resumption import describe_run, verify_run
from granite_fc.training.run_data import RunData, open_run_data
from granite_fc.training.step import TrainState
from granite_fc.training.teacher_forced import evaluate_losses
from granite_fc.training.timing import Pace
from granite_fc.vocabularies.vocabulary import Vocabulary

# Steps that may be under way: enough to keep the devices busy, few enough to notice a signal or an
# error soon.
_STEPS_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        step: Steps done.
        train: The last scalars of training; empty where no step was left to do.
        evaluation: The last scalars of the evaluation over all tasks; empty where there is none.
    """

    step: int
    train: Scalars
    evaluation: Scalars


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
    seed: int = 0,
    vocabulary: Vocabulary | None = None,
    initial_checkpoint_path: str | None = None,
    optimizer: Optimizer | None = None,
    mesh: MeshConfig | None = None,
    rules: LogicalAxisRules | None = None,
    microbatches: int = 1,
    z_loss: float = 1e-4,
    clip_norm: float | None = 1.0,
    checkpoints: CheckpointPolicy | None = None,
    log_period: int = 10,
    eval_period: int = 1000,
    eval_examples: int | None = 256,
    dry_run: bool = False,
) -> TrainResult | None:
    """Trains a decoder, going on from the latest checkpoint in `model_dir` where there is one.

    Args:
        model_dir: Where everything that the run leaves behind goes.
        mixture_or_task_name: What to train on.
        cache_dir: The folder of token caches.
        model: The decoder.
        train_steps: Steps in all, those before a restart included.
        batch_size: Rows of the global batch.
        sequence_length: Positions a row.
        seed: Of the initial parameters, the order of the data and dropout.
        vocabulary: Where given, checked against the model's size and the caches.
        initial_checkpoint_path: A checkpoint whose parameters a new run begins with.
        optimizer: `AdamW()` as bound by gin where None.
        mesh: `MeshConfig()` as bound by gin where None.
        rules: `LogicalAxisRules()` as bound by gin where None.
        microbatches: Parts of a batch that run one after the other; they change memory and time,
            not results.
        z_loss: Weight of the squared log-partition function.
        clip_norm: Largest global norm of the gradients; None does not clip.
        checkpoints: `CheckpointPolicy()` as bound by gin where None.
        log_period: Steps between log entries.
        eval_period: Steps between evaluations; 0 evaluates at the end only.
        eval_examples: Validation examples a task; None takes all, 0 does not evaluate.
        dry_run: Check everything, describe the run and stop before any device is used.

    Returns:
        How the run ended; None for a dry run.

    Raises:
        ConfigurationError: The run cannot be made as configured.
        NonFiniteError: The loss or a norm is not finite.
        Preempted: The program was told to stop and saved a checkpoint; exit status 42.
    """
    mesh, rules = mesh or MeshConfig(), rules or LogicalAxisRules()
    policy = checkpoints or CheckpointPolicy()
    check_run(
        model=model,
        optimizer=(optimizer := optimizer or AdamW()),
        mesh=mesh,
        rules=rules,
        policy=policy,
        vocabulary=vocabulary,
        mixture_or_task_name=mixture_or_task_name,
        cache_dir=cache_dir,
        train_steps=train_steps,
        batch_size=batch_size,
        sequence_length=sequence_length,
        microbatches=microbatches,
        periods={"log_period": log_period, "eval_period": eval_period},
    )
    data = open_run_data(
        mixture_or_task_name,
        cache_dir,
        sequence_length=sequence_length,
        batch_size=batch_size,
        seed=seed,
        eval_examples=eval_examples,
    )
    if initial_checkpoint_path is not None:
        find_checkpoint(initial_checkpoint_path)
    recipe = Recipe(
        model=model,
        optimizer=optimizer,
        train_steps=train_steps,
        batch_size=batch_size,
        sequence_length=sequence_length,
        microbatches=microbatches,
        num_groups=len(data.subtasks),
        seed=seed,
        z_loss=z_loss,
        clip_norm=clip_norm,
    )
    if dry_run:
        return None

    mesh = mesh.resolve(jax.device_count())
    mesh.check_batch(batch_size, microbatches, sequence_length)
    programs = Programs(recipe, make_mesh(mesh), rules)
    with Checkpoints(Path(model_dir) / "checkpoints", policy) as saved:
        state, step = _first_state(programs, saved, data, initial_checkpoint_path)
        run = _Run(programs, data, saved, policy, Path(model_dir), state, step)
        return run.train(log_period, eval_period)


def _first_state(
    programs: Programs, saved: Checkpoints, data: RunData, initial_checkpoint_path: str | None
) -> tuple[TrainState, int]:
    """Restores the latest checkpoint, or else begins with given or drawn parameters.

    Returns:
        The state and the steps done.
    """
    step = saved.latest_step()
    if step is not None:
        verify_run(saved.data(step), programs.recipe.model, data)
        return saved.restore(step, programs.abstract_state), step
    if initial_checkpoint_path is not None:
        params = restore_params(initial_checkpoint_path, programs.abstract_state["params"])
        return programs.init_from_params(params), 0
    return programs.init(), 0


class _Run:
    """The part of a run that works on devices."""

    def __init__(
        self,
        programs: Programs,
        data: RunData,
        saved: Checkpoints,
        policy: CheckpointPolicy,
        model_dir: Path,
        state: TrainState,
        step: int,
    ) -> None:
        self._programs = programs
        self._recipe = programs.recipe
        self._data = data
        self._saved = saved
        self._policy = policy
        self._model_dir = model_dir
        self._state = state
        self._first_step = self._step = step
        self._leader = jax.process_index() == 0
        self._placement = BatchPlacement(programs.batch_sharding, self._recipe.batch_shape)
        self._eval_step = programs.eval_step()
        self._under_way: list[tuple[int, Any]] = []
        self._sum = SumOfSteps()
        self._evaluated: tuple[int, Scalars] = (-1, {})
        self._logged: Scalars = {}
        layout = programs.layout
        devices = programs.mesh.devices
        self._peak = peak_flops(devices.flat[0].device_kind)
        flops = ModelFlops.of(self._recipe.model, layout.axes, layout.state["params"])
        self._pace = Pace(flops, devices.size, self._peak)

    def train(self, log_period: int, eval_period: int) -> TrainResult:
        """Runs the steps that are left."""
        total = self._recipe.train_steps
        with (
            MetricsWriter(
                self._model_dir, resume_step=self._first_step, enabled=self._leader
            ) as self._writer,
            TrainingProgress(total, done=self._first_step, enabled=self._leader) as self._progress,
            PreemptionWatch() as watch,
        ):
            self._describe()
            if self._step < total:
                self._steps(log_period, eval_period, watch)
            self._evaluate()
            self._save()
            return self._summarize()

    def _describe(self) -> None:
        """Writes `config.gin` and `model-info.txt`, and says how the run begins."""
        config = gin.operative_config_str()
        if self._leader:
            write_model_info(self._model_dir, self._programs.layout.info())
            (self._model_dir / "config.gin").write_text(config, encoding="utf-8")
        self._writer.text("train", "config", config)
        layout = self._programs.layout
        spread = " x ".join(f"{axis} {size}" for axis, size in layout.mesh_shape.items())
        kind = self._programs.mesh.devices.flat[0].device_kind
        self._progress.say(f"mesh {spread} of {kind}; {len(self._data.tasks)} tasks")
        if self._peak is None:
            self._progress.say(f"No MFU is given: the peak of {kind} devices is not known.")
        else:
            self._progress.say(f"{FORMULA}; peak = {self._peak:.4g} FLOP/s")
        self._progress.say(
            f"going on from the checkpoint at step {self._first_step}"
            if self._first_step
            else f"starting in {self._model_dir}"
        )

    def _steps(self, log_period: int, eval_period: int, watch: PreemptionWatch) -> None:
        train_step, seconds = self._programs.compile_train_step()
        self._writer.write("train", self._step, {"timing/compile_seconds": seconds})
        self._progress.say(f"compiled the training step in {seconds:.1f} s")
        self._progress.start()
        with ReadAhead(
            self._data.batches,
            rows=self._placement.rows,
            start=self._step,
            stop=self._recipe.train_steps,
        ) as batches:
            self._pace.restart()
            for number, local in batches:
                self._state, metrics = train_step(self._state, self._placement.put(local))
                self._step = number + 1
                self._under_way.append((number, metrics))
                self._collect(_STEPS_AHEAD)
                self._progress.step(self._step)
                if self._step % log_period == 0 or self._step == self._recipe.train_steps:
                    self._log(batches.seconds_waited)
                if eval_period and self._step % eval_period == 0:
                    self._evaluate()
                if self._policy.is_due(self._step):
                    self._save()
                if watch.stops_at(self._step):
                    self._save()
                    self._saved.wait()
                    self._progress.say(f"told to stop: saved a checkpoint at step {self._step}")
                    raise Preempted(self._step)

    def _collect(self, left: int) -> None:
        """Fetches the metrics of all but the last `left` steps; this waits for those steps."""
        while len(self._under_way) > left:
            number, metrics = self._under_way.pop(0)
            values = jax.device_get(metrics)
            self._sum.add(values)
            try:
                check_finite(number, values)
            except FloatingPointError:
                self._writer.write("train", number + 1, self._sum.scalars(self._data.subtasks))
                raise

    def _log(self, waited: float) -> None:
        self._collect(0)
        done = self._sum
        self._sum = SumOfSteps()
        rows, positions = self._recipe.batch_shape
        timings = self._pace.lap(
            done.steps,
            float(done.sums["tokens"]),
            float(done.sums["attended"]),
            rows * positions,
            waited,
        )
        self._logged = {**done.scalars(self._data.subtasks), **timings}
        self._writer.write("train", self._step, self._logged)
        self._progress.log(self._logged)

    def _evaluate(self) -> None:
        if not self._data.evaluation or self._evaluated[0] == self._step:
            return
        with self._pace.paused():
            of_tasks, together = evaluate_losses(
                self._state["params"],
                self._data.evaluation,
                self._eval_step,
                self._placement,
                self._data.subtasks,
            )
        for name, scalars in of_tasks.items():
            self._writer.write(f"training_eval/{name}", self._step, scalars)
        self._writer.write("training_eval", self._step, together)
        self._progress.say(f"evaluation at step {self._step}: {describe(together)}")
        self._evaluated = (self._step, together)

    def _save(self) -> None:
        # What is saved has been looked at: a checkpoint never holds a state after a non-finite
        # step.
        self._collect(0)
        with self._pace.paused():
            about = describe_run(self._recipe.model, self._data, self._step)
            self._saved.save(self._step, self._state, about)

    def _summarize(self) -> TrainResult:
        self._saved.wait()
        result = TrainResult(self._step, self._logged, self._evaluated[1])
        self._progress.say(
            f"done: {self._step} steps; training {describe(result.train) or 'had been done'}; "
            f"evaluation {describe(result.evaluation) or 'none'}; in {self._model_dir}"
        )
        return result
