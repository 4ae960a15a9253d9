"""MultiWOZ: conversations about Cambridge, whose calls follow from what the annotation says.

The data set has no calls. It has the belief state at each reply, what the reply does, and the
databases that the person who played the assistant could search. From these a call is derived where
it is certain:
    find_DOMAIN: the reply tells something from the database, and the state's constraints were not
        searched for before. The result is what the database returns: its first rows, and those
        that the assistant mentions until it searches again.
    book_DOMAIN: the state of the reply has a booking that the one before had not; its reference is
        the result.
Where state, reply and database do not agree, the dialogue is cut after the reply before, or
rejected where no call comes before. Version 2.1's validation and test dialogues are read, and split
by a hash of the dialogue.

Where a result introduced the name or number of what is booked or gone to, the call refers to it;
what that is like is no link, since many rows have it. Values from lists of choices count as
grounded only if somebody said them, and values that were said of something else (another service)
only if the user refers to that (`multiwoz_carried`).

Coercions:
    detokenised: a text in which punctuation and clitics stood apart as words.
    dontcare_dropped: a slot of which the user does not care for the value.
    not_needed_dropped: a "no" to parking or internet, which the user does not need.
    spelling: a value that the schema spells in another way.
    article: a name in a booking that a result has with "the" or without.
    full_name: a name that the state has cut or spelt otherwise than the user and the database.
    result_rows_cut: a result of which rows are left out; `total_results` says how many there were.
    ungrounded_reply: a reply right after calls that states what is neither shown nor said
        (`multiwoz_replies`); it is marked, and no target.
    cut_before_REASON: a dialogue that goes on with something that is not certain.

The reasons of cuts, and of rejects where no call comes before:
    reply_without_acts, state_misses_request, state_beyond_request, no_constraint,
        request_passed_over: a reply or state that does not tell what was searched for, or a state
        that lacks what the user said or has what they did not.
    refused_what_was_found, told_of_nothing_found, told_of_what_was_not_found,
        other_number_of_hits: a reply that the database does not bear out.
    booking_failed, booking_not_in_state, booking_incomplete, several_bookings: a booking that the
        state does not have, or not once and whole.
    choice_left_open, choice_not_offered: a booking of one of several that were offered, of which
        the user took none, or of what nobody offered.
    no_function_for_domain: the police or a hospital is told of.
    value_does_not_fit, malformed: a value that the function does not take, or is no text.
Rejected as well are a dialogue without a call (`no_call`), one or a file that cannot be read
(`malformed`, `not_json_number`), and what breaks a rule of `records.problem`.

Further episodes, of a hash-chosen share of the dialogues, are answered by no call:
    no_function: the opening request with functions of domains that the dialogue does not have.
    missing_parameter: the dialogue until the assistant asks where a taxi is to go or leave from.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import NotJsonNumber
from tasks.keyed import chance, shuffled
from tasks.sources import multiwoz_functions
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, NoCallReason, Turn
from tasks.sources.json_records import read_value
from tasks.sources.multiwoz_carried import carried_over
from tasks.sources.multiwoz_dialogue import Dialogue
from tasks.sources.multiwoz_functions import Database, read_functions
from tasks.sources.multiwoz_replies import with_replies_marked
from tasks.sources.open_choices import with_choices_grounded
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.validation_rows import is_validation
from tasks.sources.value_links import leaves, link_values

SOURCE = "multiwoz"
_DIALOGUES = r"(convlab3|data/multiwoz)/(val|test)\.json\.zip"
FILES = (_DIALOGUES, *multiwoz_functions.FILES)

_DOMAINS = ("restaurant", "hotel", "attraction", "train", "taxi")
# Whether there is a parking place or internet is asked for in too many words to look for.
_CONVENTIONAL = ("parking", "internet")
# Nor what tells which of the things that were found is meant.
_OF_THE_FOUND = (*_CONVENTIONAL, "name", "trainID")


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class MultiwozConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        validation_share: Share of the dialogues that make up the validation split.
        max_result_rows: Rows kept of every result, not counting those that are mentioned later.
        no_function_rate: Share of the dialogues that also yield a no_function episode.
        missing_parameter_rate: Share of the dialogues that also yield a missing_parameter episode,
            where they have such a question.
    """

    validation_share: float = 0.1
    max_result_rows: int = 3
    no_function_rate: float = 0.1
    missing_parameter_rate: float = 0.5


