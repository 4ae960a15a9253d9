"""A dialogue of Schema-Guided Dialogue as turns with literal calls."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import ArgumentPlace, AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.said_dates import moment
from tasks.sources.sgd_assent import leaves_assent_unsaid
from tasks.sources.sgd_library import DialogueLibrary
from tasks.sources.sgd_replies import Statement, statement
from tasks.sources.sgd_results import Offer
from tasks.sources.sgd_schema import NotInSchemaError, Service
from tasks.sources.sgd_wishes import Wishes, leaves_price_open

# What reading a record raises where a part is missing or of the wrong type.
MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)

_NUMBER = re.compile(r"[$]?[\d,]+(\.\d+)?")
# Slots that hold a place, of which people say a short or a long name.
_PLACES = frozenset(
    {"airport", "area", "city", "destination", "from", "location", "origin", "station", "to"}
)
_PLACE_SLOTS = frozenset({"where_to"})
# Slots that follow from another where that is known: the kind of event from the finer kind.
_IMPLIED_BY = {("Events_1", "category"): "subcategory", ("Events_2", "event_type"): "category"}
_DATE_SEARCH = "GetEventDates"


class KnownDateError(ValueError):
    """The dates of an event are looked up of which an earlier result shows one."""


class UnsaidAssentError(ValueError):
    """A call is made as confirmed where the user has asked something and not agreed."""


class RepeatedCallError(ValueError):
    """A search is made again right after itself, with another result."""


class Dialogue:
    """One dialogue, read.

    Args:
        record: The data set's record.
        library: The functions of its services.

    Attributes:
        turns: Its turns; calls have literal arguments, and results all their rows.
        given: Index of a user turn to the values that it gives, in its words, and as calls have
            them where these follow from its words.
        offers: Index of a call turn to the offers that the assistant then makes.
        statements: Index of an assistant turn to what it states.
        questions: The ends of the parts in which the assistant asks for a required value, each
            with the function that needs it.
        opens_with_intent: Whether the first user turn says what the user wants done.
        num_qualified: Index of a call turn to its calls of functions named with their service.
        cut: The rule under which the dialogue ends early, before what cannot be read or taken over;
            None where it does not.
        repeats: The places in `turns` before which a search was left out that repeats the call
            before it and its result.
        known_dates: The places in `turns` before which a search for the dates of an event was left
            out that found only what an earlier result shows.
        unasked: The arguments that nobody asked for in so many words (`Wishes`).
        left_out: How many questions were left out of `questions`, since what they ask is known, by
            rule.

    Raises:
        NotInSchemaError: The dialogue has a service or method that the schema lacks.
        KeyError: A part is missing.
        TypeError: A part is of the wrong type.
    """

    def __init__(self, record: Mapping[str, Any], library: DialogueLibrary) -> None:
        self._library = library
        self.turns: list[Turn] = []
        self.given: dict[int, set[str]] = {}
        self.offers: dict[int, list[Offer]] = {}
        self.statements: dict[int, list[Statement]] = {}
        self.questions: list[tuple[int, FunctionSpec]] = []
        self.num_qualified: collections.Counter[int] = collections.Counter()
        self.cut: str | None = None
        self.repeats: list[int] = []
        self.known_dates: list[int] = []
        self.unasked: list[ArgumentPlace] = []
        self.left_out: collections.Counter[str] = collections.Counter()
        self._wishes = Wishes()
        self.opens_with_intent = any(
            action["act"] == "INFORM_INTENT" for action in _actions(record["turns"][0])
        )
        try:
            self._read(record["turns"])
        except (NotInSchemaError, *MALFORMED) as error:
            self.cut = _CUTS.get(type(error), "cut_before_unfit_call")
            self._cut_before_last_request()
            is_unfit = not isinstance(error, UnsaidAssentError)
            if is_unfit and not any(isinstance(turn, CallTurn) for turn in self.turns):
                raise

    def _cut_before_last_request(self) -> None:
        requests = [index for index, turn in enumerate(self.turns) if isinstance(turn, UserTurn)]
        del self.turns[max(requests, default=0) :]
        self.questions = [(end, spec) for end, spec in self.questions if end <= len(self.turns)]

    def _read(self, turns: Sequence[Mapping[str, Any]]) -> None:
        for index, turn in enumerate(turns):
            if not isinstance(turn["utterance"], str):
                raise TypeError(f"the utterance of turn {index} is no text")
            if turn["speaker"] == "USER":
                self.given[len(self.turns)] = {
                    value
                    for frame in turn["frames"]
                    for action in frame["actions"]
                    if action["act"] != "INFORM_INTENT"
                    and not leaves_price_open(action["slot"], turn["utterance"])
                    for value in self._given(self._library.service(frame["service"]), action)
                }
                self._wishes.hear(turn, self.given[len(self.turns)])
                self.turns.append(UserTurn(turn["utterance"]))
                wanted = self._lacks_required(turn, turns[index + 1 : index + 2])
                if wanted is not None:
                    self.questions.append((len(self.turns) + 1, wanted))
                continue
            made = [frame for frame in turn["frames"] if "service_call" in frame]
            if made:
                if index > 0 and leaves_assent_unsaid(turns[index - 1]):
                    raise UnsaidAssentError(turns[index - 1]["utterance"])
                service = self._library.service(made[0]["service"])
                offers = [service.worded(offer) for offer in _offers(service.name, turns[index:])]
                if not self._is_known_date(made[0], offers):
                    self._add_call_turn(self._call_turn(made), offers)
            self.statements[len(self.turns)] = [
                statement(self._library.service(frame["service"]), frame)
                for frame in turn["frames"]
            ]
            self._wishes.hear(turn)
            self.turns.append(AssistantTurn(turn["utterance"]))

    def _given(self, service: Service, action: Mapping[str, Any]) -> Iterator[str]:
        """Yields the values that a user's action gives."""
        yield from action["values"]
        slot = action["slot"]
        follows = (
            slot in _PLACE_SLOTS
            or not _PLACES.isdisjoint(slot.split("_"))
            or service.slots.get(slot, {}).get("is_categorical", False)
        )
        for value in action["canonical_values"]:
            if follows or _NUMBER.fullmatch(value) or moment(value) is not None:
                yield value

    def _is_known_date(self, frame: Mapping[str, Any], offers: Sequence[Offer]) -> bool:
        """Whether a call looks up dates of an event all of which an earlier result shows.

        Raises:
            KnownDateError: The earlier result shows some of them.
        """
        if frame["service_call"]["method"] != _DATE_SEARCH:
            return False
        event = frame["service_call"]["parameters"]["event_name"]
        service = self._library.service(frame["service"])
        name, date = service.slot("event_name"), service.slot("date")
        found = {row["date"] for row in frame.get("service_results", [])}
        for index, turn in reversed(list(enumerate(self.turns))):
            if not isinstance(turn, CallTurn):
                continue
            rows = [row for result in turn.results for row in result["results"]]
            shown = {row.get(date) for row in rows if row.get(name) == event}
            if not shown.isdisjoint(found):
                if not found <= shown:
                    raise KnownDateError(event)
                self.known_dates.append(len(self.turns))
                self.offers[index] = [*self.offers[index], *offers]
                return True
        return False

    def _add_call_turn(self, turn: CallTurn, offers: Sequence[Offer]) -> None:
        """Adds calls, unless they look up again what the last ones did: nothing asks for that.

        What changes something, such as a reservation, is tried again where it failed.
        """
        last = max((i for i, t in enumerate(self.turns) if isinstance(t, CallTurn)), default=None)
        before = None if last is None else self.turns[last]
        if (
            last is None
            or not isinstance(before, CallTurn)
            or before.calls != turn.calls
            or any(map(self._library.is_transaction, turn.calls.names))
        ):
            self.offers[len(self.turns)] = list(offers)
            self.unasked.extend(self._wishes.unasked(self.turns, turn, self._library))
            self.turns.append(turn)
            return
        if before.results != turn.results:
            raise RepeatedCallError(", ".join(turn.calls.names))
        self.repeats.append(len(self.turns))
        self.offers[last] = [*self.offers[last], *offers]

    def _call_turn(self, frames: Sequence[Mapping[str, Any]]) -> CallTurn:
        calls, results = [], []
        for frame in frames:
            service = self._library.service(frame["service"])
            method = frame["service_call"]["method"]
            spec = self._library.function(service, method)
            self.num_qualified[len(self.turns)] += self._library.is_repeated(service, method)
            calls.append(Call(spec.name, service.worded(frame["service_call"]["parameters"])))
            rows = [service.worded(row) for row in frame.get("service_results", [])]
            results.append({"total_results": len(rows), "results": rows})
        return CallTurn(CallGraph(tuple(calls)), tuple(results))

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
            service = self._library.service(frame["service"])
            required = service.intent(state["active_intent"])["required_slots"]
            known = state["slot_values"]
            lacking = {s for s in service.slots if service.slot(s) in required and s not in known}
            asked = {
                action["slot"]: action["values"]
                for action in frame["actions"]
                if action["act"] == "REQUEST" and action["slot"] in lacking
            }
            if not asked:
                continue
            if all(_IMPLIED_BY.get((service.name, slot)) in known for slot in lacking):
                self.left_out["question_of_implied_kind_left_out"] += 1
            elif all(len(asked.get(slot, ())) == 1 for slot in lacking):
                self.left_out["question_of_known_value_left_out"] += 1
            else:
                return self._library.function(service, state["active_intent"])
        return None


_CUTS: Mapping[type[Exception], str] = {
    RepeatedCallError: "cut_before_repeated_call",
    KnownDateError: "cut_before_known_date_search",
    UnsaidAssentError: "cut_before_unsaid_assent",
}


def _actions(turn: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [action for frame in turn["frames"] for action in frame["actions"]]


def _offers(service: str, turns: Sequence[Mapping[str, Any]]) -> list[dict[str, list[str]]]:
    """Returns the offers that the assistant makes from a call's results until it calls again.

    Args:
        service: The service that was called.
        turns: The turn of the call and those after it.
    """
    offers: list[dict[str, list[str]]] = []
    for index, turn in enumerate(turns):
        for frame in turn["frames"]:
            if turn["speaker"] != "SYSTEM" or frame["service"] != service:
                continue
            if index > 0 and "service_call" in frame:
                return offers
            offer = {
                action["slot"]: list(action["canonical_values"])
                for action in frame["actions"]
                if action["act"] == "OFFER" and action["canonical_values"]
            }
            if offer:
                offers.append(offer)
    return offers
