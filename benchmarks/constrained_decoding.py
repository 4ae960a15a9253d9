"""What a grammar makes sure of, and what it costs.

    python -m benchmarks.constrained_decoding [--answers N] [--model NAME] [--batch N] \
        [--new_tokens N] [--repeats N]

First, an untrained decoder answers, drawing at temperature 1, with each answer's grammar and
without: the share of answers that can be read as a whole and whose calls conform, that is, name a
function on offer, have arguments that fit its schema, and refer to what is there. Functions are
those of the simulator's requests, of BFCL (the installed `bfcl_eval`, or `--bfcl DIR`) and of
NESTFUL (`--nestful DIR`), each answer in a dialect and within a number of tokens drawn at random,
with two vocabularies: one of SentencePiece, and a byte-level BPE of 49,152 entries that is trained
on the standard library's sources.

Second, a decoder of full size writes a batch of long answers without grammars, with grammars that
allow everything, so that the host is asked before each token, and with those of the requests: the
time of a step of each, and what of it the host spends in masks and in making grammars. The three
take turns every 32 tokens, since the pace of a machine changes from second to second. These are the
longest answers of four times as many requests, all begun together. Third, all of these requests are
answered, so that rows are refilled, beside answers of the same lengths without grammars.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import random
import statistics
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import jax
import numpy as np
import tokenizers

from granite_fc.calls.spec import FunctionSpec
from granite_fc.configuration import parse
from granite_fc.decoding.constraint import AnswerGrammar, Constraint
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.grammars.calls import CallsGrammar
from granite_fc.decoding.grammars.stretch import Stretch
from granite_fc.decoding.programs import MOST_STEPS
from granite_fc.decoding.request import Request, Written
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.suites.bfcl.suite import Bfcl
from granite_fc.evaluation.suites.nestful.suite import Nestful
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import init_params
from granite_fc.vocabularies import Vocabulary, load_vocabulary
from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary
from tasks.constraints import grammar
from tasks.dialects import DIALECTS, Dialect, Instruction, dialect_of_prompt
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.sources.simulator import generate_episodes
from tasks.subtasks import CALL_SUBTASKS, UMBRELLA
from tests.decoding.grammars.conformity import awkward_functions, problems_of_calls

_BPE_SIZE = 49_152
_BUDGETS = (48, 64, 96, 128, 256)
# Untrained weights make nothing of a prompt: its end is enough.
_PROMPT = 32


class Asked(NamedTuple):
    """One request for calls.

    Attributes:
        source: Where its functions are from.
        prompt: The prompt.
        functions: The functions, as their source has them.
        max_new_tokens: Most tokens of its answer.
    """

    source: str
    prompt: str
    functions: tuple[FunctionSpec, ...]
    max_new_tokens: int

    @property
    def dialect(self) -> Dialect:
        """The dialect that the answer has to be in."""
        return dialect_of_prompt(self.prompt)

    def problems(self, answer: str) -> list[str]:
        """What is wrong with an answer."""
        question = self.dialect.read_prompt(self.prompt)
        return problems_of_calls(
            self.dialect, answer, self.functions, question.shown, question.results
        )


def byte_level_bpe(size: int) -> HuggingFaceVocabulary:
    """Returns a byte-level BPE vocabulary trained on the sources of Python's standard library."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    folder = Path(sysconfig.get_path("stdlib"))
    texts = [path.read_text("utf-8", "ignore") for path in sorted(folder.glob("[a-z]*/*.py"))]
    tokenizer.train_from_iterator(texts, trainer)
    return HuggingFaceVocabulary(tokenizer.to_str(), "<|endoftext|>", "byte-level BPE")


