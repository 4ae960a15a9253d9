"""The tools of Seal-Tools, by name, field and area.

Several do the same under different names. What would do instead of a needed tool is not offered
beside it: a tool whose name is the same apart from its first word and from "Info" or the like
(`getDrugInfo`, `searchDrug`), unless the first words tell changes apart (`addDrug`), or whose
description has nearly all words in common with the needed tool's, or all of the shorter one and a
single one more.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.keyed import choice, shuffled
from tasks.sources.said import words_of

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}

_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ASIDE = frozenset({"data", "info", "information"})
# First words of names of tools that change something, those alike together.
_CHANGES = (
    frozenset({"add", "create", "make", "register"}),
    frozenset({"cancel", "delete", "drop", "remove"}),
    frozenset({"change", "edit", "modify", "update"}),
)
# Words of descriptions that do not tell what a tool is about.
_SAYS_NOTHING = re.compile(
    "a|about|all|an|and|as|at|based|by|calculate|conduct|data|details|find|for|from|gather|get|"
    "given|in|info|information|into|its|new|of|on|or|particular|perform|provided?|retrieve|search|"
    "some|specific|specified|statistics|that|the|their|this|to|used|using|with"
)
# Share of the words of the longer of two descriptions that makes them tell the same.
_NEARLY_ALL = 0.85
# So many words more leave it open whether one of two tells another thing.
_A_WORD_MORE = 1


@dataclasses.dataclass(frozen=True)
class Tool:
    """One tool: its function, and its field as "area/field"."""

    function: FunctionSpec
    field: str

    @property
    def area(self) -> str:
        """The wider area of its field."""
        return self.field.partition("/")[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of its output fields in order."""
        assert self.function.output is not None
        return tuple(self.function.output["properties"])

    def would_do_instead_of(self, other: Tool) -> bool:
        """Whether its name or description tells the same as another tool's."""
        if not self._purposes.isdisjoint(other._purposes):
            return True
        fewer, more = sorted((self._told, other._told), key=len)
        if fewer and fewer <= more and len(more) <= len(fewer) + _A_WORD_MORE:
            return True
        return len(fewer & more) >= _NEARLY_ALL * max(len(more), 1)

    @functools.cached_property
    def _purposes(self) -> frozenset[tuple[int, tuple[str, ...]]]:
        """Its name as a kind of change, 0 for none, and words; all, and all but the first.

        Not all names begin with a verb.
        """
        name = name_words(self.function.name)
        kinds = (
            kind for kind, verbs in enumerate(_CHANGES, start=1) if verbs.intersection(name[:1])
        )
        return frozenset(
            (kind, tuple(word for word in words if word not in _ASIDE))
            for kind, words in ((0, name), (next(kinds, 0), name[1:]))
            if not _ASIDE.issuperset(words)
        )

    @functools.cached_property
    def _told(self) -> frozenset[str]:
        """The words of its description that tell what it does."""
        words = words_of(self.function.description)
        return frozenset(word for word in words if not _SAYS_NOTHING.fullmatch(word))


def name_words(name: str) -> list[str]:
    """Returns the words of a name, in lower case."""
    return [word.casefold() for word in _NAME_WORD.findall(name)]


def read_tool(entry: Any) -> Tool:
    """Reads one line of `tool.jsonl`.

    Raises:
        AttributeError: A part of it is of the wrong type.
        KeyError: A part is missing.
        TypeError: A part is of the wrong type.
        ValueError: It is no function.
    """
    parameters = {
        "type": "object",
        "properties": {name: _schema(p) for name, p in entry["parameters"].items()},
        "required": list(entry["required"]),
    }
    output = {
        "type": "object",
        "properties": {name: _schema(r) for name, r in entry["responses"].items()},
    }
    function = FunctionSpec(entry["api_name"], entry["api_description"], parameters, output)
    return Tool(function, entry["field"])


def _schema(declared: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": _TYPES[declared["type"]], "description": declared["description"]}
    if "choices" in declared:
        schema["enum"] = list(declared["choices"])
    return schema


class Catalogue:
    """The tools by name, by field and by area.

    Args:
        tools: All tools.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self.tools = {tool.function.name: tool for tool in tools}
        self._names = sorted(self.tools)
        self._by_area: dict[str, list[str]] = {}
        for name in self._names:
            self._by_area.setdefault(self.tools[name].area, []).append(name)

    def others(self, needed: Sequence[str], key: str, number: int) -> list[str]:
        """Returns tools that would not do instead of the needed ones.

        Those of the same fields come first, then those of the same areas, then any.
        """
        fields = {self.tools[name].field for name in needed}
        areas = {self.tools[name].area for name in needed}
        near = (n for a in sorted(areas) for n in self._by_area[a] if self._is_other(n, needed))
        order = shuffled(near, str, "distractor", key)
        order.sort(key=lambda name: self.tools[name].field not in fields)
        return [*order, *self.foreign(needed, key, number)][:number]

    def foreign(self, needed: Sequence[str], key: str, number: int) -> list[str]:
        """Returns tools of other areas than the needed ones'."""
        areas = {self.tools[name].area for name in needed}
        chosen: dict[str, None] = {}
        for draw in range(8 * number):
            name = choice(self._names, "foreign", key, draw)
            if self.tools[name].area not in areas and self._is_other(name, needed):
                chosen[name] = None
        return list(chosen)[:number]

    def _is_other(self, name: str, needed: Sequence[str]) -> bool:
        tool = self.tools[name]
        return name not in needed and not any(
            tool.would_do_instead_of(self.tools[other]) for other in needed
        )
