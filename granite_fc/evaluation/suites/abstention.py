"""Whether an answer says that no function is to be called, and what it is then counted as."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Iterable, Mapping

from granite_fc.calls.syntax import ParseResult
from granite_fc.evaluation.suites.answer import GivenAnswer

_ABSTAIN = "abstain, by no_function or by words in which nothing looks like a call"
# What the metrics mean that are counted of what `without_words` returns.
DEFINITIONS: Mapping[str, str] = types.MappingProxyType(
    {
        "parse_rate": "share of answers whose calls can all be read, whatever words go before the "
        f"first, or that {_ABSTAIN}",
        "abstention_recall": f"share of answers to requests without a right call that {_ABSTAIN}",
        "needless_refusals": f"share of answers to requests with a right call that {_ABSTAIN}",
    }
)

# What begins calls in the forms that models are trained to write.
_TAGS = re.compile(
    r"<\|?/?(?:function_?calls?|tool_?calls?|python_tag|tool|function=|invoke)"
    r"|\[/?TOOL_CALLS\]|^Action(?: Input)?:",
    re.IGNORECASE | re.MULTILINE,
)
# The keys of a call as an object, JSON or Python.
_KEYS = re.compile(
    r"[\"'](?:name|arguments|parameters|function|tool_calls|function_call|tool|tool_name)[\"']"
    r"[ \t\n\r]*:"
)
# `[name(` or a line that begins with `name(`: calls as expressions.
_EXPRESSION = re.compile(r"^[ \t]*+\[?[ \t]*+[A-Za-z_][\w.]{0,99}\(", re.MULTILINE)


def abstained(answer: GivenAnswer, names: Iterable[str]) -> bool:
    """Whether an answer calls nothing, and means to.

    It says so by `no_function` and nothing beside it, or by words in which nothing looks like a
    call: no tag of any known form of calls, no object with the keys of a call, no call expression
    and no offered function's name before a parenthesis. An answer whose calls cannot be read does
    not abstain, nor does one that says nothing at all, nor an opened list or object.

    Args:
        answer: The answer.
        names: The functions on offer.
    """
    if answer.parsed.calls:
        return False
    if answer.parsed.error is None:
        return True
    text = answer.text.strip()
    return bool(text) and not _looks_like_calls(text, names)


def without_words(answer: GivenAnswer, names: Iterable[str]) -> ParseResult:
    """Returns the calls of an answer without the words before them, or none where it abstains.

    Args:
        answer: The answer.
        names: The functions on offer.

    Returns:
        What was read, with an error unless every call could be read or the answer abstains.
    """
    if abstained(answer, names):
        return ParseResult((), None, "")
    return dataclasses.replace(answer.parsed, text="") if answer.parsed.calls else answer.parsed


def _looks_like_calls(text: str, names: Iterable[str]) -> bool:
    if text[0] in "[{" or text.startswith("```"):
        return True
    if any(pattern.search(text) for pattern in (_TAGS, _KEYS, _EXPRESSION)):
        return True
    return any(f"{name}(" in text for name in names)
