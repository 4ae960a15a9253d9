"""Why granite_fc's BFCL matcher and bfcl-eval's checker differ on an answer.

Each class of differences is a documented fault, and comes with the change that takes its cause out
of an answer: a difference is explained only if both judges agree once that is done.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.bfcl_mutations import Calls
from granite_fc.calls.call import Call
from granite_fc.evaluation.suites.bfcl.functions import JAVA, PYTHON, Language
from granite_fc.evaluation.suites.bfcl.matching import Accepted, problem_of_call, problems_of_calls
from granite_fc.evaluation.suites.bfcl.values import Declared, same

FIRST_FIT = "first fit"
JSON_VALUE = "JSON value"
SPACE = "space around source"
QUOTES = "quoted Java string"
SPELLING = "spelling of a literal"
ARRAY_QUOTES = "quoted strings in a Java array"
ITEMS_OF_ANY = "Java items of type any"
BARE_VALUE = "accepted value without a list"
READ_BY_PATTERN = "source read by patterns"
BOOLEAN_NUMBER = "true equals 1"
EMPTY_LIST = "[] where the parameter may be left out"

DIFFERENCES: Mapping[str, str] = {
    FIRST_FIT: "calls in any order are given to accepted calls first come first served, and a call "
    "that another accepted call needs may be gone; granite_fc pairs as many as can be",
    JSON_VALUE: "an argument of a Java or JavaScript function that is no string is refused, even 5 "
    "for an integer; granite_fc takes JSON values for what they are",
    SPACE: "source text is not stripped, so ' true ' is no boolean",
    QUOTES: "quotes around a Java string are part of it, in JavaScript they are not; granite_fc "
    "takes a string literal for its content in both",
    SPELLING: "numbers and collections are read by regular expressions that know one spelling: 42 "
    "is no long, 12. no float, put('a', 'b') puts nothing",
    ARRAY_QUOTES: 'the items of `new String[]{"a"}` keep their quotes and equal no accepted value',
    ITEMS_OF_ANY: "items of a Java list of type any are left as text, so the accepted answers of "
    "simple_java_36 and simple_java_65 pass in no spelling",
    BARE_VALUE: "an accepted value of a field that is in no list is taken apart into characters: "
    "no answer to simple_java_64 passes",
    READ_BY_PATTERN: "a collection is looked for anywhere in the text, and its parts are split at "
    "commas: what is before, after or unclosed is not seen",
    BOOLEAN_NUMBER: "fields of objects and items of inner lists are compared by Python's ==, for "
    "which true equals 1; granite_fc tells them apart",
    EMPTY_LIST: 'the "" that says that a parameter may be left out is read as an empty list among '
    "the accepted ones; granite_fc takes [] for a value",
}


class Judges(NamedTuple):
    """What a difference is looked into with.

    Attributes:
        theirs: From calls and the parameters that are left out of everything to what bfcl-eval
            says: whether they are accepted, or the name of an exception.
        read: bfcl-eval's reading of source text in an argument of a type.
    """

    theirs: Callable[[Calls, frozenset[str]], bool | str]
    read: Callable[[str, Declared], Any]


class Argument(NamedTuple):
    """One argument of an answer on which the judges differ.

    Attributes:
        value: The argument.
        declared: Its parameter's type.
        language: That of the function.
        accepted: The values that are right.
        accepts: Whether granite_fc accepts the answer and bfcl-eval does not.
    """

    value: Any
    declared: Declared
    language: Language
    accepted: Sequence[Any]
    accepts: bool

    @property
    def is_source(self) -> bool:
        """Whether it is Java or JavaScript text."""
        return self.language is not PYTHON and isinstance(self.value, str)


def ours(calls: Calls, accepted: Sequence[Accepted], without: frozenset[str] = frozenset()) -> bool:
    """What granite_fc says; parameters in `without` are of no account."""
    made = [
        Call(name, {key: value for key, value in arguments.items() if key not in without})
        for call in calls
        for name, arguments in call.items()
    ]
    return not problems_of_calls(made, [_without(one, without) for one in accepted])


def explained(calls: Calls, accepted: Sequence[Accepted], judges: Judges) -> tuple[str, ...] | None:
    """Returns the classes that a difference belongs to, or None where no cause explains it."""
    accepts = ours(calls, accepted)
    without: frozenset[str] = frozenset()
    if accepts and judges.theirs(_in_order(calls, accepted), without) is True:
        return (FIRST_FIT,)
    found = []
    for name, change in _OF_ARGUMENTS.items():
        changed = _changed(calls, accepted, accepts, change)
        if changed != calls or repr(changed) != repr(calls):
            calls = changed
            found.append(name)
            if ours(calls, accepted) == judges.theirs(calls, without):
                return tuple(found)
    for name, applies in _OF_PARAMETERS.items():
        left_out = {
            key
            for one in accepted
            for key, values in one.values.items()
            if key in one.function.parameters and applies(one.function.parameters[key], values)
        }
        if left_out and accepts:
            without |= left_out
            found.append(name)
            if ours(calls, accepted, without) == judges.theirs(calls, without):
                return tuple(found)
    read = _changed(calls, accepted, accepts, lambda argument: _as_they_read(argument, judges))
    if not accepts and ours(read, accepted):
        # What bfcl-eval makes of the text is right, so the text is all that they differ on.
        return (*found, READ_BY_PATTERN)
    return None


def _in_order(calls: Calls, accepted: Sequence[Accepted]) -> Calls:
    """The calls in an order in which each is at the place of the accepted call that it fits."""
    fits = [
        [
            problem_of_call(Call(name, arguments), one) is None
            for call in calls
            for name, arguments in call.items()
        ]
        for one in accepted
    ]
    for order in itertools.permutations(range(len(calls))):
        if all(fits[place][index] for place, index in enumerate(order)):
            return [calls[index] for index in order]
    return calls


def _changed(
    calls: Calls,
    accepted: Sequence[Accepted],
    accepts: bool,
    change: Callable[[Argument], Any],
) -> Calls:
    """The calls with every argument changed that an accepted call has too."""
    changed = []
    for call in calls:
        ((name, arguments),) = call.items()
        written = {}
        for key, value in arguments.items():
            for one in accepted:
                function = one.function
                if function.name == name and key in function.parameters and key in one.values:
                    declared, values = function.parameters[key], one.values[key]
                    value = change(Argument(value, declared, function.language, values, accepts))
            written[key] = value
        changed.append({name: written})
    return changed


def _as_source(argument: Argument) -> Any:
    if argument.language is PYTHON or isinstance(argument.value, str) or not argument.accepts:
        return argument.value
    (meaning,) = argument.language.values_of(argument.value, argument.declared)
    return argument.language.literal_of(meaning, argument.declared)


def _stripped(argument: Argument) -> Any:
    return argument.value.strip() if argument.is_source else argument.value


def _content(argument: Argument) -> Any:
    if argument.is_source and argument.language is JAVA and argument.declared.kind == "string":
        return argument.language.values_of(argument.value, argument.declared)[0]
    return argument.value


def _canonical(argument: Argument) -> Any:
    if not (argument.is_source and argument.accepts):
        return argument.value
    meaning = argument.language.values_of(argument.value, argument.declared)[0]
    if isinstance(meaning, str):
        return argument.value
    return argument.language.literal_of(meaning, argument.declared)


def _unquoted_items(argument: Argument) -> Any:
    if argument.is_source and argument.declared.type == "Array":
        return argument.value.replace('"', "")
    return argument.value


def _told_apart(argument: Argument) -> Any:
    value = argument.value
    for accepted in argument.accepted if not argument.accepts else ():
        value = _exact(value, accepted)
    return value


def _exact(value: Any, accepted: Any) -> Any:
    """A value in which what Python's == takes for an accepted one is that one."""
    if isinstance(value, dict) and isinstance(accepted, Mapping):
        written = dict(value)
        for key in value.keys() & accepted.keys():
            for other in accepted[key] if isinstance(accepted[key], list) else ():
                written[key] = _exact(written[key], other)
        return written
    if isinstance(value, list) and isinstance(accepted, list) and len(value) == len(accepted):
        return list(map(_exact, value, accepted))
    return accepted if value == accepted and not same(value, accepted) else value


