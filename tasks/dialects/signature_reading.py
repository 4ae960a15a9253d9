"""Signatures such as `f(a: string, b: integer = 3, c?: "x" | "y") -> {lat, lon}`, read back.

The grammar is that of `tasks.dialects.function_text`:

    signature  = NAME "(" [parameters] ")" [" -> " shape] [" - " DESCRIPTION]
    parameters = parameter {", " parameter}
    parameter  = NAME ["?"] ": " type [" = " JSON]
    type       = option {" | " option}
    option     = (KIND | JSON | "{" parameters "}" | "(" type ")") {"[]"}
    shape      = "[" shape "]" | "{" field {", " field} "}" | KIND
    field      = NAME [": " shape]
"""

from __future__ import annotations

import re
from typing import Any

from granite_fc.calls.schema import TYPES
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix

_KIND = re.compile("|".join(sorted((*TYPES, "any"), key=len, reverse=True)) + r"(?!\w)")
_FIELD_END = re.compile(r", |: |\}")
# No function has types in types in types so often; the bound keeps hostile text from recursing.
_MAX_DEPTH = 32


def read_signature(text: str) -> FunctionSpec | None:
    """Reads a signature as a function whose schemas say what it shows; None if it is none."""
    try:
        return _Reader(text).signature()
    except ValueError:
        return None


class _Reader:
    """A text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0

    def signature(self) -> FunctionSpec:
        name = self._until("(")
        parameters = self._parameters(")")
        output = self._shape() if self._takes(" -> ") else None
        rest = self._text[self._position :]
        if rest and not rest.startswith(" - "):
            raise ValueError("text after a signature")
        return FunctionSpec(name, rest.removeprefix(" - "), parameters, output or None)

    def _parameters(self, closing: str) -> dict[str, Any]:
        """Reads parameters, or the fields of an object, up to the bracket that ends them."""
        properties: dict[str, Any] = {}
        required = []
        while not self._takes(closing):
            if properties:
                self._expects(", ")
            name = self._until(": ")
            schema = self._type()
            if self._takes(" = "):
                schema["default"] = self._json()
            elif name.endswith("?"):
                name = name[:-1]
            else:
                required.append(name)
            properties[name] = schema
        found: dict[str, Any] = {"type": "object", "properties": properties}
        # A function says of all its parameters whether they are required. An object without a mark
        # on any field may as well not say it.
        if closing == ")" or len(required) < len(properties):
            found["required"] = required
        return found

    def _type(self) -> dict[str, Any]:
        options = [self._option()]
        while self._takes(" | "):
            options.append(self._option())
        if len(options) == 1:
            return options[0]
        values = [value for option in options if (value := _literal(option))]
        if len(values) == len(options):
            return {"enum": [value[0] for value in values]}
        if all(list(option) == ["type"] for option in options):
            return {"type": [option["type"] for option in options]}
        return {"anyOf": options}

    def _option(self) -> dict[str, Any]:
        self._deeper()
        kind = _KIND.match(self._text, self._position)
        if kind:
            self._position = kind.end()
            schema: dict[str, Any] = {} if kind[0] == "any" else {"type": kind[0]}
        elif self._takes("("):
            schema = self._type()
            self._expects(")")
        elif self._at('{"') or self._at("{}") or not self._at("{"):
            schema = {"enum": [self._json()]}
        else:
            self._expects("{")
            schema = self._parameters("}")
        while self._takes("[]"):
            schema = {"type": "array", "items": schema}
        self._depth -= 1
        return schema

    def _shape(self) -> dict[str, Any]:
        self._deeper()
        if self._takes("["):
            schema = {"type": "array", "items": self._shape()}
            self._expects("]")
        elif self._takes("{"):
            schema = {"type": "object", "properties": self._fields()}
        elif kind := _KIND.match(self._text, self._position):
            self._position = kind.end()
            schema = {} if kind[0] == "any" else {"type": kind[0]}
        else:
            raise ValueError("no shape")
        self._depth -= 1
        return schema

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        while True:
            end = _FIELD_END.search(self._text, self._position)
            if end is None:
                raise ValueError("fields without an end")
            name = self._text[self._position : end.start()]
            self._position = end.end()
            fields[name] = self._shape() if end[0] == ": " else {}
            if end[0] == "}" or (end[0] == ": " and self._takes("}")):
                return fields
            if end[0] == ": ":
                self._expects(", ")

    def _json(self) -> Any:
        value, self._position = decode_prefix(self._text, self._position)
        return value

    def _at(self, text: str) -> bool:
        return self._text.startswith(text, self._position)

    def _takes(self, text: str) -> bool:
        found = self._at(text)
        if found:
            self._position += len(text)
        return found

    def _expects(self, text: str) -> None:
        if not self._takes(text):
            raise ValueError(f"{text!r} is expected")

    def _until(self, text: str) -> str:
        end = self._text.find(text, self._position)
        if end < 0:
            raise ValueError(f"{text!r} is expected")
        start, self._position = self._position, end + len(text)
        return self._text[start:end]

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")


def _literal(option: dict[str, Any]) -> list[Any]:
    """The value of an option that is one; `null` is a value as well as a type."""
    if option == {"type": "null"}:
        return [None]
    return option.get("enum", []) if list(option) == ["enum"] else []
