"""Text that anybody may have written, made safe to show on a terminal or a page."""

from __future__ import annotations

import re

# Control characters but the line break and the tab: a terminal would obey them. Marks that reverse
# the direction of what follows: a reader would see another order. Halves of surrogate pairs, which
# UTF-8 cannot write.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""Returns a text in which what would act on the display is spelt out, such as `\x1b`."""
    return _HIDDEN.sub(lambda match: _spelt(ord(match[0])), text)


def _spelt(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
