"""Schema-Guided Dialogue: conversations with services, every call with its results.

One dialogue becomes one episode with all its turns. All argument and result values stay strings, as
the data set has them. An argument that an earlier result introduced becomes a reference to it
(`tasks.sources.value_links`). Of a long result list the first rows are kept, and further down a row
for each value that the assistant then offers and those that are referred to; `total_results` says
how many there were (rule `result_rows_cut`). A method that two services of a dialogue share is
named SERVICE_METHOD in it (rule `function_name_qualified`). Before a call that does not fit its
function, or a turn that cannot be read, the dialogue ends (rule `cut_before_unfit_call`), where it
has calls before. Where it has none it is rejected: `not_in_schema` for a service or method that the
schema lacks, `malformed` for a part that is missing or of a wrong type, or the rule that the call
breaks (`records.problem`). So is a dialogue without a call (`no_call`). A search that
repeats the call before it with all arguments is asked for by nothing: it is left out where its
result is the same (rule `repeated_call_dropped`), and elsewhere the dialogue ends before the
request that it follows (rule `cut_before_repeated_call`). What changes something may be tried
again. Likewise the search for the dates of an event of which a result before shows the date: it is
left out where it finds no further date (rule `known_date_search_dropped`), and elsewhere the
dialogue ends before its request (rule `cut_before_known_date_search`).

Before a call to which the user agrees by the annotation, and only asks something by the words, the
dialogue ends (rule `cut_before_unsaid_assent`).

Ratings have two decimals in calls and results, of which the second is always 0, where people say
one: "4.20" is written "4.2" (rule `rating_shortened`).

The dialogues were written as if on 1 March 2019: "next Thursday" is 2019-03-07 in the calls.
Nothing in them says so, so the first turn of each episode begins with it (rule `today_told`). It
is added once the arguments are found to be grounded or not: it says no date that a call passes.

What a user says in other words than a call has it is given where it is a date, a time, a number,
one of the values that the schema lists, or a place ("SF"): these follow from what is said. Of
other values ("AMC Metreon" for "AMC Metreon 16", "Pizza" for "Italian") only the words are given.
So it is with words for a price that fit two of the values listed ("affordable", "fancy").

A reply that states what neither the conversation nor a row that is shown gives is marked as not
grounded (`tasks.sources.sgd_replies`), as is one that says whether something was done of which the
result, with another time than was asked for, does not tell.

A share of the dialogues has its functions and slots in the words of SGD-X, which paraphrases each
schema five times: such episodes are marked `schema_variant`.

An optional argument of a search that no user asked for, and an earlier result has (the airline of
the flight chosen last), is ungrounded: to choose one is no wish for the next. So is one that the
user told in other words, from which it does not follow, before anybody offered it, wherever an
earlier result happens to have it.

Further episodes, of a hash-chosen share of the dialogues, are answered by no call:
    missing_parameter: the dialogue until the assistant asks for a required slot of the active
        intent instead of calling it. Not where that slot is the kind of event, of which the finer
        kind is known (rule `question_of_implied_kind_left_out`), nor where the assistant proposes
        the one value that it can be (rule `question_of_known_value_left_out`).
    no_function: the opening request with functions of other domains alone.

The test split is the data set's own measure of zero-shot transfer. Its dialogues with services that
the train split lacks make up the split `unseen_service`; those that have one of train's as well are
rejected there (`service_of_train`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from tasks.keyed import chance, choice, hashed
from tasks.sources.episode import ArgumentPlace, CallTurn, Episode, Turn, UserTurn
from tasks.sources.json_records import json_items
from tasks.sources.parser_config import ParserConfig
from tasks.sources.raw_files import RawFolder
from tasks.sources.records import Record, Reject, checked
from tasks.sources.sgd_dialogue import MALFORMED, Dialogue
from tasks.sources.sgd_library import DialogueLibrary
from tasks.sources.sgd_ratings import with_short_ratings
from tasks.sources.sgd_replies import with_replies_marked
from tasks.sources.sgd_results import rows_referred_to, with_short_results
from tasks.sources.sgd_schema import NotInSchemaError, Service, read_services
from tasks.sources.value_links import leaves, link_values

SOURCE = "sgd"
OWN_SPLITS = ("train", "validation", "unseen_service")
_FOLDERS = {"train": "train", "validation": "dev", "unseen_service": "test"}
_NUM_VARIANTS = 5
# The day that all dialogues take to be today.
_TODAY = "(It is Friday, 2019-03-01.)"
FILES = (
    r"(train|dev|test)/schema\.json",
    rf"sgd_x/data/v[1-{_NUM_VARIANTS}]/(train|dev|test)/schema\.json",
    r"(train|dev|test)/dialogues_\d+\.json",
)


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SgdConfig(ParserConfig):
    """What decides the content of the episodes.

    Attributes:
        max_result_rows: Rows kept of every result list, not counting those further down that are
            offered or referred to later.
        num_distractors: Functions of other services that accompany an episode.
        missing_parameter_rate: Share of the dialogues that also yield a missing_parameter episode,
            where they have such a turn.
        no_function_rate: Share of the dialogues that also yield a no_function episode.
        schema_variant_rate: Share of the dialogues whose functions are in the words of SGD-X, one
            of its five variants each.
    """

    max_result_rows: int = 2
    num_distractors: int = 6
    missing_parameter_rate: float = 0.5
    no_function_rate: float = 0.1
    schema_variant_rate: float = 0.2


def episodes(
    directory: str | Path, split: str, config: SgdConfig | None = None
) -> Iterator[Record]:
    """Yields the episodes of a split: "train", "validation" (the dev split) or "unseen_service"."""
    config = config or SgdConfig()
    folder = RawFolder(directory)
    path = f"{_FOLDERS[split]}/schema.json"
    schema = folder.read_json(path)
    wordings = [read_services(schema)]
    if config.schema_variant_rate:
        wordings += [
            read_services(schema, folder.read_json(f"sgd_x/data/v{number}/{path}"))
            for number in range(1, _NUM_VARIANTS + 1)
        ]
    known: frozenset[str] = frozenset()
    if split == "unseen_service":
        known = frozenset(s["service_name"] for s in folder.read_json("train/schema.json"))
    for name in folder.names(rf"{_FOLDERS[split]}/dialogues_\d+\.json"):
        for item in json_items(folder, name):
            if isinstance(item, Reject):
                yield item
            else:
                yield from _records(*item, wordings, known, config)


def _records(
    place: str,
    record: Any,
    wordings: Sequence[Mapping[str, Service]],
    known: frozenset[str],
    config: SgdConfig,
) -> Iterator[Record]:
    try:
        record_id, names = record["dialogue_id"], record["services"]
        if not isinstance(record_id, str):
            raise TypeError("dialogue_id is no text")
        if not known.isdisjoint(names):
            yield Reject(record_id, "service_of_train", ", ".join(sorted(known & set(names))))
            return
        variant = 0
        if chance(config.schema_variant_rate, "schema_variant", record_id):
            variant = 1 + hashed("variant", record_id) % _NUM_VARIANTS
        reader = _Reader(record_id, record, wordings[variant], variant > 0, config)
    except NotInSchemaError as error:
        yield Reject(place, "not_in_schema", str(error))
    except MALFORMED as error:
        yield Reject(place, "malformed", f"{type(error).__name__}: {error}")
    else:
        yield from reader.records()


class _Reader:
    """Makes the episodes of one dialogue."""

    def __init__(
        self,
        record_id: str,
        record: Mapping[str, Any],
        services: Mapping[str, Service],
        is_variant: bool,
        config: SgdConfig,
    ) -> None:
        self._id = record_id
        self._marks = ("schema_variant",) if is_variant else ()
        self._config = config
        self._library = DialogueLibrary(record_id, record["services"], services)
        short, self._num_ratings = with_short_ratings(record)
        self._dialogue = Dialogue(short, self._library)

    def records(self) -> Iterator[Record]:
        config, dialogue, given = self._config, self._dialogue, self._dialogue.given
        if not any(isinstance(turn, CallTurn) for turn in dialogue.turns):
            yield Reject(self._id, "no_call")
            return
        yield from self._whole()
        questions = dialogue.questions
        if questions and chance(config.missing_parameter_rate, "missing_parameter", self._id):
            end, wanted = choice(questions, "cut", self._id)
            episode, _ = self._episode("/missing_parameter", end, wanted.name)
            negative = dataclasses.replace(episode, no_call_reason="missing_parameter")
            yield from _finished(checked(negative, given=given), dialogue.unasked)
        if dialogue.opens_with_intent and chance(config.no_function_rate, "no_function", self._id):
            yield from _finished(checked(self._no_function()))

    def _whole(self) -> Iterator[Record]:
        """Yields the dialogue as an episode, up to the first call that does not fit."""
        ends = [len(self._dialogue.turns), *self._ends_before_calls()]
        first: list[Record] = []
        for end in ends:
            episode, num_cut = self._episode("", end)
            coercions = {
                "function_name_qualified": sum(
                    self._dialogue.num_qualified[index] for index, _ in episode.call_turns()
                ),
                "result_rows_cut": num_cut,
                "repeated_call_dropped": sum(place < end for place in self._dialogue.repeats),
                "known_date_search_dropped": sum(
                    place < end for place in self._dialogue.known_dates
                ),
                **self._dialogue.left_out,
                "rating_shortened": self._num_ratings,
                "today_told": 1,
            }
            rule = "cut_before_unfit_call" if end < ends[0] else self._dialogue.cut
            if rule is not None:
                coercions[rule] = 1
            records = list(checked(episode, coercions, given=self._dialogue.given))
            if isinstance(records[-1], Episode):
                yield from _finished(records, self._dialogue.unasked)
                return
            first = first or records
        yield from first

    def _ends_before_calls(self) -> list[int]:
        """The places of the requests for calls, last first, that have calls before them."""
        turns = self._dialogue.turns
        calls = [index for index, turn in enumerate(turns) if isinstance(turn, CallTurn)]
        ends = {
            max((i for i in range(index) if isinstance(turns[i], UserTurn)), default=0)
            for index in calls[1:]
        }
        return sorted((end for end in ends if end > calls[0]), reverse=True)

    def _episode(self, suffix: str, end: int, wanted: str | None = None) -> tuple[Episode, int]:
        """Returns the first turns as an episode, and how many of its result lists were cut.

        Args:
            suffix: What its id has behind the dialogue's.
            end: How many turns.
            wanted: A function on offer whether it is called or not.
        """
        turns, num_cut = self._linked(self._dialogue.turns[:end])
        needed = [call.name for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]
        if wanted is not None:
            needed.append(wanted)
        others = self._library.others(needed, self._config.num_distractors)
        functions = self._library.functions(needed)
        services = self._library.services | {spec.name: service for spec, service in others}
        episode = Episode(
            episode_id=f"{self._id}{suffix}",
            source=SOURCE,
            functions=functions,
            turns=with_replies_marked(turns, self._dialogue.statements, self._dialogue.given),
            distractors=tuple(spec for spec, _ in others),
            services=services,
            marks=self._marks,
        )
        return episode, num_cut

    def _no_function(self) -> Episode:
        count = self._config.num_distractors
        others = self._library.unrelated(2 * count)
        return Episode(
            episode_id=f"{self._id}/no_function",
            source=SOURCE,
            functions=tuple(spec for spec, _ in others[:count]),
            turns=tuple(self._dialogue.turns[:1]),
            distractors=tuple(spec for spec, _ in others[count:]),
            no_call_reason="no_function",
            services={spec.name: service for spec, service in others},
            marks=self._marks,
        )

    def _linked(self, turns: Sequence[Turn]) -> tuple[tuple[Turn, ...], int]:
        """Returns the turns with references and short results, and how many were shortened."""
        functions = self._library.functions(())
        link = functools.partial(
            link_values,
            functions=functions,
            transactions={f.name for f in functions if self._library.is_transaction(f.name)},
            given=self._dialogue.given,
            result_paths=lambda result: leaves(result["results"], ("results",)),
        )
        linked, _ = link(turns)
        short, num_cut = with_short_results(
            turns, self._config.max_result_rows, self._dialogue.offers, rows_referred_to(linked)
        )
        if num_cut:
            # What is referred to is still there, so the same links are found, in fewer rows.
            linked, _ = link(short)
        return linked, num_cut


def _finished(
    records: Iterable[Record], unasked: Collection[ArgumentPlace] = ()
) -> Iterator[Record]:
    """Yields the records; an episode has the day in its first turn and `unasked` as ungrounded."""
    for record in records:
        if isinstance(record, Episode):
            first, *others = record.turns
            if isinstance(first, UserTurn):
                first = UserTurn(f"{_TODAY} {first.text}")
            places = {place for place in unasked if place.turn < len(record.turns)}
            record = dataclasses.replace(
                record,
                turns=(first, *others),
                ungrounded=tuple(sorted(places.union(record.ungrounded))),
            )
        yield record
