"""The prompt: instruction, library, conversation; and how it is made to fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from granite_fc.errors import ConfigurationError
from tasks.dialects import Dialect, Instruction
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.library import Library
from tasks.renderers.token_counter import TokenCounter

# Functions that a library keeps while history can go: few leave little to choose from.
_FEW_FUNCTIONS = 3
# Functions that it keeps in any case: where there is one, there is no choice.
_FEWEST_FUNCTIONS = 2

# Tokens that leaving out a part may save beyond its own.
_SLACK = 32


class Shed(NamedTuple):
    """What is left out of a prompt.

    Attributes:
        leaner: Whether the functions are written in less detail.
        functions: Number of functions left out.
        exchanges: Number of the oldest exchanges left out.
    """

    leaner: bool = False
    functions: int = 0
    exchanges: int = 0


NOTHING = Shed()


@dataclasses.dataclass(frozen=True)
class Prompt:
    """The parts of a prompt, apart as long as some may have to go.

    Attributes:
        dialect: How it is written.
        instruction: What the sub-task asks for.
        library: The functions.
        exchanges: The conversation, oldest exchange first.
        opening: Writes an exchange as the first that is shown.
        cuts: Tells how many of the oldest exchanges may be left out: the numbers to choose from,
            ascending.
    """

    dialect: Dialect
    instruction: Instruction
    library: Library
    exchanges: tuple[str, ...]
    opening: Callable[[int], str]
    cuts: Callable[[], Sequence[int]]

    def text(self, shed: Shed) -> str:
        """The prompt without what is shed."""
        functions = self.library.without(shed.functions, leaner=shed.leaner)
        exchanges = self.exchanges[shed.exchanges :]
        if shed.exchanges and exchanges:
            exchanges = (self.opening(shed.exchanges), *exchanges[1:])
        return self.dialect.prompt(self.instruction, functions, exchanges)


def fit(
    prompt: Prompt, targets: str, context: RenderingContext, *, episode_id: str
) -> Example | None:
    """Makes an example of a prompt and its targets, by the declared policy if it is too long.

    Returns:
        The example, or None if it has to be dropped. What is done is counted in `context.counts`.

    Raises:
        ConfigurationError: It is too long and the policy is "error".
    """
    config = context.config
    inputs = prompt.text(NOTHING)
    limit, count = config.sequence_length, context.count_tokens
    if limit is None or count is None:
        return Example(inputs, targets)
    room = limit - count(targets)
    length = count(inputs)
    if length <= room:
        return Example(inputs, targets)
    if config.too_long == "error":
        raise ConfigurationError(
            "RenderingConfig.sequence_length",
            found=f"an example of {length + limit - room} tokens in episode {episode_id}",
            expected=f"at most {limit}",
            remedy='Raise it, or set RenderingConfig.too_long = "shed" or "drop".',
        )
    shed = None
    if config.too_long == "shed":
        shed = _least_shed(prompt, config.shed_order, room, count, length)
    if shed is None:
        context.count("too_long")
        return None
    context.count("leaner_detail", shed.leaner)
    context.count("shed_functions", shed.functions > 0)
    context.count("trimmed_history", shed.exchanges > 0)
    num_left = len(prompt.library.specs) - shed.functions
    context.count("few_functions", shed.functions > 0 and num_left < _FEW_FUNCTIONS)
    return Example(prompt.text(shed), targets)


def _least_shed(
    prompt: Prompt, order: Sequence[str], room: int, count: TokenCounter, length: int
) -> Shed | None:
    """The least that has to go; None where nothing helps."""

    def fits(shed: Shed) -> bool:
        return count(prompt.text(shed)) <= room

    bound, shed = length, NOTHING
    for shed, saved in _steps(prompt, order, count):
        # A part takes its tokens with it, and at most _SLACK more: an empty line, the marker of a
        # library that is now empty. The exact count decides, made only where it may fit.
        bound -= saved
        if bound <= room + _SLACK:
            bound = count(prompt.text(shed))
            if bound <= room:
                return _with_history(prompt, shed, fits)
    return _with_history(prompt, shed, fits) if shed != NOTHING and fits(shed) else None


def _with_history(prompt: Prompt, shed: Shed, fits: Callable[[Shed], bool]) -> Shed:
    """Gives back the history that has room now that functions went after it."""
    if not shed.exchanges or len(prompt.library.specs) - shed.functions >= _FEW_FUNCTIONS:
        return shed
    for number in (0, *prompt.cuts()):
        more = shed._replace(exchanges=number)
        if number == shed.exchanges or (
            shed.functions <= prompt.library.num_sheddable(number) and fits(more)
        ):
            return more
    return shed


def _steps(prompt: Prompt, order: Sequence[str], count: TokenCounter) -> Iterator[tuple[Shed, int]]:
    """Yields ever more to shed, each with about the tokens that it saves beyond the one before."""
    library, shed = prompt.library, NOTHING
    num_spare = max(0, len(library.specs) - _FEW_FUNCTIONS)
    rounds = [(step, num_spare) for step in order]
    if "distractors" in order:
        if "detail" in order:
            rounds.insert(order.index("detail") + 1, ("distractors", num_spare))
        rounds.append(("distractors", max(0, len(library.specs) - _FEWEST_FUNCTIONS)))
    if library.detail == "description":
        # A function takes a line, an exchange many.
        rounds.sort(key=lambda entry: entry[0] == "distractors")
    for step, most in rounds:
        if step == "detail" and library.leaner_texts != library.texts:
            before = sum(map(count, library.without(shed.functions)))
            # Leaner, those that went may have room.
            after = sum(map(count, library.leaner_texts))
            shed = shed._replace(leaner=True, functions=0)
            yield shed, before - after
        elif step == "distractors":
            texts = library.leaner_texts if shed.leaner else library.texts
            allowed = min(most, library.num_sheddable(shed.exchanges))
            for index in library.sheddable[shed.functions : allowed]:
                shed = shed._replace(functions=shed.functions + 1)
                yield shed, count(texts[index] + "\n")
        elif step == "history":
            for number in prompt.cuts():
                saved = sum(map(count, prompt.exchanges[shed.exchanges : number]))
                shed = shed._replace(exchanges=number)
                yield shed, saved
