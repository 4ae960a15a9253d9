"""Seal-Tools: generated requests for one or several of 4,076 tools.

Only `dev.jsonl` is read and split by a hash of the request; the in-domain test file is an
evaluation set. A parameter "API_call_k" refers to the k-th output field of the calls so far,
counted from 0, and becomes a reference.

Types follow the tool's declaration. A numeral in a string becomes a number where the parameter is a
number (rule `numeral_to_number`); any other value of a wrong type is rejected. The requests are
generated and some do not say what their gold call
passes: such a value (reason `value_not_in_request`) and a bare kind of thing that stands for a
value (reason `placeholder_value`) are rejected, since no reader of the request could know them.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.choices import chance, hashed, is_validation, shuffled
from tasks.sources.episode import CallTurn, Episode, UserTurn
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.said import is_placeholder, is_said

SOURCE = "seal_tools"
_TOOLS = "Seal-Tools_Dataset/tool.jsonl"
_REQUESTS = "Seal-Tools_Dataset/dev.jsonl"
FILES = (re.escape(_TOOLS), re.escape(_REQUESTS))

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}
_OUTPUT = re.compile(r"API_call_(\d+)")


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SealToolsConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        validation_share: Share of the requests that make up the validation split.
        num_related: Tools of the needed tools' fields on offer that are not needed.
        num_distractors: Further tools that accompany an episode: of the same field, then of the
            same area, then of any.
        no_function_rate: Share of the requests for one tool that also yield a no_function episode.
    """

    validation_share: float = 0.1
    num_related: int = 3
    num_distractors: int = 8
    no_function_rate: float = 0.2


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


class CallError(ValueError):
    """A call that cannot be taken over.

    Attributes:
        reason: The reason under which the reject is counted.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def episodes(
    directory: str | Path, split: str, config: SealToolsConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split."""
    config = config or SealToolsConfig()
    folder = RawFolder(directory)
    catalogue = Catalogue(read_tool(entry) for entry in _lines(folder, _TOOLS))
    for entry in _lines(folder, _REQUESTS):
        if is_validation(entry["query"], config.validation_share) != (split == "validation"):
            continue
        try:
            yield from _records(entry, catalogue, config)
        except CallError as error:
            yield Reject(entry["id"], error.reason, str(error))


def read_tool(entry: Mapping[str, Any]) -> Tool:
    """Reads one line of `tool.jsonl`."""
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


def _lines(folder: RawFolder, name: str) -> Iterator[dict[str, Any]]:
    for line in folder.read_text(name).split("\n"):
        if line.strip():
            yield json.loads(line)


def _records(
    entry: Mapping[str, Any], catalogue: Catalogue, config: SealToolsConfig
) -> Iterator[Record]:
    query, tools = entry["query"], catalogue.tools
    calls, coerced = _calls(entry["calling"], tools)
    for call in calls:
        for name, value in call.arguments.items():
            if isinstance(value, Reference):
                continue
            if is_placeholder(value, query):
                raise CallError("placeholder_value", f"{name} {value!r}: {query}")
            if not is_said(value, query):
                raise CallError("value_not_in_request", f"{name} {value!r}: {query}")
    needed = list(dict.fromkeys(call.name for call in calls))
    others = catalogue.others(needed, entry["id"], config.num_related + config.num_distractors)
    same_field = {tools[name].field for name in needed}
    related = [n for n in others if tools[n].field in same_field][: config.num_related]
    distractors = [n for n in others if n not in related][: config.num_distractors]
    yield from checked(
        Episode(
            episode_id=entry["id"],
            source=SOURCE,
            functions=tuple(tools[name].function for name in (*needed, *related)),
            turns=(UserTurn(query), CallTurn(CallGraph(calls))),
            distractors=tuple(tools[name].function for name in distractors),
        ),
        coerced,
    )
    if len(calls) == 1 and chance(config.no_function_rate, "no_function", entry["id"]):
        foreign = catalogue.foreign(needed, entry["id"], config.num_related + 1)
        yield from checked(
            Episode(
                episode_id=f"{entry['id']}/no_function",
                source=SOURCE,
                functions=tuple(tools[name].function for name in foreign),
                turns=(UserTurn(query),),
                no_call_reason="no_function",
            )
        )


def _calls(
    calling: list[Mapping[str, Any]], tools: Mapping[str, Tool]
) -> tuple[tuple[Call, ...], collections.Counter[str]]:
    """Returns the calls with references and labels, and how many values were coerced by rule."""
    coerced: collections.Counter[str] = collections.Counter()
    producers: list[tuple[int, str]] = []
    labels: dict[int, str] = {}
    arguments: list[dict[str, Any]] = []
    for index, made in enumerate(calling):
        tool = tools.get(made["api"])
        if tool is None:
            raise CallError("unknown_function", made["api"])
        if len(made["responses"]) != len(tool.outputs):
            raise CallError("outputs_differ", f"{made['api']}: {made['responses']}")
        given: dict[str, Any] = {}
        for name, value in made["parameters"].items():
            if isinstance(value, str) and value.startswith("API_call_"):
                match = _OUTPUT.fullmatch(value)
                if match is None or int(match[1]) >= len(producers):
                    raise CallError("broken_reference", f"{made['api']}: {value!r}")
                producer, field = producers[int(match[1])]
                label = labels.setdefault(producer, f"$var_{len(labels) + 1}")
                given[name] = Reference(label, (field,))
            else:
                declared = tool.function.properties.get(name, {}).get("type")
                given[name] = _as_declared(value, declared)
                coerced["numeral_to_number"] += given[name] is not value
        producers += [(index, field) for field in tool.outputs]
        arguments.append(given)
    calls = tuple(
        Call(made["api"], given, labels.get(index))
        for index, (made, given) in enumerate(zip(calling, arguments, strict=True))
    )
    return calls, coerced


def _as_declared(value: Any, declared: str | None) -> Any:
    """Returns a numeral as the number that the parameter takes, anything else as it is."""
    if isinstance(value, str) and declared in ("integer", "number"):
        if re.fullmatch(r"-?\d+", value):
            return int(value)
        if declared == "number" and re.fullmatch(r"-?\d+\.\d+", value):
            return float(value)
    return value


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
        """Returns tools that are not needed: of the same fields, then areas, then any."""
        fields = {self.tools[name].field for name in needed}
        areas = {self.tools[name].area for name in needed}
        near = (n for area in sorted(areas) for n in self._by_area[area] if n not in needed)
        order = shuffled(near, str, "distractor", key)
        order.sort(key=lambda name: self.tools[name].field not in fields)
        return [*order, *self.foreign(needed, key, number)][:number]

    def foreign(self, needed: Sequence[str], key: str, number: int) -> list[str]:
        """Returns tools of other areas than the needed ones'."""
        areas = {self.tools[name].area for name in needed}
        chosen: dict[str, None] = {}
        for draw in range(8 * number):
            name = self._names[hashed("foreign", key, draw) % len(self._names)]
            if self.tools[name].area not in areas:
                chosen[name] = None
        return list(chosen)[:number]
