"""`tokenizer_config.json` from the metadata of a GGUF file: special tokens and chat template."""

from __future__ import annotations

from typing import Any

from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.checkpoints.gguf.tokens import SpecialTokens

_TEMPLATE = "tokenizer.chat_template"
_NAMED = f"{_TEMPLATE}."


def tokenizer_config(metadata: Metadata, special: SpecialTokens) -> dict[str, Any]:
    """Returns the content of `tokenizer_config.json`."""
    config: dict[str, Any] = {
        # The class that takes tokenizer.json as it is. Those of single families build their own
        # pre-tokenizer.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": special.add_bos,
        "add_eos_token": special.add_eos,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": metadata.integer("llama.context_length"),
    }
    config |= {f"{name}_token": spelling for name, spelling in special.spellings.items()}
    if (template := _chat_template(metadata)) is not None:
        config["chat_template"] = template
    return config


def _chat_template(metadata: Metadata) -> str | list[dict[str, str]] | None:
    """Returns the template; where there are several, a list with their names."""
    default = metadata.text(_TEMPLATE, None)
    named = {
        key.removeprefix(_NAMED): metadata.text(key) for key in metadata if key.startswith(_NAMED)
    }
    if not named:
        return default
    if default is not None:
        named = {"default": default, **named}
    return [{"name": name, "template": template} for name, template in named.items()]
