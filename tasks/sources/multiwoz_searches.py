"""The searches of one MultiWOZ dialogue: which are called for, and what of their hits is told."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.multiwoz_acts import Acts, number_of_hits
from tasks.sources.multiwoz_functions import SEARCHABLE, Database, fits, same_name
from tasks.sources.multiwoz_search import Search
from tasks.sources.multiwoz_state import SLOT_OF_ACT, SPELLING, StateError, read_slots
from tasks.sources.said import Said, words_of

_UNSAID = ("", "not mentioned")
_TIMES = ("leaveAt", "arriveBy")
# Slots with values that are said in too many words to look for.
_YES_OR_NO = ("parking", "internet")
_ARTICLE = re.compile(r"\bthe\s")
# How users ask what that is like which was offered.
_OF_THE_OFFERED = re.compile(
    r"\b(is|are|was|does|do|did|has|have|will|would) (it|that|this|they|these|those|both|the (hotel"
    r"|restaurant|guest ?house|place|train|attraction))\b",
    re.IGNORECASE,
)

# A call, its result and, in place of that, the search whose result is not known yet.
Made = tuple[Call, Any, Search | None]


class Searches:
    """The searches made so far.

    Args:
        functions: All functions by name.
        database: What answers the searches.
        max_rows: Rows kept of every result, beside those that the assistant mentions.
        coerced: Is added to: values changed, by rule.
    """

    def __init__(
        self,
        functions: Mapping[str, FunctionSpec],
        database: Database,
        max_rows: int,
        coerced: collections.Counter[str],
    ) -> None:
        self._functions = functions
        self._database = database
        self._max_rows = max_rows
        self._coerced = coerced
        self._said_by_user = Said()
        self._said_by_assistant = Said()
        self._request = ""
        self._requested: dict[str, set[str]] = {}
        self._user_words: list[str] = []
        self._told: dict[str, dict[str, str]] = {}
        self._finds: dict[tuple[str, str], Search] = {}
        self._latest: dict[str, tuple[Search, dict[str, Any]]] = {}

    def hear_user(self, text: str, acts: Acts) -> None:
        """Takes in what the user says and asks for."""
        self._requested = {}
        for domain, act, slot, value in acts:
            if act == "Inform" and slot in SLOT_OF_ACT and value not in ("none", "?"):
                self._told.setdefault(domain, {})[SLOT_OF_ACT[slot]] = value
                self._requested.setdefault(domain, set()).add(SLOT_OF_ACT[slot])
        self._said_by_user.add(text)
        self._request = text
        self._user_words.append(f" {' '.join(words_of(text))} ")

    def hear_assistant(self, text: str) -> None:
        """Takes in a reply, whose hits have been offered from here on."""
        for find in self._finds.values():
            find.offered |= find.shown
        self._said_by_assistant.add(text)

    def check_nothing_new(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Checks that a reply of which it is not known what it tells has nothing to search for."""
        for domain in SEARCHABLE:
            function = self._functions[f"find_{domain}"]
            arguments = read_slots(states.get(domain, {}), function, collections.Counter())
            if "name" in arguments:
                arguments["name"] = self.name_in_full(arguments["name"], (domain,))
            is_known = not arguments or _key(domain, arguments) in self._finds
            if not is_known and domain in self._latest:
                is_known = self._is_accepted(
                    arguments, *self._latest[domain]
                ) or self._answer_from_results(domain, arguments)
            if not is_known:
                raise StateError("reply_without_acts", f"{domain}: {arguments}")

    def check_all_made(
        self, states: Mapping[str, Mapping[str, Any]], booked: Collection[str]
    ) -> None:
        """Checks that a reply before which calls were made has left out no search asked for.

        Args:
            states: The states of the domains.
            booked: The domains that have a booking, for which nothing need be found.
        """
        for domain in SEARCHABLE:
            found = any(find.domain == domain for find in self._finds.values())
            if found or domain in booked:
                continue
            function = self._functions[f"find_{domain}"]
            arguments = read_slots(states.get(domain, {}), function, collections.Counter())
            if self._requested.get(domain, set()) & arguments.keys():
                raise StateError("request_passed_over", f"{domain}: {arguments}")

    def find(self, domain: str, state: Mapping[str, Any]) -> Iterator[Made]:
        """Yields the search that a state calls for, if it was not made before."""
        function = self._functions[f"find_{domain}"]
        coerced: collections.Counter[str] = collections.Counter()
        arguments = read_slots(state, function, coerced)
        if not arguments:
            raise StateError("no_constraint", domain)
        name = arguments.get("name")
        if name is not None:
            arguments["name"] = self.name_in_full(name, (domain,))
        for slot, value in self._told.get(domain, {}).items():
            if slot in function.properties and state.get(slot, "") in _UNSAID:
                raise StateError("state_misses_request", f"{domain}-{slot}: {value}")
        if domain in self._latest and self._is_accepted(arguments, *self._latest[domain]):
            return
        self._check_heard(domain, state, arguments)
        if self._answer_from_results(domain, arguments):
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
            # The state is read at every reply; what is changed counts in a call alone.
            coerced["full_name"] += arguments.get("name") != name
            self._coerced.update(coerced)
            yield Call(function.name, arguments), None, self._finds[key]

    def find_for_booking(
        self, domain: str, value: str, state: Mapping[str, Any], *, is_known: bool
    ) -> Iterator[Made]:
        """Yields the search without which nobody could know what is booked, and notes that.

        Args:
            domain: The domain.
            value: The name or the number of what is booked.
            state: The domain's state.
            is_known: Whether somebody has said it.

        Raises:
            StateError: It was neither said nor offered, or the state gives no search.
        """
        if not is_known and (
            domain not in self._latest or self._latest[domain][0].place_of(value) is None
        ):
            yield from self.find(domain, state)
        if domain not in self._latest:
            return
        find, _ = self._latest[domain]
        place = find.place_of(value)
        if not is_known and place not in find.offered and len(find.hits) != 1:
            raise StateError("choice_not_offered", f"{domain}: {value}")
        if place is not None:
            find.shown.add(place)

    def compare(self, domain: str, told: Acts) -> None:
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

    def name_found(self, name: str) -> str | None:
        """Returns what a result calls something of which a name differs by an article alone."""
        bare = _ARTICLE.sub("", name.casefold())
        for find in reversed(self._finds.values()):
            for place in find.kept(self._max_rows):
                found = find.hits[place].get("name", name)
                if found != name and _ARTICLE.sub("", found) == bare:
                    return found
        return None

    def name_in_full(self, name: str, domains: Sequence[str]) -> str:
        """Returns the only name in the databases that one stands for, where a user turn has it."""
        found = {row["name"] for d in domains for row in self._database.find(d, {"name": name})}
        (full,) = found if len(found) == 1 else (name,)
        in_order = f" {' '.join(words_of(full))} "
        return full if any(in_order in words for words in self._user_words) else name

    def result(self, find: Search) -> dict[str, Any]:
        """Returns what a search returned, once all that is told of it is known."""
        places = find.kept(self._max_rows)
        self._coerced["result_rows_cut"] += len(places) < len(find.hits)
        return {"total_results": len(find.hits), "results": [find.hits[n] for n in places]}

    def _check_heard(
        self, domain: str, state: Mapping[str, Any], arguments: Mapping[str, Any]
    ) -> None:
        """Checks that a state has the area and the price that the request names, if one alone."""
        passed = {word for value in arguments.values() for word in words_of(str(value))}
        words = {SPELLING.get(w, w).removesuffix("side") for w in words_of(self._request)} - passed
        for slot in ("area", "pricerange"):
            options = self._functions[f"find_{domain}"].properties.get(slot, {}).get("enum", ())
            named = words.intersection(options)
            if len(named) == 1 and "name" not in arguments and state.get(slot, "") in _UNSAID:
                raise StateError("state_misses_request", f"{domain}-{slot}: {named}")

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

    def _answer_from_results(self, domain: str, arguments: Mapping[str, Any]) -> bool:
        """Answers a new search from the results so far; returns whether they show what it finds.

        They do where it is for a name that a row shown has, where the user asks what a row that was
        offered is like, or where it narrows the latest search, of which all hits are shown;
        then the narrower one is the latest from here on, as if it had been made.
        """
        if _key(domain, arguments) in self._finds:
            return False
        asks_of_offered = _OF_THE_OFFERED.search(self._request) is not None
        for find in self._finds.values():
            if find.domain != domain:
                continue
            places = find.kept(self._max_rows) if "name" in arguments else []
            places += find.offered if asks_of_offered else []
            if any(fits(find.hits[place], arguments) for place in places):
                return True
        if domain not in self._latest:
            return False
        latest, before = self._latest[domain]
        is_narrower = before.items() <= arguments.items()
        if not is_narrower or len(latest.kept(self._max_rows)) < len(latest.hits):
            return False
        narrowed = Search(domain, [row for row in latest.hits if fits(row, arguments)])
        self._finds[_key(domain, arguments)] = narrowed
        self._latest[domain] = (narrowed, dict(arguments))
        return True

    def _is_asked_for(self, domain: str, slot: str, value: Any) -> bool:
        """Whether a value is the user's own; a name or an exact time that was offered is not."""
        if slot in _YES_OR_NO:
            return slot in self._told.get(domain, {})
        if slot in _TIMES and self._said_by_assistant.says(value):
            return False
        return slot != "name" and self._said_by_user.says(value)

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


def _key(domain: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    return domain, json.dumps(arguments, sort_keys=True)
