"""Which of SNIPS's requests have labels to rely on: some leave slots out or mark another's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from tasks.sources.snips_functions import FUNCTIONS

# Words that fill a slot wherever its intent has it.
_FILLS = {
    "timeRange": re.compile(r"\b(?:today'?s?|tonight|tomorrow|currently|now)\b", re.IGNORECASE),
    # The singular is never marked.
    "rating_unit": re.compile(r"\b(?:star|point)s?\b", re.IGNORECASE),
    "sort": re.compile(r"\b(?:new(?:est)?|latest)\b", re.IGNORECASE),
    "object_location_type": re.compile(r"\btheat(?:er|re)s?\b", re.IGNORECASE),
}
# What "this" before it selects, if nothing else does: "this current book".
_SELECTED = frozenset({"object_type", "object_part_of_series_type"})
_THIS = re.compile(r"\bthis\s*$", re.IGNORECASE)
_NEAR_A_TIME = re.compile(r"\s*(?:about|around)\s*", re.IGNORECASE)
# What tells what is added from what it is added to.
_ADDS = re.compile(r"\b(?:add|insert|put)\b", re.IGNORECASE)
_ADDED_TO = re.compile(r"\b(?:for|in|into|on|onto|to(?! add| insert| put))\b", re.IGNORECASE)
_WHERE_TO = re.compile(r"\s*(?:by|in|into|on|onto|to)\b", re.IGNORECASE)


def unfit(intent: str, pieces: Sequence[Mapping[str, str]]) -> tuple[str, str] | None:
    """Returns why the labels of a request are not to be relied on, and where, or None.

    Args:
        intent: The request's function.
        pieces: Its text in pieces, of which those that fill a slot have an "entity".
    """
    pieces = [piece for piece in pieces if piece["text"].strip()]
    properties = FUNCTIONS[intent].properties
    for slot, words in _FILLS.items():
        for piece in pieces:
            if "entity" not in piece and slot in properties and words.search(piece["text"]):
                return "slot_left_out", f"{slot}: {piece['text'].strip()}"
    is_selected = any(piece.get("entity") == "object_select" for piece in pieces)
    for before, piece in itertools.pairwise(pieces):
        text, pair = before["text"], (before.get("entity"), piece.get("entity"))
        if not is_selected and not pair[0] and pair[1] in _SELECTED and _THIS.search(text):
            return "slot_left_out", f"object_select: {text.strip()}"
        if pair == ("spatial_relation", "timeRange") and _NEAR_A_TIME.fullmatch(text):
            return "time_as_place", f"{text} {piece['text']}"
    for place, piece in enumerate(pieces):
        if piece.get("entity") == "playlist" and _is_added(pieces, place):
            return "roles_swapped", piece["text"]
    return None


def _is_added(pieces: Sequence[Mapping[str, str]], place: int) -> bool:
    """Whether the piece at a place is what a request adds: "add | to my list", not "add to |"."""
    before = [piece["text"] for piece in pieces[:place] if "entity" not in piece]
    after = [piece["text"] for piece in pieces[place:] if "entity" not in piece]
    return (
        any(map(_ADDS.search, before))
        and not _ADDED_TO.search(before[-1])
        and bool(after and _WHERE_TO.match(after[0]))
    )
