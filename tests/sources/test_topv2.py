import collections
import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.reference import Reference, references_in
from tasks.sources import topv2
from tasks.sources.episode import Episode
from tasks.sources.records import Coercion, Reject, problem
from tasks.sources.topv2 import ParseError, TopV2Config, calls_of, read_parse
from tasks.sources.topv2_functions import DOMAINS, FUNCTIONS
from tasks.sources.validation_rows import is_validation
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.raw_data import write_topv2

ALL = TopV2Config(validation_share=0.0, no_function_rate=0.0)


def _json(parse):
    return [call.to_json() for call in calls_of(read_parse(parse))]


def test_inner_intents_come_first_and_outer_slots_refer_to_them():
    parse = (
        "[IN:SEND_MESSAGE Message [SL:RECIPIENT [IN:GET_CONTACT [SL:CONTACT_RELATED my ] "
        "[SL:TYPE_RELATION mom ] ] ] and [SL:RECIPIENT Bo ] [SL:CONTENT_EXACT the show is at "
        "6 ] ]"
    )
    assert _json(parse) == [
        {
            "name": "get_contact",
            "label": "$var_1",
            "arguments": {"contact_related": "my", "type_relation": "mom"},
        },
        {
            "name": "send_message",
            "arguments": {
                "recipient": ["$var_1.contact$", "Bo"],
                "content_exact": "the show is at 6",
            },
        },
    ]


def test_the_field_of_an_event_depends_on_the_slot():
    event = "[IN:GET_EVENT [SL:NAME_EVENT U 2 ] ]"
    travel = _json(f"[IN:GET_DIRECTIONS [SL:DESTINATION {event} ] [SL:SOURCE {event} ] ]")
    assert travel[-1]["arguments"] == {
        "destination": "$var_1.location$",
        "source": "$var_2.location$",
    }
    assert _json(f"[IN:GET_WEATHER [SL:DATE_TIME {event} ] ]")[-1]["arguments"] == {
        "date_time": "$var_1.date_time$"
    }


@pytest.mark.parametrize(
    "parse, reason",
    [
        ("[IN:GET_WEATHER now", "unbalanced_parse"),
        ("[IN:GET_WEATHER now ] ]", "unbalanced_parse"),
        ("[IN:GET_WEATHER ] [IN:GET_WEATHER ]", "unbalanced_parse"),
        ("now", "unbalanced_parse"),
        ("[IN:GET_WEATHER [IN:GET_TIME now ] ]", "intent_in_intent"),
        ("[IN:GET_WEATHER [SL:LOCATION in [IN:GET_LOCATION x ] ] ]", "mixed_slot"),
        ("[IN:GET_WEATHER [SL:LOCATION [SL:LOCATION x ] ] ]", "mixed_slot"),
        ("[IN:GET_WEATHER [SL:LOCATION ] ]", "empty_slot"),
        ("[IN:CREATE_REMINDER [SL:TODO [IN:SEND_MESSAGE x ] ] ]", "inner_action"),
    ],
)
def test_parses_that_cannot_become_calls(parse, reason):
    with pytest.raises(ParseError) as caught:
        calls_of(read_parse(parse))
    assert caught.value.reason == reason


_WORDS = st.lists(st.sampled_from(["a", "b", "'s", "6", "(", ")"]), max_size=3).map(" ".join)


def _tree(inner):
    leaf = _WORDS.filter(bool).map(lambda words: f"[SL:DATE_TIME {words} ]")
    nested = inner.map(lambda parse: f"[SL:LOCATION {parse} ]")
    parts = st.lists(st.one_of(_WORDS, leaf, nested), max_size=4)
    return parts.map(lambda parts: " ".join(["[IN:GET_EVENT", *parts, "]"]))


