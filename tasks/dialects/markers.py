"""Keeping what people and functions say apart from the markers of a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any


class Markers:
    """Strings with a meaning in a prompt, all of which begin with `<`.

    Args:
        markers: The strings.

    Attributes:
        markers: The same.
    """

    def __init__(self, markers: Iterable[str]) -> None:
        self.markers = tuple(markers)
        rest = "|".join(re.escape(marker[1:]) for marker in self.markers)
        self._pattern = re.compile(f"<(?={rest})")
        self._broken = re.compile(f"< (?={rest})")

    def broken(self, text: str) -> str:
        """The text with a space in every marker."""
        return self._pattern.sub("< ", text) if "<" in text else text

    def mended(self, text: str) -> str:
        """What `broken` makes the text of, or a text of which it makes the same."""
        return self._broken.sub("<", text) if "<" in text else text

    def escaped(self, json_text: str) -> str:
        """The same JSON value with every marker in its strings escaped."""
        return self._pattern.sub(r"\\u003c", json_text) if "<" in json_text else json_text

    def dump(self, value: Any, indent: int | None = None) -> str:
        """A JSON value without markers, on one line where nothing is indented."""
        return self.escaped(json.dumps(value, ensure_ascii=False, indent=indent))
