"""Two texts side by side, with what differs marked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from granite_fc.data.inspection.markup import escape
from granite_fc.visible_text import visible

# Words, numbers, runs of white space, and every other character by itself.
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
# Comparing takes time by the product of the lengths; beyond this what differs is not marked.
_MOST_PIECES = 2000
# A page is for reading: the middle of a longer text is left out.
_MOST_CHARACTERS = 6000


def marked(expected: str, found: str) -> tuple[str, str]:
    """Returns both texts as HTML in which what only one of them has is in `<mark>`.

    Neither markup nor control characters of the texts have an effect on the page.
    """
    texts = [_shortened(visible(text)) for text in (expected, found)]
    first, second = (_PIECE.findall(text) for text in texts)
    if max(len(first), len(second)) > _MOST_PIECES:
        return escape(texts[0]), escape(texts[1])
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    left, right = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        left.append(_written(first[a:b], is_marked=kind != "equal"))
        right.append(_written(second[c:d], is_marked=kind != "equal"))
    return "".join(left), "".join(right)


def shown(text: str) -> str:
    """Returns a text as HTML, shortened like `marked`'s."""
    return escape(_shortened(visible(text)))


def _written(pieces: Sequence[str], *, is_marked: bool) -> str:
    text = escape("".join(pieces))
    return f"<mark>{text}</mark>" if is_marked and text else text


def _shortened(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    left_out = len(text) - _MOST_CHARACTERS
    half = _MOST_CHARACTERS // 2
    return f"{text[:half]}\n[{left_out:,} characters left out]\n{text[-half:]}"
