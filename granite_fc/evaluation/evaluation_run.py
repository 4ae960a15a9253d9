"""Has models answer, and reads the answers of others: what `granite-fc evaluate` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax

from granite_fc import configuration
from granite_fc.calls.syntax import ParseResult
from granite_fc.conventions import conventions
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.answering import answer_items
from granite_fc.evaluation.asked import Asked, asked_of_mixture, asked_of_suite
from granite_fc.evaluation.compatibility.published import published_scores
from granite_fc.evaluation.compatibility.scores import Scores
from granite_fc.evaluation.evaluate import check_same_items, evaluate_model, evaluation_of
from granite_fc.evaluation.evaluation_settings import Settings, Subject
from granite_fc.evaluation.given_answers import given_answers, run_of
from granite_fc.evaluation.held_out import tokens_for_answers
from granite_fc.evaluation.items import Answer, Item
from granite_fc.evaluation.predictions import check_predictions
from granite_fc.evaluation.results import Evaluation, ModelResult
from granite_fc.evaluation.suites.registry import load_suite
from granite_fc.evaluation.suites.suite import Suite, SuiteItem
from granite_fc.models.decoder import count_params
from granite_fc.sharding.activate import activate
from granite_fc.training.hosts import Hosts
from granite_fc.training.switched_adapters import SwitchedAdapters
from granite_fc.training.trained_model import configure, configure_run, load

_TOKENS_OF_A_SUITE = 512
_EXAMPLES_OF_A_TASK = 100

# What is under way, how many requests are answered, how many there are.
Progress = Callable[[str, int, int], None]


class EvaluationRun:
    """One evaluation of one or several models.

    Args:
        subjects: The models.
        settings: What they are asked.

    Raises:
        ConfigurationError: Two models have one name, or the suite is not there.
    """

    def __init__(self, subjects: Sequence[Subject], settings: Settings) -> None:
        self._subjects = subjects
        self._settings = settings
        names = [subject.name for subject in subjects]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigurationError(
                "--checkpoint" if subjects[0].is_checkpoint else "--predictions",
                found=f"{twice[0]} twice",
                expected="a name for each model",
                remedy="Name them: --checkpoint=NAME=DIR.",
            )
        self._ids: frozenset[str] | None = None
        self._suite: Suite | None = None
        self._suite_items: Mapping[str, SuiteItem] = {}
        if settings.suite is not None:
            self._suite = load_suite(
                settings.suite,
                settings.suite_dir,
                dots_as_underscores=settings.dots_as_underscores,
            )
            self._suite_items = {item.id: item for item in self._suite.items}

    def evaluate(self, hosts: Hosts, progress: Progress) -> Evaluation:
        """Has every model answer, judges all answers and puts them side by side.

        Args:
            hosts: Those that hold the models together; each evaluates, one writes what is missing.
            progress: Told how far it is.

        Raises:
            ConfigurationError: A checkpoint, a file or a configuration does not fit.
        """
        # Files are read before anything is made or asked: a mistake in one is told at once.
        ids = [
            check_predictions(subject.path)
            for subject in self._subjects
            if not subject.is_checkpoint
        ]
        if self._suite is None and self._settings.examples is None and ids:
            self._ids = frozenset(ids[0])
        if self._suite is None and len(self._subjects) > 1:
            # Held-out examples are those of each run's own configuration.
            asked_of = {}
            for subject in self._subjects:
                self._configure(subject)
                asked_of[subject.name] = self._asked(hosts).items
            check_same_items(asked_of)
        models = [self._evaluated(subject, hosts, progress) for subject in self._subjects]
        suite, asked = self._suite, self._last_asked
        facts = {"requests": f"{len(asked.items):,}"}
        definitions: dict[str, str] = {}
        if suite is None:
            facts = {"mixture": str(self._settings.mixture), "split": self._settings.split, **facts}
        else:
            facts = {"suite": suite.name, **facts}
            definitions = {
                **suite.definitions,
                **{formula.name: formula.definition for formula in suite.formulas},
            }
        title = f"{self._settings.suite or self._settings.mixture}: " + ", ".join(
            model.name for model in models
        )
        return evaluation_of(title, facts, models, definitions, self._remarks(asked))

    def _remarks(self, asked: Asked) -> list[str]:
        suite = self._suite
        remarks = [] if suite is None else list(suite.remarks)
        if not asked.not_asked:
            return remarks
        sample = f"A sample: {len(asked.items):,} of {asked.num_all:,}"
        if suite is not None:
            sample += f" items of {suite.name}. No score here is the suite's own."
        elif self._ids is not None:
            sample += " held-out examples, those that the file answers."
        else:
            sample += " held-out examples, the same ones each time."
        return [sample, *remarks]

    def _evaluated(self, subject: Subject, hosts: Hosts, progress: Progress) -> ModelResult:
        settings, suite = self._settings, self._suite
        directory = self._configure(subject)
        adapters = SwitchedAdapters({})
        if directory is not None:
            adapters = SwitchedAdapters.find(settings.adapters, directory)
        asked = self._last_asked = self._asked(hosts)
        if directory is None:
            answers = given_answers(subject.path, asked, conventions())
            facts: Mapping[str, str] = {"answers": subject.path}
        else:
            answers, facts = self._answered(subject, directory, adapters, asked.items, progress)
        published: Sequence[Scores] = ()
        if settings.compatibility:
            published = published_scores(asked.items, answers, self._read_calls)
        return evaluate_model(
            subject.name,
            facts,
            asked.items,
            answers,
            formulas=() if suite is None else suite.formulas,
            published=published,
        )

    def _read_calls(self, item: Item, text: str) -> ParseResult:
        """Reads the calls of an answer, those in the notation of the suite as well."""
        read_calls = conventions().read_calls
        if self._suite is None:
            return read_calls(text)
        return self._suite.read(self._suite_items[item.item_id], text, read_calls).parsed

    def _configure(self, subject: Subject) -> Path | None:
        """Makes the configuration the subject's; returns its checkpoint, if it is one."""
        settings = self._settings
        if subject.is_checkpoint:
            return configure(
                subject.path, settings.gin_files, settings.overrides, settings.search_paths
            )
        run = run_of(subject.path)
        if run is not None:
            configure_run(run, settings.gin_files, settings.overrides, settings.search_paths)
            return None
        if self._suite is None and not settings.gin_files:
            raise ConfigurationError(
                "--predictions",
                found=f"{subject.path}, of which no run is known",
                expected="whose held-out examples it answers",
                remedy="Say it with --gin_file=MODEL_DIR/config.gin --gin.MODEL_DIR=MODEL_DIR.",
            )
        configuration.parse(
            settings.gin_files or [settings.default_file],
            settings.overrides,
            settings.search_paths,
        )
        return None

    def _asked(self, hosts: Hosts) -> Asked:
        settings = self._settings
        if self._suite is not None:
            return asked_of_suite(self._suite, conventions(), settings.examples or None)
        assert settings.mixture is not None
        limit = _EXAMPLES_OF_A_TASK if settings.examples is None else settings.examples or None
        return asked_of_mixture(settings.mixture, settings.split, limit, self._ids, hosts)

    def _subtask(self, item: Item) -> str:
        """The sub-task as which an item is asked."""
        return item.group if self._suite is None else conventions().calls_subtask

    def _answered(
        self,
        subject: Subject,
        directory: Path,
        adapters: SwitchedAdapters,
        items: Sequence[Item],
        progress: Progress,
    ) -> tuple[dict[str, Answer], Mapping[str, str]]:
        settings = self._settings
        model = load(directory, settings.overrides)
        most = dict.fromkeys(
            (item.task for item in items), settings.max_new_tokens or _TOKENS_OF_A_SUITE
        )
        if self._suite is None and settings.max_new_tokens is None:
            most = tokens_for_answers(items, model.vocabulary)
        sampling = SamplingConfig()
        narrowed: set[str] = set()
        others = adapters.load(model, settings.overrides)
        begun = time.monotonic()
        with activate(model.mesh, model.rules):
            answers = answer_items(
                Engine(model.config, model.params, model.vocabulary, adapters=others),
                model.vocabulary,
                items,
                max_positions=model.config.max_positions,
                max_new_tokens=most,
                sampling=sampling,
                constrained=settings.constrained,
                progress=lambda done, total: progress(subject.name, done, total),
                narrowed=narrowed,
                adapter_of=lambda item: adapters.of(self._subtask(item)),
            )
        seconds = time.monotonic() - begun
        decoding = "greedy" if sampling.temperature == 0 else str(sampling)
        if settings.constrained:
            decoding += ", constrained by the functions on offer where they are known"
        if narrowed:
            decoding += (
                f"; {len(narrowed)} parameters kept to more than their schemas say, such as "
                f"{', '.join(sorted(narrowed)[:3])}"
            )
        return answers, {
            "checkpoint": subject.path,
            **adapters.facts(self._subtask(item) for item in items),
            "step": f"{model.step:,}",
            "parameters": f"{count_params(model.config):,}",
            "computed in": model.config.compute_dtype,
            "vocabulary": model.vocabulary.name,
            "decoding": decoding,
            "most tokens of an answer": f"{max(most.values(), default=0):,}",
            "answered in": f"{seconds:.0f} s on {jax.device_count()} x "
            f"{jax.devices()[0].device_kind}",
        }
