"""Calls that an answer gives without any tag: as JSON, or as call expressions.

Models that were not trained on a form of calls are told one: BFCL's prompt asks for
`[name(parameter=value), ...]` in Python, xLAM's and Hammer's for a JSON list of
`{"name", "arguments"}`; Llama 3.1's models write such objects without a list.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from granite_fc.calls.strict_json import decode_prefix
from granite_fc.calls.syntax import SEPARATOR
from granite_fc.evaluation.call_objects import UNREADABLE, calls_text

# No answer is so long; reading expressions costs memory a hundred times their length.
_MAX_EXPRESSION = 20_000
_FENCE = re.compile(r"```[a-z]*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
# Objects follow each other on lines of their own, or as Llama 3.1 was trained to, after semicolons.
_BETWEEN = re.compile(r"[ \t\r\n]*[,;]?[ \t\r\n]*")
_BEGINS_EXPRESSION = re.compile(r"\[?\s*[A-Za-z_][\w.]*\(")


def as_calls(text: str) -> str | None:
    """Returns an answer that is nothing but calls in the syntax of `granite_fc.calls.syntax`.

    Of an answer that is asked for something else this must not be asked: the values of parameters
    may well be one object with a field `name`.

    Args:
        text: An answer where calls were to be made.

    Returns:
        The calls as text; None where it is something else, or none of them can be read.
    """
    calls = bare_calls(text)
    if calls is None:
        return None
    written = calls_text(calls)
    return None if set(written.split(SEPARATOR)) == {UNREADABLE} else written


def bare_calls(text: str) -> list[dict[str, Any]] | None:
    """Reads an answer that is nothing but calls.

    Nothing is evaluated. In an expression a name or an operation stands for its own text, as BFCL's
    reader has it, tuples are lists, and arguments have to be named.

    Returns:
        The calls as `{"name", "arguments"}`, of JSON as they are; None where the text is something
        else.
    """
    text = text.strip()
    fenced = _FENCE.fullmatch(text)
    text = fenced[1].strip() if fenced else text
    if text[:1] == "{" or re.match(r"\[\s*[{\]]", text):
        return _json_calls(text)
    if len(text) <= _MAX_EXPRESSION and _BEGINS_EXPRESSION.match(text):
        return _expressions(text)
    return None


def _json_calls(text: str) -> list[dict[str, Any]] | None:
    """Reads one list, one message with `tool_calls`, or objects one after the other."""
    calls: list[dict[str, Any]] = []
    position = 0
    while position < len(text):
        try:
            value, end = decode_prefix(text, position)
        except ValueError:
            return None
        if isinstance(value, dict) and "tool_calls" in value:
            value = value["tool_calls"]
        if isinstance(value, list) and (position or text[end:].strip()):
            return None
        for call in value if isinstance(value, list) else [value]:
            if not isinstance(call, dict) or not ("name" in call or "function" in call):
                return None
            calls.append(call)
        between = _BETWEEN.match(text, end)
        position = between.end() if between else end
    return calls


def _expressions(text: str) -> list[dict[str, Any]] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text if text[0] == "[" else f"[{text}]", mode="eval").body
        if not isinstance(tree, ast.List):
            return None
        return [_call(node) for node in tree.elts]
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None


def _call(node: ast.expr) -> dict[str, Any]:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with named arguments alone")
    arguments = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in arguments:
            raise ValueError("arguments have to be named, and once")
        arguments[keyword.arg] = _value(keyword.value)
    return {"name": _name(node.func), "arguments": arguments}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError("no name")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        if isinstance(number, int | float) and not isinstance(number, bool):
            return -number
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        fields = zip(node.keys, node.values, strict=True)
        return {str(_value(key)): _value(value) for key, value in fields if key is not None}
    return ast.unparse(node)