def requests_for_calls(number: int, bfcl: str | None, nestful: str | None) -> list[Asked]:
    """Returns requests over functions of every source that is there, in all dialects."""
    rng = random.Random(0)
    libraries: dict[str, list[tuple[FunctionSpec, ...]]] = {"awkward": [awkward_functions()]}
    for name, load in (
        ("bfcl", functools.partial(Bfcl.load, bfcl)),
        ("nestful", functools.partial(Nestful.load, nestful)),
    ):
        try:
            libraries[name] = [item.functions for item in load().items if item.functions]
        except ConfigurationError as error:
            print(f"without {name}: {error}")
    simulated = list(_simulated(rng))
    asked = []
    for index in range(number):
        budget = rng.choice(_BUDGETS)
        source = [*libraries, "simulator"][index % (len(libraries) + 1)]
        if source == "simulator":
            prompt, functions = rng.choice(simulated)
        else:
            chosen = {spec.name: spec for _ in "ab" for spec in rng.choice(libraries[source])}
            functions = tuple(rng.sample(list(chosen.values()), min(len(chosen), 8)))
            dialect = DIALECTS[rng.choice(list(DIALECTS))]
            shown = [dialect.function(spec, "full", with_output=True) for spec in functions]
            prompt = dialect.prompt(Instruction("Call."), shown, [dialect.user("Please.")])
        asked.append(Asked(source, prompt, functions, budget))
    return asked


def _simulated(rng: random.Random) -> Iterator[tuple[str, tuple[FunctionSpec, ...]]]:
    """Prompts for calls, some after earlier calls and what these returned."""
    for episode in generate_episodes(0, "validation", 0, 100):
        config = RenderingConfig(dialect=rng.choice(list(DIALECTS)))
        for subtask in CALL_SUBTASKS:
            for example in RENDERERS[subtask](episode, RenderingContext(config)):
                offered = dialect_of_prompt(example.inputs).read_prompt(example.inputs).functions
                yield example.inputs, offered or ()


def _configured() -> DecoderConfig:
    make_config: Callable[..., DecoderConfig] = DecoderConfig  # gin gives what a model is made of
    return make_config()


def untrained(vocab_size: int) -> tuple[DecoderConfig, dict[str, Any]]:
    """Returns the tiny decoder with random weights."""
    parse(["models/tiny.gin"])
    config = dataclasses.replace(_configured(), vocab_size=vocab_size)
    return config, jax.jit(functools.partial(init_params, config))(jax.random.key(0))


def conformity(vocabulary: Vocabulary, asked: Sequence[Asked], *, is_held: bool) -> None:
    """Lets an untrained decoder answer and prints how many answers are what was asked for."""
    engine = Engine(*untrained(vocabulary.size), vocabulary)
    requests, kept = [], []
    for index, each in enumerate(asked):
        answers = grammar(UMBRELLA)(each.prompt) if is_held else None  # type: ignore[misc]
        requests.append(
            Request(
                vocabulary.encode(each.prompt)[-_PROMPT:],
                each.max_new_tokens,
                sampling=SamplingConfig(temperature=1.0),
                seed=index,
                grammar=answers,
            )
        )
        kept.append(each)
    right, cut, calls, several, references = 0, 0, 0, 0, 0
    for each, (answer,) in zip(kept, engine.answer(requests), strict=True):
        problems = each.problems(answer.text)
        right += not problems
        cut += answer.finish == "length"
        if is_held and problems:
            print(f"  {each.source}, {each.dialect.name}: {problems[:2]} in {answer.text!r}")
        found = each.dialect.parse_calls(answer.text).calls if not problems else ()
        calls += len(found)
        several += len(found) > 1
        references += answer.text.count("$var_") - sum(call.label is not None for call in found)
    side = "with grammars" if is_held else "without"
    print(
        f"{vocabulary.name}, {side}: {right} of {len(kept)} answers conform"
        f" ({right / len(kept):.2%});"
        f" {calls} calls, {several} answers with several, {references} references, {cut} cut off",
        flush=True,
    )


