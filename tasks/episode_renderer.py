"""Stored episodes to examples, as the present gin configuration says; needs no TensorFlow."""

from __future__ import annotations

import collections
import functools
from collections.abc import Mapping

import gin

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary
from tasks.renderers import RENDERERS, RenderingContext, TokenCounter
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import Episode

# The feature of a source's records that holds an episode as JSON.
EPISODE = "episode"


class EpisodeRenderer:
    """Renders the records of a source for one sub-task.

    Args:
        subtask: The sub-task.
        context: The settings.
    """

    def __init__(self, subtask: str, context: RenderingContext) -> None:
        self.context = context
        self._render = RENDERERS[subtask]

    @property
    def counts(self) -> collections.Counter[str]:
        """What became of the examples in this process: see `RenderingContext.counts`."""
        return self.context.counts

    def __call__(self, example: Mapping[str, str | bytes]) -> list[dict[str, str]]:
        """Returns {"inputs", "targets", "episode_id"} for every example of {"episode": JSON}."""
        episode = _read_episode(example[EPISODE])
        return [
            {"inputs": found.inputs, "targets": found.targets, "episode_id": episode.episode_id}
            for found in self._render(episode, self.context)
        ]


def present_renderer(subtask: str, previous: EpisodeRenderer | None = None) -> EpisodeRenderer:
    """Returns the renderer of a sub-task under the present gin configuration.

    Args:
        subtask: The sub-task.
        previous: Returned again where it still is that renderer, so that its counts go on.
    """
    config = RenderingConfig()
    counter = None
    if config.sequence_length is not None:
        counter = _token_counter(present_vocabulary())
    if previous is not None:
        context = previous.context
        if context.config == config and context.count_tokens is counter:
            return previous
    return EpisodeRenderer(subtask, RenderingContext(config, counter))


def present_vocabulary() -> Vocabulary:
    """The vocabulary that gin names; each is loaded once.

    Raises:
        ConfigurationError: Gin names none, or it cannot be loaded.
    """
    bindings = gin.get_bindings(load_vocabulary)
    if "path" not in bindings:
        raise ConfigurationError(
            "load_vocabulary.path",
            found=None,
            expected="a vocabulary to tokenise with",
            remedy="Bind it in a gin file, or with --gin.load_vocabulary.path=NAME.",
        )
    return _load(tuple(sorted(bindings.items())))


@functools.lru_cache(maxsize=1)
def _read_episode(text: str | bytes) -> Episode:
    # Whoever writes caches renders one episode for all sub-tasks before reading the next.
    return Episode.from_json(text)


@functools.lru_cache(maxsize=4)
def _load(bindings: tuple[tuple[str, str | None], ...]) -> Vocabulary:
    return load_vocabulary(**dict(bindings))


@functools.lru_cache(maxsize=4)
def _token_counter(vocabulary: Vocabulary) -> TokenCounter:
    return TokenCounter(vocabulary)
