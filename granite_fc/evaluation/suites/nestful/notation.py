"""NESTFUL's labels and references, and those of `granite_fc.calls`.

Version 1 writes the label `var1`, the reference `"$var1.results[0].name$"` and a closing
pseudo-call `var_result` that says which outputs are the answer; here they are `$var_1`,
`"$var_1.results.0.name$"` and nothing. Version 2 writes labels and references as here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.call import Call

RESULT_CALLS = frozenset({"var_result", "varResult"})

_OLD_LABEL = re.compile(r"\$var(?=[0-9])")
_REFERENCE = re.compile(r"(\$var_[0-9]++)((?:[.\[][^$]*+)?)\$")
_UNCLOSED = re.compile(r"\$var_[0-9]++[^$]*+")
_INDEX = re.compile(r"\[([0-9]{1,9})\]")
_LABEL_FIELD = re.compile(r'"label"([ \t\n\r]*+:[ \t\n\r]*+)"\$?var_?([0-9]{1,9})\$?"')
_STRING = re.compile(r'"(\$var_[0-9][^"\\]*+)"')


def text_in_our_notation(text: str) -> str:
    """Rewrites the labels and references in the text of an answer.

    Strings that begin like a reference and go on as text, `"$var1.a$ + $var2.b$"`, are literals in
    either notation. What is in our notation stays as it is.
    """
    text = _LABEL_FIELD.sub(r'"label"\1"$var_\2"', _OLD_LABEL.sub("$var_", text))
    return _STRING.sub(lambda match: f'"{_string(match[1])}"', text)


def call_of(obj: Mapping[str, Any], position: int, known: set[str]) -> Call:
    """Reads a call of NESTFUL.

    Args:
        obj: The call.
        position: Which one it is, from 1. A label that an earlier call has is read as that of the
            position: four items repeat one, and refer to it as if they had not.
        known: The labels of earlier calls; that of this one is added.

    Raises:
        ValueError, KeyError, TypeError: It is no call.
    """
    written = {"name": obj["name"], "arguments": _value(obj.get("arguments", {}))}
    if obj.get("label"):
        label = "$var_" + re.sub("[^0-9]", "", obj["label"])
        label = f"$var_{position}" if label in known else label
        known.add(label)
        written["label"] = label
    return Call.from_json(written)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        text = _OLD_LABEL.sub("$var_", value)
        return _string(text) if text.startswith("$var_") else text
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value


def _string(text: str) -> str:
    """A string that begins with a label as our JSON has it: a reference, or an escaped literal."""
    match = _REFERENCE.fullmatch(text)
    if match is not None:
        path = _INDEX.sub(r".\1", match[2])
        return f"{match[1]}{path}$"
    # Without its end a reference is malformed, and is to be seen as such.
    return text if _UNCLOSED.fullmatch(text) else f"${text}"