@dataclasses.dataclass
class Clock:
    """Seconds that the host has spent.

    Attributes:
        masks: In telling what may come next, and in taking tokens.
        grammars: In making grammars and matchers.
    """

    masks: float = 0.0
    grammars: float = 0.0

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with its seconds added to one of the attributes."""

        def call(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                setattr(self, name, getattr(self, name) + time.perf_counter() - start)

        return call


class Timed:
    """A grammar whose constraints are timed."""

    def __init__(self, inside: AnswerGrammar, clock: Clock) -> None:
        self._inside, self._clock = inside, clock

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        """Begins an answer."""
        found = self._inside.constraint(vocabulary, max_new_tokens)
        for name in ("allow", "accept"):
            setattr(found, name, self._clock.timed("masks", getattr(found, name)))
        return found


class Anything:
    """Answers of any tokens: what is left of a grammar's cost is that the host is asked."""

    is_complete = False

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        """Begins an answer."""
        return self

    def allow(self, mask: np.ndarray) -> None:
        """Allows every token."""
        mask[:] = -1

    def accept(self, token: int) -> None:
        """Takes a token."""


def overhead(
    model: str, vocabulary: Vocabulary, asked: Sequence[Asked], batch: int, repeats: int
) -> None:
    """Prints what a token takes with and without grammars, in a batch of long answers.

    All sides answer the same requests; the steps after the first token are timed. Grammars and
    matchers are made anew for each batch.
    """
    parse([f"models/{model}.gin"])
    config = dataclasses.replace(_configured(), compute_dtype="float32", param_dtype="float32")
    params = jax.jit(functools.partial(init_params, config))(jax.random.key(0))
    engine = Engine(config, params, vocabulary, most_rows=batch)
    clock = Clock()
    turn = batch * MOST_STEPS

    def begin(
        chosen: Sequence[Asked], grammars: Sequence[AnswerGrammar | None], most: int | None = None
    ) -> Iterator[Written]:
        requests = [
            Request(
                vocabulary.encode(each.prompt)[-_PROMPT:],
                most or each.max_new_tokens,
                sampling=SamplingConfig(temperature=1.0),
                seed=each.max_new_tokens,
                grammar=answers,
            )
            for each, answers in zip(chosen, grammars, strict=True)
        ]
        return engine.stream(requests)

    def held(chosen: Sequence[Asked]) -> list[AnswerGrammar | None]:
        grammars = [grammar(UMBRELLA)(each.prompt) for each in chosen]  # type: ignore[misc]
        return [Timed(found, clock) for found in grammars if found is not None]

    # The batch that is timed has answers of about the same length.
    ((lengths, _),) = in_turns([begin(asked, held(asked))], turn)
    longest = sorted(range(len(asked)), key=lambda index: -lengths[index])[:batch]
    chosen = [asked[index] for index in longest]
    nothing: list[AnswerGrammar | None] = [None] * batch
    anything: list[AnswerGrammar | None] = [Anything() for _ in chosen]
    rows: list[tuple[float, ...]] = []
    for repeat in range(repeats + 1):  # the first compiles
        firsts = in_turns([begin(chosen, nothing, 1), begin(chosen, anything, 1)], turn)
        clock.masks = clock.grammars = 0.0
        with (
            mock.patch.object(Stretch, "matcher", clock.timed("grammars", Stretch.matcher)),
            mock.patch.object(
                CallsGrammar, "_stretch", clock.timed("grammars", CallsGrammar._stretch)
            ),
        ):
            sides = [begin(chosen, nothing), begin(chosen, anything), begin(chosen, held(chosen))]
            times = [
                (seconds - first) / (max(written) - 1)
                for (written, seconds), (_, first) in zip(
                    in_turns(sides, turn), [*firsts, firsts[1]], strict=True
                )
            ]
        if repeat:
            steps = max(lengths) - 1
            host = (clock.masks - clock.grammars) / steps, clock.grammars / steps
            rows.append((*times, *host))
    free_step, asked_step, held_step, masks, grammars_time = (
        statistics.median(row[side] for row in rows) for side in range(5)
    )
    asked_ratio, held_ratio = (
        statistics.median(row[side] / row[0] - 1 for row in rows) for side in (1, 2)
    )
    threads = len(os.sched_getaffinity(0))
    print(
        f"{model} in float32, {vocabulary.size} ids, {threads} threads, {batch} answers of"
        f" {min(lengths[index] for index in longest)} tokens and more; a step takes\n"
        f"  {free_step * 1e3:.2f} ms without grammars,\n"
        f"  {asked_step * 1e3:.2f} ms ({asked_ratio:+.1%}) where the host is asked"
        " and allows everything,\n"
        f"  {held_step * 1e3:.2f} ms ({held_ratio:+.1%}) with grammars, of which the"
        f" host spends {masks * 1e3:.2f} ms in masks and {grammars_time * 1e3:.2f} ms in making"
        f" grammars, partly while the devices work\n  (medians of {repeats} repeats, and of the"
        " ratios within each; ratios with grammars of"
        f" {', '.join(f'{row[2] / row[0] - 1:+.1%}' for row in rows)})",
        flush=True,
    )
    # As requests come: answers of any length, whose rows go to others while the rest is written.
    alike = [each._replace(max_new_tokens=n) for each, n in zip(asked, lengths, strict=True) if n]
    seconds_a_token: list[list[float]] = []
    for _ in range(repeats):
        sides = [begin(alike, [None] * len(alike)), begin(asked, held(asked))]
        seconds_a_token.append(
            [seconds / sum(written) for written, seconds in in_turns(sides, turn)]
        )
    free_token, held_token = map(statistics.median, zip(*seconds_a_token, strict=True))
    ratio = statistics.median(held / free - 1 for free, held in seconds_a_token)
    print(
        f"  {len(asked)} answers of {min(lengths)} to {max(lengths)} tokens in {batch} rows, which"
        f" are refilled, prompts included: {free_token * 1e3:.2f} ms a token without grammars,"
        f" {held_token * 1e3:.2f} ms ({ratio:+.1%}) with"
    )


