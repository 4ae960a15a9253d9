"""Runs call graphs against Python functions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference

_NO_RESULTS: Mapping[str, Any] = MappingProxyType({})
_MAX_NAMES = 8


class UnresolvedReferenceError(ValueError):
    """A reference leads to nothing: no such result, field or list item."""


class ExecutionError(Exception):
    """A call of a graph could not be executed.

    Attributes:
        index: Position of the call in the graph, from 0.
        name: Name of its function.
        reason: Why, in words.
        results: What the calls before it returned.
    """

    def __init__(self, index: int, name: str, reason: str, results: tuple[Any, ...] = ()) -> None:
        super().__init__(f"call {index + 1} ({name}): {reason}")
        self.index = index
        self.name = name
        self.reason = reason
        self.results = results


def execute(
    graph: CallGraph,
    functions: Mapping[str, Callable[..., Any]],
    results: Mapping[str, Any] = _NO_RESULTS,
) -> list[Any]:
    """Calls the functions of a graph in order, each with its arguments as keyword arguments.

    Functions get copies and copies of what they return are kept, so none can change what another
    sees.

    Args:
        graph: The calls.
        functions: Function names to functions.
        results: Labels of earlier turns to what those calls returned.

    Returns:
        What each call returned, in order.

    Raises:
        ExecutionError: A function is not there or raised an exception (its cause), or a reference
            leads to nothing.
    """
    by_label = dict(results)
    returned: list[Any] = []
    for index, call in enumerate(graph):
        try:
            result = _execute_call(call, functions, by_label)
        except _FailedCallError as error:
            raise ExecutionError(index, call.name, str(error), tuple(returned)) from error.__cause__
        returned.append(result)
        if call.label is not None:
            by_label[call.label] = result
    return returned


def resolve(value: Any, results: Mapping[str, Any]) -> Any:
    """Returns a copy of a value with every reference replaced by a copy of what it refers to.

    Args:
        value: A JSON value in which a `Reference` may stand anywhere.
        results: Labels to what the calls of these labels returned.

    Raises:
        UnresolvedReferenceError: A reference leads to nothing; the message says where it ends.
    """
    if isinstance(value, Reference):
        return copy.deepcopy(_find(value, results))
    if isinstance(value, Mapping):
        return {key: resolve(item, results) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, results) for item in value]
    return value


class _FailedCallError(Exception):
    """Why one call failed; its cause is the exception of the function, if that raised one."""


def _execute_call(
    call: Call, functions: Mapping[str, Callable[..., Any]], by_label: Mapping[str, Any]
) -> Any:
    if call.name not in functions:
        raise _FailedCallError(f"no such function; there are: {_listed(functions)}")
    try:
        arguments = resolve(call.arguments, by_label)
    except UnresolvedReferenceError as error:
        raise _FailedCallError(str(error)) from None
    try:
        return copy.deepcopy(functions[call.name](**arguments))
    except Exception as error:
        raise _FailedCallError(f"{type(error).__name__}: {error}") from error


def _find(reference: Reference, results: Mapping[str, Any]) -> Any:
    if reference.label not in results:
        raise UnresolvedReferenceError(
            f"{reference}: no result is labelled {reference.label}; there are: {_listed(results)}"
        )
    value = results[reference.label]
    for depth, entry in enumerate(reference.path):
        here = Reference(reference.label, reference.path[:depth])
        if isinstance(value, Mapping):
            if str(entry) not in value:
                raise UnresolvedReferenceError(
                    f"{reference}: {here} has no field {str(entry)!r}; there are: {_listed(value)}"
                )
            value = value[str(entry)]
        elif isinstance(value, list | tuple):
            if not isinstance(entry, int):
                raise UnresolvedReferenceError(
                    f"{reference}: {here} is a list, {entry!r} is no index"
                )
            if entry >= len(value):
                raise UnresolvedReferenceError(
                    f"{reference}: {here} has {len(value)} items, none at index {entry}"
                )
            value = value[entry]
        else:
            raise UnresolvedReferenceError(
                f"{reference}: {here} is {value!r}, which has neither fields nor items"
            )
    return value


def _listed(names: Mapping[str, Any]) -> str:
    shown = [str(name) for name in list(names)[:_MAX_NAMES]]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")
