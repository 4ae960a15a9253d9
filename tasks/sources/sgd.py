"""Schema-Guided Dialogue: conversations with services, every call with its results.

One dialogue becomes one episode with all its turns. All argument and result values stay strings, as
the data set has them. Of a long result list the first rows are kept, and the row that the assistant
then offers where it lies further down; `total_results` says how many there were. A method that two
services of a dialogue share is named SERVICE_METHOD in it (rule `function_name_qualified`).

Further episodes, of a hash-chosen share of the dialogues, are answered by no call:
    missing_parameter: the dialogue until the assistant asks for a required slot of the active
        intent instead of calling it.
    no_function: the opening request with functions of other domains alone.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.choices import chance, hashed, shuffled
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, Turn, UserTurn
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.sgd_schema import Service, read_services

SOURCE = "sgd"
# The test split holds unseen services and is kept for zero-shot evaluation.
_FOLDERS = {"train": "train", "validation": "dev"}
FILES = (r"(train|dev)/schema\.json", r"(train|dev)/dialogues_\d+\.json")

# Domains of which one may serve a request that was made to another.
_NEIGHBOURS = (
    {"Movies", "Media", "Events", "Music"},
    {"Hotels", "Homes", "Travel"},
    {"Events", "Travel"},
    {"Buses", "Flights", "Trains", "RideSharing", "RentalCars"},
    {"Calendar", "Alarm", "Events", "Services"},
    {"Banks", "Payment"},
)


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SgdConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        max_result_rows: Rows kept of every result list, not counting one that is offered later.
        num_distractors: Functions of other domains that accompany an episode, one a service.
        missing_parameter_rate: Share of the dialogues that also yield a missing_parameter episode,
            where they have such a turn.
        no_function_rate: Share of the dialogues that also yield a no_function episode.
    """

    max_result_rows: int = 3
    num_distractors: int = 6
    missing_parameter_rate: float = 0.5
    no_function_rate: float = 0.1


