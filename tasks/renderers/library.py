"""The functions of a prompt: those needed and distractors, in an order that says nothing."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Collection, Mapping

from granite_fc.calls.spec import FunctionSpec
from tasks.dialects import Dialect
from tasks.keyed import hashed, shuffled
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import Episode
from tasks.subtasks import SUBTASKS_WITH_REFERENCES

# What a function may be written as instead, where tokens are short. "paper" shows no types, and a
# signature would; "description" would take the parameters away.
LEANER_DETAILS: Mapping[str, str] = types.MappingProxyType({"full": "signature"})

# The functions themselves are kept too, so that no other takes over the id of one.
_TEXTS: dict[tuple[int, str, str, bool], tuple[FunctionSpec, str]] = {}
_MAX_TEXTS = 1 << 14


@dataclasses.dataclass(frozen=True)
class Library:
    """Functions to choose from.

    Attributes:
        specs: The functions, in the order of the prompt.
        sheddable: Indices in `specs` of what is not needed, the one to leave out first in front.
        called_last: For each of these the exchange that calls it last, ascending; -1 where none
            does.
        dialect: How to write them.
        detail: In which detail.
        with_output: Whether to show what they return.
    """

    specs: tuple[FunctionSpec, ...]
    sheddable: tuple[int, ...]
    called_last: tuple[int, ...]
    dialect: Dialect
    detail: str
    with_output: bool

    @functools.cached_property
    def texts(self) -> tuple[str, ...]:
        """Every function as the dialect writes it."""
        return self._written(self.detail)

    @functools.cached_property
    def leaner_texts(self) -> tuple[str, ...]:
        """Every function in less detail; the same texts where there is no less."""
        leaner = LEANER_DETAILS.get(self.detail)
        return self.texts if leaner is None else self._written(leaner)

    def num_sheddable(self, first_exchange: int) -> int:
        """How many of `sheddable` a conversation that begins with this exchange does not call."""
        return sum(exchange < first_exchange for exchange in self.called_last)

    def without(self, num_shed: int, *, leaner: bool = False) -> tuple[str, ...]:
        """The texts that remain when the first `num_shed` of `sheddable` are left out."""
        texts = self.leaner_texts if leaner else self.texts
        if not num_shed:
            return texts
        shed = frozenset(self.sheddable[:num_shed])
        return tuple(text for index, text in enumerate(texts) if index not in shed)

    def _written(self, detail: str) -> tuple[str, ...]:
        return tuple(
            _text(spec, self.dialect, detail, with_output=self.with_output) for spec in self.specs
        )


def library(
    episode: Episode,
    subtask: str,
    needed: Collection[str],
    dialect: Dialect,
    config: RenderingConfig,
    *,
    called: Mapping[str, int] = types.MappingProxyType({}),
    with_distractors: bool = True,
) -> Library:
    """Chooses and orders the functions of a prompt.

    Args:
        episode: Whose functions to choose from.
        subtask: Decides the detail, and with the episode and the seed the order.
        needed: Names of functions that have to be there.
        dialect: How to write them.
        config: The settings.
        called: Names of functions that the conversation calls, each with the exchange that does so
            last: all are added.
        with_distractors: Whether functions that are not needed are added.
    """
    if with_distractors:
        chosen = _choose(episode, needed, called, _size(episode, subtask, config))
    else:
        chosen = _choose(episode, needed, {}, 0)
    key = (config.seed, episode.episode_id, subtask, "library")
    order = shuffled(range(len(chosen)), lambda index: chosen[index].name, *key)
    place = {index: position for position, index in enumerate(order)}
    spare = [index for index in reversed(range(len(chosen))) if chosen[index].name not in needed]
    spare.sort(key=lambda index: called.get(chosen[index].name, -1))
    return Library(
        specs=tuple(chosen[index] for index in order),
        sheddable=tuple(place[index] for index in spare),
        called_last=tuple(called.get(chosen[index].name, -1) for index in spare),
        dialect=dialect,
        detail=config.detail_of(subtask, episode.episode_id),
        with_output=subtask in SUBTASKS_WITH_REFERENCES,
    )


def _text(spec: FunctionSpec, dialect: Dialect, detail: str, *, with_output: bool) -> str:
    """The function as the dialect writes it, remembered for this very object."""
    # Not for all that are equal to it: they may have 1.0 or true where this one has 1.
    key = id(spec), dialect.name, detail, with_output
    known = _TEXTS.get(key)
    if known is None:
        if len(_TEXTS) >= _MAX_TEXTS:
            _TEXTS.clear()
        known = _TEXTS[key] = spec, dialect.function(spec, detail, with_output=with_output)
    return known[1]


def _size(episode: Episode, subtask: str, config: RenderingConfig) -> int:
    smallest, largest = config.library_sizes
    if smallest == largest:
        return smallest
    key = hashed(config.seed, episode.episode_id, subtask, "library size")
    return smallest + key % (largest - smallest + 1)


def _choose(
    episode: Episode, needed: Collection[str], called: Collection[str], size: int
) -> list[FunctionSpec]:
    """The needed functions, those called, then others, the most related first; no name twice.

    Of the others those of the same services as the needed ones come first, then what else the
    episode offers, then its distractors, which sources list with the same domain in front.
    """
    by_name: dict[str, FunctionSpec] = {}
    for spec in (*episode.functions, *episode.distractors):
        by_name.setdefault(spec.name, spec)
    chosen = [spec for name, spec in by_name.items() if name in needed]
    services = {episode.services[spec.name] for spec in chosen if spec.name in episode.services}
    others = [spec for name, spec in by_name.items() if name not in needed]
    if services:
        others.sort(key=lambda spec: episode.services.get(spec.name) not in services)
    chosen += [spec for spec in others if spec.name in called]
    others = [spec for spec in others if spec.name not in called]
    return chosen + others[: max(0, size - len(chosen))]
