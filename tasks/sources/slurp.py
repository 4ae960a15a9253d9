"""SLURP: what people say to a home assistant, in lower case and without punctuation.

A request has one intent, named SCENARIO_ACTION (where the name lacks the scenario, it is added:
rule `intent_completed`), and spans that fill slots; each becomes an episode with one call, whose
string arguments are the spans word for word. A slot that is filled several times becomes a list.
Two slips of the labels are mended: a determiner before the span of a date or time moves inside it,
as in "next [date : friday]" (rule `determiner_included`), and a place that is a time zone fills
`time_zone` where the function has that (rule `place_is_time_zone`).

The labels are those of a crowd. Of the other functions, those whose requests are worded like this
one are not on offer beside it (see `tasks.sources.wording`). Rejected: a request of one word
(`one_word`), or of two without a slot, where labels are arbitrary (`two_words`), one that breaks
off, as "send an email to" (`unfinished`), one that leaves unmarked what others mark as a slot
(`slot_left_out`), one that has a slot which its intent has only by mistake (`unknown_argument`) or
whose value mostly fills another slot of its function (`unusual_slot`), texts that come again
(`repeated_text`), an intent without a function (`unknown_function`) and labels that do not go with
their text (`malformed`). All rejects are about 10 % of the rows.

Small talk becomes no_function episodes, and so does a share of the requests, with functions that
serve another purpose; small talk with slots is rejected (`small_talk_with_slots`), since much of it
is a request after all.

The two files that text-only clones come with are pooled and split again: by a hash of the request's
wording without slot values and forms of address, so that near-copies are on one side. For every two
requests there is one more that joins two or three of them (see `tasks.sources.joining`), or a
reject where none goes with the first (`no_partner`). Not joined is a request whose words are
likelier for another function, nor one that has a rare word outside its slots ("turn on the tv",
"the next septa train to |") or that puts something into the calendar without an `event_name`, since
the crowd probably left a slot unmarked; its arguments are not asked for (`ungrounded`), its
function is. Nor is one joined that names two events, which may ask for two calls, or that is to
look into the calendar and has no word for it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.keyed import chance, shuffled
from tasks.sources.episode import ArgumentPlace, CallTurn, Episode, UserTurn
from tasks.sources.joining import MARK, SPOKEN, JoiningConfig, Request, joined_requests
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.slurp_functions import FUNCTIONS, NARROW_SERVICES, SERVICES, SMALL_TALK
from tasks.sources.slurp_labels import Labels
from tasks.sources.slurp_utterances import Utterance, read_utterances
from tasks.sources.validation_rows import is_validation
from tasks.sources.wording import Wording

SOURCE = "slurp"
FILES = (r"dataset/slurp/(train|devel|test)\.jsonl",)

# Functions by how much likelier a request's words are for them, in nats: what may serve it beside
# its own ("google train tickets"), what small talk is worded like, what surely does not serve it.
_SERVES_TOO = -3.0
_WORDED_ALIKE = -1.0
_CLEARLY_ANOTHER = -4.0


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SlurpConfig(JoiningConfig):
    """What decides the content of the episodes, beside how requests are joined.

    Attributes:
        validation_share: Share of the wordings that make up the validation split.
        num_related: Functions of the same scenario on offer that are not needed.
        num_distractors: Functions of other scenarios that accompany an episode.
        no_function_rate: Share of the requests that also yield a no_function episode.
    """

    validation_share: float = 0.1
    num_related: int = 3
    num_distractors: int = 8
    no_function_rate: float = 0.05


def episodes(
    directory: str | Path, split: str, config: SlurpConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split; rejects come with the split that their text belongs to."""
    config = config or SlurpConfig()
    utterances = []
    for found in read_utterances(RawFolder(directory), FILES[0]):
        if isinstance(found, Utterance):
            utterances.append(found)
        elif split == "train":
            yield found
    wording = Wording((u.text, u.intent) for u in utterances)
    labels = Labels(utterances)
    seen: set[str] = set()
    requests: list[Request] = []
    for utterance in utterances:
        if is_validation(utterance.shape, config.validation_share) != (split == "validation"):
            continue
        text = utterance.text
        if text.casefold() in seen:
            yield Reject(utterance.record_id, "repeated_text", text)
            continue
        seen.add(text.casefold())
        if (unfit := labels.unfit(utterance)) is not None:
            yield unfit
            continue
        advantages = wording.advantages(text, utterance.intent)
        if utterance.intent in SMALL_TALK:
            yield from checked(_small_talk(utterance, advantages, config))
            continue
        request = _request(utterance, advantages)
        lacks_slot = labels.lacks_slot(utterance)
        is_clear = not lacks_slot and not labels.is_doubtful(utterance)
        is_clear &= max(advantages.values(), default=0) <= 0
        for record in checked(
            _episode(request.record_id, request.text, [request], config), utterance.coerced
        ):
            if isinstance(record, Episode) and is_clear:
                requests.append(request)
            if isinstance(record, Episode) and lacks_slot:
                record = dataclasses.replace(record, ungrounded=(ArgumentPlace(1, 0, ""),))
            yield record
        if chance(config.no_function_rate, "no_function", request.record_id):
            yield from checked(_no_function(request, advantages, config))
    for joined in joined_requests(requests, config, SPOKEN):
        if len(joined.parts) == 1:
            yield Reject(joined.record_id, "no_partner")
            continue
        episode = _episode(joined.record_id, joined.text, joined.parts, config)
        yield from checked(dataclasses.replace(episode, marks=(MARK,)))


