"""Where BFCL's questions and accepted answers are, and their lines."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any, NamedTuple

from granite_fc.errors import ConfigurationError

NEEDS = (
    "the package bfcl-eval (`pip install --no-deps bfcl-eval==2026.3.23`), or its folder "
    "bfcl_eval/data"
)
_REMEDY = (
    "Install it with `pip install --no-deps bfcl-eval==2026.3.23`, or name its folder "
    "bfcl_eval/data: --suite_dir=DIR."
)


class Row(NamedTuple):
    """One question, as the files have it.

    Attributes:
        id: Its id.
        messages: The conversation, objects with `role` and `content`.
        functions: Those on offer.
        accepted: For every call of the answer {name: {parameter: accepted values}}; None where the
            category has no answers.
    """

    id: str
    messages: list[dict[str, str]]
    functions: list[dict[str, Any]]
    accepted: list[dict[str, dict[str, list[Any]]]] | None


def data_folder(directory: Path | None) -> Path:
    """Finds the data.

    Args:
        directory: The folder `bfcl_eval/data`, or one that holds it; None for the installed
            package, which is looked up and not imported.

    Raises:
        ConfigurationError: It is not there; the message says how to get it.
    """
    if directory is None:
        package = importlib.util.find_spec("bfcl_eval")
        if package is None or not package.submodule_search_locations:
            raise ConfigurationError(
                "suite bfcl",
                found="no package bfcl-eval",
                expected="the benchmark's data",
                remedy=_REMEDY,
            )
        directory = Path(package.submodule_search_locations[0])
    for folder in (directory, directory / "data", directory / "bfcl_eval" / "data"):
        if any(folder.glob("BFCL_v*_simple_python.json")):
            return folder
    raise ConfigurationError(
        "suite bfcl",
        found=str(directory),
        expected="a folder with BFCL_v4_simple_python.json and its likes",
        remedy=_REMEDY,
    )


def read_rows(folder: Path, category: str, *, answered: bool) -> list[Row]:
    """Reads a category.

    Args:
        folder: As `data_folder` gives it.
        category: Its name, as file names have it.
        answered: Whether there are accepted answers.

    Raises:
        ConfigurationError: A file is missing or is not what it should be.
    """
    questions = _lines(folder, category)
    answers = {}
    if answered:
        for line in _lines(folder / "possible_answer", category):
            answers[line["id"]] = line["ground_truth"]
    rows = []
    for question in questions:
        if answered and question["id"] not in answers:
            raise _malformed(folder / "possible_answer", f"no answer to {question['id']}")
        messages = [message for turn in question["question"] for message in turn]
        rows.append(
            Row(question["id"], messages, question["function"], answers.get(question["id"]))
        )
    return rows


def _lines(folder: Path, category: str) -> list[dict[str, Any]]:
    # `live_simple` ends like `simple`, so the name is taken whole.
    paths = sorted(folder.glob(f"BFCL_v[0-9]*_{category}.json"))
    paths = [path for path in paths if path.stem.split("_", 2)[2] == category]
    if len(paths) != 1:
        found = ", ".join(path.name for path in paths) or "no file"
        raise _malformed(folder, f"{found} for the category {category}")
    try:
        text = paths[0].read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise _malformed(paths[0], str(error)) from None


def _malformed(path: Path, found: str) -> ConfigurationError:
    return ConfigurationError(
        f"suite bfcl: {path}",
        found=found,
        expected="the files of bfcl-eval, one JSON object a line",
        remedy=_REMEDY,
    )
