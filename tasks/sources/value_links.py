"""Finds which arguments are the values that earlier results brought into a conversation.

Many data sets record calls with literal values alone, even where a value can only be known from
what an earlier call returned. Where that is certain, a reference takes the value's place.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import CallTurn, Turn, UserTurn
from tasks.sources.links import LinkCounts, count_links
from tasks.sources.said import Said
from tasks.sources.value_origins import Argument, Key, Origin, Origins, Path, in_words, key_of

# Shorter values occur in unrelated results by chance.
_MIN_LENGTH = 3
_GENERIC = frozenset({"true", "false", "yes", "none", "null", "n/a", "any", "all", "unknown"})
_ID = "_id"
# An identifier: letters and digits without a space, with a hyphen or the like in it, or anything
# that ends in one and a number ("latte-5488", "oat milk-5488"). That some of its words are said
# says nothing about it.
_IDENTIFIER = re.compile(
    r"(?=.*\d)(?=.*[^\W\d_])\S*[^\W_][-_#][^\W_]\S*|.*[^\W_][-_#]\d{3,}", re.DOTALL
)


def leaves(result: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields the strings and numbers of a JSON value, each with the way to it, in their order."""
    if isinstance(result, Mapping):
        for name, item in result.items():
            yield from leaves(item, (*path, name))
    elif isinstance(result, list | tuple):
        for index, item in enumerate(result):
            yield from leaves(item, (*path, index))
    elif result is not None and not isinstance(result, bool):
        yield path, result


def link_values(
    turns: Iterable[Turn],
    *,
    functions: Iterable[FunctionSpec] = (),
    given: Mapping[int, Collection[str]] | None = None,
    transactions: Collection[str] = (),
    result_paths: Callable[[Any], Iterable[tuple[Path, Any]]] = leaves,
) -> tuple[tuple[Turn, ...], LinkCounts]:
    """Puts references in the place of values that results introduced, in arguments and inside them.

    A result introduced a value if it holds an equal one of the same type and does not merely echo
    an argument of its own call or an earlier one, given or by default. It is the source of a later
    argument if no user turn before that call gave the value (`given`, or `tasks.sources.said` with
    every word) and no earlier call was passed it otherwise than by such a reference. Identifiers,
    as are the values of fields in "_id", are given by their own words alone; one without digits
    ("caffeine") that a result has in such a field is given by none. Values that may be anywhere by
    chance are left alone: truth values, whatever is written with one or two characters, a
    parameter's default, and a value that its schema lists, unless it comes from a field of the same
    name. The values of one list are all referred to or none: if results introduced some of them,
    all are where results have the others, too, and all are literal elsewhere.

    Of several places that hold the value, one whose field is named like the parameter is preferred,
    then one that shares a word with it; then the row of a list that has the most of the call's
    arguments in it. Of those that are left, the last result before the value was first said is
    preferred, or the first if it never was, and in it the row spoken of last: of which something
    was said last that the others lack. Dates and times recur by chance: with them the row spoken of
    last decides first, and then the latest result is preferred. Where rows have places for all
    values of a call that are referred to, one row gives them all: the one that has the most of the
    call's arguments, then that of the latest result, then the one spoken of last.

    Args:
        turns: The conversation. Its calls have literal arguments and no labels.
        functions: The functions called, for their defaults and the values that they list.
        given: Index of a user turn to values that it gives in other words than their own.
        transactions: Functions that are tried again where they fail, with what is then agreed on:
            their arguments refer to no result of their own, and others to that of the last try.
        result_paths: Yields the values of a result that may be referred to, with the ways to them.

    Returns:
        The turns, where the calls that are referred to have labels, and the number of references.
    """
    linker = _Linker(functions, transactions, result_paths)
    read: list[tuple[Turn, list[Call]]] = []
    for index, turn in enumerate(turns):
        calls: list[Call] = []
        if isinstance(turn, CallTurn):
            calls = linker.link(turn)
        elif isinstance(turn, UserTurn):
            linker.hear_user(turn.text, (given or {}).get(index, ()))
        else:
            linker.hear(turn.text)
        read.append((turn, calls))
    linked = tuple(_labelled(read, linker.producers))
    return linked, count_links(linked)


def _labelled(read: Iterable[tuple[Turn, list[Call]]], producers: set[int]) -> Iterator[Turn]:
    """Yields the turns with calls that have labels where others refer to them."""
    known: set[str] = set()
    number = 0
    for turn, calls in read:
        if not isinstance(turn, CallTurn):
            yield turn
            continue
        labelled = []
        for call in calls:
            is_used = number in producers
            labelled.append(dataclasses.replace(call, label=_label(number)) if is_used else call)
            number += 1
        graph = CallGraph(tuple(labelled), known_labels=frozenset(known))
        known.update(graph.labels)
        yield dataclasses.replace(turn, calls=graph)


