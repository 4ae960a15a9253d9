"""API-Bank: requests that take several calls, from the level-3 training rows.

A row holds a dialogue so far and the next call or the reply. The rows of one dialogue become one
episode (rule `row_reassembled`); where rows disagree on how a dialogue goes on, the longest is
taken and the others are rejected (`other_continuation`). The tool that searches for tools is left
out (rule `tool_search_left_out`): what it found are the functions on offer, and the time that a row
gives is part of what the user says.

Calls and results are written as Python literals; an argument without quotes is a text (rule
`quotes_added`), a number for a text or a numeral for a number takes the declared type (rules
`number_to_text`, `numeral_to_number`). What an earlier result introduced becomes a reference
(see `tasks.sources.value_links`). The replies are generated: one with a number or a name that
neither the dialogue nor a result has is left out (rule `ungrounded_reply_left_out`).

Many dialogues go on with what nobody asked for, such as the details of what was found. A further
call is asked for if the request has a word of its function's name that no call before has, in its
function's name or in a value; a function called again, if the request has a value of the call that
no call before has. A dialogue ends before the first call that is not asked for (rule
`cut_before_unasked_call`), and its function is not on offer. A dialogue is rejected that has no
call (`no_call`), or one that is asked for and cannot be read (`malformed_call`), is of a function
that no search found (`unknown_function`), does not fit it (`argument_does_not_fit`) or passes a
placeholder for a value (`placeholder_value`); or that has a value or a result which is no literal
(`malformed_value`, `not_json_number`) or a found function which is none (`malformed_function`); and
so is a row in another form (`malformed`).

The time of a request is a guess of the set's and often stands for a date that nobody gave: a value
that it alone gives is marked as not grounded, unless the request speaks of now or today.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import gin

from granite_fc.calls.spec import FunctionSpec
from tasks.keyed import chance, shuffled
from tasks.sources.api_bank_dialogue import Dialogue, name_words
from tasks.sources.api_bank_functions import found_tools
from tasks.sources.api_bank_text import Row, Step, TextError, read_row
from tasks.sources.episode import Episode, UserTurn
from tasks.sources.grounding import ungrounded_arguments
from tasks.sources.json_records import json_items
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.said import Said
from tasks.sources.validation_rows import is_validation
from tasks.sources.value_links import link_values

SOURCE = "api_bank"
# The repository that it is part of has it in a folder.
FILES = tuple(
    rf"(?:api-bank/)?training-data/lv3-{kind}-train\.json" for kind in ("api", "response")
)

# Words of function names that are about no purpose in particular.
_SAY_NOTHING = frozenset({"api", "find", "finder", "get", "info", "information", "search"})
# What a request says that is about the time at which it is made.
_PRESENT = re.compile(r"\b(?:now|today|current)\b", re.IGNORECASE)


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class ApiBankConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        validation_share: Share of the requests that make up the validation split.
        num_distractors: Functions of other requests that accompany an episode.
        no_function_rate: Share of the requests that also yield a no_function episode.
    """

    validation_share: float = 0.1
    num_distractors: int = 8
    no_function_rate: float = 0.1


