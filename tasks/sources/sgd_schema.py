"""The services of Schema-Guided Dialogue as functions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec

# A default that says "any will do". It is a value of no slot, so such a parameter is optional
# without a default.
_DONT_CARE = "dontcare"


@dataclasses.dataclass(frozen=True, eq=False)
class Service:
    """One service of a schema file.

    Attributes:
        name: Such as `Hotels_2`; the number tells variants of one domain apart.
        slots: The schema's entry for each slot, by name.
        intents: The schema's entry for each intent, by name.
    """

    name: str
    slots: Mapping[str, Mapping[str, Any]]
    intents: Mapping[str, Mapping[str, Any]]

    @property
    def domain(self) -> str:
        """The name without its number."""
        return self.name.rpartition("_")[0]

    @functools.cache  # noqa: B019  (services live as long as their schema)
    def function(self, intent: str, qualified: bool = False) -> FunctionSpec:
        """Returns an intent as a function.

        Required and optional slots become string parameters, since the data set has no other type;
        a categorical slot gets its possible values as enum. The output is `{"total_results": N,
        "results": [rows of result slots]}`.

        Args:
            intent: Its name.
            qualified: Whether the function is named `SERVICE_INTENT`, where two services of a
                dialogue have that intent.
        """
        entry = self.intents[intent]
        slots = [*entry["required_slots"], *entry["optional_slots"]]
        return FunctionSpec(
            name=f"{self.name}_{intent}" if qualified else intent,
            description=entry["description"],
            parameters={
                "type": "object",
                "properties": {
                    slot: self._parameter(slot, entry["optional_slots"].get(slot)) for slot in slots
                },
                "required": list(entry["required_slots"]),
            },
            output={
                "type": "object",
                "properties": {
                    "total_results": {"type": "integer", "description": "How many were found"},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                slot: self._described(slot) for slot in entry["result_slots"]
                            },
                        },
                    },
                },
            },
        )

    def _described(self, slot: str) -> dict[str, Any]:
        return {"type": "string", "description": self.slots[slot]["description"]}

    def _parameter(self, slot: str, default: str | None) -> dict[str, Any]:
        schema = self._described(slot)
        if self.slots[slot]["is_categorical"]:
            schema["enum"] = list(self.slots[slot]["possible_values"])
        if default is not None and default != _DONT_CARE:
            if default not in schema.get("enum", [default]):
                schema["enum"].append(default)
            schema["default"] = default
        return schema


def read_services(schema: list[dict[str, Any]]) -> dict[str, Service]:
    """Reads a `schema.json`: the services by name."""
    return {
        entry["service_name"]: Service(
            name=entry["service_name"],
            slots={slot["name"]: slot for slot in entry["slots"]},
            intents={intent["name"]: intent for intent in entry["intents"]},
        )
        for entry in schema
    }
