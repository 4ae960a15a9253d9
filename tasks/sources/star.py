"""STAR: conversations in which a person plays the assistant and asks an API or a trivia master.

One complete dialogue becomes one episode: what the user and the assistant say, and the queries with
what the knowledge base returns; how queries are read is told in `star_queries`. What the user was
told to do and what the assistant had suggested to them is left out. About six replies in seven are
templates that the assistant picked, filled from the result.

Where a result introduced a value that a later call passes, the call refers to it. A value from a
list of choices, such as an hour, counts as grounded only if somebody said it or a result has it:
the people who played the assistant guessed some. One of two that the user left open is none
(`star_alternatives`). Whether a query checks or books counts as grounded
where it is the one that is due (`star_bookings`).

Coercions, beside those of `star_queries`:
    repeated_query_dropped: the same query again, right after its result, where the last result is
        kept, or later on with the same result, to look something up or where that was found to be
        possible or was done.
    other_type_dropped: a check or a booking that the other one, with the same other arguments,
        follows right after its result; the user agreed to nothing in between.
    earlier_try_dropped: a query that the next one, to the same API, replaces right after its
        result with values of which some were not asked for, or with more of them. Only where the
        reply is a template, which tells of the last result alone.
    unauthenticated_try_dropped: a query to the bank that it refuses, for lack of what tells who the
        caller is.
    empty_search_dropped: a search for anything at all.
    untold_query_dropped: a query that changes nothing, where the reply is a template that asks for
        a value of the same service and tells nothing of the result.
    ungrounded_reply: a reply right after a query that is in free words, or tells another outcome
        than the result has, or none, or states something that is not known (`star_replies`); it is
        marked, and no target.
    cut_before_REASON: the dialogue until the last reply before what is no valid call.

Where nothing is called before, the dialogue is rejected for that reason. The reasons:
    malformed, unknown_argument, several_values, operator_not_supported, conflicting_constraints: a
        query that cannot be read as arguments (`star_queries`).
    unknown_function, result_without_query, argument_does_not_fit: one of an API that is not
        described, a result of another API than was asked, or arguments that the API does not take.
    value_left_out: a query that changes nothing and lacks a city, class, price or place which the
        last request names, or one to the bank without the account's number that the user has said.
    flight_not_told: an `id`, as a flight has it, that nobody has said and no result has.
    repeated_query: the same query again that now returns something else, to an API of which that
        is an oddity.
    unprompted_try: an earlier try, as above, where the reply is free.
Rejected as well is a dialogue that is not complete (`not_complete`), that has no call (`no_call`),
that is no such JSON (`malformed`, `not_json_number`), or that breaks a rule of `records.problem`.

Further episodes, of hash-chosen shares of the dialogues, are answered by no call:
    no_function, with functions of other services: the opening request.
    missing_parameter: the dialogue until a question of the assistant before its first call, where
        nobody has said a required value of that call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.strict_json import NotJsonNumber
from tasks.keyed import chance, shuffled
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, NoCallReason, Turn, UserTurn
from tasks.sources.json_records import read_value
from tasks.sources.open_choices import with_choices_grounded
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.star_alternatives import left_open
from tasks.sources.star_bookings import REQUEST_TYPE, unexpected_types
from tasks.sources.star_dialogue import Dialogue
from tasks.sources.star_functions import API_FILES, Api, read_apis
from tasks.sources.star_names import NameIndex
from tasks.sources.star_replies import Statements
from tasks.sources.validation_rows import is_validation
from tasks.sources.value_links import leaves, link_values

SOURCE = "star"
_DIALOGUES = r"dialogues/\d+\.json"
FILES = (_DIALOGUES, API_FILES)

# Services of which one may serve a request that was made to another.
_NEIGHBOURS = (
    {"hotel", "apartment", "restaurant"},
    {"plane", "ride", "trip"},
    {"party", "meeting", "restaurant"},
)
# Shorter openings greet, and ask for nothing yet.
_MIN_OPENING_WORDS = 5


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class StarConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        validation_share: Share of the user's scenarios whose dialogues make up the validation
            split.
        num_distractors: Functions of other services that accompany an episode, one a service.
        missing_parameter_rate: Share of the dialogues that also yield a missing_parameter episode,
            where they have such a question.
        no_function_rate: Share of the dialogues whose opening request also yields a no_function
            episode.
    """

    validation_share: float = 0.1
    num_distractors: int = 6
    missing_parameter_rate: float = 0.3
    no_function_rate: float = 0.1


