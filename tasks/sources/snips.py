"""SNIPS: requests of one intent whose slots are spans of the text.

Each request becomes an episode with one call: slot values become string arguments, word for word,
and a slot that is given several times becomes a list. Runs of white space become one space, in text
and values alike (rule `white_space`); values of one slot with nothing but white space between them
are one (rule `pieces_joined`). What cannot be read is rejected (`malformed`), and so is a text that
comes again (`repeated_text`) or also occurs in the validation split (`text_in_validation`), and one
that leaves unmarked what others mark: a word for the present, the theater, the unit of a rating,
"newest" and the like, or "this" before the kind of book (`slot_left_out`). Rejected as well is one
that marks what is to be added as the playlist, as in "add | to my list |" (`roles_swapped`), or the
"around" of a time as a place (`time_as_place`).

Some wordings, such as "Find" and a title, occur under two intents. Where one does, the function of
the other intent is not on offer; nor is one for which the words outside the values are likelier
(see `tasks.sources.wording`), nor `PlayMusic` where a work that is searched for is to be
played or heard ("Play the album |").

For every two requests there is one more episode that joins two or three of them, of one or of
different intents (see `tasks.sources.joining`): a third of all with calls. Where none goes with the
first, that is a reject (`no_partner`). A hash-chosen share of the requests also yields a
no_function episode, in which the functions on offer serve another purpose; three at least.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.keyed import chance, shuffled
from tasks.sources.episode import CallTurn, Episode, UserTurn
from tasks.sources.joining import MARK, WRITTEN, JoiningConfig, Request, joined_requests
from tasks.sources.json_records import read_value
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.snips_functions import FUNCTIONS, RELATED, SERVICES
from tasks.sources.snips_labels import unfit
from tasks.sources.wording import Wording

SOURCE = "snips"
_ROOT = "2017-06-custom-intent-engines"
_FILES = {"train": "train_{intent}_full.json", "validation": "validate_{intent}.json"}
_SPLITS = tuple(_FILES)
FILES = (rf"{_ROOT}/\w+/(train_\w+_full|validate_\w+)\.json",)

# What would serve a request for a work that is to be played as well.
_PLAYS = "PlayMusic"
_TO_PLAY = re.compile(r"\b(?:play|listen|hear|put on)\b", re.IGNORECASE)
# Words outside the values that speak no more for the own function: nats of log-likelihood.
_SERVES_TOO = 0.0
# Fewer functions are no choice.
_FEWEST = 3
_TITLES = frozenset({"movie_name", "object_name"})
_WORD = re.compile(r"\w+(?:'\w+)*|\|")


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SnipsConfig(JoiningConfig):
    """What decides the content of the episodes, beside how requests are joined.

    Attributes:
        num_related: Functions on offer that are not needed; the others are distractors.
        no_function_rate: Share of the requests that also yield a no_function episode.
    """

    num_related: int = 2
    no_function_rate: float = 0.05


def episodes(
    directory: str | Path, split: str, config: SnipsConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split ("train" from the full training files, or "validation")."""
    config = config or SnipsConfig()
    folder = RawFolder(directory)
    read = {name: list(_read(folder, name)) for name in _SPLITS}
    intents: dict[str, set[str]] = {}
    for record in (record for records in read.values() for record in records):
        if isinstance(record, _Request):
            intents.setdefault(record.shape, set()).add(record.call.name)
    seen = set()
    if split == "train":
        seen = {_key(r.text) for r in read["validation"] if isinstance(r, _Request)}
    in_validation = frozenset(seen)
    requests = []
    for request in read[split]:
        if isinstance(request, Reject):
            yield request
        elif _key(request.text) in seen:
            overlaps = _key(request.text) in in_validation
            reason = "text_in_validation" if overlaps else "repeated_text"
            yield Reject(request.record_id, reason, request.text)
        else:
            seen.add(_key(request.text))
            if request.unfit:
                yield Reject(request.record_id, *request.unfit)
                continue
            rivals = request.rivals | intents[request.shape] - {request.call.name}
            requests.append(dataclasses.replace(request, rivals=rivals))
    wording = Wording(
        (r.unmarked, r.call.name)
        for found in read.values()
        for r in found
        if isinstance(r, _Request)
    )
    fitting = []
    for request in requests:
        leads = wording.advantages(request.unmarked, request.call.name)
        too = {name for name, lead in leads.items() if lead > _SERVES_TOO}
        request = dataclasses.replace(request, rivals=request.rivals | too)
        coerced = {
            "white_space": int(request.text != request.raw),
            "pieces_joined": request.num_joined,
        }
        for made in checked(_episode(request.record_id, request.text, [request], config), coerced):
            if isinstance(made, Episode):
                fitting.append(request)
            yield made
        if chance(config.no_function_rate, "no_function", request.record_id):
            episode = _no_function(request)
            if len(episode.functions) >= _FEWEST:
                yield from checked(episode)
    for joined in joined_requests(fitting, config, WRITTEN):
        if len(joined.parts) == 1:
            yield Reject(joined.record_id, "no_partner")
            continue
        episode = _episode(joined.record_id, joined.text, joined.parts, config)
        yield from checked(dataclasses.replace(episode, marks=(MARK,)))


