"""The text form of calls: what a model is trained to write, and how it is read again."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from granite_fc.calls.call import NO_CALL, NO_FUNCTION, Call
from granite_fc.calls.strict_json import decode_prefix, encode

FUNCTION_CALL = "<function_call>"
FUNCTION_RESPONSE = "<function_response>"
FUNCTION_LIBRARY = "<|function_call_library|>"
SEPARATOR = "\n"
# Text that separates the parts of a prompt. What a user or a function says must not be mistaken for
# it.
MARKERS: tuple[str, ...] = (
    FUNCTION_CALL,
    FUNCTION_RESPONSE,
    FUNCTION_LIBRARY,
    "SYSTEM:",
    "USER:",
    "ASSISTANT:",
)
_BRACKETED = tuple(marker for marker in MARKERS if marker.startswith("<"))
_JSON_WHITESPACE = " \t\n\r"
# After so many malformed calls reading stops: to say where an error is, Python's reader counts the
# lines of all the text before it.
MAX_MALFORMED = 256
_WHITESPACE = re.compile(r"[ \t\n\r]*")


@dataclasses.dataclass(frozen=True)
class ParseResult:
    """What was read from a text.

    Attributes:
        calls: The calls that are well formed, in order; none for `no_function`.
        error: The first thing that is wrong, or None. A text without any call has one: not calling
            is said by `no_function`.
        text: The text before the first call, stripped; all of it where there is no call.
    """

    calls: tuple[Call, ...]
    error: str | None
    text: str


def print_call(call: Call) -> str:
    """Returns one call as text.

    Raises:
        TypeError, ValueError: An argument is no JSON value: a float that is not finite, a field
            name that is no string.
    """
    text = encode(call.to_json())
    if "<" in text:
        # Only a JSON string can hold a marker here; the escape keeps it from beginning a call.
        for marker in _BRACKETED:
            text = text.replace(marker, f"\\u003c{marker[1:]}")
    return f"{FUNCTION_CALL} {text}"


def print_calls(calls: Iterable[Call]) -> str:
    """Returns calls as text, each as `<function_call> {...}`; no calls as `no_function`.

    Raises:
        TypeError, ValueError: As for `print_call`.
    """
    return SEPARATOR.join([print_call(call) for call in calls]) or print_call(NO_CALL)


def parse_calls(text: str) -> ParseResult:
    """Reads calls from any text; never raises.

    Calls follow each other with any JSON whitespace between them, or none. After a malformed call
    reading goes on at the next `<function_call>`, so that `calls` has what could be read, while
    `error` keeps the first reason.
    """
    start = text.find(FUNCTION_CALL)
    if start < 0:
        return ParseResult((), f"no {FUNCTION_CALL} in the text", text.strip())
    calls: list[Call] = []
    errors: list[str] = []
    count = 0
    position = start
    while position >= 0 and len(errors) < MAX_MALFORMED:
        count += 1
        position = _skip_whitespace(text, position + len(FUNCTION_CALL))
        try:
            obj, position = decode_prefix(text, position)
            calls.append(Call.from_json(obj))
        except ValueError as error:
            errors.append(f"call {count}: {error}")
        except RecursionError:
            errors.append(f"call {count}: nested too deeply")
        following = text.find(FUNCTION_CALL, position)
        rest = text[position : following if following >= 0 else len(text)].strip(_JSON_WHITESPACE)
        if rest and not errors:
            errors.append(f"call {count}: text after the call: {_shortened(rest)}")
        position = following
    abstentions = [call for call in calls if call.name == NO_FUNCTION]
    if abstentions:
        if count > 1:
            errors.append(f"{NO_FUNCTION} beside other calls")
        elif abstentions[0].arguments:
            errors.append(f"{NO_FUNCTION} takes no arguments")
        calls = [call for call in calls if call.name != NO_FUNCTION]
    return ParseResult(tuple(calls), errors[0] if errors else None, text[:start].strip())


def _skip_whitespace(text: str, position: int) -> int:
    match = _WHITESPACE.match(text, position)
    return match.end() if match else position


def _shortened(text: str, length: int = 40) -> str:
    return repr(text if len(text) <= length else f"{text[:length]}...")