def episodes(
    directory: str | Path, split: str, config: MultiwozConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split."""
    config = config or MultiwozConfig()
    folder = RawFolder(directory)
    parser = _Parser(read_functions(folder), Database(folder), config)
    for name in folder.names(_DIALOGUES):
        dialogues = _read(folder, name)
        if isinstance(dialogues, Reject):
            if split == "train":
                yield dialogues
            continue
        for dialogue_id, raw in dialogues.items():
            if is_validation(dialogue_id, config.validation_share) == (split == "validation"):
                yield from parser.records(dialogue_id, raw)


def _read(folder: RawFolder, name: str) -> dict[str, Any] | Reject:
    try:
        with zipfile.ZipFile(io.BytesIO(folder.read(name))) as archive:
            member = next(n for n in archive.namelist() if n.endswith(".json"))
            dialogues = read_value(archive.read(member).decode("utf-8"))
    except NotJsonNumber as error:
        return Reject(name, "not_json_number", str(error))
    except (StopIteration, ValueError, zipfile.BadZipFile) as error:
        return Reject(name, "malformed", repr(error))
    if not isinstance(dialogues, dict):
        return Reject(name, "malformed", f"{type(dialogues).__name__}, expected an object")
    return dialogues


class _Parser:
    def __init__(
        self, functions: Mapping[str, FunctionSpec], database: Database, config: MultiwozConfig
    ) -> None:
        self._functions = functions
        self._database = database
        self._config = config

    def records(self, record_id: str, raw: Mapping[str, Any]) -> Iterator[Record]:
        """Yields what becomes of one dialogue."""
        config = self._config
        try:
            dialogue = Dialogue(raw["log"], self._functions, self._database, config.max_result_rows)
            goal = raw["goal"]
            wanted = [domain for domain in _DOMAINS if goal.get(domain)]
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            yield Reject(record_id, "malformed", repr(error))
            return
        if any(isinstance(turn, CallTurn) for turn in dialogue.turns):
            yield from self._whole(record_id, dialogue)
        else:
            yield Reject(record_id, *(dialogue.cut or ("no_call",)))
        if dialogue.question and chance(
            config.missing_parameter_rate, "missing_parameter", record_id
        ):
            key = f"{record_id}/missing_parameter"
            turns = dialogue.turns[: dialogue.question]
            yield from checked(self._episode(key, turns, "missing_parameter", ["book_taxi"]))
        opening = dialogue.turns[:1]
        if opening and wanted and chance(config.no_function_rate, "no_function", record_id):
            key = f"{record_id}/no_function"
            names = [n for n in self._functions if n.partition("_")[2] not in wanted]
            episode = self._episode(key, opening, "no_function", names)
            if names:
                functions = shuffled(map(self._functions.__getitem__, names), _name, "order", key)
                yield from checked(dataclasses.replace(episode, functions=tuple(functions)))

    def _whole(self, record_id: str, dialogue: Dialogue) -> Iterator[Record]:
        coerced = collections.Counter(dialogue.coerced)
        if dialogue.cut is not None:
            coerced[f"cut_before_{dialogue.cut[0]}"] += 1
        marked = with_replies_marked(dialogue.turns, dialogue.told, self._functions)
        coerced["ungrounded_reply"] = sum(
            isinstance(turn, AssistantTurn) and not turn.grounded for turn in marked
        )
        turns, _ = link_values(
            marked, functions=self._functions.values(), result_paths=_identifying
        )
        episode = self._episode(record_id, turns)
        for record in checked(episode, coerced):
            if isinstance(record, Episode):
                record = with_choices_grounded(record, conventional=_CONVENTIONAL)
                carried = carried_over(turns, record.services, _OF_THE_FOUND)
                places = {*record.ungrounded, *carried}
                record = dataclasses.replace(record, ungrounded=tuple(sorted(places)))
            yield record

    def _episode(
        self,
        episode_id: str,
        turns: Sequence[Turn],
        no_call_reason: NoCallReason | None = None,
        wanted: Sequence[str] = (),
    ) -> Episode:
        used = [call.name for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
        names = list(dict.fromkeys([*used, *wanted, *self._functions]))
        return Episode(
            episode_id=episode_id,
            source=SOURCE,
            functions=tuple(self._functions[name] for name in names),
            turns=tuple(turns),
            no_call_reason=no_call_reason,
            services={name: name.partition("_")[2] for name in names},
        )


def _identifying(result: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yields the names and numbers of the rows of a result, with the ways to them."""
    return ((way, value) for way, value in leaves(result) if way[-1] in ("name", "trainID"))


def _name(spec: FunctionSpec) -> str:
    return spec.name
