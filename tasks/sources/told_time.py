"""The time at which a conversation takes place, where a source has to tell it."""

from __future__ import annotations

import re

# Where calls have dates that depend on it, a source adds what day it is to the first user turn,
# before what the user says or after it.
_TOLD_TIME = re.compile(r"^\(It is [^()]*\d[^()]*\.\)|\(It is [^()]*\d[^()]*\.\)$")


def told_time(text: str) -> str:
    """Returns what a source has added to a user's text, or nothing: "(It is Friday, ...)"."""
    found = _TOLD_TIME.search(text)
    return found.group() if found else ""


def without_told_time(text: str) -> str:
    """Returns a user's text without it."""
    return _TOLD_TIME.sub("", text).strip()