def _not_empty(argument: Argument) -> Any:
    if argument.value == [] and "" in argument.accepted and not argument.accepts:
        return [None]
    return argument.value


def _as_they_read(argument: Argument, judges: Judges) -> Any:
    if argument.is_source and argument.declared.kind in ("list", "dict"):
        return judges.read(argument.value, argument.declared)
    return argument.value


def _without(accepted: Accepted, names: frozenset[str]) -> Accepted:
    function = accepted.function
    return Accepted(
        function._replace(required=tuple(n for n in function.required if n not in names)),
        {key: values for key, values in accepted.values.items() if key not in names},
    )


def _has_bare_value(accepted: Sequence[Any]) -> bool:
    objects = (value for value in accepted if isinstance(value, Mapping))
    return any(not isinstance(field, list) for fields in objects for field in fields.values())


_OF_ARGUMENTS: Mapping[str, Callable[[Argument], Any]] = {
    JSON_VALUE: _as_source,
    SPACE: _stripped,
    QUOTES: _content,
    SPELLING: _canonical,
    ARRAY_QUOTES: _unquoted_items,
    BOOLEAN_NUMBER: _told_apart,
    EMPTY_LIST: _not_empty,
}
_OF_PARAMETERS: Mapping[str, Callable[[Declared, Sequence[Any]], bool]] = {
    ITEMS_OF_ANY: lambda declared, _: declared.kind == "list" and declared.item_type == "any",
    BARE_VALUE: lambda _, accepted: _has_bare_value(accepted),
}
