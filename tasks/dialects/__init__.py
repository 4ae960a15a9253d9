"""The ways to write a prompt and its calls: one file a dialect, all with the same content."""

from __future__ import annotations

import types
from collections.abc import Mapping

from tasks.dialects.dialect import Dialect, Instruction
from tasks.dialects.granite import Granite
from tasks.dialects.granite3 import Granite3
from tasks.dialects.hermes import Hermes
from tasks.dialects.openai import OpenAI

DIALECTS: Mapping[str, Dialect] = types.MappingProxyType(
    {dialect.name: dialect for dialect in (Granite(), Granite3(), Hermes(), OpenAI())}
)


def dialect_of_calls(text: str) -> Dialect:
    """The dialect in which a text has calls, by the first that occurs; Granite where none does."""
    found = {
        position: dialect
        for dialect in DIALECTS.values()
        if (position := text.find(dialect.call_marker)) >= 0
    }
    return found[min(found)] if found else DIALECTS[Granite.name]


def dialect_of_prompt(text: str) -> Dialect:
    """The dialect in which a prompt is written, by how it begins; Granite where none does so."""
    found = [dialect for dialect in DIALECTS.values() if text.startswith(dialect.prompt_start)]
    return found[0] if found else DIALECTS[Granite.name]


__all__ = ["DIALECTS", "Dialect", "Instruction", "dialect_of_calls", "dialect_of_prompt"]
