"""NESTFUL's files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from granite_fc.errors import ConfigurationError

NEEDS = (
    "a clone of https://github.com/IBM/NESTFUL (version 1), or a file of version 2: JSON lines "
    "with input, output and tools"
)
REMEDY = "Clone https://github.com/IBM/NESTFUL and name its folder: --suite_dir=DIR."

# Version 1: what files are called, and what their category is here.
_PARTS = {
    "executable": "data/executable/executable",
    "glaive": "data/non-executable/non-executable-glaive",
    "sgd": "data/non-executable/non-executable-sgd",
}
SECOND_VERSION = "version_2"


class Row(NamedTuple):
    """One request.

    Attributes:
        id: Unique in the suite.
        category: Which part it is of.
        request: What the user wants.
        calls: The right calls, as the file has them.
        functions: Those on offer, as the file has them.
    """

    id: str
    category: str
    request: str
    calls: list[Mapping[str, Any]]
    functions: list[Mapping[str, Any]]


def read_rows(path: Path) -> Iterator[Row]:
    """Reads version 1 from a folder, version 2 from a file.

    Raises:
        ConfigurationError: It is not there, or is neither.
    """
    if path.is_file():
        yield from _second_version(path)
        return
    folders = (path, path / "NESTFUL", path.parent)
    root = next((f for f in folders if (f / f"{_PARTS['executable']}-data.json").exists()), None)
    if root is None:
        raise ConfigurationError(
            "suite nestful",
            found=str(path),
            expected="the folder with data/executable/executable-data.json, or a file of version 2",
            remedy=REMEDY,
        )
    for category, start in _PARTS.items():
        functions = _load(root / f"{start}-spec.json")
        for index, row in enumerate(_load(root / f"{start}-data.json")):
            yield Row(f"{category}_{index}", category, row["input"], row["output"], functions)


def _second_version(path: Path) -> Iterator[Row]:
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            calls, functions = (
                json.loads(row[key]) if isinstance(row[key], str) else row[key]
                for key in ("output", "tools")
            )
            yield Row(
                str(row.get("sample_id", number)), SECOND_VERSION, row["input"], calls, functions
            )
        except (ValueError, KeyError, TypeError) as error:
            raise _malformed(f"{path}, line {number + 1}", error) from None


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _malformed(str(path), error) from None


def _malformed(where: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"suite nestful: {where}",
        found=f"{type(error).__name__}: {error}",
        expected="a file of NESTFUL",
        remedy=REMEDY,
    )