def episodes(
    directory: str | Path, split: str, config: SgdConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split ("train", or "validation" from the data set's dev split)."""
    config = config or SgdConfig()
    folder = RawFolder(directory)
    services = read_services(folder.read_json(f"{_FOLDERS[split]}/schema.json"))
    for name in folder.names(rf"{_FOLDERS[split]}/dialogues_\d+\.json"):
        for dialogue in json.loads(folder.read(name)):
            yield from _dialogue_records(dialogue, services, config)


def _dialogue_records(
    dialogue: Mapping[str, Any], services: Mapping[str, Service], config: SgdConfig
) -> Iterator[Record]:
    record_id = dialogue["dialogue_id"]
    try:
        reader = _Dialogue(dialogue, services, config)
    except KeyError as error:
        yield Reject(record_id, "not_in_schema", str(error))
        return
    if not any(isinstance(turn, CallTurn) for turn in reader.turns):
        yield Reject(record_id, "no_call")
        return
    whole = reader.episode(record_id, reader.turns)
    yield from checked(whole, reader.coercions)
    if chance(config.missing_parameter_rate, "missing_parameter", record_id) and reader.questions:
        end, function = reader.questions[hashed("cut", record_id) % len(reader.questions)]
        yield from checked(
            dataclasses.replace(
                reader.episode(f"{record_id}/missing_parameter", reader.turns[:end], function),
                no_call_reason="missing_parameter",
            )
        )
    if chance(config.no_function_rate, "no_function", record_id) and reader.opens_with_intent:
        others = reader.other_functions(without_neighbours=True)
        yield from checked(
            Episode(
                episode_id=f"{record_id}/no_function",
                source=SOURCE,
                functions=tuple(others[: config.num_distractors]),
                turns=tuple(reader.turns[:1]),
                distractors=tuple(others[config.num_distractors :][: config.num_distractors]),
                no_call_reason="no_function",
            )
        )


class _Dialogue:
    """One dialogue, read.

    Attributes:
        turns: Its turns.
        questions: The ends of the parts in which the assistant asks for a required value, each
            with the function that needs it.
        opens_with_intent: Whether the first user turn says what the user wants done.
        coercions: Values changed, by rule.

    Raises:
        KeyError: The dialogue has a service, method or slot that the schema lacks.
    """

    def __init__(
        self, dialogue: Mapping[str, Any], services: Mapping[str, Service], config: SgdConfig
    ) -> None:
        self._id = dialogue["dialogue_id"]
        self._all_services = services
        self._services = [services[name] for name in dialogue["services"]]
        self._config = config
        methods = collections.Counter(intent for s in self._services for intent in s.intents)
        self._repeated = {method for method, count in methods.items() if count > 1}
        self.coercions: collections.Counter[str] = collections.Counter()
        self.turns: list[Turn] = []
        self.questions: list[tuple[int, FunctionSpec]] = []
        first = dialogue["turns"][0]
        self.opens_with_intent = any(
            action["act"] == "INFORM_INTENT"
            for frame in first["frames"]
            for action in frame["actions"]
        )
        self._read(dialogue["turns"])

    def episode(
        self, episode_id: str, turns: Sequence[Turn], wanted: FunctionSpec | None = None
    ) -> Episode:
        """Returns turns with their library: functions used, then `wanted`, then all others."""
        used = [call.name for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
        if wanted is not None:
            used.append(wanted.name)
        own = {f.name: f for s in self._services for f in (self._spec(s, i) for i in s.intents)}
        names = dict.fromkeys([*used, *own])
        return Episode(
            episode_id=episode_id,
            source=SOURCE,
            functions=tuple(own[name] for name in names),
            turns=tuple(turns),
            distractors=tuple(self.other_functions()[: self._config.num_distractors]),
        )

    def other_functions(self, without_neighbours: bool = False) -> list[FunctionSpec]:
        """Returns functions of other domains, one from each service, all with different names."""
        domains = {service.domain for service in self._services}
        if without_neighbours:
            domains |= {d for group in _NEIGHBOURS if group & domains for d in group}
        taken = {intent for service in self._services for intent in service.intents}
        chosen = []
        others = [s for s in self._all_services.values() if s.domain not in domains]
        for service in shuffled(others, lambda s: s.name, "distractor", self._id):
            for intent in shuffled(service.intents, str, "distractor", self._id):
                if intent not in taken:
                    taken.add(intent)
                    chosen.append(service.function(intent))
                    break
        return chosen

    def _spec(self, service: Service, intent: str) -> FunctionSpec:
        return service.function(intent, qualified=intent in self._repeated)

    def _read(self, turns: Sequence[Mapping[str, Any]]) -> None:
        for index, turn in enumerate(turns):
            if turn["speaker"] == "USER":
                self.turns.append(UserTurn(turn["utterance"]))
                wanted = self._lacks_required(turn, turns[index + 1 : index + 2])
                if wanted is not None:
                    self.questions.append((len(self.turns) + 1, wanted))
                continue
            made = [frame for frame in turn["frames"] if "service_call" in frame]
            if made:
                self.turns.append(self._call_turn(made, turns[index:]))
            self.turns.append(AssistantTurn(turn["utterance"]))

    def _call_turn(
        self, frames: Sequence[Mapping[str, Any]], following: Sequence[Mapping[str, Any]]
    ) -> CallTurn:
        calls, results = [], []
        for frame in frames:
            method = frame["service_call"]["method"]
            spec = self._spec(self._all_services[frame["service"]], method)
            self.coercions["function_name_qualified"] += spec.name != method
            calls.append(Call(spec.name, frame["service_call"]["parameters"]))
            rows = frame.get("service_results", [])
            kept = self._kept_rows(rows, _offer(frame["service"], following))
            self.coercions["result_rows_cut"] += len(kept) < len(rows)
            results.append({"total_results": len(rows), "results": kept})
        return CallTurn(CallGraph(tuple(calls)), tuple(results))

    def _kept_rows(
        self, rows: Sequence[Mapping[str, Any]], offer: Mapping[str, str]
    ) -> list[Mapping[str, Any]]:
        kept = list(range(min(len(rows), self._config.max_result_rows)))
        fits = [i for i, row in enumerate(rows) if offer.items() <= row.items()] if offer else []
        if fits and not set(fits) & set(kept):
            kept.append(fits[0])
        return [rows[i] for i in kept]

    def _lacks_required(
        self, user: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]
    ) -> FunctionSpec | None:
        """Returns the function that the user wants and that lacks a value which the answer asks."""
        states = {frame["service"]: frame["state"] for frame in user["frames"] if "state" in frame}
        frames = [frame for answer in answers for frame in answer["frames"]]
        if any("service_call" in frame for frame in frames):
            return None
        for frame in frames:
            state = states.get(frame["service"])
            if state is None or state["active_intent"] == "NONE":
                continue
            service = self._all_services[frame["service"]]
            required = service.intents[state["active_intent"]]["required_slots"]
            asked = {action["slot"] for action in frame["actions"] if action["act"] == "REQUEST"}
            if any(slot in required and slot not in state["slot_values"] for slot in asked):
                return self._spec(service, state["active_intent"])
        return None


def _offer(service: str, turns: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Returns the slots and values that the assistant last offers from a call's results.

    Args:
        service: The service that was called.
        turns: The turn of the call and those after it.
    """
    offer: dict[str, str] = {}
    for index, turn in enumerate(turns):
        for frame in turn["frames"]:
            if turn["speaker"] != "SYSTEM" or frame["service"] != service:
                continue
            if index > 0 and "service_call" in frame:
                return offer
            offered = {
                action["slot"]: action["canonical_values"][0]
                for action in frame["actions"]
                if action["act"] == "OFFER" and action["canonical_values"]
            }
            offer = offered or offer
    return offer
