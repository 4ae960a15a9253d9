"""How text is cut into words, by the names that llama.cpp's converter gives."""

from __future__ import annotations

from typing import Any, NamedTuple

from granite_fc.checkpoints.gguf.metadata import Metadata


class PreTokenizer(NamedTuple):
    """How text is cut into the words that merges stay within.

    Attributes:
        steps: Pre-tokenizers of `tokenizer.json`, in order.
        ignore_merges: Whether a word that is a token is that token, whatever the merges say.
        add_bos: Whether a text begins with the beginning-of-sequence token where a file does not
            say whether it does.
    """

    steps: tuple[dict[str, Any], ...]
    ignore_merges: bool = False
    add_bos: bool = False


def byte_level(cut: bool) -> dict[str, Any]:
    """Returns the step that spells words in bytes; with `cut` it also cuts them, as GPT-2 does."""
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": cut}


_GPT_2 = PreTokenizer((byte_level(True),))
_SINGLE_DIGITS = PreTokenizer(({"type": "Digits", "individual_digits": True}, byte_level(True)))
_LLAMA_3 = PreTokenizer(
    (
        {
            "type": "Split",
            "pattern": {
                "Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
                r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            },
            "behavior": "Isolated",
            "invert": False,
        },
        byte_level(False),
    ),
    ignore_merges=True,
    add_bos=True,
)

# Of the names in src/llama-vocab.cpp, those of tokenizers that are known here: GPT-2's own;
# StarCoder's, in which every digit is a word, as in Granite code ("refact") and SmolLM; Llama 3's.
PRE_TOKENIZERS = {
    "gpt-2": _GPT_2,
    "starcoder": _SINGLE_DIGITS,
    "refact": _SINGLE_DIGITS,
    "smollm": _SINGLE_DIGITS,
    "llama-bpe": _LLAMA_3,
    "llama-v3": _LLAMA_3,
    "llama3": _LLAMA_3,
}


def pre_tokenizer_of(metadata: Metadata) -> PreTokenizer:
    """Returns the pre-tokenizer that a file names.

    Raises:
        ConfigurationError: It names another kind of tokenizer, or none that is known.
    """
    if metadata.text("tokenizer.ggml.model") != "gpt2":
        raise metadata.error("tokenizer.ggml.model", "'gpt2', byte-level BPE")
    name = metadata.text("tokenizer.ggml.pre")
    if name not in PRE_TOKENIZERS:
        raise metadata.error(
            "tokenizer.ggml.pre",
            "one of " + ", ".join(map(repr, PRE_TOKENIZERS)),
            "Where another one cuts its words is not known, and so neither are its tokens.",
        )
    return PRE_TOKENIZERS[name]
