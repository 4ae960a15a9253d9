"""Whether an argument is one of those that BFCL accepts.

An argument's type has to be the declared one; an integer passes for a float. Where the accepted
values are of another type, as where a variable's name stands for a list, theirs passes as well, and
the value has to be exactly one of them. Otherwise strings are compared without case, spaces and the
punctuation `,./-_*^`, lists item by item in order, objects field by field, each field having a list
of accepted values of its own. Types of list items are checked one level deep.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from granite_fc.evaluation.judgement import WrongPart

Kind = Literal["string", "integer", "float", "boolean", "list", "dict", "null"]

_IGNORED = re.compile(r"[ ,./\-_*^]+")
_SHOWN = 60


class Declared(NamedTuple):
    """What type a parameter is declared to have.

    Attributes:
        type: The type as the function's language names it.
        kind: The kind of value that this is.
        item: The kind of its items, where it is a list that says so.
        item_type: The items' type as the language names it.
    """

    type: str
    kind: Kind
    item: Kind | None = None
    item_type: str | None = None


def kind_of(value: Any) -> Kind:
    """The kind of a JSON value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "string"
    if isinstance(value, Mapping):
        return "dict"
    return "null" if value is None else "list"


def standard_form(text: str) -> str:
    """A string as it is compared: lower case, without what BFCL ignores, quotes made double."""
    return _IGNORED.sub("", text).lower().replace("'", '"')


def stand_in_kind(accepted: Sequence[Any]) -> Kind | None:
    """The kind of the first accepted value; `""` says that the parameter may be left out."""
    return next((kind_of(value) for value in accepted if value != ""), None)


def problem_of_value(
    name: str, value: Any, declared: Declared, accepted: Sequence[Any]
) -> WrongPart | None:
    """Returns what is wrong with an argument, or None where it is accepted.

    Args:
        name: The parameter.
        value: The argument: a JSON value, of Java and JavaScript what its source text means.
        declared: The parameter's type.
        accepted: What is right; `""` among it says that the parameter may be left out.
    """
    kind = kind_of(value)
    if kind == "integer" and declared.kind == "float":
        kind = "float"
    stand_in = stand_in_kind(accepted)
    if kind not in (declared.kind, stand_in):
        return WrongPart("type", f"{name} is {_shown(value)}, expected {declared.type}")
    if kind != declared.kind or stand_in not in (declared.kind, None):
        right = any(same(value, other) for other in accepted)
    elif declared.kind == "dict":
        right = any(_object_fits(value, other) for other in accepted if isinstance(other, Mapping))
    elif declared.kind == "string":
        form = standard_form(value)
        right = any(form == standard_form(o) for o in accepted if isinstance(o, str))
    elif declared.kind == "list":
        lists = [other for other in accepted if isinstance(other, list)]
        if not any(_items_have_kind(value, declared.item, other) for other in lists):
            kinds = f"{declared.type} of {declared.item_type}"
            return WrongPart("type", f"{name} is {_shown(value)}, expected {kinds}")
        right = any(_list_fits(value, declared.item, other) for other in lists)
    else:
        right = any(same(value, other) for other in accepted)
    if right:
        return None
    return WrongPart("value", f"{name} is {_shown(value)}, expected {_shown(list(accepted))}")


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal: 1 equals 1.0 and not `true`, strings exactly."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def as_declared(value: Any, declared: Declared) -> Any:
    """A JSON value with integers as floats where floats are declared, lists one level deep."""
    if declared.kind == "float":
        return _float(value)
    if isinstance(value, list) and declared.item == "float":
        return [_float(item) for item in value]
    return value


def _float(value: Any) -> Any:
    try:
        return float(value) if type(value) is int else value
    except OverflowError:
        return value


def _items_have_kind(items: Sequence[Any], kind: Kind | None, accepted: Sequence[Any]) -> bool:
    if kind is None:
        return True
    admitted = (kind, stand_in_kind(accepted))
    return all(kind_of(item) in admitted for item in items)


def _list_fits(items: Sequence[Any], kind: Kind | None, accepted: Sequence[Any]) -> bool:
    if len(items) != len(accepted) or not _items_have_kind(items, kind, accepted):
        return False
    if kind == "dict":
        return all(map(_object_fits, items, accepted))
    return all(map(_item_fits, items, accepted))


def _item_fits(value: Any, accepted: Any) -> bool:
    if isinstance(value, str) and isinstance(accepted, str):
        return standard_form(value) == standard_form(accepted)
    return same(value, accepted)


def _object_fits(fields: Any, accepted: Any) -> bool:
    if not (isinstance(fields, Mapping) and isinstance(accepted, Mapping)):
        return False
    for key, value in fields.items():
        if key not in accepted or not any(_item_fits(value, o) for o in _values(accepted[key])):
            return False
    return all(key in fields or "" in _values(accepted[key]) for key in accepted)


def _values(accepted: Any) -> Sequence[Any]:
    """The accepted values of a field; some are not in a list."""
    return accepted if isinstance(accepted, list) else [accepted]


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > _SHOWN:
        value = value[:_SHOWN] + "..."
    text = repr(value)
    return text if len(text) <= 2 * _SHOWN else text[: 2 * _SHOWN] + "..."
