"""Stored episodes to examples, as the present gin configuration says; needs no TensorFlow."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Mapping, Sequence

import gin

from granite_fc.calls.call import NO_FUNCTION
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary
from tasks.augmentations import AugmentationConfig, augment, negatives
from tasks.augmentations.config import KINDS
from tasks.dialects import DIALECTS
from tasks.renderers import RENDERERS, Example, RenderingContext, TokenCounter
from tasks.renderers.library import LEANER_DETAILS
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import Episode

# The features of a source's records: an episode as JSON, and the split that it belongs to.
EPISODE = "episode"
SPLIT = "split"

_TRAIN = "train"
_NOTHING_TO_CALL = frozenset(
    {NO_FUNCTION, *(dialect.print_calls(()) for dialect in DIALECTS.values())}
)


class EpisodeRenderer:
    """Renders the records of a source for one sub-task.

    Args:
        subtask: The sub-task.
        context: The settings.
        augmentation: What is done to training episodes first.
    """

    def __init__(
        self, subtask: str, context: RenderingContext, augmentation: AugmentationConfig
    ) -> None:
        self.context = context
        self.augmentation = augmentation
        self._subtask = subtask
        self._render = RENDERERS[subtask]
        self._contexts: dict[tuple[str, bool], RenderingContext] = {}
        self._without_masks = dataclasses.replace(augmentation, mask_parameters=0.0)

    @property
    def counts(self) -> collections.Counter[str]:
        """What became of the examples in this process.

        Beside what `RenderingContext.counts` has: "no_call", for requests that no call answers;
        "nothing_left", where all calls have been made; "augmented_KIND" for what was done to the
        episodes on purpose.
        """
        return self.context.counts

    def __call__(self, example: Mapping[str, str | bytes]) -> list[dict[str, str]]:
        """Returns {"inputs", "targets", "episode_id"} for every example of a record.

        Args:
            example: {"episode": JSON, "split": its name}; without a split it is for training.
        """
        return [
            {"inputs": made.inputs, "targets": made.targets, "episode_id": episode.episode_id}
            for episode, found in self.rendered(example)
            for made in found
        ]

    def rendered(self, example: Mapping[str, str | bytes]) -> list[tuple[Episode, list[Example]]]:
        """Returns the examples of a record beside the episodes, as augmented, that they show.

        Args:
            example: {"episode": JSON, "split": its name}; without a split it is for training.
        """
        episode = _read_episode(example[EPISODE])
        settings = self.augmentation
        if settings.is_off or example.get(SPLIT, _TRAIN) not in (_TRAIN, _TRAIN.encode()):
            return [self._counted(episode, self._render(episode, self.context))]
        detail = self.context.config.detail_of(self._subtask, episode.episode_id)
        num_leaner = self.context.counts["leaner_detail"]
        own = self._augmented(episode, detail)
        made = negatives(episode, settings, self._subtask, len(own[1]), detail)
        # Shorter than the episode, they would have room for more detail, which told them apart.
        if 2 * (self.context.counts["leaner_detail"] - num_leaner) > len(own[1]):
            detail = LEANER_DETAILS[detail]
        return [own, *(self._augmented(negative, detail) for negative in made)]

    def _augmented(self, original: Episode, detail: str) -> tuple[Episode, list[Example]]:
        """An episode after what the settings say is done to it, and its examples."""
        episode = augment(original, self.augmentation, self._subtask, detail)
        is_masked = "mask_parameters" in episode.marks
        context = self._context(detail, is_masked).on_trial()
        found = self._render(episode, context)
        if is_masked and context.counts["too_long"]:
            episode = augment(original, self._without_masks, self._subtask, detail)
            context = self._context(detail, False).on_trial()
            found = self._render(episode, context)
        for kind in KINDS:
            context.count(f"augmented_{kind}", len(found) * (kind in episode.marks))
        self.counts.update(context.counts)
        return self._counted(episode, found)

    def _context(self, detail: str, is_masked: bool) -> RenderingContext:
        """The settings with functions in one detail; of masked parameters, in no less detail."""
        key = detail, is_masked
        if key not in self._contexts:
            config = self.context.config
            # In a signature nothing would tell masked parameters apart.
            order = [step for step in config.shed_order if step != "detail" or not is_masked]
            details = {**config.function_details, self._subtask: detail}
            changed = dataclasses.replace(config, shed_order=order, function_details=details)
            self._contexts[key] = dataclasses.replace(self.context, config=changed)
        return self._contexts[key]

    def _counted(self, episode: Episode, found: Sequence[Example]) -> tuple[Episode, list[Example]]:
        if episode.no_call_reason is not None:
            self.context.count("no_call", len(found))
        else:
            num_left = sum(made.targets in _NOTHING_TO_CALL for made in found)
            self.context.count("nothing_left", num_left)
        return episode, list(found)


def present_renderer(subtask: str, previous: EpisodeRenderer | None = None) -> EpisodeRenderer:
    """Returns the renderer of a sub-task under the present gin configuration.

    Args:
        subtask: The sub-task.
        previous: Returned again where it still is that renderer, so that its counts go on.
    """
    config, augmentation = RenderingConfig(), AugmentationConfig()
    counter = None
    if config.sequence_length is not None:
        counter = _token_counter(present_vocabulary())
    if previous is not None:
        context = previous.context
        if (context.config, previous.augmentation) == (config, augmentation) and (
            context.count_tokens is counter
        ):
            return previous
    return EpisodeRenderer(subtask, RenderingContext(config, counter), augmentation)


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
