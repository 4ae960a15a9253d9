"""The special tokens and the chat template of a GGUF file, as Hugging Face's files say them."""

from __future__ import annotations

from typing import Any, NamedTuple

from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.checkpoints.gguf.tokenizer import PreTokenizer

_TEMPLATE = "tokenizer.chat_template"
_NAMED = f"{_TEMPLATE}."

_READ = {
    "tokenizer.ggml.model",
    "tokenizer.ggml.pre",
    "tokenizer.ggml.tokens",
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_eos_token",
}
# Byte-level BPE has no use for scores, nor a base model for the types of segments; what
# added_tokens lists and huggingface.json spells out is in the tokens as well.
_IDLE = {
    "tokenizer.ggml.scores",
    "tokenizer.ggml.token_type_count",
    "tokenizer.ggml.added_tokens",
    "tokenizer.huggingface.json",
    "tokenizer.chat_templates",
}
_OFF = {"tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces"}


class SpecialTokens(NamedTuple):
    """What a file says of its special tokens.

    Attributes:
        ids: Ids by Hugging Face's names, `bos`, `eos`, `pad` and `unk`; those that there are.
        spellings: Spellings by the same names.
        add_bos: Whether texts begin with `bos` where special tokens are asked for.
        add_eos: Whether they end with `eos`.
    """

    ids: dict[str, int]
    spellings: dict[str, str]
    add_bos: bool
    add_eos: bool


def special_tokens(
    metadata: Metadata, tokens: list[str], pre_tokenizer: PreTokenizer
) -> SpecialTokens:
    """Reads the special tokens.

    Args:
        metadata: A file's metadata.
        tokens: The spelling of every id.
        pre_tokenizer: The pre-tokenizer that it names.

    Raises:
        ConfigurationError: There is no end-of-sequence token; or names an id that no token has, or
            metadata that changes how text is cut.
    """
    _refuse_what_changes_the_ids(metadata)
    ids: dict[str, int] = {}
    for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown")):
        key = f"tokenizer.ggml.{key}_token_id"
        if name == "eos" or key in metadata:
            ids[name] = metadata.integer(key)
            if ids[name] >= len(tokens):
                raise metadata.error(key, f"the id of one of {len(tokens):,} tokens")
    add_bos = metadata.flag("tokenizer.ggml.add_bos_token", pre_tokenizer.add_bos)
    if add_bos and "bos" not in ids:
        raise metadata.error("tokenizer.ggml.bos_token_id", "the token that texts begin with")
    return SpecialTokens(
        ids,
        {name: tokens[i] for name, i in ids.items()},
        add_bos,
        metadata.flag("tokenizer.ggml.add_eos_token", False),
    )


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


def _refuse_what_changes_the_ids(metadata: Metadata) -> None:
    for key in metadata:
        if not key.startswith("tokenizer.") or key in _READ | _IDLE:
            continue
        if key in _OFF:
            if metadata.flag(key):
                raise metadata.error(key, "false, as in every byte-level BPE that is known here")
        elif not key.startswith(_TEMPLATE) and not key.endswith(("_token_id", "_token_ids")):
            raise metadata.error(key, "no such metadata: it may change the tokens of a text")
