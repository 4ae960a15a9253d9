"""A run on its devices: step, log, evaluate, save, end."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import jax

from granite_fc.checkpoints.checkpoints import CheckpointPolicy, Checkpoints
from granite_fc.data.read_ahead import ReadAhead
from granite_fc.evaluation.held_out import answer_held_out, write_predictions
from granite_fc.evaluation.items import JudgedAnswer
from granite_fc.evaluation.scalars import RUN, scalars_of
from granite_fc.sharding.activate import activate
from granite_fc.training.compilation_cache import CacheHits
from granite_fc.training.first_state import saved_part
from granite_fc.training.garbage import GarbageKeptOut
from granite_fc.training.goodput import Goodput
from granite_fc.training.hosts import Hosts
from granite_fc.training.metrics import Scalars, SumOfSteps, check_finite
from granite_fc.training.mfu import ModelFlops, peak_flops
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.preemption import Preempted, PreemptionWatch
from granite_fc.training.profile import PROFILE, Profile, StepProfiler
from granite_fc.training.programs import Programs
from granite_fc.training.progress import describe
from granite_fc.training.recorder import Recorder
from granite_fc.training.resumption import describe_run
from granite_fc.training.run_data import RunData
from granite_fc.training.step import TrainState, model_params
from granite_fc.training.teacher_forced import evaluate_losses
from granite_fc.training.timing import Pace
from granite_fc.vocabularies.vocabulary import Vocabulary

# Steps that may be under way: enough to keep the devices busy, few enough to notice a signal or an
# error soon.
_STEPS_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class Looks:
    """When a run looks at its model.

    Attributes:
        log_period: Steps between log entries.
        eval_period: Steps between evaluations of the loss; 0 for those at both ends alone.
        generation_period: Steps between evaluations by generation; 0 for the one at the end.
        generation_examples: Held-out examples a task that are answered then; 0 asks none.
    """

    log_period: int
    eval_period: int
    generation_period: int
    generation_examples: int


def _is_due(step: int, period: int) -> bool:
    return bool(period) and step % period == 0


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        step: Steps done.
        train: The last scalars of training; empty where no step was left to do.
        evaluation: The last scalars of the evaluation over all tasks; empty where there is none.
        answers: The answers to held-out requests, judged.
        subtask_of: Task name to sub-task, for every task.
    """

    step: int
    train: Scalars
    evaluation: Scalars
    answers: tuple[JudgedAnswer, ...]
    subtask_of: dict[str, str]