def episodes(
    directory: str | Path, split: str, config: ApiBankConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split; rejects come with the split that their text belongs to."""
    config = config or ApiBankConfig()
    dialogues: dict[tuple[str, str], list[tuple[str, Row]]] = {}
    for record in _read(RawFolder(directory)):
        if isinstance(record, Reject):
            if split == "train":
                yield record
            continue
        key = (record[1].request, record[1].time)
        dialogues.setdefault(key, []).append(record)
    tools = _all_tools(dialogues.values())
    for (request, _), rows in dialogues.items():
        if is_validation(request, config.validation_share) != (split == "validation"):
            continue
        yield from _dialogue_records(rows, tools, config)


def _read(folder: RawFolder) -> Iterator[tuple[str, Row] | Reject]:
    for name in (name for pattern in FILES for name in folder.names(pattern)):
        for record in json_items(folder, name):
            if isinstance(record, Reject):
                yield record
                continue
            record_id, entry = record
            try:
                yield record_id, read_row(entry["input"], entry["output"])
            except TextError as error:
                yield Reject(record_id, error.reason, str(error))
            except (AttributeError, KeyError, TypeError) as error:
                yield Reject(record_id, "malformed", repr(error))


def _all_tools(dialogues: Iterable[Sequence[tuple[str, Row]]]) -> dict[str, FunctionSpec]:
    """Returns the functions that any search found; of two with one name, the first."""
    tools: dict[str, FunctionSpec] = {}
    for rows in dialogues:
        for _, row in rows:
            for step in row.steps:
                try:
                    found = found_tools(step)
                except TextError:
                    continue
                for spec in found:
                    tools.setdefault(spec.name, spec)
    return tools


def _dialogue_records(
    rows: Sequence[tuple[str, Row]], tools: Mapping[str, FunctionSpec], config: ApiBankConfig
) -> Iterator[Record]:
    record_id, longest = max(rows, key=lambda entry: len(entry[1].steps) + bool(entry[1].answer))
    paths = [(key, (*row.steps, row.answer)) for key, row in rows]
    path = next(p for key, p in paths if key == record_id)
    coerced: collections.Counter[str] = collections.Counter()
    for key, other in paths:
        if _saying(other) == _saying(path)[: len(other)]:
            coerced["row_reassembled"] += key != record_id
        else:
            yield Reject(key, "other_continuation", f"{longest.request}: {_saying(other)[-1]}")
    dialogue = Dialogue(longest, path, tools, coerced)
    if dialogue.problem is not None:
        yield Reject(record_id, dialogue.problem.reason, str(dialogue.problem))
        return
    if not dialogue.names:
        yield Reject(record_id, "no_call", longest.request)
        return
    functions = dialogue.functions
    others = _unrelated(dialogue, tools, record_id)
    turns, _ = link_values(dialogue.turns, functions=functions.values())
    whole = Episode(
        episode_id=record_id,
        source=SOURCE,
        functions=tuple(functions.values()),
        turns=turns,
        distractors=tuple(tools[name] for name in others[: config.num_distractors]),
    )
    for record in checked(whole, coerced):
        yield _marked(record, longest.request) if isinstance(record, Episode) else record
    if chance(config.no_function_rate, "no_function", record_id):
        yield from checked(_no_function(whole, others, tools, config))


def _marked(episode: Episode, request: str) -> Episode:
    """Returns an episode that has marked what only the time of its request gives."""
    if _PRESENT.search(request):
        return episode
    timeless = dataclasses.replace(episode, turns=(UserTurn(request), *episode.turns[1:]))
    return dataclasses.replace(episode, ungrounded=ungrounded_arguments(timeless))


def _no_function(
    whole: Episode,
    others: Sequence[str],
    tools: Mapping[str, FunctionSpec],
    config: ApiBankConfig,
) -> Episode:
    return Episode(
        episode_id=f"{whole.episode_id}/no_function",
        source=SOURCE,
        functions=tuple(tools[name] for name in others[: config.num_distractors]),
        turns=whole.turns[:1],
        no_call_reason="no_function",
    )


def _unrelated(dialogue: Dialogue, tools: Mapping[str, FunctionSpec], record_id: str) -> list[str]:
    """Returns functions that can do nothing for the request: their names share no word with it.

    Nor with what the functions on offer are for. Much of the set is about one thing, health, and
    there are several functions for many purposes.
    """
    request = dialogue.turns[0]
    assert isinstance(request, UserTurn)
    purposes = (
        f"{' '.join(name_words(s.name))} {s.description}" for s in dialogue.functions.values()
    )
    said = Said([request.text, *purposes])
    return [
        name
        for name in shuffled(tools, str, "distractor", record_id)
        if not any(said.says(w) for w in name_words(name) if w not in _SAY_NOTHING)
    ]


def _saying(path: Sequence[Step]) -> tuple[tuple[str, str], ...]:
    return tuple((step.call, step.reply) for step in path)