@dataclasses.dataclass(frozen=True)
class _Request(Request):
    raw: str = ""  # the text with its white space
    unmarked: str = ""  # the text outside the values
    shape: str = ""  # the words, with | for a title
    unfit: tuple[str, str] | None = None  # why the labels are not to be relied on, and where
    num_joined: int = 0


def _read(folder: RawFolder, split: str) -> Iterator[_Request | Reject]:
    for intent in FUNCTIONS:
        name = f"{_ROOT}/{intent}/{_FILES[split].format(intent=intent)}"
        file = PurePosixPath(name).name
        try:
            rows = list(read_value(folder.read_text(name))[intent])
        except (ValueError, KeyError, TypeError) as error:
            yield Reject(file, "malformed", repr(error))
            continue
        for index, row in enumerate(rows):
            try:
                yield _request(f"{intent}-{index}", intent, row["data"])
            except (AttributeError, IndexError, KeyError, TypeError) as error:
                yield Reject(f"{file}:{index + 1}", "malformed", repr(error))


def _request(record_id: str, intent: str, pieces: Sequence[Mapping[str, str]]) -> _Request:
    pieces, num_joined = _whole_values(pieces)
    raw = "".join(piece["text"] for piece in pieces)
    unmarked = "|".join(piece["text"] for piece in pieces if "entity" not in piece)
    # A work that is searched for may be meant to be played.
    is_to_play = intent == "SearchCreativeWork" and _TO_PLAY.search(unmarked) is not None
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
    written = [place for place, piece in enumerate(pieces) if piece["text"].strip()]
    last = pieces[written[-1]]
    closing = last["text"] if "entity" in last else last["text"].rstrip(" .,;")
    return _Request(
        record_id,
        _one_spaced(raw),
        Call(intent, arguments),
        unclosed=_one_spaced("".join(p["text"] for p in pieces[: written[-1]]) + closing),
        keeps_case="entity" in pieces[written[0]],
        rivals=frozenset([_PLAYS] if is_to_play else ()),
        raw=raw,
        unmarked=unmarked,
        shape=_shape(pieces),
        unfit=unfit(intent, pieces),
        num_joined=num_joined,
    )


def _whole_values(pieces: Sequence[Mapping[str, str]]) -> tuple[list[Mapping[str, str]], int]:
    """Joins the pieces of one value; returns how many were joined to one before."""
    whole: list[Mapping[str, str]] = []
    for piece in pieces:
        between = len(whole) - 1
        while (
            between >= 0 and "entity" not in whole[between] and not whole[between]["text"].strip()
        ):
            between -= 1
        if between >= 0 and "entity" in piece and whole[between].get("entity") == piece["entity"]:
            text = "".join(part["text"] for part in (*whole[between:], piece))
            whole[between:] = [{"entity": piece["entity"], "text": text}]
        else:
            whole.append(piece)
    num_values = sum("entity" in piece for piece in pieces)
    return whole, num_values - sum("entity" in piece for piece in whole)


def _shape(pieces: Sequence[Mapping[str, str]]) -> str:
    """Returns the words with | for a title; another wording has another."""
    text = "".join(" | " if p.get("entity") in _TITLES else p["text"] for p in pieces)
    return " ".join(_WORD.findall(text.casefold()))


def _episode(episode_id: str, text: str, parts: Sequence[Request], config: SnipsConfig) -> Episode:
    needed = list(dict.fromkeys(part.call.name for part in parts))
    unwanted = {*needed, *(name for part in parts for name in part.rivals)}
    others = [n for n in shuffled(FUNCTIONS, str, "related", episode_id) if n not in unwanted]
    return Episode(
        episode_id=episode_id,
        source=SOURCE,
        functions=tuple(FUNCTIONS[n] for n in (*needed, *others[: config.num_related])),
        turns=(UserTurn(text), CallTurn(CallGraph(tuple(part.call for part in parts)))),
        distractors=tuple(FUNCTIONS[n] for n in others[config.num_related :]),
        services={name: SERVICES[name] for name in (*needed, *others)},
    )


def _no_function(request: Request) -> Episode:
    excluded = {request.call.name, *request.rivals}
    excluded.update(*(group for group in RELATED if request.call.name in group))
    names = [n for n in FUNCTIONS if n not in excluded]
    offered = shuffled(names, str, "no_function", request.record_id)
    return Episode(
        episode_id=f"{request.record_id}/no_function",
        source=SOURCE,
        functions=tuple(FUNCTIONS[n] for n in offered),
        turns=(UserTurn(request.text),),
        no_call_reason="no_function",
        services={name: SERVICES[name] for name in offered},
    )


def _one_spaced(text: str) -> str:
    return " ".join(text.split())


def _key(text: str) -> str:
    return text.casefold()
