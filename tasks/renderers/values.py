"""Where the values of calls come from: what was said, what earlier calls returned."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference, references_in
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import CallTurn, Episode, Turn, UserTurn
from tasks.sources.said import Said
from tasks.sources.said_dates import moment


def literals_in(value: Any) -> Iterator[Any]:
    """Yields the texts and numbers in a value; a reference is none."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from literals_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from literals_in(item)
    elif not isinstance(value, bool | Reference) and value is not None:
        yield value


def skipped_turns(episode: Episode, policy: str) -> frozenset[int]:
    """Indices of the call turns that no example may ask for, by `RenderingConfig.ungrounded`."""
    if policy == "keep":
        return frozenset()
    return frozenset(place.turn for place in episode.ungrounded)


def calls_to_ask_about(episode: Episode, policy: str) -> frozenset[tuple[int, int]]:
    """Turn and place in it of the calls before which an assistant would have had to ask.

    Such a call has an ungrounded argument that its function requires and that is free text: a
    string for which the schema has no default and lists no values, and that is no date, time of
    day or number. Arguments of other kinds are often a matter of convention (the present hour, the
    number of a question) and leave no doubt about which function is next.

    Args:
        episode: The episode.
        policy: `RenderingConfig.ungrounded`; with "keep" there are none.
    """
    if policy == "keep":
        return frozenset()
    specs = {spec.name: spec for spec in episode.functions}
    found = set()
    for place in episode.ungrounded:
        turn = episode.turns[place.turn]
        if isinstance(turn, CallTurn):
            call = turn.calls[place.call]
            spec = specs.get(call.name)
            if (
                spec is not None
                and place.parameter in spec.required
                and _is_free_text(
                    spec.properties.get(place.parameter, {}), call.arguments[place.parameter]
                )
            ):
                found.add((place.turn, place.call))
    return frozenset(found)


def _is_free_text(schema: Mapping[str, Any], value: Any) -> bool:
    return (
        isinstance(value, str)
        and schema.get("type") == "string"
        and schema.keys().isdisjoint(("default", "enum", "const", "format"))
        and any(map(str.isalpha, value))
        and moment(value) is None
    )


def depends_on_results(
    asked: Sequence[CallTurn],
    turns: Sequence[Turn],
    functions: Sequence[FunctionSpec],
    hidden: Sequence[CallTurn] = (),
) -> bool:
    """Whether calls cannot be known without seeing what calls before them return.

    Either a reference chooses a row beyond the first, or a value is known from a result alone:
    nobody says it, no call passed it before, no result that is seen has it, and no schema.

    Args:
        asked: The call turns in question; their own results are not seen.
        turns: The conversation up to and with them.
        functions: The functions on offer.
        hidden: Further call turns whose results are not seen.
    """
    unseen_labels: set[str | None] = set()
    unseen: set[Any] = set()
    known: set[Any] = set()
    wanted: set[Any] = set()
    for turn in turns:
        if not isinstance(turn, CallTurn):
            continue
        is_asked = any(turn is one for one in asked)
        is_hidden = is_asked or any(turn is one for one in hidden)
        for call, result in itertools.zip_longest(turn.calls, turn.results[: len(turn.calls)]):
            passed = set(literals_in(call.arguments))
            if is_asked:
                if any(_chooses_a_row(r, unseen_labels) for r in references_in(call.arguments)):
                    return True
                wanted |= (passed & unseen) - known
            known |= passed
            if is_hidden:
                unseen_labels.add(call.label)
                unseen.update(literals_in(result))
            else:
                known.update(literals_in(result))
    if wanted:
        called = {call.name for turn in asked for call in turn.calls}
        wanted -= {v for f in functions if f.name in called for v in literals_in(f.parameters)}
    return bool(wanted) and not all(map(said_in(turns).says, wanted))


class EarlierCalls:
    """What calls were passed and what they returned, read once for questions about many values.

    Args:
        turns: The turns with the calls.
    """

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._passed: set[Any] = set()
        self._returned: set[Any] = set()
        for turn in turns:
            if isinstance(turn, CallTurn):
                for call in turn.calls:
                    self._passed.update(literals_in(call.arguments))
                for result in turn.results[: len(turn.calls)]:
                    self._returned.update(literals_in(result))

    def alone_give(self, value: Any, spec: FunctionSpec | None, said: Callable[[], Said]) -> bool:
        """Whether something in a value is known from a result of these calls alone.

        Args:
            value: The value, without references.
            spec: The function that it is passed to; what its schema lists is known.
            said: Gives what has been said.
        """
        wanted = self._returned.intersection(literals_in(value)) - self._passed
        if wanted and spec is not None:
            wanted.difference_update(literals_in(spec.parameters))
        return bool(wanted) and not all(map(said().says, wanted))


def _chooses_a_row(reference: Reference, labels: Collection[str | None]) -> bool:
    rows = (entry for entry in reference.path if isinstance(entry, int))
    return reference.label in labels and any(rows)


def said_in(turns: Iterable[Turn]) -> Said:
    """What user and assistant say in the turns."""
    return Said(turn.text for turn in turns if not isinstance(turn, CallTurn))


class Outputs:
    """What labelled calls returned.

    Args:
        turns: The turns with the calls; those without results tell nothing.
    """

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._of_label = {
            call.label: result
            for turn in turns
            if isinstance(turn, CallTurn)
            for call, result in zip(turn.calls, turn.results, strict=False)
            if call.label is not None
        }

    def resolve(self, value: Any) -> Any:
        """The value with what its references lead to.

        Raises:
            LookupError: One leads nowhere.
        """
        if isinstance(value, Mapping):
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Reference):
            return value
        found = self._of_label[value.label]
        for entry in value.path:
            if isinstance(found, Mapping):
                found = found[str(entry)]
            elif isinstance(found, list) and isinstance(entry, int):
                found = found[entry]
            else:
                raise LookupError(str(value))
        return found


def first_exchange_needed(turns: Sequence[Turn], calls: Iterable[Call]) -> int:
    """The exchange from which on a conversation gives all values of calls that it gives at all.

    Args:
        turns: The conversation up to the calls, with the results that the prompt shows.
        calls: The calls.
    """
    pending = list({repr(v): v for call in calls for v in literals_in(call.arguments)}.values())
    exchanges: list[list[str]] = []
    for turn in turns:
        if isinstance(turn, UserTurn):
            exchanges.append([])
        if isinstance(turn, CallTurn):
            exchanges[-1].extend(json.dumps(row, ensure_ascii=False) for row in turn.results)
        else:
            exchanges[-1].append(turn.text)
    said = Said()
    first = len(exchanges) - 1
    for index in reversed(range(len(exchanges))):
        if not pending:
            break
        for text in exchanges[index]:
            said.add(text)
        unsaid = [value for value in pending if not said.says(value)]
        if len(unsaid) < len(pending):
            first, pending = index, unsaid
    return first
