"""How long the parts of a constrained answer may be."""

from __future__ import annotations

import dataclasses

import gin

from granite_fc.errors import ConfigurationError


@gin.configurable(module="granite_fc.decoding")
@dataclasses.dataclass(frozen=True)
class GrammarLimits:
    """Bounds of constrained answers, beside those that schemas have.

    Whatever they are, an answer ends within its tokens; they keep a part of it from taking them
    all, and grammars small.

    Attributes:
        calls: Most calls, names or objects of parameter values in an answer.
        characters: Most characters of a string, and of a field name that no schema gives.
        items: Most items of a list.
        digits: Most digits of a number before its point.
        decimals: Most digits after it.
        depth: Most objects and lists inside each other.
        free_depth: The same for values of which no schema says anything.
        free_fields: Most fields of an object that no schema names.
        list_index: Greatest index of a list item in a reference.
        path: Most entries of a reference's path.
    """

    calls: int = 16
    characters: int = 400
    items: int = 24
    digits: int = 15
    decimals: int = 12
    depth: int = 8
    free_depth: int = 2
    free_fields: int = 8
    list_index: int = 19
    path: int = 6

    def __post_init__(self) -> None:
        least = {"free_depth": 0, "free_fields": 0, "list_index": 0, "path": 0, "decimals": 0}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value < least.get(field.name, 1):
                raise ConfigurationError(
                    f"GrammarLimits.{field.name}",
                    found=value,
                    expected=f"at least {least.get(field.name, 1)}",
                )