class _Linker:
    """A conversation read from its beginning, and where each of its values came from."""

    def __init__(
        self,
        functions: Iterable[FunctionSpec],
        transactions: Collection[str],
        result_paths: Callable[[Any], Iterable[tuple[Path, Any]]],
    ) -> None:
        self._properties = {spec.name: spec.properties for spec in functions}
        self._transactions = transactions
        self._result_paths = result_paths
        self._origins = Origins()
        # What the user says.
        self._said = Said()
        self._said_words = ""
        self._given: set[str] = set()
        # Values of the arguments that are no references.
        self._passed: set[Key] = set()
        # The functions of the calls so far.
        self._called: list[str] = []
        self.producers: set[int] = set()

    def hear(self, text: str) -> None:
        self._origins.hear(text)

    def hear_user(self, text: str, given: Collection[str]) -> None:
        self.hear(text)
        self._said.add(text)
        self._said_words += in_words(text)
        self._given.update(value.casefold() for value in given)

    def link(self, turn: CallTurn) -> list[Call]:
        """Returns the calls of a turn with references; takes in their arguments and results."""
        calls = []
        for number, call in enumerate(turn.calls):
            calls.append(self._linked(call))
            # A data set may record no results.
            for result in turn.results[number : number + 1]:
                self._origins.take_in(len(self._called), self._result_paths(result))
            self._called.append(call.name)
        return calls

    def _linked(self, call: Call) -> Call:
        properties = self._properties.get(call.name, {})
        arguments = [
            Argument((name, *path), value, _inner(properties.get(name, {}), path))
            for name, argument in call.arguments.items()
            for path, value in leaves(argument)
        ]
        candidates = self._all_or_none(
            call.name,
            arguments,
            [self._candidates(call.name, argument) for argument in arguments],
        )
        references: dict[Path, Reference] = {}
        chosen = self._origins.chosen(arguments, candidates)
        for argument, origin in zip(arguments, chosen, strict=True):
            if origin is None:
                self._passed.add(key_of(argument.value))
            else:
                references[argument.path] = Reference(_label(origin.producer), origin.path)
                self.producers.add(origin.producer)
        self._origins.ask(argument.value for argument in arguments)
        self._origins.ask(
            value
            for name, schema in properties.items()
            if name not in call.arguments
            for _, value in leaves(schema.get("default"))
        )
        if not references:
            return call
        return Call(
            call.name,
            {name: _replaced(item, (name,), references) for name, item in call.arguments.items()},
        )

    def _candidates(self, function: str, argument: Argument) -> list[Origin]:
        """The places that an argument may refer to; none where no result introduced its value."""
        found = self._held(function, argument)
        is_id = argument.field.endswith(_ID) and any(o.field.endswith(_ID) for o in found)
        return found if found and self._is_introduced(argument.value, is_id=is_id) else []

    def _held(self, function: str, argument: Argument) -> list[Origin]:
        """The places that have the value of an argument and that its function may refer to."""
        found = self._origins.candidates(argument)
        if function in self._transactions:
            found = [origin for origin in found if self._called[origin.producer] != function]
        return self._of_last_tries(found)

    def _of_last_tries(self, origins: Sequence[Origin]) -> list[Origin]:
        """The origins without the tries of a transaction that was tried again since."""
        last: dict[str, int] = {}
        for origin in origins:
            function = self._called[origin.producer]
            if function in self._transactions:
                last[function] = max(origin.producer, last.get(function, 0))
        return [o for o in origins if last.get(self._called[o.producer], o.producer) == o.producer]

    def _all_or_none(
        self, function: str, arguments: Sequence[Argument], candidates: Sequence[list[Origin]]
    ) -> list[list[Origin]]:
        """The candidates, where all values of a list have some or none has."""
        whole = list(candidates)
        lists: dict[Path, list[int]] = {}
        for number, argument in enumerate(arguments):
            if isinstance(argument.path[-1], int):
                lists.setdefault(argument.path[:-1], []).append(number)
        for numbers in lists.values():
            if any(whole[n] for n in numbers) and not all(whole[n] for n in numbers):
                held = [self._held(function, arguments[n]) for n in numbers]
                for n, origins in zip(numbers, held, strict=True):
                    whole[n] = origins if all(held) else []
        return whole

    def _is_introduced(self, value: Any, *, is_id: bool) -> bool:
        text = str(value).strip()
        if len(text) < _MIN_LENGTH or text.casefold() in _GENERIC:
            return False
        if key_of(value) in self._passed or text.casefold() in self._given:
            return False
        if is_id and not any(character.isdigit() for character in text):
            return True
        if is_id or (isinstance(value, str) and _IDENTIFIER.fullmatch(text)):
            return in_words(text) not in self._said_words
        return not self._said.says(value, every_word=True)


def _label(producer: int) -> str:
    return f"$var_{producer + 1}"


def _inner(schema: Any, path: Path) -> Mapping[str, Any]:
    """Returns the schema of what is inside a value; where it is not stated, {}."""
    for step in path:
        if not isinstance(schema, Mapping):
            return {}
        is_item = isinstance(step, int)
        schema = schema.get("items") if is_item else schema.get("properties", {}).get(step)
    return schema if isinstance(schema, Mapping) else {}


def _replaced(value: Any, path: Path, references: Mapping[Path, Reference]) -> Any:
    if path in references:
        return references[path]
    if isinstance(value, Mapping):
        return {name: _replaced(item, (*path, name), references) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, (*path, n), references) for n, item in enumerate(value)]
    return value
