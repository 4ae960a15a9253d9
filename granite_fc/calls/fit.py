"""Whether values fit a JSON Schema, where a reference fits anything; the user of jsonschema."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from granite_fc.calls.reference import Reference, references_in

# What these say of a list or an object can change when a reference inside is replaced by its value,
# so they say nothing before.
_UNDECIDED = frozenset({"enum", "const", "not", "contains", "uniqueItems", "if"})
_CLOSING = ("additionalProperties", "unevaluatedProperties", "patternProperties")
# Keywords that can name properties beside those in `properties`.
_COMPOSING = ("$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas")


def argument_problems(parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with the arguments of a call; see `FunctionSpec.check_arguments`."""
    if any(keyword in parameters for keyword in _CLOSING):
        return value_problems(parameters, arguments, "")
    if any(keyword in parameters for keyword in _COMPOSING):
        return value_problems({**parameters, "unevaluatedProperties": False}, arguments, "")
    return value_problems({**parameters, "additionalProperties": False}, arguments, "")


def value_problems(schema: Mapping[str, Any], value: Any, name: str) -> list[str]:
    """Returns what is wrong with a value; `name` is what the messages call it."""
    try:
        errors = list(_validator(json.dumps(schema, default=dict)).iter_errors(_plain(value)))
    except RecursionError:
        return ["the schema or the value is nested without end"]
    errors.sort(key=_place)
    return [sentence for error in errors for sentence in _sentences(error, name)]


@functools.lru_cache(maxsize=4096)
def _validator(schema: str) -> Validator:
    return _ReferenceValidator(json.loads(schema))


def _plain(value: Any) -> Any:
    """Returns a value with the Python types that jsonschema knows as object and array."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _place(error: jsonschema.ValidationError) -> list[str]:
    return [str(entry) for entry in error.absolute_path]


def _sentences(error: jsonschema.ValidationError, name: str) -> Iterator[str]:
    entries = [*([name] if name else []), *(str(entry) for entry in error.absolute_path)]
    subject = f"{'.'.join(entries)}: " if entries else ""
    found = _shown(error.instance)
    match error.validator:
        case "required":
            # One error a name, which only the message tells.
            missing = [n for n in error.validator_value if error.message.startswith(f"{n!r} ")]
            for parameter in missing:
                yield f"{subject}{parameter!r} is required and missing"
        case "additionalProperties" if error.validator_value is False:
            properties = error.schema.get("properties", {})
            patterns = error.schema.get("patternProperties", {})
            for key in error.instance:
                if key not in properties and not any(re.search(p, key) for p in patterns):
                    known = ", ".join([*properties, *patterns]) or "none"
                    yield f"{subject}{key!r} is unexpected; known are: {known}"
        case "type":
            types = error.validator_value
            expected = types if isinstance(types, str) else " or ".join(types)
            yield f"{subject}expected {expected}, found {found}"
        case "enum":
            values = ", ".join(_shown(value) for value in error.validator_value)
            yield f"{subject}expected one of {values}; found {found}"
        case _:
            yield f"{subject}{error.message}"


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
        if keyword == "oneOf" and _has_reference(instance):
            # Which alternative is meant is not known yet: more than one may look right.
            yield from _ANY_OF(validator, value, instance, schema) or ()
            return
        yield from check(validator, value, instance, schema) or ()

    return checked


def _has_reference(value: Any) -> bool:
    return next(references_in(value), None) is not None


_CHECKS = jsonschema.Draft202012Validator.VALIDATORS
_ANY_OF = _CHECKS["anyOf"]
_ReferenceValidator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {keyword: _lenient(keyword, check) for keyword, check in _CHECKS.items()},
)
