"""SLURP's rows: a text with annotated spans, its intent, and what was mended in the labels."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.sources.json_records import json_lines
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Reject
from tasks.sources.slurp_functions import FUNCTIONS

_SLOT = re.compile(r"\[([a-z_]+) : ([^\[\]]*)\]")
# Before a word such as tomorrow, "this" is a pronoun: "remind me of this tomorrow".
_DETERMINER = re.compile(
    r"\b(next|last|this|current|every) (\[(?:date|time|timeofday) : )"
    r"(?!(?:today|tonight|tomorrow|yesterday)\b)",
    re.IGNORECASE,
)
_TIME_ZONE = re.compile(r"[ecmp][sd]t|gmt|utc|cet|cest|bst|ist|jst|aest", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:(?:hey|hi|ok|okay|olly|alexa|siri|google|please|can you|could you)\s+)*", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What somebody said, with the labels of the crowd.

    Attributes:
        record_id: The record that it is from.
        intent: Name of the function that it is for.
        text: The text.
        slots: The slots with their values, in order.
        rest: The text, with | for each value.
        coerced: How often the labels were mended, by rule.
    """

    record_id: str
    intent: str
    text: str
    slots: tuple[tuple[str, str], ...]
    rest: str
    coerced: Mapping[str, int]

    @property
    def address(self) -> str:
        """How the text begins, if that is to get the assistant's attention."""
        match = _ADDRESS.match(self.text)
        return match[0] if match else ""

    @property
    def shape(self) -> str:
        """The wording without values and address, by which near-copies are recognised."""
        return _ADDRESS.sub("", self.rest, count=1)


def read_utterances(folder: RawFolder, files: str) -> Iterator[Utterance | Reject]:
    """Yields the utterances of the files that a pattern matches."""
    for name in folder.names(files):
        for record in json_lines(folder, name):
            if isinstance(record, Reject):
                yield record
                continue
            record_id, row = record
            try:
                yield _utterance(record_id, row)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                yield Reject(record_id, "malformed", repr(error))


def _utterance(record_id: str, row: Mapping[str, Any]) -> Utterance:
    annotated = " ".join(row["sentence_annotation"].split())
    text = _SLOT.sub(r"\2", annotated)
    if "[" in text or "]" in text:
        raise ValueError(f"unbalanced brackets: {annotated}")
    if text.casefold() != " ".join(row["sentence"].casefold().split()):
        raise ValueError(f"{annotated!r} annotates another text than {row['sentence']!r}")
    annotated, included = _DETERMINER.subn(r"\2\1 ", annotated)
    scenario, intent = row["scenario"], row["intent"]
    completed = not intent.startswith(f"{scenario}_")
    if completed:
        intent = f"{scenario}_{row['action']}"
    marked = _SLOT.findall(annotated)
    slots = [(_slot(intent, slot, value), value) for slot, value in marked]
    coerced = {
        "determiner_included": included,
        "place_is_time_zone": sum(was != now for was, now in zip(marked, slots, strict=True)),
        "intent_completed": int(completed),
    }
    return Utterance(
        record_id,
        intent,
        text,
        tuple(slots),
        _SLOT.sub("|", annotated),
        {rule: count for rule, count in coerced.items() if count},
    )


def _slot(intent: str, slot: str, value: str) -> str:
    """Returns the slot that a value fills, where the crowd took a time zone for a place."""
    if slot != "place_name" or not _TIME_ZONE.fullmatch(value):
        return slot
    function = FUNCTIONS.get(intent)
    return "time_zone" if function and "time_zone" in function.properties else slot
