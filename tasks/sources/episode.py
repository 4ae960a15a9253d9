"""The canonical episode: one conversation with function calls, whatever data set it is from."""

from __future__ import annotations

import dataclasses
import functools
import json
import marshal
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import AssistantTurn, CallTurn, Turn, UserTurn
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec

NoCallReason = Literal["no_function", "missing_parameter"]
# The mark of an episode whose last calls would go on if they had not returned what they did.
STOPPED = "stopped"


class ArgumentPlace(NamedTuple):
    """Where an argument of an episode is.

    Attributes:
        turn: Index in the episode's turns.
        call: Index in the turn's calls.
        parameter: Name of the argument; empty for one that the call probably lacks.
    """

    turn: int
    call: int
    parameter: str


@dataclasses.dataclass(frozen=True)
class Episode:
    """One conversation with the functions on offer.

    Attributes:
        episode_id: Unique within its source and split.
        source: Name of the data set.
        functions: The functions on offer: all that the calls use, in the order of first use, then
            related ones that are not needed.
        turns: The conversation in order; begins with the user.
        distractors: Functions of other services, best first, that a renderer may add to the
            library.
        no_call_reason: Why the last user turn is answered by no call, for the negatives; None
            elsewhere.
        services: Function name to the service that it belongs to, for functions and distractors
            that belong to one. What has none is a service of its own.
        marks: What sets the episode apart from the data set's own records, in snake case and
            sorted: `joined` (several requests made one), `schema_variant` (paraphrased functions);
            or from others that begin alike: `stopped` (the last calls would go on if they had not
            returned what they did).
        ungrounded: The arguments whose values nobody could know: neither the conversation before
            the call nor an earlier result gives them, and the schema does not offer them; and those
            that the labels of the data set probably left out.
    """

    episode_id: str
    source: str
    functions: tuple[FunctionSpec, ...]
    turns: tuple[Turn, ...]
    distractors: tuple[FunctionSpec, ...] = ()
    no_call_reason: NoCallReason | None = None
    services: Mapping[str, str] = dataclasses.field(default_factory=dict)
    marks: tuple[str, ...] = ()
    ungrounded: tuple[ArgumentPlace, ...] = ()

    def call_turns(self) -> Iterator[tuple[int, CallTurn]]:
        """Yields the index in `turns` and the turn, for every call turn."""
        for index, turn in enumerate(self.turns):
            if isinstance(turn, CallTurn):
                yield index, turn

    def to_json(self) -> str:
        """Returns one line of JSON, from which `from_json` gives an equal episode."""
        record: dict[str, Any] = {
            "episode_id": self.episode_id,
            "source": self.source,
            "functions": [spec.to_json() for spec in self.functions],
            "turns": [_turn_to_json(turn) for turn in self.turns],
        }
        if self.distractors:
            record["distractors"] = [spec.to_json() for spec in self.distractors]
        if self.no_call_reason is not None:
            record["no_call_reason"] = self.no_call_reason
        if self.services:
            record["services"] = dict(self.services)
        if self.marks:
            record["marks"] = list(self.marks)
        if self.ungrounded:
            record["ungrounded"] = [list(place) for place in self.ungrounded]
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Episode:
        """Reads what `to_json` wrote."""
        record = json.loads(text)
        labels: set[str] = set()
        turns: list[Turn] = []
        for entry in record["turns"]:
            turn = _turn_from_json(entry, known_labels=frozenset(labels))
            if isinstance(turn, CallTurn):
                labels.update(call.label for call in turn.calls if call.label is not None)
            turns.append(turn)
        return cls(
            episode_id=record["episode_id"],
            source=record["source"],
            functions=tuple(map(_spec_from_json, record["functions"])),
            turns=tuple(turns),
            distractors=tuple(map(_spec_from_json, record.get("distractors", ()))),
            no_call_reason=record.get("no_call_reason"),
            services=record.get("services", {}),
            marks=tuple(record.get("marks", ())),
            ungrounded=tuple(ArgumentPlace(*place) for place in record.get("ungrounded", ())),
        )


def _spec_from_json(obj: Any) -> FunctionSpec:
    # Few functions are on offer in many episodes, and checking a schema takes ten times as long as
    # writing it as bytes. Equality would not do as a key: it takes 1, 1.0 and true for the same.
    # Version 2, because later ones write equal values in several ways.
    return _known_spec(marshal.dumps(obj, 2))


@functools.lru_cache(maxsize=8192)
def _known_spec(written: bytes) -> FunctionSpec:
    return FunctionSpec.from_json(marshal.loads(written))


def _turn_to_json(turn: Turn) -> dict[str, Any]:
    match turn:
        case UserTurn(text):
            return {"user": text}
        case AssistantTurn(text, grounded):
            return {"assistant": text} | ({} if grounded else {"grounded": False})
        case CallTurn(calls, results):
            return {"calls": [call.to_json() for call in calls], "results": list(results)}


def _turn_from_json(entry: Mapping[str, Any], known_labels: frozenset[str]) -> Turn:
    if "user" in entry:
        return UserTurn(entry["user"])
    if "assistant" in entry:
        return AssistantTurn(entry["assistant"], entry.get("grounded", True))
    calls = tuple(Call.from_json(call) for call in entry["calls"])
    return CallTurn(CallGraph(calls, known_labels=known_labels), tuple(entry["results"]))