@given(st.recursive(_WORDS.map(lambda words: f"[IN:GET_LOCATION {words} ]"), _tree, max_leaves=8))
def test_any_tree_keeps_its_words_intents_and_slots(parse):
    root = read_parse(parse)
    assert " ".join(root.words()).split() == re.sub(r"\[\w+:\w+|\]", "", parse).split()
    calls = calls_of(root)
    assert len(calls) == parse.count("[IN:")
    references = [ref for call in calls for ref in references_in(call.arguments)]
    assert len(references) == len(set(references)) == len(calls) - 1
    leaves = re.findall(r"\[SL:DATE_TIME ([^\[\]]*) \]", parse)
    assert sorted(leaves) == sorted(_literals(calls))


def _literals(calls):
    for call in calls:
        for value in call.arguments.values():
            for item in value if isinstance(value, list) else [value]:
                if not isinstance(item, Reference):
                    yield item


def test_files_are_pooled_and_what_is_unfit_is_named(tmp_path):
    rows = [
        ("stop it", "[IN:PAUSE_TIMER stop it ]"),
        ("stop it", "[IN:PAUSE_TIMER stop it ]"),
        ("stop it", "[IN:STOP_MUSIC stop it ]"),
        ('say "hi', '[IN:SEND_MESSAGE say [SL:CONTENT_EXACT "hi ] ]'),
        ("6 o ' clock alarm", "[IN:CREATE_ALARM [SL:DATE_TIME 6 o'clock ] alarm ]"),
        ("who rings", "[IN:UNSUPPORTED_ALARM who rings ]"),
        ("fly", "[IN:FLY fly ]"),
        ("now", "[IN:GET_WEATHER then ]"),
        ("rain", "[IN:GET_WEATHER [SL:TIMER_NAME rain ] ]"),
    ]
    records = list(topv2.episodes(write_topv2(tmp_path, rows), "train", ALL))
    texts = {r.turns[0].text for r in records if isinstance(r, Episode)}
    assert texts == {"stop it", 'say "hi', "6 o'clock alarm"}
    assert collections.Counter(r.reason for r in records if isinstance(r, Reject)) == {
        "repeated_text": 1,
        "conflicting_parse": 1,
        "unsupported_intent": 1,
        "unknown_function": 1,
        "parse_differs_from_query": 1,
        "unknown_argument": 1,
    }
    assert [r.rule for r in records if isinstance(r, Coercion)] == ["request_from_parse"]


def test_escapes_are_replaced_in_query_and_parse(tmp_path):
    rows = [
        (
            "tell Bo I \\ u 2019 m at Mar\\u00e1",
            "[IN:SEND_MESSAGE tell [SL:RECIPIENT Bo ] "
            "[SL:CONTENT_EXACT I \\u2019 m at Mar\\u00e1 ] ]",
        ),
        ("tell Bo \\up", "[IN:SEND_MESSAGE tell [SL:RECIPIENT Bo ] [SL:CONTENT_EXACT \\up ] ]"),
    ]
    records = list(topv2.episodes(write_topv2(tmp_path, rows), "train", ALL))
    coercion, escaped, plain = records
    assert coercion == Coercion(escaped.episode_id, "escape_replaced", 2)
    assert escaped.turns[0].text == "tell Bo I \u2019 m at Mar\u00e1"
    ((_, turn),) = escaped.call_turns()
    assert list(_literals(turn.calls)) == ["Bo", "I \u2019 m at Mar\u00e1"]
    assert plain.turns[0].text == "tell Bo \\up"


def test_the_dot_of_a_time_is_in_its_slot(tmp_path):
    rows = [
        ("wake me at 9 a . m .", "[IN:CREATE_ALARM wake me [SL:DATE_TIME at 9 a . m ] . ]"),
        (
            "cancel my 2 P . M . alarm",
            "[IN:DELETE_ALARM cancel my "
            "[SL:ALARM_NAME [IN:GET_TIME [SL:DATE_TIME 2 P . M ] ] ] . alarm ]",
        ),
        ("wake me at 9 .", "[IN:CREATE_ALARM wake me [SL:DATE_TIME at 9 ] . ]"),
    ]
    records = list(topv2.episodes(write_topv2(tmp_path, rows), "train", ALL))
    episodes = [r for r in records if isinstance(r, Episode)]
    assert [e.turns[0].text for e in episodes] == [text for text, _ in rows]
    values = [v for e in episodes for _, turn in e.call_turns() for v in _literals(turn.calls)]
    assert values == ["at 9 a . m .", "2 P . M .", "at 9"]
    assert [r.rule for r in records if isinstance(r, Coercion)] == ["dot_included"] * 2


