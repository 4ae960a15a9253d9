"""Whether a user of Schema-Guided Dialogue agrees in so many words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tasks.sources.said import words_of

# With one of these a question agrees as well ("Great, how much is it?").
_ASSENT = frozenset(
    words_of(
        "absolutely accept agree alright approve awesome certainly confirm confirmed cool correct"
        " do exactly excellent fine go good great indeed like nice ok okay perfect right suits sure"
        " sweet terrific thanks true want wonderful works would yea yeah yep yes yup"
    )
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def leaves_assent_unsaid(turn: Mapping[str, Any]) -> bool:
    """Whether a user's turn agrees to something by its annotation, and only asks by its words."""
    acts = {action["act"] for frame in turn["frames"] for action in frame["actions"]}
    return (
        {"AFFIRM", "REQUEST"} <= acts
        and all(part.endswith("?") for part in _SENTENCE_END.split(turn["utterance"].strip()))
        and _ASSENT.isdisjoint(words_of(turn["utterance"]))
    )