def _request(utterance: Utterance, advantages: Mapping[str, float]) -> Request:
    arguments: dict[str, Any] = {}
    for slot, value in utterance.slots:
        if slot not in arguments:
            arguments[slot] = value
        elif isinstance(arguments[slot], list):
            arguments[slot].append(value)
        else:
            arguments[slot] = [arguments[slot], value]
    return Request(
        utterance.record_id,
        utterance.text,
        Call(utterance.intent, arguments),
        address=utterance.address,
        rivals=frozenset(name for name, lead in advantages.items() if lead > _SERVES_TOO),
    )


def _episode(episode_id: str, text: str, parts: Sequence[Request], config: SlurpConfig) -> Episode:
    needed = list(dict.fromkeys(part.call.name for part in parts))
    unwanted = {*needed, *(name for part in parts for name in part.rivals)}
    others = [n for n in shuffled(FUNCTIONS, str, "related", episode_id) if n not in unwanted]
    services = {SERVICES[name] for name in needed}
    related = [n for n in others if SERVICES[n] in services][: config.num_related]
    distractors = [n for n in others if SERVICES[n] not in services][: config.num_distractors]
    return Episode(
        episode_id=episode_id,
        source=SOURCE,
        functions=tuple(FUNCTIONS[n] for n in (*needed, *related)),
        turns=(UserTurn(text), CallTurn(CallGraph(tuple(part.call for part in parts)))),
        distractors=tuple(FUNCTIONS[n] for n in distractors),
        services={name: SERVICES[name] for name in (*needed, *related, *distractors)},
    )


def _small_talk(
    utterance: Utterance, advantages: Mapping[str, float], config: SlurpConfig
) -> Episode:
    offered = [
        name
        for name in shuffled(FUNCTIONS, str, "small_talk", utterance.record_id)
        if SERVICES[name] in NARROW_SERVICES and advantages.get(name, -math.inf) < _WORDED_ALIKE
    ]
    return _unanswered(utterance.record_id, utterance.text, offered, config)


def _no_function(request: Request, advantages: Mapping[str, float], config: SlurpConfig) -> Episode:
    offered = [
        name
        for name in shuffled(FUNCTIONS, str, "no_function", request.record_id)
        if SERVICES[name] != SERVICES[request.call.name]
        and advantages.get(name, -math.inf) < _CLEARLY_ANOTHER
    ]
    return _unanswered(f"{request.record_id}/no_function", request.text, offered, config)


def _unanswered(episode_id: str, text: str, offered: Sequence[str], config: SlurpConfig) -> Episode:
    offered = offered[: config.num_related + config.num_distractors]
    return Episode(
        episode_id=episode_id,
        source=SOURCE,
        functions=tuple(FUNCTIONS[name] for name in offered),
        turns=(UserTurn(text),),
        no_call_reason="no_function",
        services={name: SERVICES[name] for name in offered},
    )
