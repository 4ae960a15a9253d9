"""Taskmaster-4: orders at a coffee bar, with every call of the bar's system and its response.

One conversation becomes one episode. Calls that one turn of the user leads to are one call turn, in
which values that an earlier response introduced become references (`tasks.sources.value_links`);
what shows an order refers to its last change in the turn (`tasks.sources.taskmaster4_orders`). An
order that is changed after a search, or shown or finished after a change, without a reference that
says so, is in a call turn of its own: there the order of the calls matters. So is an item whose
notes have what add-ons were searched for before it: it is noted because it was not found. Which
option of a thing is chosen follows from what the user says, so options are values and never
references.

Coercions:
    spaces_normalised: Spaces at the ends of a value, or several in a row in it, are dropped.
    option_as_listed: An option that a response listed is written as there, in calls and responses,
        where it differs by case, spaces or punctuation ("almond Milk", "Almond Milk").
    to_go_spelled: The option for orders to go, which responses write in three ways ("Togo",
        "TO go"), is "To go" in calls and responses.
    decaf_as_said: "Decaf" or "decaffeinated" in a search or in notes is written as the one of the
        two that the customer says.
    kind_as_said: The menu's word for the kind of an add-on ("Vanilla Sweetener", "Caramel Sauce")
        is dropped in a search where the customer has not said it.
    escaped_line_break_dropped: A backslash and an "r" at the end of an utterance are dropped.
    request_without_text_is_empty: `show_menu`, which takes no arguments, has an empty request.
    unasked_menu_dropped: Where a request leads to `show_menu` and then `get_menu_items` alone and
        does not speak of a menu, the first is dropped: nothing says that both are wanted.
    repeated_key_dropped: An object that gives a key twice with the same value has it once.
    cut_before_malformed_call: The conversation ends before the first request of which a call or
        response cannot be read, where it has calls before.
    cut_before_unknown_identifier: Likewise before the first request that leads to a call with an
        identifier that no response introduced: one that is written otherwise there, or is no more
        than the name.
    cut_before_menu_for_search: Likewise before a request that leads to `show_menu` but asks for the
        kinds of coffee, tea, milk or sweeteners without a word of the menu: such questions lead to
        a search elsewhere, and nothing tells which it is.
    cut_before_addon_as_item: Likewise before a request that leads to a search of the menu's items
        for milk, honey or sweeteners, which are add-ons or options elsewhere.

A conversation in which a placeholder of the collection's instructions was left in a response is
rejected (`unfilled_template`), and so is an order that the user wants to go of which no call says
so (`to_go_left_out`), or with a wish for something that can be chosen, or for a size, that no call
passes on (`wish_left_out`), or of which a call has a drink or a choice that nobody spoke of
(`choice_not_said`; both in `tasks.sources.taskmaster4_wishes`). Where no call is before those
that the last four rules cut, the reason is `malformed_call`, `unknown_identifier`,
`menu_for_search` or `addon_as_item`; a record of another form is `malformed`. Of the 3,710
conversations 11 % are rejected, most as `menu_for_search` (147), `unfilled_template` (100),
`wish_left_out` (64) or `choice_not_said` (42).

Those without a call, about something that no coffee bar serves, become `no_function` episodes,
except those that ask what food or drink the bar has, which are rejected (`menu_question`): other
conversations look that up. Replies that tell of a menu which no result gives are marked
(`tasks.sources.taskmaster4_replies`), and so are conversations that end in a search for an ordered
item, with no call after it (`stopped`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from tasks.sources.episode import STOPPED, CallTurn, Episode, NoCallReason, Turn, UserTurn
from tasks.sources.json_records import json_items
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.taskmaster4_conversation import (
    Conversation,
    MalformedCallError,
    UnfilledTemplateError,
)
from tasks.sources.taskmaster4_functions import CHANGE_THE_ORDER, FUNCTIONS, SERVICE
from tasks.sources.taskmaster4_orders import with_latest_change
from tasks.sources.taskmaster4_replies import with_known_offers
from tasks.sources.taskmaster4_wishes import (
    choice_not_said,
    is_stopped_by_search,
    wish_left_out,
)
from tasks.sources.validation_rows import is_validation
from tasks.sources.value_links import leaves, link_values

SOURCE = "taskmaster4"
FILES = (r"TM-4-2024/data/data_\d+\.json",)

_SEARCH = frozenset({"get_menu_items", "get_addons"})
_SHOW_OR_FINISH = frozenset({"get_order_details", "finish_order"})
_FOOD_OR_DRINK = (
    r"(foods?|snacks?|drinks?|beverages?|breakfast|lunch|dessert|sandwich(es)?|bagels?|biscuits?|"
    r"muffins?|scones?|cookies?|cakes?|brownies?|pastr(y|ies)|donuts?|eggs?|salads?|soups?|pizzas?|"
    r"burgers?|juices?|sodas?|teas?|coffees?|lattes?|milks?)"
)
# A question about what the bar has: food or drink is told after or before what is asked.
_MENU_QUESTION = re.compile(
    rf"\bdo (you|y'all)( guys| all)? (have|serve|sell|offer|carry)\b[^.?!]*\b{_FOOD_OR_DRINK}\b"
    rf"|\bwhat\b[^.?!]*\b{_FOOD_OR_DRINK}\b[^.?!]*\bdo you( guys| all)? "
    r"(have|serve|sell|offer|carry)\b"
    rf"|\bbest {_FOOD_OR_DRINK} (at|in) this\b",
    re.IGNORECASE,
)
# What the bar has several kinds of; other conversations search for these, or for kinds of these.
_SEARCHED = re.compile(r"\b(coffees?|coffe|espressos?|teas?|milks?|sweeteners?)\b", re.IGNORECASE)
# What is no item of the menu but goes into one.
_ADDON = re.compile(r"(milk|honey|sweeteners?|syrups?|sugar)$", re.IGNORECASE)
# That an order is to go; not "I'm going to go for a latte", "good to go".
_TO_GO = re.compile(
    r"(?<!\bgoing )(?<!\bgood )(?<!\bready )(?<!\bwant )(?<!\blike )(?<!\bhave )(?<!\bneed )"
    r"\bto[ -]go\b(?! (for|with|to|ahead|back)\b)"
    r"|\btake[ -]?(away|out)\b",
    re.IGNORECASE,
)
# Fields of responses that list what can be chosen.
_CHOICES = frozenset({"options", "default"})


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class Taskmaster4Config(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        validation_share: Share of the conversations that make up the validation split; those that
            open alike are on one side.
    """

    validation_share: float = 0.1