class Run:
    """The part of a run that works on devices.

    Args:
        programs: What to compute.
        data: What to read.
        saved: Where checkpoints go.
        policy: When they do.
        model_dir: Where everything else goes.
        state: The state to begin with.
        step: Steps done.
        hosts: Those that work on it.
        clock: Counts where the time goes.
        profile: Which steps are profiled.
        vocabulary: That of the data.
    """

    def __init__(
        self,
        programs: Programs,
        data: RunData,
        saved: Checkpoints,
        policy: CheckpointPolicy,
        model_dir: Path,
        state: TrainState,
        step: int,
        hosts: Hosts,
        clock: Goodput,
        profile: Profile,
        vocabulary: Vocabulary,
    ) -> None:
        self._programs = programs
        self._recipe = programs.recipe
        self._data = data
        self._saved = saved
        self._policy = policy
        self._model_dir = model_dir
        self._state = state
        self._step = step
        self._hosts = hosts
        self._clock = clock
        self._profile = profile
        self._vocabulary = vocabulary
        self._placement = BatchPlacement(programs.batch_sharding, self._recipe.batch_shape)
        self._eval_step = programs.eval_step()
        self._under_way: list[tuple[int, Any]] = []
        self._sum = SumOfSteps()
        self._evaluated: tuple[int, Scalars] = (-1, {})
        self._logged: Scalars = {}
        self._answers: tuple[JudgedAnswer, ...] = ()
        devices = programs.mesh.devices
        self._peak = peak_flops(devices.flat[0].device_kind)
        flops = ModelFlops.of(self._recipe.model, self._recipe.held)
        self._pace = Pace(flops, devices.size, self._peak)

    def train(self, looks: Looks) -> None:
        """Runs the steps that are left; see `granite_fc.training.loop.train`."""
        total = self._recipe.train_steps
        with (
            Recorder(
                self._model_dir, self._hosts, self._clock, first_step=self._step, total=total
            ) as self._told,
            PreemptionWatch() as watch,
        ):
            if self._step < total:
                self._steps(looks, watch)
            else:
                self._told.begin(self._programs, self._data, self._peak)
            # Saved first: neither a failure nor a signal in what follows loses what was trained.
            self._save(wait=True)
            self._evaluate()
            self._stop_if_told(watch)
            self._answer(looks.generation_examples)
            self._stop_if_told(watch)
            self._told.goodput(self._step)
            self._told.say(
                f"done: {self._step} steps; training {describe(self._logged) or 'had been done'}; "
                f"evaluation {describe(self._evaluated[1]) or 'none'}; in {self._model_dir}"
            )

    @property
    def is_trained(self) -> bool:
        """Whether all steps are done, and what is left is to look at the model."""
        return self._step == self._recipe.train_steps

    def result(self) -> TrainResult:
        """Returns what there is to tell of the run at the moment."""
        return TrainResult(
            step=self._step,
            train=self._logged,
            evaluation=self._evaluated[1],
            answers=self._answers,
            subtask_of={name: self._data.subtasks[i] for name, i in self._data.tasks.items()},
        )

    def _steps(self, looks: Looks, watch: PreemptionWatch) -> None:
        with (
            ReadAhead(
                self._data.batches,
                rows=self._placement.rows,
                start=self._step,
                stop=self._recipe.train_steps,
            ) as batches,
            StepProfiler(self._profile, self._model_dir / PROFILE, self._hosts) as profiler,
            contextlib.ExitStack() as during_steps,
        ):
            # Now that all settings have been asked for.
            self._told.begin(self._programs, self._data, self._peak)
            # At step 0, what the final table is set against; later, what a stop after the save of
            # this step left out.
            if self._step == 0 or _is_due(self._step, looks.eval_period):
                self._evaluate()
            if self._step and _is_due(self._step, looks.generation_period):
                self._answer(looks.generation_examples)
            train_step = self._compile()
            garbage = during_steps.enter_context(GarbageKeptOut())
            self._pace.restart()
            self._clock.enter("steps")
            for number, local in batches:
                profiler.before(number + 1, self._finish_steps)
                with profiler.step(number + 1):
                    self._state, metrics = train_step(self._state, self._placement.put(local))
                self._step = number + 1
                self._under_way.append((number, metrics))
                self._collect(_STEPS_AHEAD)
                self._told.progress.step(self._step)
                if profiler.after(self._step, self._finish_steps):
                    self._told.say(f"wrote a profile to {profiler.folder}")
                if _is_due(self._step, looks.log_period) or self._step == self._recipe.train_steps:
                    self._log(batches.seconds_waited)
                    with self._clock.inside("other"):
                        garbage.collect()
                # The machine may be gone a few seconds after the signal: saving comes first.
                if self._policy.is_due(self._step):
                    self._save()
                self._stop_if_told(watch)
                if _is_due(self._step, looks.eval_period):
                    self._evaluate()
                # After the last step once the checkpoint is written.
                if _is_due(self._step, looks.generation_period) and not self.is_trained:
                    # Answering takes minutes, in which a machine may be taken away.
                    self._save()
                    self._answer(looks.generation_examples)
                    self._stop_if_told(watch)
            self._clock.enter("other")

    def _compile(self) -> Any:
        with self._clock.inside("compiling"), CacheHits() as hits:
            train_step, seconds = self._programs.compile_train_step()
        self._told.compiled(seconds, hits.count)
        return train_step

    def _stop_if_told(self, watch: PreemptionWatch) -> None:
        if watch.stops_at(self._step):
            self._save(wait=True)
            self._told.goodput(self._step)
            self._told.say(f"told to stop: saved a checkpoint at step {self._step}")
            raise Preempted(self._step)

    def _finish_steps(self) -> None:
        self._collect(0)

    def _collect(self, left: int) -> None:
        """Fetches the metrics of all but the last `left` steps; this waits for those steps."""
        while len(self._under_way) > left:
            number, metrics = self._under_way.pop(0)
            values = jax.device_get(metrics)
            self._sum.add(values)
            try:
                check_finite(number, values)
            except FloatingPointError:
                self._told.scalars(number + 1, self._sum.scalars(self._data.subtasks))
                raise

    def _log(self, waited: float) -> None:
        self._collect(0)
        done = self._sum
        self._sum = SumOfSteps()
        rows, positions = self._recipe.batch_shape
        timings = self._pace.lap(
            done.steps,
            float(done.sums["positions"]),
            float(done.sums["attended"]),
            rows * positions,
            waited,
        )
        self._clock.waited(timings["timing/data_wait_seconds"] * done.steps)
        scalars = done.scalars(self._data.subtasks)
        self._told.log(self._step, scalars, timings)
        self._logged = scalars | timings

    def _evaluate(self) -> None:
        if not self._data.evaluation or self._evaluated[0] == self._step:
            return
        self._collect(0)
        with self._pace.paused(), self._clock.inside("evaluation"):
            of_tasks, together = evaluate_losses(
                self._evaluated_params(),
                self._data.evaluation,
                self._eval_step,
                self._placement,
                self._data.subtasks,
            )
        found = {f"training_eval/{name}": scalars for name, scalars in of_tasks.items()}
        self._told.evaluation(self._step, found | {"training_eval": together})
        self._told.say(f"evaluation at step {self._step}: {describe(together)}")
        self._evaluated = (self._step, together)

    def _evaluated_params(self) -> Any:
        ema = self._recipe.optimizer.ema
        return model_params(self._state, use_ema=ema is not None and ema.evaluate)

    def _save(self, *, wait: bool = False) -> None:
        # What is saved has been looked at: a checkpoint never holds a state after a non-finite
        # step.
        self._collect(0)
        with self._pace.paused(), self._clock.inside("checkpointing"):
            about = describe_run(self._recipe, self._data, self._vocabulary, self._step)
            if self._saved.save(self._step, saved_part(self._state), about):
                self._told.saved(self._step)
            if wait:
                self._saved.wait()

    def _answer(self, limit: int) -> None:
        """Lets the model answer held-out requests, and writes down how good the answers are."""
        if not limit or not self._data.held_out:
            return
        self._collect(0)
        self._told.say(f"answering up to {limit} held-out requests a task")
        with (
            self._pace.paused(),
            self._clock.inside("evaluation"),
            activate(self._programs.mesh, self._programs.rules),
        ):
            self._answers = tuple(
                answer_held_out(
                    self._recipe.model,
                    self._evaluated_params(),
                    self._data.held_out.values(),
                    self._vocabulary,
                    limit=limit,
                    sequence_length=self._recipe.sequence_length,
                )
            )
            if self._hosts.is_leader:
                folder = self._model_dir / "predictions" / str(self._step)
                write_predictions(self._answers, folder)
            found = scalars_of(self._answers)
        self._told.evaluation(self._step, found)
        exact = {
            name.removeprefix("exact_match/"): share
            for name, share in found[RUN].items()
            if name.startswith("exact_match/")
        }
        shares = ", ".join(f"{name} {share:.1%}" for name, share in exact.items())
        self._told.say(f"exactly right at step {self._step}: {shares or 'nothing asked'}")
