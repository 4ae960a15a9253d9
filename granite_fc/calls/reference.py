"""References from arguments to the outputs of earlier calls, and how they differ from literals.

In JSON a reference is a whole string, `"$var_1.results.0.name$"`: the label of a call, then the way
into its output, closed by a dollar sign. A literal string that begins like a reference gets one
dollar sign more in front (`"$$var_1.results$"`), so every string can be written and every written
string has one reading.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

_LABEL = re.compile(r"\$var_[0-9]+")
_LOOKS_LIKE_REFERENCE = re.compile(r"\$+var_[0-9]")
# A list index. Longer runs of digits are field names: no list is that long.
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_MAX_INDEX = 10**9
_REFERENCE = re.compile(r"(\$var_[0-9]+)((?:\.[^.$~]*(?:~[012][^.$~]*)*)*)\$", re.DOTALL)
# Far below Python's limit on recursion, so that whatever was read can also be compared and checked.
_MAX_DEPTH = 128
_TOO_DEEP = f"objects and lists are nested more than {_MAX_DEPTH} deep"
_ESCAPED = re.compile(r"~[012]")
_UNESCAPE = {"~0": "~", "~1": ".", "~2": "$"}


def is_label(text: str) -> bool:
    """Whether a string can name the output of a call: `$var_` and digits."""
    return _LABEL.fullmatch(text) is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """The output of an earlier call, or a part of it.

    Attributes:
        label: The label of that call, such as `$var_1`.
        path: The way into its output: field names, and indices of list items. A field name that is
            written like an index is held as an integer; it finds a list item or a field, whichever
            is there. Empty for the whole output.

    Raises:
        ValueError: The label is none, or a path entry is neither a string nor an index from 0 to
            999,999,999.
    """

    label: str
    path: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.label, str) or not is_label(self.label):
            raise ValueError(f"{self.label!r} is no label: expected $var_ and a number")
        object.__setattr__(self, "path", tuple(_path_entry(entry) for entry in self.path))

    def __str__(self) -> str:
        """Returns the written form, from which `parse` gives an equal reference."""
        if not self.path:
            return f"{self.label}$"
        entries = (entry if isinstance(entry, str) else str(entry) for entry in self.path)
        # The three characters with a meaning inside a path are written as in JSON Pointer, ~ and a
        # digit.
        escaped = (
            entry.replace("~", "~0").replace(".", "~1").replace("$", "~2") for entry in entries
        )
        return f"{self.label}.{'.'.join(escaped)}$"

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """Returns the reference that a whole string states, or None where it states none."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            return None
        label, path = match.groups()
        if not path:
            return cls(label)
        entries = path[1:].split(".")
        if "~" in path:
            entries = [_ESCAPED.sub(lambda escape: _UNESCAPE[escape[0]], e) for e in entries]
        return cls(label, tuple(entries))


def references_in(value: Any) -> Iterator[Reference]:
    """Yields every reference in a value, depth first, in the order in which they are written."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references_in(item)


def with_labels(value: Any, labels: Mapping[str, str]) -> Any:
    """Returns a value whose references have other labels.

    Args:
        value: A JSON value in which a `Reference` may stand anywhere.
        labels: Every label in it to the one that it becomes.

    Raises:
        KeyError: A label is not among them.
    """
    if isinstance(value, Reference):
        return dataclasses.replace(value, label=labels[value.label])
    if isinstance(value, Mapping):
        return {key: with_labels(item, labels) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_labels(item, labels) for item in value]
    return value


def to_json_value(value: Any) -> Any:
    """Returns a value with references as strings and literals that look like one escaped.

    Raises:
        TypeError: A field name is no string; JSON would turn it into one silently.
        ValueError: Objects and lists are nested more than 128 deep.
    """
    return _to_json(value, 0)


def from_json_value(value: Any) -> Any:
    """Returns a JSON value with references and literals told apart; the inverse of `to_json_value`.

    Raises:
        ValueError: A string begins like a reference and is none, such as `"$var_1.name"` without
            the closing dollar sign, or objects and lists are nested more than 128 deep.
    """
    return _from_json(value, 0)


def _to_json(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        if value[:1] == "$" and _LOOKS_LIKE_REFERENCE.match(value):
            return f"${value}"
        return value
    if kind is int or kind is float or kind is bool or value is None:
        return value
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, str):
        return _to_json(str(value), depth)
    if isinstance(value, Mapping | list | tuple) and depth == _MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, Mapping):
        written = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the field name {key!r} is a {type(key).__name__}, not a string")
            written[key] = _to_json(item, depth + 1)
        return written
    if isinstance(value, list | tuple):
        return [_to_json(item, depth + 1) for item in value]
    return value


def _from_json(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        if value[:1] != "$" or not _LOOKS_LIKE_REFERENCE.match(value):
            return value
        if value[1] == "$":
            return value[1:]
        reference = Reference.parse(value)
        if reference is None:
            raise ValueError(
                f"{value!r} begins like a reference and is none: expected $var_N.field$, "
                "or one $ more in front of a literal"
            )
        return reference
    if kind is dict or kind is list:
        if depth == _MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
        if kind is dict:
            return {key: _from_json(item, depth + 1) for key, item in value.items()}
        return [_from_json(item, depth + 1) for item in value]
    return value


def _path_entry(entry: Any) -> str | int:
    if isinstance(entry, str):
        return int(entry) if _INDEX.fullmatch(entry) else entry
    if isinstance(entry, int) and not isinstance(entry, bool) and 0 <= entry < _MAX_INDEX:
        return entry
    raise ValueError(f"{entry!r} leads nowhere: a path has field names and indices from 0")
