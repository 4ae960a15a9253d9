"""Answers that were written elsewhere, to the items of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from granite_fc.conventions import Conventions
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.asked import Asked
from granite_fc.evaluation.bare_calls import as_calls
from granite_fc.evaluation.items import TOO_LARGE, Answer, Item
from granite_fc.evaluation.predictions import Prediction, read_predictions

# No answer to a request of these sets has so many characters; reading one would only take time.
_MOST_CHARACTERS = 1_000_000
_RUN_CONFIG = "config.gin"


def run_of(path: str) -> Path | None:
    """Returns the folder of the run that wrote answers, or None where no run did.

    Args:
        path: A file or folder; a run writes `MODEL_DIR/predictions/<step>/<task>.jsonl`.
    """
    for parent in Path(path).expanduser().absolute().parents:
        if (parent / _RUN_CONFIG).is_file() and (parent / "predictions").is_dir():
            return parent
    return None


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
    return {item.item_id: _answer(given[item.item_id], item, conventions) for item in asked.items}


def _answer(given: Prediction, item: Item, conventions: Conventions) -> Answer:
    if len(given.text) >= _MOST_CHARACTERS:
        return Answer("", TOO_LARGE)
    return Answer(_written_alike(given.text, item.target, conventions), given.failure)


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
