"""Whether values fit a JSON Schema, where a reference fits anywhere; the only place that loads jsonschema."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from granite_fc.calls.reference import Reference, references_in

# A verdict of these on a list or an object can turn when a reference inside is replaced by its value, so they say nothing before.
_UNDECIDED = frozenset({"enum", "const", "not", "contains", "uniqueItems", "if", "minContains"})


def argument_problems(parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with the arguments of a call; see `FunctionSpec.check_arguments`."""
    problems = []
    properties = parameters.get("properties", {})
    if "additionalProperties" not in parameters and "patternProperties" not in parameters:
        problems += [_unexpected(name, properties) for name in arguments if name not in properties]
    return problems + value_problems(parameters, dict(arguments), "")


def value_problems(schema: Mapping[str, Any], value: Any, name: str) -> list[str]:
    """Returns what is wrong with a value; `name` is what the messages call it."""
    errors = _validator(json.dumps(schema)).iter_errors(value)
    return [_sentence(error, name) for error in sorted(errors, key=_place)]


@functools.lru_cache(maxsize=4096)
def _validator(schema: str) -> Validator:
    return _ReferenceValidator(json.loads(schema))


def _place(error: jsonschema.ValidationError) -> list[str]:
    return [str(entry) for entry in error.absolute_path]


def _sentence(error: jsonschema.ValidationError, name: str) -> str:
    entries = [*([name] if name else []), *(str(entry) for entry in error.absolute_path)]
    place = ".".join(entries)
    subject = f"{place}: " if place else ""
    found = _shown(error.instance)
    match error.validator:
        case "required":
            missing = next(n for n in error.validator_value if f"{n!r} is" in error.message)
            return f"{subject}the required {missing!r} is missing"
        case "additionalProperties" if error.validator_value is False:
            known = error.schema.get("properties", {})
            extra = [n for n in error.instance if n not in known]
            return f"{subject}{_unexpected(extra[0], known)}" if extra else subject + error.message
        case "type":
            return f"{subject}expected {_alternatives(error.validator_value)}, found {found}"
        case "enum":
            values = ", ".join(_shown(value) for value in error.validator_value)
            return f"{subject}expected one of {values}; found {found}"
        case _:
            return f"{subject}{error.message}"


def _unexpected(name: str, properties: Mapping[str, Any]) -> str:
    known = ", ".join(properties) or "none"
    return f"{name!r} is unexpected; the parameters are: {known}"


def _alternatives(types: str | list[str]) -> str:
    return types if isinstance(types, str) else " or ".join(types)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _lenient(keyword: str, check: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """Wraps a keyword's check so that references fit it."""

    def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, Reference):
            return
        if keyword in _UNDECIDED and _has_reference(instance):
            return
        # One of several may be meant, and which one is not known: any will do.
        if keyword == "oneOf" and _has_reference(instance):
            yield from _ANY_OF(validator, value, instance, schema) or ()
            return
        yield from check(validator, value, instance, schema) or ()

    return checked


def _has_reference(value: Any) -> bool:
    return next(references_in(value), None) is not None


_ANY_OF = jsonschema.Draft202012Validator.VALIDATORS["anyOf"]
_ReferenceValidator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {
        keyword: _lenient(keyword, check)
        for keyword, check in jsonschema.Draft202012Validator.VALIDATORS.items()
    },
)
