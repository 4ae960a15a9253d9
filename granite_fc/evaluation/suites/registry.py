"""The suites that there are."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from pathlib import Path

from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.suites.bfcl import files as bfcl_files
from granite_fc.evaluation.suites.bfcl.suite import Bfcl
from granite_fc.evaluation.suites.nestful import files as nestful_files
from granite_fc.evaluation.suites.nestful.suite import Nestful
from granite_fc.evaluation.suites.suite import Suite


@dataclasses.dataclass(frozen=True)
class SuiteEntry:
    """A suite that can be loaded.

    Attributes:
        about: What it measures, in a few words.
        needs: What has to be there.
        load: From the folder or file that the user names, or None, to the suite; raises
            `ConfigurationError` where the data is not there.
    """

    about: str
    needs: str
    load: Callable[[Path | None], Suite]


SUITES: Mapping[str, SuiteEntry] = types.MappingProxyType(
    {
        "bfcl": SuiteEntry(
            "Berkeley Function Calling Leaderboard, single-turn: Python, Java and JavaScript, live "
            "and non-live, irrelevance and relevance",
            bfcl_files.NEEDS,
            Bfcl.load,
        ),
        "nestful": SuiteEntry(
            "NESTFUL: nested sequences of calls, judged as graphs",
            nestful_files.NEEDS,
            Nestful.load,
        ),
    }
)


def load_suite(
    name: str, directory: str | Path | None = None, *, dots_as_underscores: bool = False
) -> Suite:
    """Loads a suite.

    Args:
        name: One of `SUITES`.
        directory: Where its data is; None for where it is found by itself, if it can be.
        dots_as_underscores: Whether models were offered function names with `_` for `.`.

    Raises:
        ConfigurationError: There is no such suite, its data is not there, or it has no such names.
    """
    if name not in SUITES:
        raise ConfigurationError("--suite", found=name, expected=f"one of {', '.join(SUITES)}")
    suite = SUITES[name].load(None if directory is None else Path(directory))
    if not dots_as_underscores:
        return suite
    if not isinstance(suite, Bfcl):
        raise ConfigurationError(
            "--dots_as_underscores", found=f"--suite={name}", expected="--suite=bfcl"
        )
    return dataclasses.replace(suite, dots_as_underscores=True)
