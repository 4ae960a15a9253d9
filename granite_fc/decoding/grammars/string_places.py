"""Places of a text in a string, the names of fields among them."""

from __future__ import annotations

from granite_fc.decoding.grammars.json_strings import JsonString, StringState
from granite_fc.decoding.grammars.prices import Place
from granite_fc.decoding.grammars.texts import FreshKey


def string_at(place: Place) -> tuple[JsonString, StringState]:
    """The string that a text stands in, and where in it."""
    leaf, state, _ = place
    if isinstance(leaf, FreshKey):
        return leaf.key, state[0]
    assert isinstance(leaf, JsonString)
    return leaf, state


def with_string(place: Place, within: StringState) -> Place:
    """The same place elsewhere in its string."""
    state = (within, place.state[1]) if isinstance(place.leaf, FreshKey) else within
    return Place(place.leaf, state, place.rest)


def is_before_characters(place: Place) -> bool:
    """Whether a text stands in a string, or before it, and not within a character."""
    return isinstance(place.leaf, JsonString | FreshKey) and not string_at(place)[1].pending


def is_open(place: Place) -> bool:
    """Whether a text stands in a string, between two characters."""
    if not is_before_characters(place):
        return False
    string, state = string_at(place)
    return state.opening == len(string.quote) and not state.escape


def watched(place: Place) -> set[bytes]:
    """What is missing of a marker, or of a name that is taken, which the text has begun."""
    string, state = string_at(place)
    found = set(string.watched(state))
    if isinstance(place.leaf, FreshKey):
        written = place.state[1]
        names = (name for name in place.leaf.taken if name.startswith(written))
        found.update(name[len(written) :] for name in names)
    return found


def one_character_on(place: Place) -> Place:
    """Where a text stands in a string after one more character."""
    leaf, state, rest = place
    string, within = string_at(place)
    on = StringState(len(string.quote), within.length + 1)
    return Place(leaf, (on, state[1] + b"?") if isinstance(leaf, FreshKey) else on, rest)
