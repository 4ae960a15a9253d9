r"""TOPv2: requests whose parse is a tree of intents and slots; the English side of Hinglish-TOP.

An intent becomes a call, a slot an argument with the slot's words as string value, a repeated slot
a list. An intent inside a slot becomes an earlier call with a label, and the slot a reference to
its output. Intent and slot names are written in lower case. Where query and parse are split into
words differently, the request is taken from the parse (rule `request_from_parse`). A character that
is written as an escape, such as \u2019 or \ u 2019, is put in its place (rule `escape_replaced`).
The last dot of "a . m ." moves into the slot that ends before it (rule `dot_included`).

The splits that the data set comes with overlap, so all files are pooled and split again by a hash
of the text. Rejected: intents outside the supported set, texts that come again, and actions that
would be carried out only to describe a reminder.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import gin

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from tasks.keyed import chance, shuffled
from tasks.sources.episode import CallTurn, Episode, UserTurn
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.topv2_functions import DOMAINS, FUNCTIONS, output_field
from tasks.sources.validation_rows import is_validation

SOURCE = "topv2"
FILES = (r"Dataset/Human Annotated Data/(train|validation|test)\.tsv",)

# Where a text was split into words, an escape may have been split as well.
_ESCAPE = re.compile(r"\\ ?u ?([0-9a-f]{4})\b")

_DOT_OUTSIDE = re.compile(r"(?<![a-z])([ap] \. m)((?: \])+) \.(?= )", re.IGNORECASE)

# No request is nested half as deeply.
_MAX_DEPTH = 32

# Domains of which one may serve a request that was made to another.
_NEIGHBOURS = ({"alarm", "timer", "reminder"}, {"event", "navigation", "reminder"})


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class TopV2Config(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        validation_share: Share of the texts that make up the validation split.
        num_related: Functions of the same domain on offer that are not needed.
        num_distractors: Functions of other domains that accompany an episode.
        no_function_rate: Share of the requests that also yield a no_function episode.
    """

    validation_share: float = 0.1
    num_related: int = 4
    num_distractors: int = 8
    no_function_rate: float = 0.05


@dataclasses.dataclass
class Node:
    """An intent or a slot of a parse, with words and nodes inside."""

    kind: str
    name: str
    children: list[Node | str] = dataclasses.field(default_factory=list)

    def words(self) -> Iterator[str]:
        """Yields the words of the text that the node covers."""
        for child in self.children:
            if isinstance(child, Node):
                yield from child.words()
            else:
                yield child

    def nodes(self) -> list[Node]:
        """Returns the nodes directly inside."""
        return [child for child in self.children if isinstance(child, Node)]

    def all_intents(self) -> Iterator[Node]:
        """Yields the node and those below it that are intents."""
        if self.kind == "IN":
            yield self
        for node in self.nodes():
            yield from node.all_intents()


