"""JSON objects in files that others wrote."""

from __future__ import annotations

from typing import Any

from granite_fc.calls import strict_json


def parse_object(data: bytes) -> dict[str, Any]:
    """Returns a JSON object.

    Args:
        data: UTF-8, nothing but the object and white space around it.

    Raises:
        ValueError: It is something else; the message says in what.
    """
    text = data.decode("utf-8").strip()
    value, end = strict_json.decode_prefix(text)
    if end != len(text):
        raise ValueError(f"more than JSON at character {end}")
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, no object")
    return value
