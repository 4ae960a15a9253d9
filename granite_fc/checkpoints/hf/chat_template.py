"""The chat template beside a model: one, wherever a reader looks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from granite_fc.checkpoints.hf.json_object import parse_object
from granite_fc.errors import ConfigurationError

CHAT_TEMPLATE = "chat_template.jinja"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_ENTRY = "chat_template"


def has_chat_template(files: Mapping[str, bytes]) -> bool:
    """Whether a model's files have a chat template, in either place."""
    return CHAT_TEMPLATE in files or bool(_config(files).get(_ENTRY))


def with_chat_template(files: Mapping[str, bytes], template: str | None) -> dict[str, bytes]:
    """Returns a model's files with a chat template instead of those that they have.

    It becomes `chat_template.jinja`, and the entry of `tokenizer_config.json`, where older readers
    look for it; the rest of the tokenizer's configuration stays as it is.

    Args:
        files: By name, as `files_in` gives them.
        template: The template; None leaves the files without one.

    Raises:
        ConfigurationError: `tokenizer_config.json` is no JSON object.
    """
    changed = {name: data for name, data in files.items() if name != CHAT_TEMPLATE}
    config = {name: value for name, value in _config(files).items() if name != _ENTRY}
    if template is not None:
        changed[CHAT_TEMPLATE] = template.encode()
        config[_ENTRY] = template
    if _TOKENIZER_CONFIG in files:
        written = json.dumps(config, indent=2, ensure_ascii=False)
        changed[_TOKENIZER_CONFIG] = f"{written}\n".encode()
    return changed


def _config(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        return parse_object(files.get(_TOKENIZER_CONFIG, b"{}"))
    except ValueError as error:
        raise ConfigurationError(
            _TOKENIZER_CONFIG, found=str(error), expected="a JSON object"
        ) from error
