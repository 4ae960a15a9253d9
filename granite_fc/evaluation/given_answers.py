"""Answers that were written elsewhere, to the items of an evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from granite_fc.conventions import Conventions
from granite_fc.data.permutation import key_of, shuffled
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.bare_calls import as_calls
from granite_fc.evaluation.items import Answer, Item
from granite_fc.evaluation.predictions import Prediction, read_predictions


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked.

    Attributes:
        items: The items of the evaluation.
        not_asked: The ids of those that belong to the same set and are outside of the sample.
    """

    items: Sequence[Item]
    not_asked: frozenset[str]

    @classmethod
    def sample(cls, items: Sequence[Item], limit: int | None) -> Asked:
        """Takes some items of each group, the same ones for every model, in their order."""
        chosen: set[str] = set()
        for group in dict.fromkeys(item.group for item in items):
            members = [item.item_id for item in items if item.group == group]
            order = shuffled(len(members), key_of(0, "evaluation", group))
            chosen.update(members[place] for place in order[:limit])
        return cls(
            [item for item in items if item.item_id in chosen],
            frozenset(item.item_id for item in items if item.item_id not in chosen),
        )


def given_answers(path: str, asked: Asked, conventions: Conventions) -> dict[str, Answer]:
    """Reads one answer for every item.

    An answer in calls may be in any form that the tasks package reads; it is judged as the same
    calls written as the right answer is.

    Args:
        path: A file that `read_predictions` can read, or a folder with one for each task,
            `<task>.jsonl`, as runs write them.
        asked: The items.
        conventions: How calls are read.

    Raises:
        ConfigurationError: There is no such file, or it has not one answer for each item.
    """
    if Path(path).expanduser().is_dir():
        given = _folder(Path(path).expanduser(), asked)
    else:
        given = _file(Path(path).expanduser(), asked.items, asked)
    return {
        item.item_id: Answer(
            _written_alike(given[item.item_id].text, item.target, conventions),
            given[item.item_id].failure,
        )
        for item in asked.items
    }


def _file(path: Path, items: Sequence[Item], asked: Asked) -> dict[str, Prediction]:
    targets = {item.item_id: item.target for item in items}
    return read_predictions(path, list(targets), asked.not_asked, targets)


def _folder(folder: Path, asked: Asked) -> Mapping[str, Prediction]:
    given: dict[str, Prediction] = {}
    for task in dict.fromkeys(item.task for item in asked.items):
        path = folder / f"{task}.jsonl"
        if not path.is_file():
            raise ConfigurationError(
                "--predictions",
                found=f"no {path.name} in {folder}",
                expected="a file for each task",
            )
        given |= _file(path, [item for item in asked.items if item.task == task], asked)
    return given


def _written_alike(text: str, target: str, conventions: Conventions) -> str:
    """The same calls as a target writes its own; other text as it is."""
    if conventions.read_calls(target).error is not None:
        return text
    text = as_calls(text) or text
    read = conventions.read_calls(text)
    if read.error is not None or read.text:
        return text
    return conventions.print_calls(read.calls, like=target)
