"""One dialogue of STAR, read."""

from __future__ import annotations

import collections
import re
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.said import Said
from tasks.sources.star_bookings import without_type
from tasks.sources.star_functions import Api
from tasks.sources.star_queries import QueryError, read_arguments
from tasks.sources.star_replies import FREE, fits, outcome_of

# What the bank answers to whoever asks before the caller has told enough.
_REFUSAL = "cannot authenticate"
# Optional parameters whose values have no other meaning in a request, so that a query without them
# leaves out what was asked for. First is no class where it stands first.
_TELLING = ("City", "Class", "Cost", "Location")
_AMBIGUOUS = ("First",)
# An account's number stands out: nothing else that callers say has so many digits in a row.
_ACCOUNT = "AccountNumber"
_ACCOUNT_NUMBER = re.compile(r"(?<!\d)\d{8,}(?!\d)")
# The number of a flight, which nobody guesses.
_FLIGHT = "id"
# What changes nothing. Of these the searches return another hit when asked again, as people ask for
# another one; that the others do is an oddity of the simulated knowledge base.
_STEADY = re.compile(r"bank_balance|doctor_followup|spaceship_\w+|trip_directions|trivia|weather")
_LOOKUPS = re.compile(rf"\w+_search|{_STEADY.pattern}")
# A template that asks for a value of a service, in so many words, and tells of no result.
_QUESTION = re.compile(r"([a-z]+)_ask_(?!question$|search_more|continue_searching|confirm)\w+")
# Outcomes after which nobody tries again.
_GOOD = ("possible", "done")


