"""The tokens of a GGUF file, and which of them are special."""

from __future__ import annotations

from typing import NamedTuple

from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.checkpoints.gguf.pre_tokenizers import PreTokenizer

# Types of tokens.
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5

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
# What Hugging Face calls tokens, by their names here.
_HUGGING_FACE = {"bos": "bos", "eos": "eos", "padding": "pad", "unknown": "unk"}
_OFF = {"tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces"}


class Tokens(NamedTuple):
    """Every id's token.

    Attributes:
        spellings: As byte-level BPE spells bytes; of tokens that merges do not make, as text.
        types: NORMAL, CONTROL, USER_DEFINED or UNUSED.
    """

    spellings: list[str]
    types: list[int]


class SpecialTokens(NamedTuple):
    """What a file says of its special tokens.

    Attributes:
        ids: Ids by Hugging Face's names, `bos`, `eos`, `pad` and `unk`; those that there are.
        ends: The ids that end an answer: of `eos`, and of the tokens that end a turn or a message
            of its own, where they are others.
        spellings: Spellings by the same names.
        add_bos: Whether texts begin with `bos` where special tokens are asked for.
        add_eos: Whether they end with `eos`.
    """

    ids: dict[str, int]
    ends: list[int]
    spellings: dict[str, str]
    add_bos: bool
    add_eos: bool


def tokens_of(metadata: Metadata) -> Tokens:
    """Reads the tokens.

    Raises:
        ConfigurationError: There are none, two are the same, or there is one of another type.
    """
    spellings = metadata.texts("tokenizer.ggml.tokens")
    if not spellings or len(set(spellings)) < len(spellings):
        raise metadata.error("tokenizer.ggml.tokens", "tokens that differ from each other")
    types = metadata.integers("tokenizer.ggml.token_type")
    if len(types) != len(spellings):
        raise metadata.error("tokenizer.ggml.token_type", f"one for each of {len(spellings):,}")
    for spelling, kind in zip(spellings, types, strict=True):
        if kind not in (NORMAL, CONTROL, USER_DEFINED, UNUSED):
            raise metadata.error(
                "tokenizer.ggml.token_type",
                "normal, control, user-defined and unused tokens",
                found=f"the token {spelling!r} of type {kind}",
            )
    return Tokens(spellings, types)


def special_tokens(
    metadata: Metadata, tokens: Tokens, pre_tokenizer: PreTokenizer
) -> SpecialTokens:
    """Reads the special tokens.

    Args:
        metadata: A file's metadata.
        tokens: Its tokens.
        pre_tokenizer: The pre-tokenizer that it names.

    Raises:
        ConfigurationError: There is no end-of-sequence token; or names an id that no token has, or
            metadata that changes how text is cut.
    """
    _refuse_what_changes_the_ids(metadata)
    ids: dict[str, int] = {}
    for name in ("bos", "eos", "eot", "eom", "padding", "unknown"):
        key = f"tokenizer.ggml.{name}_token_id"
        if name == "eos" or key in metadata:
            ids[name] = metadata.integer(key)
            if ids[name] >= len(tokens.types) or tokens.types[ids[name]] == UNUSED:
                raise metadata.error(key, f"an id in use, of {len(tokens.types):,}")
    ends = list(dict.fromkeys(ids[name] for name in ("eos", "eot", "eom") if name in ids))
    ids = {theirs: ids[ours] for ours, theirs in _HUGGING_FACE.items() if ours in ids}
    add_bos = metadata.flag("tokenizer.ggml.add_bos_token", pre_tokenizer.add_bos)
    if add_bos and "bos" not in ids:
        raise metadata.error("tokenizer.ggml.bos_token_id", "the token that texts begin with")
    return SpecialTokens(
        ids,
        ends,
        {name: tokens.spellings[i] for name, i in ids.items()},
        add_bos,
        metadata.flag("tokenizer.ggml.add_eos_token", False),
    )


def _refuse_what_changes_the_ids(metadata: Metadata) -> None:
    for key in metadata:
        if not key.startswith("tokenizer.") or key in _READ | _IDLE:
            continue
        if key in _OFF:
            if metadata.flag(key):
                raise metadata.error(key, "false, as in every byte-level BPE that is known here")
        elif not key.startswith("tokenizer.chat_template") and not key.endswith(
            ("_token_id", "_token_ids")
        ):
            raise metadata.error(key, "no such metadata: it may change the tokens of a text")
