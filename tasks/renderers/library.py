"""The functions of a prompt: those needed and distractors, in an order that says nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from granite_fc.calls.spec import FunctionSpec
from tasks.renderers.function_text import function_text
from tasks.renderers.keyed import keyed_hash
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import Episode
from tasks.subtasks import SUBTASKS_WITH_REFERENCES


@dataclasses.dataclass(frozen=True)
class Library:
    """Functions as lines of text.

    Attributes:
        lines: One function each, in the order of the prompt.
        sheddable: Indices in `lines` of the distractors, the one to leave out first in front.
    """

    lines: tuple[str, ...]
    sheddable: tuple[int, ...] = ()

    def without(self, num_shed: int) -> tuple[str, ...]:
        """The lines that remain when `num_shed` distractors are left out."""
        shed = frozenset(self.sheddable[:num_shed])
        return tuple(line for index, line in enumerate(self.lines) if index not in shed)


def library(
    episode: Episode,
    subtask: str,
    needed: Collection[str],
    config: RenderingConfig,
    *,
    with_distractors: bool = True,
) -> Library:
    """Chooses, orders and writes the functions of a prompt.

    Args:
        episode: Whose functions to choose from: its own first, then its distractors.
        subtask: Decides the detail, and with the episode and the seed the order.
        needed: Names of functions that have to be there.
        config: The settings.
        with_distractors: Whether functions that are not needed are added.
    """
    detail = config.detail_of(subtask)
    with_output = subtask in SUBTASKS_WITH_REFERENCES
    chosen = _choose(episode, needed, config.num_functions if with_distractors else 0)
    keys = [
        keyed_hash(config.seed, episode.episode_id, subtask, "library", spec.name)
        for spec in chosen
    ]
    order = sorted(range(len(chosen)), key=keys.__getitem__)
    place = {index: position for position, index in enumerate(order)}
    return Library(
        lines=tuple(
            function_text(chosen[index], detail, with_output=with_output) for index in order
        ),
        sheddable=tuple(
            place[index]
            for index in reversed(range(len(chosen)))
            if chosen[index].name not in needed
        ),
    )


def _choose(episode: Episode, needed: Collection[str], size: int) -> list[FunctionSpec]:
    """The needed functions, then others, the most related first; no name twice."""
    by_name: dict[str, FunctionSpec] = {}
    for spec in (*episode.functions, *episode.distractors):
        by_name.setdefault(spec.name, spec)
    chosen = [spec for name, spec in by_name.items() if name in needed]
    others = (spec for name, spec in by_name.items() if name not in needed)
    for spec in others:
        if len(chosen) >= size:
            break
        chosen.append(spec)
    return chosen
