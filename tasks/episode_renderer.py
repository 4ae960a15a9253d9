"""Stored episodes to examples, as the present gin configuration says; needs no TensorFlow."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Mapping

import gin

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary
from tasks.renderers import RENDERERS, RenderingContext, TokenCounter
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import Episode

# The feature of a source's records that holds an episode as JSON.
EPISODE = "episode"

PlainFunction = Callable[[Mapping[str, bytes]], list[dict[str, str]]]


class EpisodeRenderer:
    """Renders the records of a source for one sub-task.

    Attributes:
        subtask: The sub-task.
    """

    def __init__(self, subtask: str) -> None:
        self.subtask = subtask
        self._context: RenderingContext | None = None

    @property
    def plain(self) -> PlainFunction:
        """The function from a record, {"episode": JSON}, to its examples, {"inputs", "targets"}.

        It keeps the gin configuration under which it was asked for.
        """
        context = self._present_context()
        render = RENDERERS[self.subtask]

        def plain(example: Mapping[str, bytes]) -> list[dict[str, str]]:
            episode = Episode.from_json(example[EPISODE])
            return [found._asdict() for found in render(episode, context)]

        return plain

    @property
    def counts(self) -> collections.Counter[str]:
        """What became of the examples in this process: see `RenderingContext.counts`."""
        return self._context.counts if self._context else collections.Counter()

    def _present_context(self) -> RenderingContext:
        config = RenderingConfig()
        counter = None
        if config.sequence_length is not None:
            counter = _token_counter(present_vocabulary())
        context = self._context
        if context is None or context.config != config or context.count_tokens is not counter:
            context = self._context = RenderingContext(config, counter)
        return context


def present_vocabulary() -> Vocabulary:
    """The vocabulary that gin names; a vocabulary is loaded once.

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


@functools.lru_cache(maxsize=4)
def _load(bindings: tuple[tuple[str, str | None], ...]) -> Vocabulary:
    return load_vocabulary(**dict(bindings))


@functools.lru_cache(maxsize=4)
def _token_counter(vocabulary: Vocabulary) -> TokenCounter:
    return TokenCounter(vocabulary)
