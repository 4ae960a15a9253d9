"""Text that a tokenizer library cannot take or give back as it is, carried by bytes instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

# U+2581 is SentencePiece's spelling of a space; surrogates have no UTF-8, and JSON can spell them.
SPACE_SYMBOL = "\u2581"
SURROGATES = re.compile("[\ud800-\udfff]+")
SURROGATES_AND_SPACE_SYMBOLS = re.compile(f"[{SPACE_SYMBOL}\ud800-\udfff]+")


def encode_around(
    text: str,
    awkward: re.Pattern[str],
    encode: Callable[[str], list[int]],
    byte_ids: Sequence[int] | Mapping[int, int],
) -> list[int]:
    """Encodes `text` with `encode`, except that what `awkward` matches is spelt in bytes.

    Args:
        text: Any string, lone surrogates included.
        awkward: The characters that `encode` would refuse or change.
        encode: Text to ids.
        byte_ids: The ids of single bytes; of all that `awkward` characters are spelt with.
    """
    if awkward.search(text) is None:
        return encode(text)
    ids: list[int] = []
    end = 0
    for match in awkward.finditer(text):
        ids += encode(text[end : match.start()])
        ids += [byte_ids[byte] for byte in match[0].encode("utf-8", "surrogatepass")]
        end = match.end()
    return ids + encode(text[end:])


def text_of_bytes(data: bytes) -> str:
    """Decodes UTF-8; what is no UTF-8, as a model may write, becomes U+FFFD.

    Lone surrogates come back where `data` holds nothing else that is wrong.
    """
    for errors in ("strict", "surrogatepass"):
        try:
            return data.decode("utf-8", errors)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")