def test_every_text_is_in_one_split(tmp_path):
    rows = [(f"timer {n}", f"[IN:GET_TIMER timer {n} ]") for n in range(200)]
    directory = write_topv2(tmp_path, rows)
    config = TopV2Config(validation_share=0.25, no_function_rate=0.0)
    train, validation = (
        {e.turns[0].text for e in topv2.episodes(directory, split, config)}
        for split in ("train", "validation")
    )
    assert train | validation == {text for text, _ in rows}
    assert validation == {text for text, _ in rows if is_validation(text, 0.25)}
    assert not train & validation and 25 < len(validation) < 75


def test_what_cannot_be_read_is_a_reject_and_the_rest_is_read(tmp_path):
    deep = "[IN:GET_WEATHER [SL:LOCATION " * 5_000 + "x" + " ] ]" * 5_000
    folder = write_topv2(tmp_path, [("x", deep), ("rain", "[IN:GET_WEATHER rain ]")])
    with (folder / "Dataset/Human Annotated Data/validation.tsv").open("ab") as file:
        file.write(b"caf\xe9\tx\t[IN:GET_WEATHER caf\xe9 ]\tx\talarm\nno tab\n")
    records = list(topv2.episodes(tmp_path, "train", ALL))
    assert [(r.record_id, r.reason) for r in records if isinstance(r, Reject)] == [
        ("test-1", "nested_too_deeply"),
        ("validation-1", "malformed"),
        ("validation-2", "malformed"),
    ]
    assert [r.turns[0].text for r in records if isinstance(r, Episode)] == ["rain"]


@needs_public_data
def test_real_requests():
    root = DATA_DIR / "TOPv2_HinglishTOP"
    records = [r for split in ("train", "validation") for r in topv2.episodes(root, split)]
    episodes = [record for record in records if isinstance(record, Episode)]
    rejects = [record for record in records if isinstance(record, Reject)]
    rows = {}
    for path in sorted((root / "Dataset").rglob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for n, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=3), start=1):
                parse = re.sub(r"\\u(\w{4})", lambda e: chr(int(e[1], 16)), row["en_parse"])
                parse = re.sub(r"(?i)(\b\d*[ap] \. m)((?: \])+) \.", r"\1 .\2", parse)
                rows[f"{path.stem}-{n}"] = {"en_parse": parse}
    with_calls = [e for e in episodes if e.no_call_reason is None]
    assert len(rows) == 10_896 == len(with_calls) + len(rejects)
    assert {r.reason for r in rejects} == {
        "repeated_text",
        "conflicting_parse",
        "unsupported_intent",
        "inner_action",
        "parse_differs_from_query",
    }
    for episode in with_calls:
        parse = rows[episode.episode_id]["en_parse"]
        ((_, turn),) = episode.call_turns()
        assert [n.upper() for n in sorted(turn.calls.names)] == sorted(
            re.findall(r"IN:(\w+)", parse)
        )
        leaves = re.findall(r"\[SL:\w+ ([^\[\]]*?) \]", parse)
        assert sorted(_literals(turn.calls)) == sorted(leaves)
        assert all(leaf in episode.turns[0].text for leaf in leaves)
        assert turn.calls.is_nested == (parse.count("[IN:") > 1)
    for episode in episodes:
        if episode.no_call_reason == "no_function":
            called = rows[episode.episode_id.split("/")[0]]["en_parse"].split()[0][4:].lower()
            assert DOMAINS[called] not in {DOMAINS[spec.name] for spec in episode.functions}
    for episode in episodes[::20]:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
    assert all(FUNCTIONS[name].description for name in DOMAINS)
