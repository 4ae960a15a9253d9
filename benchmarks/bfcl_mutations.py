"""Right answers to BFCL items, and changes to them of the kinds that models make."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from granite_fc.evaluation.suites.bfcl.functions import PYTHON
from granite_fc.evaluation.suites.bfcl.matching import Accepted
from granite_fc.evaluation.suites.bfcl.suite import Bfcl
from granite_fc.evaluation.suites.bfcl.values import Declared
from granite_fc.evaluation.suites.suite import SuiteItem

# An answer as bfcl-eval takes it: one {name: arguments} a call.
Calls = list[dict[str, Any]]
_PUNCTUATION = " ,./-_*^'\"()[]{}:;!$\\"


def mutated(suite: Bfcl, item: SuiteItem, rng: random.Random) -> tuple[Calls, tuple[str, ...]]:
    """Returns a changed answer and the names of the changes."""
    calls = [_accepted_call(accepted, rng) for accepted in suite.accepted[item.id]]
    names = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        name = rng.choice(list(_MUTATIONS))
        _MUTATIONS[name](calls, item, rng)
        names.append(name)
    return calls, tuple(names)


def _accepted_call(accepted: Accepted, rng: random.Random) -> dict[str, Any]:
    arguments = {}
    for name, values in accepted.values.items():
        if "" in values and rng.random() < 0.5:
            continue
        declared = accepted.function.parameters.get(name, Declared("any", "string"))
        value = _choice(values, rng)
        if isinstance(value, Mapping):
            value = _fields(value, rng)
        elif isinstance(value, list) and declared.item == "dict":
            value = [_fields(v, rng) if isinstance(v, Mapping) else v for v in value]
        if accepted.function.language is not PYTHON and rng.random() < 0.9:
            value = accepted.function.language.literal_of(value, declared)
        arguments[name] = copy.deepcopy(value)
    return {accepted.function.name: arguments}


def _fields(accepted: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    written = {}
    for key, values in accepted.items():
        if not isinstance(values, list):
            written[key] = values
        elif "" not in values or rng.random() < 0.5:
            written[key] = _choice(values, rng)
    return written


def _choice(values: Sequence[Any], rng: random.Random) -> Any:
    return rng.choice([value for value in values if value != ""] or [""])


def _drop_call(calls: Calls, item: SuiteItem, rng: random.Random) -> None:
    if calls:
        calls.pop(rng.randrange(len(calls)))


def _repeat_call(calls: Calls, item: SuiteItem, rng: random.Random) -> None:
    if calls:
        call = copy.deepcopy(rng.choice(calls))
        if len(calls) > 1 and rng.random() < 0.5:
            calls[rng.randrange(len(calls))] = call
        else:
            calls.append(call)


def _reorder_calls(calls: Calls, item: SuiteItem, rng: random.Random) -> None:
    rng.shuffle(calls)


def _rename_call(calls: Calls, item: SuiteItem, rng: random.Random) -> None:
    if not calls:
        return
    index = rng.randrange(len(calls))
    ((name, arguments),) = calls[index].items()
    other = rng.choice(
        [
            rng.choice(item.functions).name,
            name.upper(),
            name.replace(".", "_"),
            name + "s",
            name[:-1] or "f",
        ]
    )
    calls[index] = {other: arguments}


def _on_arguments(
    change: Callable[[dict[str, Any], SuiteItem, random.Random], None],
) -> Callable[[Calls, SuiteItem, random.Random], None]:
    def apply(calls: Calls, item: SuiteItem, rng: random.Random) -> None:
        if calls:
            ((_, arguments),) = rng.choice(calls).items()
            change(arguments, item, rng)

    return apply


def _drop_argument(arguments: dict[str, Any], item: SuiteItem, rng: random.Random) -> None:
    if arguments:
        arguments.pop(rng.choice(list(arguments)))


def _rename_argument(arguments: dict[str, Any], item: SuiteItem, rng: random.Random) -> None:
    if arguments:
        name = rng.choice(list(arguments))
        value = arguments.pop(name)
        arguments[rng.choice([name.upper(), name + "_", name.replace("_", ""), "value"])] = value


def _add_argument(arguments: dict[str, Any], item: SuiteItem, rng: random.Random) -> None:
    declared = [name for function in item.functions for name in function.properties]
    name = rng.choice([*declared, "extra"])
    arguments.setdefault(name, rng.choice(["", 0, 1, True, None, [], {}, "text", 0.5, [""]]))


def _swap_arguments(arguments: dict[str, Any], item: SuiteItem, rng: random.Random) -> None:
    if len(arguments) > 1:
        first, second = rng.sample(list(arguments), 2)
        arguments[first], arguments[second] = arguments[second], arguments[first]


def _on_values(
    change: Callable[[Any, random.Random], Any],
) -> Callable[[Calls, SuiteItem, random.Random], None]:
    def on_argument(arguments: dict[str, Any], item: SuiteItem, rng: random.Random) -> None:
        if arguments:
            name = rng.choice(list(arguments))
            arguments[name] = _somewhere_inside(arguments[name], change, rng)

    return _on_arguments(on_argument)


def _somewhere_inside(
    value: Any, change: Callable[[Any, random.Random], Any], rng: random.Random
) -> Any:
    """Changes a value or, where it has parts, more often one of these."""
    if isinstance(value, list) and value and rng.random() < 0.7:
        index = rng.randrange(len(value))
        value[index] = _somewhere_inside(value[index], change, rng)
        return value
    if isinstance(value, dict) and value and rng.random() < 0.7:
        key = rng.choice(list(value))
        value[key] = _somewhere_inside(value[key], change, rng)
        return value
    return change(value, rng)


def _perturbed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice([value + 1, -value, value * 10, value + 0.5])
    if isinstance(value, str):
        position = rng.randrange(len(value) + 1)
        return rng.choice([value + "x", value[:position] + value[position + 1 :], value[::-1], "x"])
    return value


def _retyped(value: Any, rng: random.Random) -> Any:
    """The same in another type: 1, 1.0, true and "1" for each other, a list around it or off it."""
    options: list[Any] = [None, [value], str(value)]
    if isinstance(value, bool | int | float):
        options += [int(value), float(value), bool(value), float(value)]
    if isinstance(value, str):
        options += _read_as_number(value)
    if isinstance(value, list) and value:
        options += [value[0], {str(i): v for i, v in enumerate(value)}, _as_tuple(value)]
    if isinstance(value, dict):
        options += [list(value), list(value.values())]
    return rng.choice(options)


def _read_as_number(text: str) -> list[Any]:
    options: list[Any] = [text.lower() == "true", len(text)]
    for kind in (int, float):
        try:
            options += [kind(text)] * 3
        except ValueError:
            continue
    return options


def _as_tuple(value: list[Any]) -> str:
    return "(" + ", ".join(map(str, value)) + ")"


def _recased(value: Any, rng: random.Random) -> Any:
    if isinstance(value, str):
        return rng.choice([value.upper(), value.lower(), value.title(), value.swapcase()])
    return value


def _repunctuated(value: Any, rng: random.Random) -> Any:
    if not isinstance(value, str):
        return value
    mark = rng.choice(_PUNCTUATION)
    position = rng.randrange(len(value) + 1)
    return rng.choice(
        [value[:position] + mark + value[position:], value.replace(mark, ""), f" {value} "]
    )


def _requoted(value: Any, rng: random.Random) -> Any:
    if not isinstance(value, str):
        return value
    return rng.choice(
        [f'"{value}"', f"'{value}'", value.replace('"', "'"), value.replace("'", '"')]
    )


def _resuffixed(value: Any, rng: random.Random) -> Any:
    """Other spellings of a number in source text."""
    if not isinstance(value, str) or not value[:1].isdigit():
        return value
    return rng.choice([value.rstrip("LfF"), value + "L", value + "f", value + "n", value + ".0"])


def _emptied(value: Any, rng: random.Random) -> Any:
    return rng.choice(["", [], {}, 0, None, " ", False])


def _reitemized(value: Any, rng: random.Random) -> Any:
    """A list in another order, shorter or longer; an object with other fields."""
    if isinstance(value, list) and value:
        index = rng.randrange(len(value))
        changed = rng.choice(
            [value[::-1], value[1:], [*value, value[index]], value[:index] + value[index + 1 :]]
        )
        return copy.deepcopy(changed)
    if isinstance(value, dict):
        if value and rng.random() < 0.6:
            value.pop(rng.choice(list(value)))
        else:
            value[rng.choice(["key", "value", "name"])] = rng.choice([1, "x", True, {}])
    return value


_MUTATIONS: Mapping[str, Callable[[Calls, SuiteItem, random.Random], None]] = {
    "drop a call": _drop_call,
    "repeat a call": _repeat_call,
    "reorder calls": _reorder_calls,
    "rename a call": _rename_call,
    "drop an argument": _on_arguments(_drop_argument),
    "rename an argument": _on_arguments(_rename_argument),
    "add an argument": _on_arguments(_add_argument),
    "swap arguments": _on_arguments(_swap_arguments),
    "perturb a value": _on_values(_perturbed),
    "retype a value": _on_values(_retyped),
    "change case": _on_values(_recased),
    "change punctuation": _on_values(_repunctuated),
    "change quotes": _on_values(_requoted),
    "change a suffix": _on_values(_resuffixed),
    "empty a value": _on_values(_emptied),
    "change items": _on_arguments(
        lambda arguments, item, rng: arguments.update(
            {name: _reitemized(value, rng) for name, value in arguments.items()}
        )
    ),
}
