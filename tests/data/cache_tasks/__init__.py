"""A user's tasks package in small: the lines of text files, declared without TensorFlow."""

from __future__ import annotations

from typing import Any

import gin

from granite_fc.data import declarations

NAMES = ("lines_upper", "lines_words", "lines_by_seqio", "lines_none")


@gin.configurable(module="tests")
def lines(folder: str = "", shout: str = "", seconds_a_line: float = 0.0) -> dict[str, Any]:
    """The settings of the lines tasks; time is not part of the content."""
    return {"folder": folder, "shout": shout, "seconds_a_line": seconds_a_line}


def _content() -> dict[str, Any]:
    return {"shout": lines()["shout"]}


def _data_files() -> tuple[str, ...]:
    return (lines()["folder"],)


for _name in NAMES:
    declarations.declare_task(
        declarations.TaskDeclaration(_name, "upper", "lines", _content, _data_files)
    )
declarations.declare_seqio_module("tests.data.cache_tasks.registered")