def in_turns(sides: Sequence[Iterator[Written]], turn: int) -> list[tuple[list[int], float]]:
    """Writes several batches of answers, each for some tokens at a time.

    Args:
        sides: What is added to the answers of each batch.
        turn: How many tokens.

    Returns:
        For each the tokens of its answers, and the seconds that it took.
    """
    tokens: list[Counter[int]] = [Counter() for _ in sides]
    seconds = [0.0] * len(sides)
    left = set(range(len(sides)))
    while left:
        for side in sorted(left):
            start, until = time.perf_counter(), tokens[side].total() + turn
            while tokens[side].total() < until:
                written = next(sides[side], None)
                if written is None:
                    left.remove(side)
                    break
                tokens[side][written.request] += len(written.tokens)
            seconds[side] += time.perf_counter() - start
    lengths = [[count[key] for key in sorted(count)] for count in tokens]
    return list(zip(lengths, seconds, strict=True))


def main() -> None:
    """Prints both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=2000, help="answers of the first part")
    parser.add_argument("--bfcl", help="bfcl_eval/data, where the package is not installed")
    parser.add_argument("--nestful", help="the folder of NESTFUL", default="../shared/data/NESTFUL")
    parser.add_argument("--model", default="smollm2_135m", help="a file of gin/models")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--new_tokens", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    jax.config.update("jax_platforms", "cpu")
    bpe = byte_level_bpe(_BPE_SIZE)
    asked = requests_for_calls(options.answers, options.bfcl, options.nestful)
    halves = (load_vocabulary("granite_fc_16k"), asked[::2]), (bpe, asked[1::2])
    for vocabulary, half in halves:
        for is_held in (True, False):
            conformity(vocabulary, half, is_held=is_held)
    if options.repeats:
        number = 4 * options.batch
        full = [each._replace(max_new_tokens=options.new_tokens) for each in asked[:number]]
        overhead(options.model, bpe, full, options.batch, options.repeats)


if __name__ == "__main__":
    main()
