"""Functions of the world, registered with the phrases in which people ask for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.simulator.phrases import Phrases, Template, phrases
from tasks.sources.simulator.types import TYPES, SemanticType

# A result: type names, nested in objects and lists.
Shape = str | Mapping[str, Any] | list[Any]


@dataclasses.dataclass(frozen=True)
class Argument:
    """A parameter of a function.

    Attributes:
        type_name: Its semantic type.
        noun: What it is called when the assistant has to ask for it; also its description.
        optional: Whether a call may leave it out.
        default: What a call without it uses; None for no default.
    """

    type_name: str
    noun: str
    optional: bool = False
    default: Any = None


@dataclasses.dataclass(frozen=True, eq=False)
class Function:
    """An executable function.

    Attributes:
        name: Its name.
        domain: The part of the world that it belongs to.
        spec: Its declaration, as a library shows it.
        call: Takes the world and the arguments as keywords; returns a JSON value.
        arguments: Parameter name to its semantic type.
        outputs: Dotted path in the result to the semantic type found there.
        nouns: Dotted path to noun phrases for the value there ("the price of {product}").
        questions: Dotted path to direct questions for the value there, without the question mark.
        commands: Verb phrases ("book {flight} for {passenger}").
        done: Sentences that report the outcome of a command; shared by both splits.
        changes: Topics that it changes, with the argument that says of what.
        observes: Topics that it reads, likewise.
    """

    name: str
    domain: str
    spec: FunctionSpec
    call: Callable[..., Any]
    arguments: Mapping[str, SemanticType]
    outputs: Mapping[str, SemanticType]
    nouns: Mapping[str, Phrases]
    questions: Mapping[str, Phrases]
    commands: Phrases | None
    done: tuple[Template, ...]
    changes: Mapping[str, str]
    observes: Mapping[str, str]

    @property
    def name_and_call(self) -> tuple[str, Callable[..., Any]]:
        """What `World.bound` takes."""
        return self.name, self.call

    def all_phrases(self) -> dict[str, Phrases]:
        """Returns every kind of request phrase: "noun:PATH", "question:PATH" and "command"."""
        found = {f"noun:{path}": value for path, value in self.nouns.items()}
        found |= {f"question:{path}": value for path, value in self.questions.items()}
        return found | ({"command": self.commands} if self.commands else {})


FUNCTIONS: dict[str, Function] = {}


class Domain:
    """Registers the functions of one part of the world."""

    def __init__(self, name: str) -> None:
        self.name = name

    def function(
        self,
        *,
        arguments: Mapping[str, Argument],
        returns: Mapping[str, Shape],
        nouns: Mapping[str, Phrases] | None = None,
        questions: Mapping[str, Phrases] | None = None,
        commands: Phrases | None = None,
        done: tuple[str, ...] = (),
        changes: Mapping[str, str] | None = None,
        observes: Mapping[str, str] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Returns a decorator that registers a function of the world under its own name.

        Its docstring, less the full stop, is the description in the library; see `Function` for the
        rest.

        Raises:
            ValueError: A name is taken, or a phrase has a slot that is none, or lacks one for a
                required argument, or a value that is asked for is not in the result.
        """

        def register(call: Callable[..., Any]) -> Callable[..., Any]:
            outputs = _typed_paths(returns)
            description = (call.__doc__ or "").rstrip(".")
            spec = _spec(call.__name__, description, arguments, returns)
            types = {name: TYPES[argument.type_name] for name, argument in arguments.items()}
            function = Function(
                *(call.__name__, self.name, spec, call, types, outputs),
                *(nouns or {}, questions or {}, commands),
                *(tuple(map(Template, done)), changes or {}, observes or {}),
            )
            _check(function)
            FUNCTIONS[function.name] = function
            return call

        return register


def path_of(dotted: str) -> tuple[str | int, ...]:
    """Returns "flights.0.price" as ("flights", 0, "price")."""
    return tuple(int(entry) if entry.isdigit() else entry for entry in dotted.split("."))


def value_at(result: Any, dotted: str) -> Any:
    """Returns what stands at a dotted path of a result."""
    for entry in path_of(dotted):
        result = result[entry]
    return result


def _spec(
    name: str, description: str, arguments: Mapping[str, Argument], returns: Mapping[str, Shape]
) -> FunctionSpec:
    properties = {}
    for key, argument in arguments.items():
        schema = {**TYPES[argument.type_name].schema, "description": argument.noun}
        if argument.default is not None:
            schema["default"] = argument.default
        properties[key] = schema
    required = [key for key, argument in arguments.items() if not argument.optional]
    parameters = {"type": "object", "properties": properties, "required": required}
    return FunctionSpec(name, description, parameters, _schema(returns))


def _schema(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, str):
        return dict(TYPES[shape].schema)
    if isinstance(shape, list):
        return {"type": "array", "items": _schema(shape[0])}
    properties = {key: _schema(value) for key, value in shape.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _typed_paths(shape: Shape, prefix: str = "") -> dict[str, SemanticType]:
    if isinstance(shape, str):
        return {prefix: TYPES[shape]}
    entries = [("0", shape[0])] if isinstance(shape, list) else shape.items()
    paths: dict[str, SemanticType] = {}
    for key, value in entries:
        paths |= _typed_paths(value, f"{prefix}.{key}" if prefix else key)
    return paths


def _check(function: Function) -> None:
    if function.name in FUNCTIONS:
        raise ValueError(f"the function {function.name} is registered twice")
    known, required = set(function.arguments), set(function.spec.required)
    for kind, several in function.all_phrases().items():
        for template in (*several.train, *several.validation):
            slots = set(template.slots)
            if not required <= slots <= known:
                raise ValueError(f"{function.name}: slots of {template.text!r} are {sorted(slots)}")
        if ":" in kind and kind.split(":")[1] not in function.outputs:
            raise ValueError(f"{function.name}: there is no output {kind.split(':')[1]!r}")
    for path in function.questions:
        if path not in function.nouns:
            raise ValueError(f"{function.name}: {path} has a question and no noun phrase to reply")
    for template in function.done:
        if not template.fixed <= required | set(function.outputs):
            raise ValueError(f"{function.name}: unknown slot in {template.text!r}")
    if bool(function.commands) != bool(function.done) or not function.all_phrases():
        raise ValueError(f"{function.name}: commands and sentences that report them go together")


__all__ = ["FUNCTIONS", "Argument", "Domain", "Function", "path_of", "phrases", "value_at"]
