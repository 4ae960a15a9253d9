"""Seal-Tools: generated requests for one or several of 4,076 tools.

Only `dev.jsonl` is read and split by a hash of the request; the in-domain test file is an
evaluation set. A parameter "API_call_k" refers to the k-th output field of the calls so far,
counted from 0, and becomes a reference.

Types follow the tool's declaration. A numeral in a string becomes a number where the parameter is a
number (rule `numeral_to_number`); any other value of a wrong type is rejected. The requests are
generated, and some do not say what their gold call passes: such a value is marked as not grounded.
A bare kind of thing that stands for a value is rejected (`placeholder_value`): it looks as if said.
So is a request that has the name of a parameter which no call passes (`argument_left_out`), and one
for several calls with a sentence that begins with a condition, since the gold calls do not wait for
what it depends on (`conditional_request`). Rejected are also a call of an unknown tool
(`unknown_function`) or with another number of outputs than the tool has (`outputs_differ`), a
reference to no earlier output (`broken_reference`), an id that comes again (`repeated_id`) and what
cannot be read (`malformed`).

Tools that would do instead of a needed one are not on offer (`seal_tools_catalogue`). A request
that calls two such tools, and with one argument in common, is rejected (`same_purpose`).

Nearly all requests for several tools are for independent calls: of the 500, 28 have a call that
takes another's output. Most of these take one that is something else, such as a diagnosis for a
patient's identifier: a reference whose parameter and field share no word but "id" is rejected
(`unrelated_reference`). Three are left.

Of all 700 requests 18 % are rejected, most as `argument_left_out` (72), `unrelated_reference` (23)
or `conditional_request` (20).
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from tasks.keyed import chance
from tasks.sources.episode import CallTurn, Episode, UserTurn
from tasks.sources.json_records import json_lines
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.said import is_placeholder, words_of
from tasks.sources.seal_tools_catalogue import Catalogue, Tool, name_words, read_tool
from tasks.sources.validation_rows import is_validation

Result = TypeVar("Result")

SOURCE = "seal_tools"
_TOOLS = "Seal-Tools_Dataset/tool.jsonl"
_REQUESTS = "Seal-Tools_Dataset/dev.jsonl"
FILES = (re.escape(_TOOLS), re.escape(_REQUESTS))

_OUTPUT = re.compile(r"API_call_(\d+)")
# A condition that opens a sentence, but for one of politeness.
_CONDITION = re.compile(
    r"(?:^|[.;!?]\s+)(?:and |then )?if\b(?! (?:possible|necessary|needed)\b)", re.IGNORECASE
)


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
    tools: list[Tool] = []
    for line in json_lines(folder, _TOOLS):
        tool = line if isinstance(line, Reject) else _read(read_tool, *line)
        if isinstance(tool, Tool):
            tools.append(tool)
        elif split == "train":
            yield tool
    catalogue = Catalogue(tools)
    seen: set[str] = set()
    for line in json_lines(folder, _REQUESTS):
        request = line if isinstance(line, Reject) else _read(_read_request, *line)
        if isinstance(request, Reject):
            if split == "train":
                yield request
            continue
        record_id, query, _ = request
        if is_validation(query, config.validation_share) != (split == "validation"):
            continue
        if record_id in seen:
            yield Reject(record_id, "repeated_id", query)
            continue
        seen.add(record_id)
        try:
            yield from _records(request, catalogue, config)
        except CallError as error:
            yield Reject(record_id, error.reason, str(error))


class _Request(NamedTuple):
    record_id: str
    query: str
    calling: list[_MadeCall]


class _MadeCall(NamedTuple):
    api: str
    parameters: dict[str, Any]
    num_responses: int


def _read(reader: Callable[[Any], Result], line_id: str, entry: Any) -> Result | Reject:
    try:
        return reader(entry)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Reject(line_id, "malformed", repr(error))


def _read_request(entry: Any) -> _Request:
    calling = [
        _MadeCall(made["api"], dict(made["parameters"].items()), len(made["responses"]))
        for made in entry["calling"]
    ]
    record_id, query = entry["id"], entry["query"]
    if not isinstance(record_id, str) or not isinstance(query, str):
        raise TypeError(f"id {record_id!r} or query {query!r} is no text")
    return _Request(record_id, query, calling)


def _records(request: _Request, catalogue: Catalogue, config: SealToolsConfig) -> Iterator[Record]:
    record_id, query, calling = request
    tools = catalogue.tools
    calls, coerced = _calls(calling, tools)
    for call in calls:
        for name, value in call.arguments.items():
            if is_placeholder(value, query):
                raise CallError("placeholder_value", f"{name} {value!r}: {query}")
    if len(calls) > 1 and _CONDITION.search(query):
        raise CallError("conditional_request", query)
    if same := _same_purpose(calls, tools):
        raise CallError("same_purpose", f"{same}: {query}")
    if left_out := _left_out(query, calls, tools):
        raise CallError("argument_left_out", f"{left_out}: {query}")
    needed = list(dict.fromkeys(call.name for call in calls))
    others = catalogue.others(needed, record_id, config.num_related + config.num_distractors)
    same_field = {tools[name].field for name in needed}
    related = [n for n in others if tools[n].field in same_field][: config.num_related]
    distractors = [n for n in others if n not in related][: config.num_distractors]
    yield from checked(
        Episode(
            episode_id=record_id,
            source=SOURCE,
            functions=tuple(tools[name].function for name in (*needed, *related)),
            turns=(UserTurn(query), CallTurn(CallGraph(calls))),
            distractors=tuple(tools[name].function for name in distractors),
            services={name: tools[name].field for name in (*needed, *related, *distractors)},
        ),
        coerced,
    )
    if len(calls) == 1 and chance(config.no_function_rate, "no_function", record_id):
        foreign = catalogue.foreign(needed, record_id, config.num_related + 1)
        yield from checked(
            Episode(
                episode_id=f"{record_id}/no_function",
                source=SOURCE,
                functions=tuple(tools[name].function for name in foreign),
                turns=(UserTurn(query),),
                no_call_reason="no_function",
                services={name: tools[name].field for name in foreign},
            )
        )


def _calls(
    calling: Sequence[_MadeCall], tools: Mapping[str, Tool]
) -> tuple[tuple[Call, ...], collections.Counter[str]]:
    """Returns the calls with references and labels, and how many values were coerced by rule."""
    coerced: collections.Counter[str] = collections.Counter()
    producers: list[tuple[int, str]] = []
    labels: dict[int, str] = {}
    arguments: list[dict[str, Any]] = []
    for index, made in enumerate(calling):
        tool = tools.get(made.api)
        if tool is None:
            raise CallError("unknown_function", str(made.api))
        if made.num_responses != len(tool.outputs):
            raise CallError("outputs_differ", f"{made.api}: {made.num_responses} outputs")
        given: dict[str, Any] = {}
        for name, value in made.parameters.items():
            if isinstance(value, str) and value.startswith("API_call_"):
                match = _OUTPUT.fullmatch(value)
                if match is None or int(match[1]) >= len(producers):
                    raise CallError("broken_reference", f"{made.api}: {value!r}")
                producer, field = producers[int(match[1])]
                if not _are_related(name, field):
                    raise CallError("unrelated_reference", f"{made.api}: {name} is {field}")
                label = labels.setdefault(producer, f"$var_{len(labels) + 1}")
                given[name] = Reference(label, (field,))
            else:
                declared = tool.function.properties.get(name, {}).get("type")
                given[name] = _as_declared(value, declared)
                coerced["numeral_to_number"] += given[name] is not value
        producers += [(index, field) for field in tool.outputs]
        arguments.append(given)
    calls = tuple(
        Call(made.api, given, labels.get(index))
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


def _are_related(parameter: str, field: str) -> bool:
    return bool(set(name_words(parameter)) & set(name_words(field)) - {"id"})


def _left_out(query: str, calls: Sequence[Call], tools: Mapping[str, Tool]) -> str:
    """Returns a parameter that a request speaks of and no call passes, or an empty text."""
    said = words_of(query)
    passed = {name for call in calls for name in call.arguments}
    for call in calls:
        for name in tools[call.name].function.properties:
            if name not in passed and _has(said, name_words(name)):
                return f"{call.name}: {name}"
    return ""


def _same_purpose(calls: Sequence[Call], tools: Mapping[str, Tool]) -> str:
    """Returns two tools that would do instead of each other and are asked alike; empty for none."""
    for one, other in itertools.combinations(calls, 2):
        shared = one.arguments.keys() & other.arguments.keys()
        alike = any(one.arguments[name] == other.arguments[name] for name in shared)
        same_tool = one.name == other.name
        if alike and not same_tool and tools[one.name].would_do_instead_of(tools[other.name]):
            return f"{one.name} and {other.name}"
    return ""


def _has(said: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words stand in a row."""
    return bool(words) and any(
        said[n : n + len(words)] == words for n in range(len(said) - len(words) + 1)
    )
