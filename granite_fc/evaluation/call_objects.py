"""Calls that are given as objects, of several interfaces, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.strict_json import decode_prefix, encode
from granite_fc.calls.syntax import FUNCTION_CALL, SEPARATOR, print_calls

# What a call or an answer becomes that cannot be read: text that is no call, and does not abstain.
UNREADABLE = f"{FUNCTION_CALL} null"


def calls_text(calls: Sequence[Any]) -> str:
    """Writes calls in the syntax of `granite_fc.calls.syntax`, malformed ones as `UNREADABLE`.

    Args:
        calls: `{"name", "arguments"}`, also "parameters" (Llama's models) and in "function"
            (OpenAI's interface), or `{name: arguments}` (bfcl-eval); arguments are an object, or
            one in a string. No calls at all say that nothing is called.
    """
    return SEPARATOR.join(map(_call_text, calls)) or print_calls(())


def _call_text(call: Any) -> str:
    if not isinstance(call, Mapping):
        return UNREADABLE
    call = call["function"] if isinstance(call.get("function"), Mapping) else call
    given = next((key for key in ("arguments", "parameters") if key in call), None)
    if "name" in call and given is not None:
        written = {key: call[key] for key in ("name", "label") if key in call}
        arguments = call[given]
    elif len(call) == 1:
        ((name, arguments),) = call.items()
        written = {"name": name}
    else:
        return UNREADABLE
    try:
        if isinstance(arguments, str):
            text = arguments.strip() or "{}"
            arguments, end = decode_prefix(text)
            if end != len(text):
                return UNREADABLE
        if not isinstance(arguments, Mapping) or not written["name"]:
            return UNREADABLE
        return f"{FUNCTION_CALL} {_escaped(encode({**written, 'arguments': arguments}))}"
    except (ValueError, TypeError, RecursionError):
        return UNREADABLE


def _escaped(text: str) -> str:
    """JSON in which no string begins a call."""
    return text.replace("<", "\\u003c")