class ParseError(ValueError):
    """A parse that cannot become calls.

    Attributes:
        reason: The reason under which the reject is counted.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_parse(text: str) -> Node:
    """Reads `[IN:NAME words [SL:NAME words ] ]`.

    Raises:
        ParseError: The brackets do not match, the outermost node is no intent, or nodes are nested
            too deeply.
    """
    top = Node("", "")
    path = [top]
    for token in text.split():
        if token.startswith(("[IN:", "[SL:")):
            if len(path) > _MAX_DEPTH:
                raise ParseError("nested_too_deeply", text[:200])
            node = Node(token[1:3], token[4:].lower())
            path[-1].children.append(node)
            path.append(node)
        elif token == "]":
            if len(path) == 1:
                raise ParseError("unbalanced_parse", text)
            path.pop()
        else:
            path[-1].children.append(token)
    root = top.children[0] if len(top.children) == 1 else None
    if len(path) != 1 or not isinstance(root, Node) or root.kind != "IN":
        raise ParseError("unbalanced_parse", text)
    return root


def calls_of(root: Node) -> tuple[Call, ...]:
    """Returns the calls of a parse, inner ones first, labelled where their output is used.

    Raises:
        ParseError: A slot has words beside an intent, intents or slots are nested otherwise than in
            turn, an intent inside a slot returns nothing, or a slot is empty.
    """
    calls: list[Call] = []
    labels = 0

    def add(intent: Node, labelled: bool) -> str | None:
        nonlocal labels
        arguments: dict[str, list[str | Reference]] = {}
        for slot in intent.nodes():
            if slot.kind != "SL":
                raise ParseError("intent_in_intent", slot.name)
            arguments.setdefault(slot.name, []).append(value(slot))
        label = None
        if labelled:
            labels += 1
            label = f"$var_{labels}"
        flat = {name: given[0] if len(given) == 1 else given for name, given in arguments.items()}
        calls.append(Call(intent.name, flat, label))
        return label

    def value(slot: Node) -> str | Reference:
        inner = slot.nodes()
        if not inner:
            if not slot.children:
                raise ParseError("empty_slot", slot.name)
            return " ".join(slot.words())
        if len(slot.children) != 1 or inner[0].kind != "IN":
            raise ParseError("mixed_slot", slot.name)
        name = inner[0].name
        if name in FUNCTIONS and FUNCTIONS[name].output is None:
            raise ParseError("inner_action", f"{slot.name} holds {name}")
        label = add(inner[0], labelled=True)
        assert label is not None
        return Reference(label, (output_field(name, slot.name),))

    add(root, labelled=False)
    return tuple(calls)


def episodes(
    directory: str | Path, split: str, config: TopV2Config | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split; rejects come with the split that their text belongs to."""
    config = config or TopV2Config()
    folder = RawFolder(directory)
    seen: dict[str, str] = {}
    for name in folder.names(FILES[0]):
        for record_id, query, parse in _rows(folder, name):
            if not query or not parse:
                if split == "train":
                    yield Reject(record_id, "malformed", f"{query!r}: {parse!r}")
                continue
            query, escapes = _ESCAPE.subn(_character, query)
            parse = _ESCAPE.sub(_character, parse)
            if is_validation(query, config.validation_share) != (split == "validation"):
                continue
            if query in seen:
                reason = "repeated_text" if seen[query] == parse else "conflicting_parse"
                yield Reject(record_id, reason, f"{query} {parse}")
                continue
            seen[query] = parse
            try:
                yield from _records(record_id, query, parse, escapes, config)
            except ParseError as error:
                yield Reject(record_id, error.reason, f"{query}: {error}")


def _rows(folder: RawFolder, name: str) -> Iterator[tuple[str, str, str]]:
    """Yields record id, request and parse of each row; what cannot be read is empty."""
    header, *lines = folder.read(name).split(b"\n")
    columns = header.decode("utf-8", "replace").strip("\r\ufeff").split("\t")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = dict(
                    zip(columns, line.decode("utf-8").rstrip("\r").split("\t"), strict=False)
                )
            except UnicodeDecodeError:
                row = {}
            record_id = f"{Path(name).stem}-{number}"
            yield record_id, row.get("en_query", ""), row.get("en_parse", "")


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def _records(
    record_id: str, query: str, parse: str, escapes: int, config: TopV2Config
) -> Iterator[Record]:
    parse, dots = _DOT_OUTSIDE.subn(r"\1 .\2", parse)
    root = read_parse(parse)
    for intent in root.all_intents():
        if intent.name.startswith("unsupported"):
            raise ParseError("unsupported_intent", intent.name)
        if intent.name not in FUNCTIONS:
            raise ParseError("unknown_function", intent.name)
    words = " ".join(root.words())
    if words.replace(" ", "") != "".join(query.split()):
        raise ParseError("parse_differs_from_query", parse)
    calls = calls_of(root)
    needed = list(dict.fromkeys(call.name for call in calls))
    domains = {DOMAINS[name] for name in needed}
    order = shuffled(FUNCTIONS, str, "related", record_id)
    related = [n for n in order if DOMAINS[n] in domains and n not in needed][: config.num_related]
    others = [n for n in order if DOMAINS[n] not in domains][: config.num_distractors]
    yield from checked(
        Episode(
            episode_id=record_id,
            source=SOURCE,
            functions=tuple(FUNCTIONS[name] for name in (*needed, *related)),
            turns=(UserTurn(words), CallTurn(CallGraph(calls))),
            distractors=tuple(FUNCTIONS[name] for name in others),
            services={name: DOMAINS[name] for name in (*needed, *related, *others)},
        ),
        collections.Counter(
            request_from_parse=int(words != query), escape_replaced=escapes, dot_included=dots
        ),
    )
    if chance(config.no_function_rate, "no_function", record_id):
        near = domains | {d for group in _NEIGHBOURS if group & domains for d in group}
        offered = [name for name in order if DOMAINS[name] not in near][: config.num_related + 1]
        yield from checked(
            Episode(
                episode_id=f"{record_id}/no_function",
                source=SOURCE,
                functions=tuple(FUNCTIONS[name] for name in offered),
                turns=(UserTurn(words),),
                no_call_reason="no_function",
                services={name: DOMAINS[name] for name in offered},
            )
        )
