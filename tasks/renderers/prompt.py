"""The prompt: instruction, library, conversation; and how it is made to fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from granite_fc.calls.syntax import FUNCTION_LIBRARY
from granite_fc.errors import ConfigurationError
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.library import Library
from tasks.renderers.token_counter import TokenCounter

# Tokens that leaving out a line may save beyond its own.
_SLACK = 32


@dataclasses.dataclass(frozen=True)
class Prompt:
    """The parts of a prompt, apart as long as some may have to go.

    Attributes:
        instruction: What the sub-task asks for, one line.
        library: The functions; where there are none, the marker is left out too.
        history: Earlier exchanges, oldest first, each a text that ends with a newline. They may be
            left out.
        request: The rest of the conversation, ends with a newline. It is never cut.
    """

    instruction: str
    library: Library
    history: tuple[str, ...]
    request: str

    def text(self, num_shed: int = 0, num_trimmed: int = 0) -> str:
        """The prompt without the first sheddable functions and the oldest exchanges."""
        return _assemble(
            self.instruction,
            self.library.without(num_shed) if num_shed else self.library.lines,
            self.history[num_trimmed:],
            self.request,
        )


def fit(
    prompt: Prompt, targets: str, context: RenderingContext, *, episode_id: str
) -> Example | None:
    """Makes an example of a prompt and its targets, by the declared policy if it is too long.

    Returns:
        The example, or None if it has to be dropped. What is done is counted in `context.counts`.

    Raises:
        ConfigurationError: It is too long and the policy is "error".
    """
    config, counts = context.config, context.counts
    inputs = prompt.text()
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
    shortened = _shorten(prompt, room, count, length) if config.too_long == "shed" else None
    if shortened is None:
        counts["too_long"] += 1
        return None
    num_shed, num_trimmed, inputs = shortened
    if num_shed:
        counts["shed_functions"] += 1
    if num_trimmed:
        counts["trimmed_history"] += 1
    return Example(inputs, targets)


def _shorten(
    prompt: Prompt, room: int, count: TokenCounter, length: int
) -> tuple[int, int, str] | None:
    """The least that has to go, and what remains; None where nothing helps."""
    shed_order = [prompt.library.lines[index] for index in prompt.library.sheddable]
    # Each candidate is a step further: one function less, then one exchange less.
    steps = [
        *((n, 0, line + "\n") for n, line in enumerate(shed_order, start=1)),
        *((len(shed_order), n, text) for n, text in enumerate(prompt.history, start=1)),
    ]
    bound = length
    for step, (num_shed, num_trimmed, removed) in enumerate(steps, start=1):
        # A line takes its tokens with it, and at most _SLACK more: the blank line below, the marker
        # of a library that is now empty. The exact count decides, made only where it may fit.
        bound -= count(removed)
        if bound <= room + _SLACK or step == len(steps):
            inputs = prompt.text(num_shed, num_trimmed)
            bound = count(inputs)
            if bound <= room:
                return num_shed, num_trimmed, inputs
    return None


def _assemble(instruction: str, lines: Sequence[str], history: Sequence[str], request: str) -> str:
    library = "\n".join((FUNCTION_LIBRARY, *lines, "")) if lines else ""
    return f"SYSTEM: {instruction}\n{library}\n{''.join(history)}{request}ASSISTANT:\n"
