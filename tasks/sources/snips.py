"""SNIPS: requests of one intent whose slots are spans of the text.

Each request becomes an episode with one call: slot values become string arguments, word for word,
and a slot that is given several times becomes a list. Runs of white space become one space, in text
and values alike (rule `white_space`). A text that comes again, or that also occurs in the
validation split, is rejected.

For every two requests there is one more episode that joins two or three of them, of one or of
different intents, by a joining phrase: independent calls, a third of all with calls. A hash-chosen
share of the requests also yields a no_function episode, in which the functions on offer serve
another purpose.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.sources.choices import chance, hashed, shuffled
from tasks.sources.episode import CallTurn, Episode, UserTurn
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.snips_functions import FUNCTIONS, RELATED

SOURCE = "snips"
_ROOT = "2017-06-custom-intent-engines"
_FILES = {"train": "train_{intent}_full.json", "validation": "validate_{intent}.json"}
FILES = (rf"{_ROOT}/\w+/(train_\w+_full|validate_\w+)\.json",)

# Put between two requests; {} marks where the second begins a new sentence and keeps its capital.
_JOINTS = (" and ", ", and also ", ". Also, ", ". {}", "; then there's this: ", ", plus ")


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SnipsConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        joined_per_request: How many joined requests there are for each single one; 0.5 makes them a
            third of the set.
        three_rate: Share of the joined requests that have three parts; the others have two.
        same_intent_rate: Share of the joined requests whose parts have one intent.
        num_related: Functions on offer that are not needed; the others are distractors.
        no_function_rate: Share of the requests that also yield a no_function episode.
    """

    joined_per_request: float = 0.5
    three_rate: float = 0.3
    same_intent_rate: float = 0.4
    num_related: int = 2
    no_function_rate: float = 0.05


@dataclasses.dataclass(frozen=True)
class _Request:
    record_id: str
    text: str
    call: Call
    unclosed: str  # the text without the punctuation that closes it
    begins_with_slot: bool
    spaces_changed: int


