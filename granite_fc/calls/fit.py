"""Whether values fit a JSON Schema, where a reference fits anything; the user of jsonschema."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from granite_fc.calls.reference import Reference, references_in
from granite_fc.calls.schema import schema_at

# What these say of a list or an object can change when a reference inside is replaced by its value,
# so they say nothing before.
_UNDECIDED = frozenset({"enum", "const", "not", "contains", "uniqueItems", "if"})
# Where one of these stands, it says which names are admitted beside those in `properties`.
_ADMITTING = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_ANY = Reference("$var_0")
_REPEATED_GROUP = re.compile(r"\)[*+{]")


def argument_problems(parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with the arguments of a call; see `FunctionSpec.check_arguments`."""
    problems = value_problems(parameters, arguments, "")
    known: dict[str, None] = {}
    if not _gather_names(parameters, parameters, known, []):
        problems += [_unexpected(name, known) for name in arguments if name not in known]
    return problems


def value_problems(schema: Mapping[str, Any], value: Any, name: str) -> list[str]:
    """Returns what is wrong with a value; `name` is what the messages call it."""
    try:
        errors = list(_validator(json.dumps(schema, default=dict)).iter_errors(_plain(value)))
    except RecursionError:
        return ["the schema or the value is nested without end"]
    errors.sort(key=_place)
    return [sentence for error in errors for sentence in _sentences(error, name)]


def unexpected_names(parameters: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Returns those of some argument names that a function does not take.

    The names may be anybody's: patterns that could take forever admit any.
    """
    known: dict[str, None] = {}
    rules = _gather_names(parameters, parameters, known, [])
    others = [name for name in names if name not in known]
    if not rules:
        return others
    validator = _cheap_validator(json.dumps(parameters, default=dict))
    return [name for name in others if _is_refused(validator, name)]


def misfits(parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Returns what is wrong with the values of single arguments: name to a readable sentence.

    The values may be anybody's: patterns that could take forever are left out.
    """
    found: dict[str, str] = {}
    try:
        validator = _cheap_validator(json.dumps(parameters, default=dict))
        for error in validator.iter_errors(_plain(arguments)):
            if error.absolute_path:
                found.setdefault(str(error.absolute_path[0]), next(_sentences(error, ""), ""))
    except RecursionError:
        return dict.fromkeys(arguments, "the schema or the value is nested without end")
    return found


def _is_refused(validator: Validator, name: str) -> bool:
    """Whether a schema that rules itself on names does not admit one."""
    # A reference fits anywhere, so that only the name can be wrong.
    errors = validator.iter_errors({name: _ANY})
    return any(error.validator in _ADMITTING and not error.absolute_path for error in errors)


@functools.lru_cache(maxsize=4096)
def _cheap_validator(schema: str) -> Validator:
    return _ReferenceValidator(_without_costly_patterns(json.loads(schema)))


def _without_costly_patterns(schema: Any) -> Any:
    """Returns a schema without the regular expressions that repeat a group.

    On some strings Python's matcher takes time exponential in their length for such as `(a+)+b`.
    """
    if isinstance(schema, list):
        return [_without_costly_patterns(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = dict(schema)
    if isinstance(kept.get("pattern"), str) and _REPEATED_GROUP.search(kept["pattern"]):
        del kept["pattern"]
    if any(_REPEATED_GROUP.search(pattern) for pattern in kept.get("patternProperties", ())):
        for keyword in _ADMITTING:
            kept.pop(keyword, None)
        kept["additionalProperties"] = True
    return {key: _without_costly_patterns(part) for key, part in kept.items()}


@functools.lru_cache(maxsize=4096)
def _validator(schema: str) -> Validator:
    return _ReferenceValidator(json.loads(schema))


def _gather_names(schema: Any, root: Any, known: dict[str, None], seen: list[Any]) -> bool:
    """Adds the properties that a schema names in any branch.

    Returns:
        Whether it rules itself on names that are not among them.
    """
    if not isinstance(schema, Mapping) or any(schema is other for other in seen):
        return False
    seen.append(schema)
    known.update(dict.fromkeys(schema.get("properties", ())))
    parts: list[Any] = [schema.get(keyword) for keyword in ("if", "then", "else")]
    for keyword in ("allOf", "anyOf", "oneOf"):
        parts += schema.get(keyword, ())
    parts += schema.get("dependentSchemas", {}).values()
    if "$ref" in schema:
        parts.append(schema_at(schema["$ref"], root))
    rules = any(keyword in schema for keyword in _ADMITTING)
    return any([rules, *(_gather_names(part, root, known, seen) for part in parts)])


def _unexpected(name: str, known: Iterable[str]) -> str:
    return f"{name!r} is unexpected; known are: {', '.join(known) or 'none'}"


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
                    yield f"{subject}{_unexpected(key, [*properties, *patterns])}"
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
