"""What a function is called, what it does, what it takes and what it returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.call import NO_FUNCTION
from granite_fc.calls.schema import check_schema

_FIELDS = ("name", "description", "parameters", "output")


@dataclasses.dataclass(frozen=True)
class FunctionSpec:
    """One function on offer.

    Attributes:
        name: Its name, as calls give it.
        description: What it does, in words.
        parameters: JSON Schema of type object: `properties`, one schema for each parameter, and
            `required`, their names.
        output: JSON Schema of what a call returns; None where that is not said.

    Raises:
        ValueError: A part is of the wrong type, or a schema is malformed; the message says which
            and where.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = dataclasses.field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )
    output: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"the name of a function is {self.name!r}, expected a string")
        if self.name == NO_FUNCTION:
            raise ValueError(f"{NO_FUNCTION!r} says that no function is called: it names none")
        if not isinstance(self.description, str):
            raise ValueError(f"{self.name}: description is {self.description!r}, expected a string")
        where = f"{self.name}: parameters"
        if not isinstance(self.parameters, Mapping):
            raise ValueError(f"{where} is {self.parameters!r}, expected a JSON Schema")
        # A function takes no parameters beside those that are stated, so that is how it is checked.
        check_schema({"properties": {}, **self.parameters}, where)
        if self.parameters.get("type") != "object":
            found = self.parameters.get("type")
            raise ValueError(f"{where}.type is {found!r}, expected 'object'")
        if self.output is not None:
            check_schema(self.output, f"{self.name}: output")

    def __hash__(self) -> int:
        return hash((self.name, self.description))

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The JSON Schema of each parameter, by name."""
        return self.parameters.get("properties", {})

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the parameters that every call must give."""
        return tuple(self.parameters.get("required", ()))

    def to_json(self) -> dict[str, Any]:
        """Returns the spec as JSON values, from which `from_json` gives an equal spec."""
        written: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        if self.output is not None:
            written["output"] = dict(self.output)
        return written

    @classmethod
    def from_json(cls, obj: Any) -> FunctionSpec:
        """Reads `{"name", "description", "parameters", "output"}`; all but the name may be absent.

        Raises:
            ValueError: The spec is malformed; the message says what is wrong and where.
        """
        if not isinstance(obj, Mapping):
            raise ValueError(f"a function is {type(obj).__name__}, expected an object")
        if "name" not in obj:
            raise ValueError("a function has no name")
        if unknown := [key for key in obj if key not in _FIELDS]:
            raise ValueError(
                f"{obj['name']}: {unknown[0]!r} is no part of a function spec: {', '.join(_FIELDS)}"
            )
        given = {field: obj[field] for field in _FIELDS if field in obj}
        if "parameters" in given and given["parameters"] is None:
            raise ValueError(f"{obj['name']}: parameters is null, expected a JSON Schema")
        return cls(**given)

    def check_arguments(self, arguments: Mapping[str, Any]) -> list[str]:
        """Returns what is wrong with arguments, one readable sentence each; nothing where they fit.

        Missing and unexpected names, wrong types, values outside an enum and every other rule of
        the schema are reported. An argument that the schema does not name is unexpected unless
        `additionalProperties` or `patternProperties` admits it. A `Reference` fits anywhere, since
        its value is not known before the call.
        """
        # jsonschema takes a tenth of a second to import, which reading and printing calls does
        # without.
        from granite_fc.calls.fit import argument_problems

        return argument_problems(self.parameters, arguments)

    def check_output(self, output: Any) -> list[str]:
        """Returns what is wrong with what a call returned; nothing where no output is stated."""
        if self.output is None:
            return []
        from granite_fc.calls.fit import value_problems

        return value_problems(self.output, output, "output")