def episodes(
    directory: str | Path, split: str, config: SnipsConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split ("train" from the full training files, or "validation")."""
    config = config or SnipsConfig()
    folder = RawFolder(directory)
    seen = set()
    if split == "train":
        seen = {_key(r.text) for r in _read(folder, "validation") if isinstance(r, _Request)}
    in_validation = frozenset(seen)
    requests = []
    for request in _read(folder, split):
        if isinstance(request, Reject):
            yield request
        elif _key(request.text) in seen:
            overlaps = _key(request.text) in in_validation
            reason = "text_in_validation" if overlaps else "repeated_text"
            yield Reject(request.record_id, reason, request.text)
        else:
            seen.add(_key(request.text))
            requests.append(request)
    for request in requests:
        yield from checked(
            _episode(request.record_id, request.text, [request.call], config),
            {"white_space": request.spaces_changed},
        )
        if chance(config.no_function_rate, "no_function", request.record_id):
            yield from checked(_no_function(request, config))
    yield from _joined(requests, config)


def _read(folder: RawFolder, split: str) -> Iterator[_Request | Reject]:
    for intent in FUNCTIONS:
        content = folder.read_json(f"{_ROOT}/{intent}/{_FILES[split].format(intent=intent)}")
        for index, row in enumerate(content[intent]):
            record_id = f"{intent}-{index}"
            try:
                yield _request(record_id, intent, row["data"])
            except (KeyError, IndexError, TypeError) as error:
                yield Reject(record_id, "malformed", repr(error))


def _request(record_id: str, intent: str, pieces: Sequence[Mapping[str, str]]) -> _Request:
    raw = "".join(piece["text"] for piece in pieces)
    arguments: dict[str, Any] = {}
    for piece in pieces:
        if "entity" not in piece:
            continue
        slot, value = piece["entity"], _one_spaced(piece["text"])
        if slot not in arguments:
            arguments[slot] = value
        elif isinstance(arguments[slot], list):
            arguments[slot].append(value)
        else:
            arguments[slot] = [arguments[slot], value]
    text = _one_spaced(raw)
    written = [piece for piece in pieces if piece["text"].strip()]
    last = written[-1]["text"] if "entity" in written[-1] else written[-1]["text"].rstrip(" .,;")
    return _Request(
        record_id,
        text,
        Call(intent, arguments),
        unclosed=_one_spaced("".join(piece["text"] for piece in written[:-1]) + last),
        begins_with_slot="entity" in written[0],
        spaces_changed=int(text != raw),
    )


def _joined(requests: Sequence[_Request], config: SnipsConfig) -> Iterator[Record]:
    """Yields the episodes that join requests; each request leads at most one."""
    by_intent: dict[str, list[_Request]] = {}
    for request in requests:
        by_intent.setdefault(request.call.name, []).append(request)
    leaders = shuffled(requests, lambda r: r.record_id, "leader")
    for leader in leaders[: int(len(requests) * config.joined_per_request)]:
        key = leader.record_id
        same = chance(config.same_intent_rate, "same_intent", key)
        partners = by_intent[leader.call.name] if same else requests
        parts = [leader]
        for place in range(2 if chance(config.three_rate, "three", key) else 1):
            partner = partners[hashed("partner", key, place) % len(partners)]
            if all(partner.call != part.call for part in parts):
                parts.append(partner)
        if len(parts) == 1:
            yield Reject(f"joined-{key}", "no_partner")
            continue
        yield from checked(
            _episode(f"joined-{key}", _join(parts, key), [part.call for part in parts], config)
        )


def _join(parts: Sequence[_Request], key: str) -> str:
    text = parts[0].unclosed
    for place, part in enumerate(parts[1:], start=1):
        joint = _JOINTS[hashed("joint", key, place) % len(_JOINTS)]
        if text.endswith(("?", "!")):
            joint = " {}"
        elif text.endswith("."):  # an abbreviation
            joint = _JOINTS[0]
        ending = part.text if part is parts[-1] else part.unclosed
        if not joint.endswith("{}"):
            text += joint + _as_continuation(ending, part)
        elif part.begins_with_slot:
            text += joint[:-2] + ending
        else:
            text += joint[:-2] + ending[:1].upper() + ending[1:]
    return text


def _as_continuation(text: str, request: _Request) -> str:
    """Returns a text as part of a sentence: in lower case unless it begins with a name or I."""
    first = text.split(" ")[0]
    if request.begins_with_slot or first.split("'")[0] == "I" or first[1:2].isupper():
        return text
    return text[:1].lower() + text[1:]


def _episode(episode_id: str, text: str, calls: Sequence[Call], config: SnipsConfig) -> Episode:
    needed = list(dict.fromkeys(call.name for call in calls))
    others = [n for n in shuffled(FUNCTIONS, str, "related", episode_id) if n not in needed]
    return Episode(
        episode_id=episode_id,
        source=SOURCE,
        functions=tuple(FUNCTIONS[n] for n in (*needed, *others[: config.num_related])),
        turns=(UserTurn(text), CallTurn(CallGraph(tuple(calls)))),
        distractors=tuple(FUNCTIONS[n] for n in others[config.num_related :]),
    )


def _no_function(request: _Request, config: SnipsConfig) -> Episode:
    excluded = RELATED if request.call.name in RELATED else {request.call.name}
    names = [n for n in FUNCTIONS if n not in excluded]
    offered = shuffled(names, str, "no_function", request.record_id)
    return Episode(
        episode_id=f"{request.record_id}/no_function",
        source=SOURCE,
        functions=tuple(FUNCTIONS[n] for n in offered[: config.num_related + 1]),
        turns=(UserTurn(request.text),),
        no_call_reason="no_function",
    )


def _one_spaced(text: str) -> str:
    return " ".join(text.split())


def _key(text: str) -> str:
    return text.casefold()