def episodes(
    directory: str | Path, split: str, config: Taskmaster4Config | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split ("train" or "validation")."""
    config = config or Taskmaster4Config()
    folder = RawFolder(directory)
    for name in folder.names(FILES[0]):
        for item in json_items(folder, name):
            if isinstance(item, Reject):
                if split == "train":
                    yield item
            elif (split == "validation") == _is_validation(item[1], config):
                yield from _records(*item)


def _is_validation(record: Any, config: Taskmaster4Config) -> bool:
    """Whether a record is of the validation split; what cannot be read is of train."""
    try:
        return is_validation(record["utterances"][0]["text"], config.validation_share)
    except (KeyError, IndexError, TypeError, AttributeError):
        return False


def _records(place: str, record: Any) -> Iterator[Record]:
    try:
        episode_id = record["conversation_id"]
        if not isinstance(episode_id, str):
            raise TypeError("conversation_id is no text")
        conversation = Conversation(record["utterances"])
    except UnfilledTemplateError as error:
        yield Reject(place, "unfilled_template", str(error))
    except MalformedCallError as error:
        yield Reject(place, "malformed_call", str(error))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        yield Reject(place, "malformed", f"{type(error).__name__}: {error}")
    else:
        yield from _checked(episode_id, conversation)


def _checked(episode_id: str, conversation: Conversation) -> Iterator[Record]:
    literal: Sequence[Turn] = conversation.turns
    linked = _linked(conversation, literal)
    if (unfit := _first_unfit(linked)) is not None:
        place, why, found = unfit
        literal = _before_request(literal, place)
        if not any(isinstance(turn, CallTurn) for turn in literal):
            yield Reject(episode_id, why, found)
            return
        conversation.coercions[f"cut_before_{why}"] += 1
        linked = _linked(conversation, literal)
    turns: list[Turn] = []
    given: dict[int, set[str]] = {}
    for index, turn in enumerate(linked):
        if isinstance(turn, CallTurn):
            turns.extend(_in_order(turn))
        else:
            given[len(turns)] = conversation.given.get(index, set())
            turns.append(turn)
    called = [call.name for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
    if not called:
        asked = next((turn.text for turn in turns if isinstance(turn, UserTurn)), "")
        if _MENU_QUESTION.search(asked):
            yield Reject(episode_id, "menu_question", asked)
            return
    if "add_order_item" in called and (said := _to_go_left_out(turns)) is not None:
        yield Reject(episode_id, "to_go_left_out", said)
        return
    if (wish := wish_left_out(literal)) is not None:
        yield Reject(episode_id, "wish_left_out", wish)
        return
    if (choice := choice_not_said(literal)) is not None:
        yield Reject(episode_id, "choice_not_said", choice)
        return
    reason: NoCallReason | None = None if called else "no_function"
    episode = Episode(
        episode_id=episode_id,
        source=SOURCE,
        functions=tuple(sorted(FUNCTIONS, key=lambda spec: _place(spec.name, called))),
        turns=tuple(with_known_offers(turns)),
        no_call_reason=reason,
        services={spec.name: SERVICE for spec in FUNCTIONS},
        marks=(STOPPED,) if is_stopped_by_search(turns) else (),
    )
    yield from checked(episode, conversation.coercions, given=given)


def _linked(conversation: Conversation, turns: Sequence[Turn]) -> Sequence[Turn]:
    linked, _ = link_values(
        turns, functions=FUNCTIONS, given=conversation.given, result_paths=_values
    )
    return with_latest_change(linked, _SHOW_OR_FINISH)


def _first_unfit(linked: Sequence[Turn]) -> tuple[int, str, str] | None:
    """Returns the first turn with a call that a reader would not make, why not, and what tells."""
    request = ""
    for index, turn in enumerate(linked):
        if isinstance(turn, UserTurn):
            request = turn.text
        if not isinstance(turn, CallTurn):
            continue
        if "show_menu" in turn.calls.names and _asks_for_kinds(request):
            return index, "menu_for_search", request
        for call in turn.calls:
            if call.name == "get_menu_items" and _ADDON.search(str(call.arguments.get("query"))):
                return index, "addon_as_item", str(call.arguments["query"])
            for path, value in leaves(call.arguments):
                if str(path[-1]).endswith("_id") and not isinstance(value, Reference):
                    return index, "unknown_identifier", str(value)
    return None


def _asks_for_kinds(request: str) -> bool:
    return "menu" not in request.casefold() and _SEARCHED.search(request) is not None


def _before_request(turns: Sequence[Turn], place: int) -> Sequence[Turn]:
    """Returns the turns before what the user says before a turn."""
    return turns[: max(n for n, turn in enumerate(turns[:place]) if isinstance(turn, UserTurn))]


def _to_go_left_out(turns: Sequence[Turn]) -> str | None:
    """Returns what says that an order is to go where no call says so; None elsewhere."""
    passed = (
        value
        for turn in turns
        if isinstance(turn, CallTurn)
        for call in turn.calls
        for _, value in leaves(call.arguments)
    )
    if any(_TO_GO.search(str(value)) for value in passed):
        return None
    texts = (turn.text for turn in turns if isinstance(turn, UserTurn))
    return next((text for text in texts if _TO_GO.search(text)), None)


def _place(name: str, called: Sequence[str]) -> int:
    return called.index(name) if name in called else len(called)


def _values(result: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yields the values of a response that a call may be passed, without what can be chosen."""
    return (leaf for leaf in leaves(result) if _CHOICES.isdisjoint(leaf[0]))


def _in_order(turn: CallTurn) -> Iterator[CallTurn]:
    """Divides calls so that within a part no order matters but that of references."""
    starts = [0]
    needed: list[set[int]] = []
    for place, direct in enumerate(turn.calls.dependencies()):
        needed.append(direct.union(*(needed[earlier] for earlier in direct)))
        later = turn.calls[place]
        if any(
            _is_noted(turn.calls[earlier], later)
            or (earlier not in needed[place] and _have_order(turn.calls[earlier].name, later))
            for earlier in range(starts[-1], place)
        ):
            starts.append(place)
    known = turn.calls.known_labels
    for start, end in zip(starts, [*starts[1:], len(turn.calls)], strict=True):
        graph = CallGraph(turn.calls.calls[start:end], known_labels=known)
        known |= frozenset(graph.labels)
        yield CallTurn(graph, turn.results[start:end])


def _is_noted(earlier: Call, later: Call) -> bool:
    """Whether a call notes for an item what a search for add-ons looked for."""
    if (earlier.name, later.name) != ("get_addons", "add_order_item"):
        return False
    notes, query = later.arguments.get("notes"), earlier.arguments.get("query")
    if not (isinstance(notes, str) and notes and isinstance(query, str)):
        return False
    return notes.casefold() in query.casefold()


def _have_order(earlier: str, later: Call) -> bool:
    """Whether a call has to come after one of that function, whether it refers to it or not."""
    if later.name in CHANGE_THE_ORDER:
        return earlier in _SEARCH or earlier in _SHOW_OR_FINISH
    if later.name in _SHOW_OR_FINISH:
        return earlier in {*CHANGE_THE_ORDER, "finish_order"}
    return earlier == "get_menu_items" and "menu_item_id" in later.arguments
