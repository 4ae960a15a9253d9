"""The file of secrets: read, checked, and kept out of everything that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from granite_fc.errors import ConfigurationError

# What is shorter is no secret, and hiding "1" or "true" would make the output unreadable.
_SHORTEST_SECRET = 8


class Mask:
    """Replaces secrets in text.

    Attributes:
        values: What is replaced.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        # Longer ones first: one may contain another.
        self.values = sorted(
            {value for value in values if len(value) >= _SHORTEST_SECRET}, key=len, reverse=True
        )

    def __call__(self, text: str) -> str:
        """Returns the text without the secrets."""
        for value in self.values:
            text = text.replace(value, "***")
        return text


def read_environment(path: Path) -> dict[str, str]:
    """Reads KEY=VALUE lines; values are taken as they stand, quotes included.

    Raises:
        ConfigurationError: The file is missing, others may read it, or a line is no KEY=VALUE.
    """
    try:
        mode = path.stat().st_mode & 0o777
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ConfigurationError(
            "environment_file", found=str(path), expected="a file", remedy=f"{error.strerror}."
        ) from None
    if mode & 0o077:
        raise ConfigurationError(
            "environment_file",
            found=f"{path} with mode {mode:o}",
            expected="a file that only its owner may read",
            remedy=f"Run chmod 600 {path}.",
        )
    environment = {}
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        key, separator, value = line.partition("=")
        if not separator or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            # The line itself may be a secret.
            raise ConfigurationError(
                "environment_file", found=f"line {number} of {path}", expected="KEY=VALUE"
            )
        environment[key] = value
    return environment
