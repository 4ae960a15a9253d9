import json

import pytest

from granite_fc.calls.reference import references_in
from tasks.sources import seal_tools
from tasks.sources.episode import Episode
from tasks.sources.records import Coercion, Reject, problem
from tasks.sources.seal_tools import SealToolsConfig
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.raw_data import request, tool, write_seal_tools

ALL = SealToolsConfig(validation_share=0.0, no_function_rate=0.0)


def _read(tmp_path, *requests, config=ALL):
    return list(seal_tools.episodes(write_seal_tools(tmp_path, list(requests)), "train", config))


def test_outputs_are_counted_over_all_calls(tmp_path):
    (episode,) = _read(
        tmp_path,
        request(
            "dev-1",
            "The score of Bonn and the dose for 40 kg, then book Ann for 2022-10-15.",
            ("getScore", {"team": "Bonn"}, 1),
            ("getPatient", {"name": "Ann"}, 2),
            ("bookVisit", {"patient": "API_call_1", "day": "2022-10-15"}, 1),
            ("getDose", {"weight": "API_call_2"}, 1),
        ),
    )
    ((_, turn),) = episode.call_turns()
    assert [call.to_json() for call in turn.calls] == [
        {"name": "getScore", "arguments": {"team": "Bonn"}},
        {"name": "getPatient", "label": "$var_1", "arguments": {"name": "Ann"}},
        {"name": "bookVisit", "arguments": {"patient": "$var_1.patient_id$", "day": "2022-10-15"}},
        {"name": "getDose", "arguments": {"weight": "$var_1.weight$"}},
    ]
    assert [f.name for f in episode.functions] == list(turn.calls.names)
    assert [f.name for f in episode.distractors] == ["getStadium"]


def test_types_are_those_of_the_tool(tmp_path):
    records = _read(
        tmp_path,
        request("dev-1", "the dose for 40.5 kg", ("getDose", {"weight": "40.5"}, 1)),
        request("dev-2", "the dose for 40 kg", ("getDose", {"weight": 40}, 1)),
        request("dev-3", "the dose for forty kg", ("getDose", {"weight": "forty"}, 1)),
        request("dev-4", "the dose for 40 kg", ("getDose", {"weight": [40]}, 1)),
    )
    weights = [
        turn.calls[0].arguments["weight"]
        for r in records
        if isinstance(r, Episode)
        for _, turn in r.call_turns()
    ]
    assert weights == [40.5, 40]
    assert [r for r in records if isinstance(r, Coercion)] == [
        Coercion("dev-1", "numeral_to_number", 1)
    ]
    assert [(r.record_id, r.reason) for r in records if isinstance(r, Reject)] == [
        ("dev-3", "argument_does_not_fit"),
        ("dev-4", "argument_does_not_fit"),
    ]


@pytest.mark.parametrize(
    "calls, reason",
    [
        ([("fly", {}, 0)], "unknown_function"),
        ([("getScore", {"team": "Bonn"}, 2)], "outputs_differ"),
        ([("getScore", {"team": "API_call_0"}, 1)], "broken_reference"),
        (
            [("getScore", {"team": "Bonn"}, 1), ("getScore", {"team": "API_call_0 text"}, 1)],
            "broken_reference",
        ),
        (
            [("getPatient", {"name": "Bonn"}, 2), ("bookVisit", {"day": "API_call_0"}, 1)],
            "unrelated_reference",
        ),
        ([("getScore", {"team": "club"}, 1)], "placeholder_value"),
        ([("getScore", {}, 1)], "missing_required_argument"),
        ([("getScore", {"team": "Bonn", "day": "Bonn"}, 1)], "unknown_argument"),
    ],
)
def test_what_is_unfit_is_named(tmp_path, calls, reason):
    (record,) = _read(tmp_path, request("dev-1", "score of Bonn or a specific club.", *calls))
    assert isinstance(record, Reject) and record.reason == reason


@pytest.mark.parametrize(
    "query, calls, is_left_out",
    [
        ("shoes in the shoe size XL", [("getShoes", {}, 0)], True),
        ("shoes of a very large shoe size", [("getShoes", {"shoeSize": "very large"}, 0)], False),
        ("large shoes", [("getShoes", {}, 0)], False),
        ("shoes of some size", [("getShoes", {}, 0)], False),
    ],
)
def test_a_value_that_is_said_and_not_passed_is_named(tmp_path, query, calls, is_left_out):
    folder = write_seal_tools(tmp_path, [request("dev-1", query, *calls)])
    shoes = tool("getShoes", "Sports/Shoes", {"shoeSize": "str"}, {}, required=[])
    with (folder / "Seal-Tools_Dataset/tool.jsonl").open("a") as file:
        file.write(json.dumps(shoes) + "\n")
    (record,) = seal_tools.episodes(folder, "train", ALL)
    rejected = isinstance(record, Reject) and record.reason == "argument_left_out"
    assert rejected == is_left_out


