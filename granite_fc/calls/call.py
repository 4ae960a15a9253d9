"""One call of one function."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.reference import from_json_value, is_label, to_json_value

NO_FUNCTION = "no_function"
_FIELDS = frozenset({"name", "label", "arguments"})


@dataclasses.dataclass(frozen=True)
class Call:
    """A function's name and the arguments to call it with.

    Attributes:
        name: Name of the function.
        arguments: Argument names to values: JSON values in which a `Reference` may stand anywhere.
        label: Names the output for the references of later calls; None where nothing refers to it.

    Raises:
        ValueError: The name is empty or no string, the label is none, or the arguments are no
            mapping from strings.
    """

    name: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    label: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f'"name" is {_kind(self.name)}, expected a string')
        if not self.name:
            raise ValueError('"name" is empty')
        if not isinstance(self.arguments, Mapping):
            raise ValueError(f'"arguments" is {_kind(self.arguments)}, expected an object')
        for argument in self.arguments:
            if not isinstance(argument, str):
                raise ValueError(f"the argument name {argument!r} is no string")
        if self.label is not None and not (isinstance(self.label, str) and is_label(self.label)):
            raise ValueError(f'"label" is {self.label!r}, expected $var_ and a number')

    def __hash__(self) -> int:
        return hash((self.name, self.label))

    def to_json(self) -> dict[str, Any]:
        """Returns the call as JSON values; references are strings, look-alike literals escaped."""
        written: dict[str, Any] = {"name": self.name}
        if self.label is not None:
            written["label"] = self.label
        written["arguments"] = to_json_value(self.arguments)
        return written

    @classmethod
    def from_json(cls, obj: Any) -> Call:
        """Reads what `to_json` gives.

        Raises:
            ValueError: A part is missing, of the wrong type or unknown, or a reference is
                malformed.
        """
        if not isinstance(obj, Mapping):
            raise ValueError(f"a call is {_kind(obj)}, expected an object")
        for field in ("name", "arguments"):
            if field not in obj:
                raise ValueError(f'"{field}" is missing')
        if "label" in obj and obj["label"] is None:
            raise ValueError('"label" is null, expected $var_ and a number, or no label')
        if len(obj) > 2 and (unknown := [key for key in obj if key not in _FIELDS]):
            raise ValueError(f'"{unknown[0]}" is no part of a call: name, label, arguments')
        arguments = obj["arguments"]
        if isinstance(arguments, Mapping):
            arguments = from_json_value(dict(arguments))
        return cls(obj["name"], arguments, obj.get("label"))


NO_CALL = Call(NO_FUNCTION)

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}


def _kind(value: Any) -> str:
    """Names the JSON type of a value in an error message."""
    if value is None:
        return "null"
    if type(value) in (int, float):
        return f"the number {value}"
    return _KINDS.get(type(value), f"a Python {type(value).__name__}")
