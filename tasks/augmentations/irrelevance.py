"""The same request with functions that cannot serve it: nothing is to be called.

What remains of the library is of other services, has no word and no topic in common with the
functions that are called or with what is said, and is no search that might serve anything. After
Hammer (arXiv 2410.04587), which removes the right function alone, and found about 10 % best.
"""

from __future__ import annotations

import re

from granite_fc.calls.spec import FunctionSpec
from tasks.augmentations.requests import called_functions, request_stems, unanswered_request
from tasks.augmentations.topics import are_related, function_stems, serves_anything
from tasks.sources.episode import Episode

# As many as remain where functions give way to a budget: few would tell that none fits.
_FEWEST = 3
_COPY_NUMBER = re.compile(r"_?\d+$")


def without_needed_functions(episode: Episode) -> Episode | None:
    """Returns the first request of the episode with unrelated functions alone.

    Args:
        episode: An episode that calls answer.

    Returns:
        The episode without calls, or None where fewer than three functions surely do not fit.
    """
    library = (*episode.functions, *episode.distractors)
    called = called_functions(episode)
    services = {_kind_of_service(episode, spec.name) for spec in library if spec.name in called}
    about = request_stems(episode).union(
        *(function_stems(spec) for spec in library if spec.name in called)
    )

    def is_foreign(spec: FunctionSpec) -> bool:
        return (
            spec.name not in called
            and _kind_of_service(episode, spec.name) not in services
            and not serves_anything(spec)
            and not are_related(spec, about)
        )

    functions = [spec for spec in episode.functions if is_foreign(spec)]
    distractors = [spec for spec in episode.distractors if is_foreign(spec)]
    if len(functions) + len(distractors) < _FEWEST:
        return None
    return unanswered_request(episode, "irrelevance", "no_function", functions, distractors)


def _kind_of_service(episode: Episode, function: str) -> str:
    """The service, without the number that tells Hotels_1 from Hotels_2."""
    return _COPY_NUMBER.sub("", episode.services.get(function, function)).casefold()