@pytest.mark.parametrize(
    "query, is_conditional",
    [
        ("The score of Bonn. If it is good, the dose for 40 kg.", True),
        ("The score of Bonn; then if the match is over, the dose for 40 kg.", True),
        ("The score of Bonn. If possible, the dose for 40 kg.", False),
        ("Tell me if Bonn has a score, and the dose for 40 kg.", False),
    ],
)
def test_what_depends_on_a_condition_is_named(tmp_path, query, is_conditional):
    calls = [("getScore", {"team": "Bonn"}, 1), ("getDose", {"weight": 40}, 1)]
    (record,) = _read(tmp_path, request("dev-1", query, *calls))
    rejected = isinstance(record, Reject) and record.reason == "conditional_request"
    assert rejected == is_conditional


@pytest.mark.parametrize("team, is_same", [("Bonn", True), ("Ulm", False)])
def test_two_calls_of_one_purpose_are_named(tmp_path, team, is_same):
    calls = [("getScore", {"team": "Bonn"}, 1), ("fetchScoreData", {"team": team}, 0)]
    folder = write_seal_tools(tmp_path, [request("dev-1", f"score of Bonn and {team}", *calls)])
    scores = tool("fetchScoreData", "Sports/Football", {"team": "str"}, {})
    with (folder / "Seal-Tools_Dataset/tool.jsonl").open("a") as file:
        file.write(json.dumps(scores) + "\n")
    (record,) = seal_tools.episodes(folder, "train", ALL)
    assert (isinstance(record, Reject) and record.reason == "same_purpose") == is_same


def test_a_value_that_nobody_said_is_marked(tmp_path):
    (episode,) = _read(
        tmp_path, request("dev-1", "score of the club", ("getScore", {"team": "Ulm"}, 1))
    )
    assert episode.ungrounded == ((1, 0, "team"),)


def test_what_cannot_be_read_is_a_reject_with_its_line(tmp_path):
    good = request("dev-1", "score of Bonn", ("getScore", {"team": "Bonn"}, 1))
    folder = write_seal_tools(tmp_path, [good, good]) / "Seal-Tools_Dataset"
    with (folder / "dev.jsonl").open("ab") as file:
        file.write(
            b'{"id": "dev-3", "query": "caf\xe9"}\n{"id": "dev-4", "query": [], "calling": []}\n'
        )
        file.write(b'{"id": "dev-5", "query": "x", "calling": [{"api": 1e400}]}\n{"id": "dev-6", ')
    with (folder / "tool.jsonl").open("a") as file:
        file.write('{"api_name": "cut')
    records = list(seal_tools.episodes(tmp_path, "train", ALL))
    assert [(r.record_id, r.reason) for r in records if isinstance(r, Reject)] == [
        ("tool.jsonl:6", "malformed"),
        ("dev-1", "repeated_id"),
        ("dev.jsonl:3", "malformed"),
        ("dev.jsonl:4", "malformed"),
        ("dev.jsonl:5", "not_json_number"),
        ("dev.jsonl:6", "malformed"),
    ]
    assert [r.episode_id for r in records if isinstance(r, Episode)] == ["dev-1"]


def test_no_function_offers_other_areas_alone(tmp_path):
    config = SealToolsConfig(validation_share=0.0, no_function_rate=1.0)
    score = request("dev-1", "score of Bonn", ("getScore", {"team": "Bonn"}, 1))
    _, none = _read(tmp_path, score, config=config)
    assert none.no_call_reason == "no_function"
    assert {f.name for f in none.functions} <= {"getPatient", "bookVisit", "getDose"}
    assert none.functions


@needs_public_data
def test_real_requests():
    root = DATA_DIR / "SealTools"
    lines = (root / "Seal-Tools_Dataset/dev.jsonl").read_text(encoding="utf-8").splitlines()
    raw = {entry["id"]: entry for entry in map(json.loads, lines)}
    splits = [list(seal_tools.episodes(root, split)) for split in ("train", "validation")]
    records = splits[0] + splits[1]
    episodes = [r for r in records if isinstance(r, Episode)]
    with_calls = [e for e in episodes if e.no_call_reason is None]
    rejects = [r for r in records if isinstance(r, Reject)]
    assert len(with_calls) + len(rejects) == len(raw) == 700
    assert {e.episode_id for e in with_calls} | {r.record_id for r in rejects} == set(raw)
    # More than every sixth: most speak of a parameter that no call passes, or of a condition.
    assert len(rejects) < 130
    nested = 0
    for episode in with_calls:
        entry = raw[episode.episode_id]
        ((_, turn),) = episode.call_turns()
        assert list(turn.calls.names) == [made["api"] for made in entry["calling"]]
        given = json.dumps([made["parameters"] for made in entry["calling"]])
        references = [ref for call in turn.calls for ref in references_in(call.arguments)]
        assert len(references) == given.count("API_call_")
        nested += turn.calls.is_nested
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
    assert nested > 2
