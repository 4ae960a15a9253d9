"""Metadata of a GGUF file, asked for by key and type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from granite_fc.errors import ConfigurationError

_REQUIRED: Any = object()


class Metadata:
    """Typed access to metadata.

    A method that takes a key gives back its value, or the default where the file does not have it.
    Without a default the file has to: ConfigurationError names file and key where it has not, or
    has a value of another type.

    Args:
        path: The file, for messages.
        values: What it says.
    """

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        self._path = path
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def error(
        self, key: str, expected: str, remedy: str = "", found: str = ""
    ) -> ConfigurationError:
        """Returns the error that refuses what the file says of `key`, or `found` in it."""
        value = found or self._values.get(key, "nothing")
        if isinstance(value, list | np.ndarray):
            value = f"a list of {len(value):,}"
        return ConfigurationError(
            f"{self._path}: {key}", found=value, expected=expected, remedy=remedy
        )

    def is_one_of(self, key: str, values: Sequence[Any]) -> bool:
        """Whether the file has one of these numbers, booleans or strings, of the same type."""
        value = self._values.get(key)
        return any(type(value) is type(other) and value == other for other in values)

    def integer(self, key: str, default: Any = _REQUIRED) -> Any:
        """Returns an integer from 0 on."""
        value = self._get(key, default)
        if key in self._values and (type(value) is not int or value < 0):
            raise self.error(key, "an integer from 0 on")
        return value

    def number(self, key: str, default: Any = _REQUIRED) -> Any:
        """Returns a finite number."""
        value = self._get(key, default)
        if key in self._values and (type(value) not in (int, float) or not math.isfinite(value)):
            raise self.error(key, "a finite number")
        return value

    def flag(self, key: str, default: Any = _REQUIRED) -> Any:
        """Returns a boolean."""
        value = self._get(key, default)
        if key in self._values and type(value) is not bool:
            raise self.error(key, "true or false")
        return value

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        """Returns a string."""
        value = self._get(key, default)
        if key in self._values and type(value) is not str:
            raise self.error(key, "a string")
        return value

    def texts(self, key: str, default: Any = _REQUIRED) -> Any:
        """Returns a list of strings."""
        value = self._get(key, default)
        if key in self._values and not (
            isinstance(value, list) and all(isinstance(text, str) for text in value)
        ):
            raise self.error(key, "a list of strings")
        return value

    def integers(self, key: str) -> list[int]:
        """Returns a list of integers."""
        value = self._get(key, _REQUIRED)
        if not (isinstance(value, np.ndarray) and value.dtype.kind in "iu"):
            raise self.error(key, "a list of integers")
        return value.tolist()

    def _get(self, key: str, default: Any) -> Any:
        if key not in self._values and default is _REQUIRED:
            raise self.error(key, "a value")
        return self._values.get(key, default)
