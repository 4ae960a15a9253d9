"""What is missing after each of many continuations of one text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from granite_fc.decoding.grammars.prices import Prices
from granite_fc.decoding.grammars.progress import Progress
from granite_fc.decoding.grammars.string_places import is_open, watched
from granite_fc.decoding.grammars.tokens import Tokens


def prices_of_tokens(
    progress: Progress, ids: Iterable[int], tokens: Tokens, prices: Prices
) -> Iterator[tuple[int, int]]:
    """Yields some tokens, in the order of their bytes, with what is missing at least after each."""
    ids = sorted(ids, key=tokens.order.__getitem__)
    texts = ((tokens.spelled[token], tokens.head[token]) for token in ids)
    return zip(ids, prices_after(progress, texts, prices), strict=True)


def prices_after(
    progress: Progress, texts: Iterable[tuple[bytes, int]], prices: Prices
) -> Iterator[int]:
    """Yields how many tokens are missing at least after each continuation.

    Args:
        progress: Where the text stands.
        texts: Continuations, best in the order of their bytes: what one begins with like the one
            before it is followed once. Beside each, how many bytes have to be taken off it for the
            rest to be plain (see `Tokens.plain`).
        prices: What nodes cost.
    """
    after = [progress]
    followed = b""
    for data, head in texts:
        depth = _in_common(followed, data)
        del after[depth + 1 :]
        while (
            depth < len(data)
            and after[-1].places
            and not (depth >= head and _is_harmless_in(after[-1]))
        ):
            after.append(after[-1].advance(data[depth], prices))
            depth += 1
        followed = data[: len(after) - 1]
        yield after[-1].price(prices)


def _in_common(first: bytes, second: bytes) -> int:
    """How many bytes both begin with."""
    for size, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return size
    return min(len(first), len(second))


def _is_harmless_in(progress: Progress) -> bool:
    """Whether a text is in a string and nowhere else, so that any characters change nothing."""
    places = progress.places
    return len(places) == 1 and is_open(places[0]) and not watched(places[0])