class Dialogue:
    """The turns of one dialogue, up to what is no valid call.

    Args:
        events: The events that the data set lists.
        apis: All APIs by name.

    Attributes:
        turns: Its turns.
        cut: Why the dialogue is cut after `turns`, as reason and detail; None where it is not.
        coerced: Values changed, by rule.

    Raises:
        KeyError, TypeError, AttributeError: An event lacks a field or has one of a wrong type.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]], apis: Mapping[str, Api]) -> None:
        self._apis = apis
        self._said = Said()
        self._drops_tries = False
        self._asks: set[int] = set()
        self.turns: list[Turn] = []
        self.cut: tuple[str, str] | None = None
        self.coerced: collections.Counter[str] = collections.Counter()
        query: Mapping[str, Any] | None = None
        try:
            for event in events:
                if event["Action"] == "query":
                    query = event
                elif event["Action"] == "return_item":
                    self._add_call(query, event)
                    query = None
                elif event["Action"] in ("utter", "pick_suggestion"):
                    self._add_text(event)
        except QueryError as error:
            self._cut(error.reason, str(error))

    def first_question(self) -> tuple[int, str] | None:
        """Returns where the assistant asks for a value that its first call needs.

        Returns:
            The number of turns until that question, with it, and the function; None where nothing
            is asked, or where all required values have been said before.
        """
        first = next(
            ((n, t.calls[0]) for n, t in enumerate(self.turns) if isinstance(t, CallTurn)), None
        )
        if first is None:
            return None
        (index, call) = first
        required = self._apis[call.name].function.required
        needed = [call.arguments[name] for name in required]
        said = Said()
        for place, turn in enumerate(self.turns[:index]):
            if isinstance(turn, CallTurn):
                continue
            if place in self._asks:
                lacking = any(not said.says(value) for value in needed)
                return (place + 1, call.name) if lacking else None
            said.add(turn.text)
        return None

    def _add_text(self, event: Mapping[str, Any]) -> None:
        text = event["Text"]
        if event["Agent"] == "User":
            self.turns.append(UserTurn(text))
        else:
            is_template = event["Action"] == "pick_suggestion" and event["ActionLabel"] != FREE
            if self._drops_tries and not is_template:
                raise QueryError("unprompted_try", text)
            if is_template:
                self._drop_untold(event["ActionLabel"])
            if is_template and "ask" in event["ActionLabel"].split("_"):
                self._asks.add(len(self.turns))
            self.turns.append(AssistantTurn(text, self._is_told(event, is_template)))
        self._drops_tries = False
        self._said.add(text)

    def _drop_untold(self, label: str) -> None:
        """Takes away a query of which nothing is told: a value that it needed is asked for."""
        before = self.turns[-1] if self.turns else None
        question = _QUESTION.fullmatch(label)
        if question is None or not isinstance(before, CallTurn):
            return
        name = before.calls[0].name
        if _LOOKUPS.fullmatch(name) and self._apis[name].service == question[1]:
            self.coerced["untold_query_dropped"] += 1
            self.turns.pop()

    def _is_told(self, event: Mapping[str, Any], is_template: bool) -> bool:
        """Whether a reply tells what the call right before it returned, if there is one.

        A template says by its name what it tells. Of free text that is not known, and some of it
        tells what no result does.
        """
        before = self.turns[-1] if self.turns else None
        if not isinstance(before, CallTurn):
            return True
        return is_template and fits(event["ActionLabel"], before.calls[0].name, before.results[0])

    def _add_call(self, query: Mapping[str, Any] | None, answer: Mapping[str, Any]) -> None:
        if query is None or query["APIName"] != answer["APIName"]:
            raise QueryError("result_without_query", answer["APIName"])
        api = self._apis.get(query["APIName"])
        if api is None:
            raise QueryError("unknown_function", query["APIName"])
        coerced: collections.Counter[str] = collections.Counter()
        arguments = read_arguments(api, query["Constraints"], coerced)
        if wrong := api.function.check_arguments(arguments):
            raise QueryError("argument_does_not_fit", f"{api.function.name}: {wrong[0]}")
        self._check_nothing_left_out(arguments, api)
        if rule := _premature(api.function.name, arguments, answer):
            self.coerced[rule] += 1
            return
        self._check_account_told(arguments, api)
        self._check_flight_told(arguments, api)
        before = self.turns[-1]
        if isinstance(before, CallTurn) and self._replaces(arguments, before.calls[0], api):
            self.turns.pop()
        self.coerced.update(coerced)
        turn = CallTurn(CallGraph((Call(api.function.name, arguments),)), (_result(answer),))
        if self._is_known(turn):
            self.coerced["repeated_query_dropped"] += 1
        else:
            self.turns.append(turn)

    def _check_nothing_left_out(self, arguments: Mapping[str, Any], api: Api) -> None:
        if not _LOOKUPS.fullmatch(api.function.name):
            return
        request = next((t.text for t in reversed(self.turns) if isinstance(t, UserTurn)), "")
        words = frozenset(re.findall(r"\w+", request.casefold()))
        for name in _TELLING:
            schema = api.function.properties.get(name)
            if schema is None or name in arguments:
                continue
            for value in schema["enum"]:
                if value not in _AMBIGUOUS and words.issuperset(value.casefold().split()):
                    raise QueryError("value_left_out", f"{api.function.name}.{name}: {value}")

    def _check_account_told(self, arguments: Mapping[str, Any], api: Api) -> None:
        if _ACCOUNT not in api.kinds or _ACCOUNT in arguments:
            return
        for turn in self.turns:
            if isinstance(turn, UserTurn) and (said := _ACCOUNT_NUMBER.search(turn.text)):
                raise QueryError("value_left_out", f"{api.function.name}.{_ACCOUNT}: {said[0]}")

    def _check_flight_told(self, arguments: Mapping[str, Any], api: Api) -> None:
        number = arguments.get(_FLIGHT)
        found = (turn.results[0].get(_FLIGHT) for turn in self.turns if isinstance(turn, CallTurn))
        if number is not None and not self._said.says(number) and number not in found:
            raise QueryError("flight_not_told", f"{api.function.name}.{_FLIGHT}: {number}")

    def _is_known(self, turn: CallTurn) -> bool:
        """Whether something was looked up, found to be possible or done before, likewise."""
        (call,) = turn.calls
        earlier = [t for t in self.turns if isinstance(t, CallTurn) and t.calls[0] == call]
        if not _LOOKUPS.fullmatch(call.name):
            return turn in earlier and outcome_of(call.name, turn.results[0]) in _GOOD
        if turn in earlier:
            return True
        if earlier and _STEADY.fullmatch(call.name):
            raise QueryError("repeated_query", f"{call.name}: {call.arguments}")
        return False

    def _replaces(self, arguments: Mapping[str, Any], earlier: Call, api: Api) -> bool:
        """Whether a call takes the place of the one right before it."""
        if earlier.name != api.function.name:
            return False
        now, then = map(without_type, (arguments, earlier.arguments))
        changed = {name for name in {*now, *then} if now.get(name) != then.get(name)}
        if not changed:
            is_same = arguments == earlier.arguments
            self.coerced["repeated_query_dropped" if is_same else "other_type_dropped"] += 1
            return True
        values = [a[n] for a in (now, then) for n in changed if n in a]
        is_narrowed = then.items() <= now.items()
        if not is_narrowed and all(map(self._said.says, values)):
            return False
        self.coerced["earlier_try_dropped"] += 1
        self._drops_tries = True
        return True

    def _cut(self, reason: str, detail: str) -> None:
        """Takes away what comes after the last reply to calls that are all valid."""
        while self.turns and not isinstance(self.turns[-1], UserTurn):
            self.turns.pop()
        self.turns = self.turns[:-1]
        self.cut = (reason, detail)


def _premature(name: str, arguments: Mapping[str, Any], answer: Mapping[str, Any]) -> str | None:
    """Returns the rule by which a query is left out that was made before anything was known."""
    if _REFUSAL in str(answer.get("Item", {}).get("Message", "")):
        return "unauthenticated_try_dropped"
    if not arguments and name.endswith("_search"):
        return "empty_search_dropped"
    return None


def _result(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the knowledge base returned: one hit, and how many there were if told."""
    item = {name: value for name, value in answer.get("Item", {}).items() if name != "APIName"}
    if answer["TotalItems"] >= 0:
        item["TotalItems"] = answer["TotalItems"]
    return item
