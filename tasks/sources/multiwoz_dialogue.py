"""One dialogue of MultiWOZ, with the calls that its assistant must have made."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.multiwoz_acts import Act, Acts, is_news, number_of_hits, read_acts
from tasks.sources.multiwoz_functions import BOOKABLE, SEARCHABLE, Database, same_name
from tasks.sources.multiwoz_search import Search
from tasks.sources.multiwoz_state import SLOT_OF_ACT, StateError, read_slots
from tasks.sources.multiwoz_text import detokenised
from tasks.sources.said import Said

# Acts in which the assistant tells what the database has.
_TELLING = ("Inform", "Recommend", "Select", "NoOffer", "OfferBook", "OfferBooked")
_IN_STATE = ("semi", "book")
_TIMES = ("leaveAt", "arriveBy")
# Slots with values that are said in too many words to look for.
_YES_OR_NO = ("parking", "internet")
# Slots of bookings whose values may be names.
_NAMES = ("name", "departure", "destination")
_ARTICLE = re.compile(r"\bthe\s")


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
        self._max_rows = max_rows
        self._said = Said()
        self._said_by_user = Said()
        self._said_by_assistant = Said()
        self._finds: dict[tuple[str, str], Search] = {}
        self._latest: dict[str, tuple[Search, dict[str, Any]]] = {}
        self._booked: dict[str, Any] = {}
        self._told: dict[str, dict[str, str]] = {}
        self.turns: list[Turn] = []
        self.cut: tuple[str, str] | None = None
        self.question: int | None = None
        self.told: dict[int, Acts] = {}
        self.coerced: collections.Counter[str] = collections.Counter()
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
        for domain, act, slot, value in acts:
            if act == "Inform" and slot in SLOT_OF_ACT and value not in ("none", "?"):
                self._told.setdefault(domain, {})[SLOT_OF_ACT[slot]] = value
        turn = UserTurn(self._plain(text))
        self._said_by_user.add(turn.text)
        self._say(turn)

    def _answer(self, text: str, acts: Acts, metadata: Mapping[str, Any]) -> None:
        states = {
            domain: {name: value for kind in _IN_STATE for name, value in state[kind].items()}
            for domain, state in metadata.items()
        }
        if not acts:
            self._check_nothing_new(states)
        acts = [self._with_domain(act) for act in acts]
        made: list[tuple[Call, Any, Search | None]] = []
        for domain in SEARCHABLE:
            told = [act for act in acts if act[0] == domain and act[1] in _TELLING]
            if is_news(told, states.get(domain, {})):
                made += self._find(domain, states.get(domain, {}))
                self._compare(domain, told)
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
        self._add_calls(made)
        if any(act[:2] == ("taxi", "Request") and act[2] in ("Dest", "Depart") for act in acts):
            self.question = self.question or len(self.turns) + 1
        for find in self._finds.values():
            find.offered |= find.shown
        turn = AssistantTurn(self._plain(text))
        self.told[len(self.turns)] = acts
        self._said_by_assistant.add(turn.text)
        self._say(turn)

    def _check_nothing_new(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Checks that a reply of which it is not known what it tells has nothing to search for."""
        for domain in SEARCHABLE:
            function = self._functions[f"find_{domain}"]
            arguments = read_slots(states.get(domain, {}), function, collections.Counter())
            is_known = not arguments or _key(domain, arguments) in self._finds
            if not is_known and domain in self._latest:
                is_known = self._is_accepted(arguments, *self._latest[domain])
            if not is_known:
                raise StateError("reply_without_acts", f"{domain}: {arguments}")

    def _with_domain(self, act: Act) -> Act:
        """Returns an act in which a name that is offered for booking is of its own domain."""
        domain, kind, slot, value = act
        if (domain, kind, slot) == ("booking", "Inform", "Name"):
            for bookable in ("restaurant", "hotel"):
                if self._database.find(bookable, {"name": value}):
                    return bookable, kind, slot, value
        return act

    def _find(
        self, domain: str, state: Mapping[str, Any]
    ) -> Iterator[tuple[Call, Any, Search | None]]:
        """Yields the search that a state calls for, if it was not made before."""
        function = self._functions[f"find_{domain}"]
        arguments = read_slots(state, function, self.coerced)
        if not arguments:
            raise StateError("no_constraint", domain)
        for slot, value in self._told.get(domain, {}).items():
            if slot in function.properties and state.get(slot, "") in ("", "not mentioned"):
                raise StateError("state_misses_request", f"{domain}-{slot}: {value}")
        if domain in self._latest and self._is_accepted(arguments, *self._latest[domain]):
            return
        for slot in _YES_OR_NO:
            if slot in arguments and slot not in self._told.get(domain, {}):
                raise StateError("state_beyond_request", f"{domain}-{slot}")
        key = _key(domain, arguments)
        is_new = key not in self._finds
        if is_new:
            self._finds[key] = Search(domain, self._database.find(domain, arguments))
        self._latest[domain] = (self._finds[key], arguments)
        if is_new:
            yield Call(function.name, arguments), None, self._finds[key]

    def _is_accepted(
        self, arguments: Mapping[str, Any], find: Search, before: Mapping[str, Any]
    ) -> bool:
        """Whether all that is new is what one hit is like, and the user asks for none of it.

        The states take over what the assistant offers and the user accepts. Whoever has found the
        one thing of a name need not search for what it is like.
        """
        new = {slot: value for slot, value in arguments.items() if before.get(slot) != value}
        if before.keys() - arguments.keys() - {"name"}:
            return False
        is_the_one = "name" in before and len(find.hits) == 1
        if not is_the_one and any(
            self._is_asked_for(find.domain, slot, value) for slot, value in new.items()
        ):
            return False
        return any(
            all(
                same_name(value, row["name"]) if slot == "name" else row.get(slot) == str(value)
                for slot, value in new.items()
            )
            for row in find.hits
        )

    def _is_asked_for(self, domain: str, slot: str, value: Any) -> bool:
        """Whether a value is the user's own; a name or an exact time that was offered is not."""
        if slot in _YES_OR_NO:
            return slot in self._told.get(domain, {})
        if slot in _TIMES and self._said_by_assistant.says(value):
            return False
        return slot != "name" and self._said_by_user.says(value)

    def _compare(self, domain: str, told: Acts) -> None:
        """Checks that the assistant tells what the search returned, and notes what it mentions."""
        find, _ = self._latest[domain]
        if any(act == "NoOffer" for _, act, _, _ in told):
            if find.hits:
                raise StateError("refused_what_was_found", f"{domain}: {len(find.hits)} hits")
            return
        if not find.hits:
            raise StateError("told_of_nothing_found", domain)
        for _, _, slot, value in told:
            if slot == "Choice" and number_of_hits(value) not in (None, len(find.hits)):
                raise StateError("other_number_of_hits", f"{value}, found {len(find.hits)}")
            if slot in ("Name", "Id") and value not in ("none", "?"):
                self._mention(domain, value)
        if domain == "train":
            self._mention_times({slot: value for _, _, slot, value in told})

    def _mention(self, domain: str, value: str) -> None:
        for find in reversed([find for find in self._finds.values() if find.domain == domain]):
            place = find.place_of(value)
            if place is not None:
                find.shown.add(place)
                return
        raise StateError("told_of_what_was_not_found", f"{domain}: {value}")

    def _mention_times(self, told: Mapping[str, str]) -> None:
        times = {SLOT_OF_ACT[slot]: told[slot] for slot in ("Leave", "Arrive") if slot in told}
        find, _ = self._latest["train"]
        for place, row in enumerate(find.hits):
            if times and all(row[slot] == value for slot, value in times.items()):
                find.shown.add(place)
                return

    def _book(
        self, domain: str, state: Mapping[str, Any]
    ) -> Iterator[tuple[Call, Any, Search | None]]:
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
        for value in chosen.values():
            yield from self._found_for_booking(domain, value, state)
        for slot in _NAMES:
            if slot in arguments and (name := self._name_found(arguments[slot])):
                arguments[slot] = name
                self.coerced["article"] += 1
        kept = ("type", "phone") if domain == "taxi" else ("reference",)
        yield Call(function.name, arguments), {name: booking[name] for name in kept}, None

    def _found_for_booking(
        self, domain: str, value: str, state: Mapping[str, Any]
    ) -> Iterator[tuple[Call, Any, Search | None]]:
        """Yields the search without which nobody could know what is booked."""
        known = self._said.says(value)
        if not known and (
            domain not in self._latest or self._latest[domain][0].place_of(value) is None
        ):
            yield from self._find(domain, state)
        if domain not in self._latest:
            return
        find, _ = self._latest[domain]
        place = find.place_of(value)
        if not known and place not in find.offered and len(find.hits) != 1:
            raise StateError("choice_not_offered", f"{domain}: {value}")
        if place is not None:
            find.shown.add(place)

    def _name_found(self, name: str) -> str | None:
        """Returns what a result calls something of which a name differs by an article alone."""
        bare = _ARTICLE.sub("", name.casefold())
        for find in reversed(self._finds.values()):
            for place in find.kept(self._max_rows):
                found = find.hits[place].get("name", name)
                if found != name and _ARTICLE.sub("", found) == bare:
                    return found
        return None

    def _add_calls(self, made: Sequence[tuple[Call, Any, Search | None]]) -> None:
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
                    self._result(result) if isinstance(result, Search) else result
                    for result in turn.results
                )
                self.turns[index] = dataclasses.replace(turn, results=results)

    def _result(self, find: Search) -> dict[str, Any]:
        places = find.kept(self._max_rows)
        self.coerced["result_rows_cut"] += len(places) < len(find.hits)
        return {"total_results": len(find.hits), "results": [find.hits[n] for n in places]}

    def _say(self, turn: UserTurn | AssistantTurn) -> None:
        self._said.add(turn.text)
        self.turns.append(turn)

    def _plain(self, text: str) -> str:
        plain = detokenised(text)
        self.coerced["detokenised"] += plain != text
        return plain


def _key(domain: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    return domain, json.dumps(arguments, sort_keys=True)