def episodes(
    directory: str | Path, split: str, config: StarConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split; dialogues of one scenario are in one split."""
    config = config or StarConfig()
    folder = RawFolder(directory)
    parser = _Parser(read_apis(folder), config)
    for name, content in folder.read_all(_DIALOGUES):
        record_id = name.removesuffix(".json")
        try:
            raw = read_value(content.decode("utf-8"))
            if _in_validation(raw, record_id, config) == (split == "validation"):
                yield from parser.records(record_id, raw)
        except NotJsonNumber as error:
            yield from _once(split, Reject(record_id, "not_json_number", str(error)))
        except (
            AttributeError,
            IndexError,
            KeyError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            yield from _once(split, Reject(record_id, "malformed", repr(error)))


def _once(split: str, reject: Reject) -> Iterator[Reject]:
    """What cannot be read belongs to no split; it is counted with the training data."""
    if split == "train":
        yield reject


def _in_validation(raw: Mapping[str, Any], record_id: str, config: StarConfig) -> bool:
    scenario = raw["Scenario"]["UserTask"]
    # Hundreds of dialogues share the scenario that says to do as one is told.
    key = record_id if "Follow the instructions and comments" in scenario else scenario
    return is_validation(key, config.validation_share)


class _Parser:
    def __init__(self, apis: Mapping[str, Api], config: StarConfig) -> None:
        self._apis = apis
        self._config = config
        self._names = NameIndex(api.function for api in apis.values())
        self._statements = Statements(api.function for api in apis.values())

    def records(self, record_id: str, raw: Mapping[str, Any]) -> Iterator[Record]:
        """Yields what becomes of one dialogue."""
        if raw["CompletionLevel"] != "Complete":
            yield Reject(record_id, "not_complete", raw["CompletionLevel"])
            return
        dialogue = Dialogue(raw["Events"], self._apis)
        tasks = [entry["Task"] for entry in raw["Scenario"]["WizardCapabilities"]]
        own = [task for task in tasks if task in self._apis]
        if any(isinstance(turn, CallTurn) for turn in dialogue.turns):
            yield from self._whole(record_id, dialogue, own)
        elif dialogue.cut is not None:
            yield Reject(record_id, *dialogue.cut)
        else:
            yield Reject(record_id, "no_call")
        yield from self._negatives(record_id, dialogue, own)

    def _whole(self, record_id: str, dialogue: Dialogue, own: Sequence[str]) -> Iterator[Record]:
        given = self._names.given(dialogue.turns)
        coerced = dict(dialogue.coerced)
        if dialogue.cut is not None:
            coerced[f"cut_before_{dialogue.cut[0]}"] = 1
        marked = self._statements.marked(dialogue.turns)
        coerced["ungrounded_reply"] = sum(
            isinstance(turn, AssistantTurn) and not turn.grounded for turn in marked
        )
        literal = self._episode(record_id, marked, own)
        unknown = {*unexpected_types(marked), *left_open(marked, literal.functions)}
        turns, _ = link_values(
            marked, functions=literal.functions, given=given, result_paths=_linkable
        )
        episode = dataclasses.replace(literal, turns=turns)
        for record in checked(episode, coerced, given=given):
            if isinstance(record, Episode):
                record = with_choices_grounded(record, given, conventional=(REQUEST_TYPE,))
                places = sorted(unknown.union(record.ungrounded))
                record = dataclasses.replace(record, ungrounded=tuple(places))
            yield record

    def _negatives(
        self, record_id: str, dialogue: Dialogue, own: Sequence[str]
    ) -> Iterator[Record]:
        config = self._config
        wanted = dialogue.first_question()
        if wanted and chance(config.missing_parameter_rate, "missing_parameter", record_id):
            end, name = wanted
            yield from checked(
                self._episode(
                    f"{record_id}/missing_parameter",
                    dialogue.turns[:end],
                    [name, *own],
                    "missing_parameter",
                )
            )
        opening = dialogue.turns[0] if dialogue.turns else None
        if (
            isinstance(opening, UserTurn)
            and len(opening.text.split()) >= _MIN_OPENING_WORDS
            and chance(config.no_function_rate, "no_function", record_id)
        ):
            others = self._others(record_id, own)
            yield from checked(
                Episode(
                    episode_id=f"{record_id}/no_function",
                    source=SOURCE,
                    functions=tuple(self._apis[name].function for name in others),
                    turns=(opening,),
                    no_call_reason="no_function",
                    services={name: self._apis[name].service for name in others},
                )
            )

    def _episode(
        self,
        episode_id: str,
        turns: Sequence[Turn],
        own: Sequence[str],
        no_call_reason: NoCallReason | None = None,
    ) -> Episode:
        names = dict.fromkeys(_used(turns, own))
        # The other functions of the same services are related.
        services = {self._apis[name].service for name in names}
        names |= dict.fromkeys(n for n, api in self._apis.items() if api.service in services)
        others = self._others(episode_id, list(names))
        return Episode(
            episode_id=episode_id,
            source=SOURCE,
            functions=tuple(self._apis[name].function for name in names),
            turns=tuple(turns),
            distractors=tuple(self._apis[name].function for name in others),
            no_call_reason=no_call_reason,
            services={name: self._apis[name].service for name in (*names, *others)},
        )

    def _others(self, key: str, own: Sequence[str]) -> list[str]:
        """Returns functions of other services, one of each, that cannot serve the same requests."""
        services = {self._apis[name].service for name in own}
        services |= {s for group in _NEIGHBOURS if group & services for s in group}
        chosen: dict[str, str] = {}
        for name in shuffled(self._apis, str, "distractor", key):
            service = self._apis[name].service
            if service not in services:
                chosen.setdefault(service, name)
        return list(chosen.values())[: self._config.num_distractors]


def _linkable(result: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yields the texts of a result, and its number where that is a flight's or a booking's.

    Other numbers agree by chance: prices, ratings, and what numbers the rows of other searches.
    """
    for path, value in leaves(result):
        is_number = path == ("id",) and not result.keys().isdisjoint(("Airline", "DriverName"))
        if isinstance(value, str) or is_number:
            yield path, value


def _used(turns: Sequence[Turn], own: Sequence[str]) -> list[str]:
    """Returns the functions that are called, in order, and then those that could be."""
    called = [call.name for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
    return list(dict.fromkeys([*called, *own]))
