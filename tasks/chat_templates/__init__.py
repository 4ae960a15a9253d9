"""Prompts written by a server: a chat template for each dialect.

A template is the macros that all dialects share, those of its dialect (`tasks/dialects/NAME.jinja`)
and what it asks for. Jinja is given `messages` and `tools` as they came, where Python has turns and
functions that were read before, so the template reads them as `tasks.sources.formats` does: types
first in a schema, results by the ids of their calls, system messages left out. What cannot be read
so, it refuses with `raise_exception`. It does not judge arguments: a call is shown as it was made.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tasks.dialects import Dialect, Instruction

_FOLDER = Path(__file__).parent


class Asked(NamedTuple):
    """What a prompt asks for, and how it shows what there is.

    Attributes:
        instruction: What is asked.
        detail: How functions are written; one of `tasks.rendering_config.FUNCTION_DETAILS`.
    """

    instruction: Instruction
    detail: str


def chat_template(dialect: Dialect, *, calls: Asked, reply: Asked) -> str:
    """Returns a Jinja template that writes a dialect's prompts.

    Args:
        dialect: The dialect.
        calls: The prompt that is written where the user spoke last.
        reply: The prompt that is written after the results of calls.
    """
    constants = {
        "markers": dialect.markers,
        "call_markers": dialect.call_frame(0).markers,
        "roles": dialect.roles,
        "to_call": calls.instruction._asdict() | {"detail": calls.detail},
        "to_reply": reply.instruction._asdict() | {"detail": reply.detail},
    }
    # A JSON string without escapes by number is a string of Jinja as well.
    given = "".join(
        f"{{%- set {name} = {json.dumps(value, ensure_ascii=False)} -%}}\n"
        for name, value in constants.items()
    )
    parts = (_part("json"), _part("functions"), dialect.chat_macros(), _part("conversation"))
    # Jinja leaves out the line end of a template's last line, so that files may end with one.
    return given + "".join(parts)


def _part(name: str) -> str:
    return (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
