"""One dialogue of MultiWOZ, with the calls that its assistant must have made."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.multiwoz_acts import Act, Acts, is_news, read_acts
from tasks.sources.multiwoz_choice import Choices
from tasks.sources.multiwoz_functions import BOOKABLE, SEARCHABLE, Database, name_words
from tasks.sources.multiwoz_search import Search
from tasks.sources.multiwoz_searches import Made, Searches
from tasks.sources.multiwoz_state import StateError, read_slots
from tasks.sources.multiwoz_text import detokenised
from tasks.sources.said import Said

# Acts in which the assistant tells what the database has.
_TELLING = ("Inform", "Recommend", "Select", "NoOffer", "OfferBook", "OfferBooked")
_IN_STATE = ("semi", "book")
# Slots of bookings whose values may be names.
_NAMES = ("name", "departure", "destination")
_PLACES = ("restaurant", "hotel", "attraction")


class Dialogue:
    """The turns of one dialogue, up to where its annotation leaves open what was called.

    Args:
        log: The turns of the data set, user and assistant in turn.
        functions: All functions by name.
        database: What answers the searches.
        max_rows: Rows kept of every result, beside those that the assistant mentions.

    Attributes:
        turns: Its turns; where a search and a booking are made at once, they are one call turn.
        cut: Why the dialogue is cut after `turns`, as reason and detail; None where it is not.
        question: Number of turns until the assistant asks where a taxi is to go or leave from, with
            that question; None where it does not.
        told: Index in `turns` of a reply to its acts.
        coerced: Values changed, by rule.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: A turn lacks a field or has one of a wrong
            type.
    """

    def __init__(
        self,
        log: Sequence[Mapping[str, Any]],
        functions: Mapping[str, FunctionSpec],
        database: Database,
        max_rows: int,
    ) -> None:
        self._functions = functions
        self._database = database
        self._said = Said()
        self._booked: dict[str, Any] = {}
        self._choices = Choices()
        self.turns: list[Turn] = []
        self.cut: tuple[str, str] | None = None
        self.question: int | None = None
        self.told: dict[int, Acts] = {}
        self.coerced: collections.Counter[str] = collections.Counter()
        self._searches = Searches(functions, database, max_rows, self.coerced)
        try:
            for place, turn in enumerate(log):
                acts = list(read_acts(turn["dialog_act"]))
                if place % 2 == 0:
                    self._hear(turn["text"], acts)
                else:
                    self._answer(turn["text"], acts, turn["metadata"])
        except StateError as error:
            while self.turns and not isinstance(self.turns.pop(), UserTurn):
                pass
            self.cut = (error.reason, str(error))
        self._cut_results()

    def _hear(self, text: str, acts: Acts) -> None:
        turn = UserTurn(self._plain(text))
        self._searches.hear_user(turn.text, acts)
        self._choices.hear(turn.text)
        self._say(turn)

    def _answer(self, text: str, acts: Acts, metadata: Mapping[str, Any]) -> None:
        states = {
            domain: {name: value for kind in _IN_STATE for name, value in state[kind].items()}
            for domain, state in metadata.items()
        }
        if not acts:
            self._searches.check_nothing_new(states)
        acts = [self._with_domain(act) for act in acts]
        made: list[Made] = []
        for domain in SEARCHABLE:
            told = [act for act in acts if act[0] == domain and act[1] in _TELLING]
            if is_news(told, states.get(domain, {})):
                made += self._searches.find(domain, states.get(domain, {}))
                self._searches.compare(domain, told)
        if any(act[0] in ("police", "hospital") and act[1] == "Inform" for act in acts):
            raise StateError("no_function_for_domain", text)
        for domain in BOOKABLE:
            made += self._book(domain, states.get(domain, {}))
        if any(act[:2] == ("booking", "NoBook") for act in acts):
            raise StateError("booking_failed", text)
        if any(act[1] in ("Book", "OfferBooked") for act in acts) and not any(
            call.name.startswith("book_") for call, _, _ in made
        ):
            raise StateError("booking_not_in_state", text)
        if made:
            self._searches.check_all_made(states, self._booked)
        self._add_calls(made)
        if any(act[:2] == ("taxi", "Request") and act[2] in ("Dest", "Depart") for act in acts):
            self.question = self.question or len(self.turns) + 1
        turn = AssistantTurn(self._plain(text))
        self.told[len(self.turns)] = acts
        self._searches.hear_assistant(turn.text)
        self._choices.offer(acts)
        self._say(turn)

    def _with_domain(self, act: Act) -> Act:
        """Returns an act in which a name that is offered for booking is of its own domain."""
        domain, kind, slot, value = act
        if (domain, kind, slot) == ("booking", "Inform", "Name"):
            for bookable in ("restaurant", "hotel"):
                if self._database.find(bookable, {"name": value}):
                    return bookable, kind, slot, value
        return act

    def _book(self, domain: str, state: Mapping[str, Any]) -> Iterator[Made]:
        """Yields the booking that a state has and the one before had not."""
        booked = state.get("booked") or []
        if booked == self._booked.get(domain, []):
            return
        self._booked[domain] = booked
        if len(booked) != 1:
            raise StateError("several_bookings", domain)
        (booking,) = booked
        function = self._functions[f"book_{domain}"]
        chosen = {name: booking[name] for name in ("name", "trainID") if name in booking}
        arguments = read_slots({**state, **chosen}, function, self.coerced)
        if missing := [name for name in function.required if name not in arguments]:
            raise StateError("booking_incomplete", f"{domain}: {missing[0]}")
        for slot, value in chosen.items():
            if self._choices.is_left_open(domain, value):
                raise StateError("choice_left_open", f"{domain}: {value}")
            # "House" in another name does not say this one.
            telling = " ".join(name_words(value)) if slot == "name" else value
            is_known = self._said.says(telling or value, every_word=True)
            yield from self._searches.find_for_booking(domain, value, state, is_known=is_known)
        for slot in _NAMES:
            if slot not in arguments:
                continue
            if name := self._searches.name_found(arguments[slot]):
                arguments[slot] = name
                self.coerced["article"] += 1
            else:
                domains = _PLACES if domain == "taxi" else (domain,)
                full = self._searches.name_in_full(arguments[slot], domains)
                self.coerced["full_name"] += full != arguments[slot]
                arguments[slot] = full
        kept = ("type", "phone") if domain == "taxi" else ("reference",)
        yield Call(function.name, arguments), {name: booking[name] for name in kept}, None

    def _add_calls(self, made: Sequence[Made]) -> None:
        if not made:
            return
        calls = CallGraph(tuple(call for call, _, _ in made))
        results = tuple(find if find is not None else result for _, result, find in made)
        self.turns.append(CallTurn(calls, results))

    def _cut_results(self) -> None:
        """Puts in what searches returned, now that it is known what is mentioned of it."""
        for index, turn in enumerate(self.turns):
            if isinstance(turn, CallTurn):
                results = tuple(
                    self._searches.result(result) if isinstance(result, Search) else result
                    for result in turn.results
                )
                self.turns[index] = dataclasses.replace(turn, results=results)

    def _say(self, turn: UserTurn | AssistantTurn) -> None:
        self._said.add(turn.text)
        self.turns.append(turn)

    def _plain(self, text: str) -> str:
        plain = detokenised(text)
        self.coerced["detokenised"] += plain != text
        return plain
