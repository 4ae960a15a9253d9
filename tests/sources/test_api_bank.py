import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.reference import references_in
from tasks.sources import api_bank
from tasks.sources.api_bank import ApiBankConfig
from tasks.sources.api_bank_text import TextError, read_call, read_literal
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tasks.sources.records import Coercion, Reject, problem
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.raw_data import api_bank_row, search_step, write_api_bank

ALL = ApiBankConfig(validation_share=0.0, no_function_rate=0.0)
REQUEST = "Order a cake of 2 tiers in Bonn.TIME: 2034-01-01 08:00:00"
SEARCH = "API-Request: [ToolSearcher(keywords='a tool')]"
FIND = "API-Request: [FindShop(city='Bonn')]"
ORDER = "API-Request: [OrderCake(shop=Crust, tiers='2')]"
FOUND = [search_step("FindShop"), f"{FIND}->{{'shops': ['Crumb', 'Crust']}}"]
ORDERED = [*FOUND, search_step("OrderCake"), f"{ORDER}->{{'price': 40.0}}"]


def _read(tmp_path, calls, replies=None):
    folder = write_api_bank(tmp_path, calls, replies)
    return list(api_bank.episodes(folder, "train", ALL))


def test_rows_become_one_dialogue(tmp_path):
    records = _read(
        tmp_path,
        [
            api_bank_row(REQUEST, [], SEARCH),
            api_bank_row(REQUEST, FOUND[:1], FIND),
            api_bank_row(REQUEST, ORDERED[:3], ORDER),
        ],
        [api_bank_row(REQUEST, ORDERED, "AI: Crust makes it for $40.\n")],
    )
    *coercions, episode = records
    assert {(c.rule, c.count) for c in coercions if isinstance(c, Coercion)} == {
        ("row_reassembled", 3),
        ("tool_search_left_out", 2),
        ("quotes_added", 1),
        ("numeral_to_number", 1),
    }
    user, find, order, reply = episode.turns
    assert user == UserTurn("Order a cake of 2 tiers in Bonn. (It is 2034-01-01 08:00:00.)")
    assert find.calls[0].to_json()["arguments"] == {"city": "Bonn"}
    assert find.results == ({"shops": ["Crumb", "Crust"]},)
    assert order.calls[0].to_json()["arguments"] == {"shop": "$var_1.shops.1$", "tiers": 2}
    assert reply == AssistantTurn("Crust makes it for $40.")
    assert [f.name for f in episode.functions] == ["FindShop", "OrderCake"]


@pytest.mark.parametrize("when, is_known", [("soon", False), ("today", True)])
def test_the_time_of_a_request_is_no_date_that_is_asked_for(tmp_path, when, is_known):
    find = "API-Request: [FindShop(city='2034-01-01')]"
    request = REQUEST.replace("in Bonn", when)
    (*_, episode) = _read(tmp_path, [api_bank_row(request, [search_step("FindShop")], find)])
    assert "(It is 2034-01-01 08:00:00.)" in episode.turns[0].text
    assert episode.ungrounded == (() if is_known else ((1, 0, "city"),))


def test_an_invented_reply_is_left_out(tmp_path):
    for reply in ("It costs $45.", "It is from Krumm."):
        records = _read(tmp_path, [], [api_bank_row(REQUEST, ORDERED, f"AI: {reply}")])
        assert isinstance(records[-1].turns[-1], CallTurn)
        assert Coercion(records[-1].episode_id, "ungrounded_reply_left_out", 1) in records


def test_a_bad_call_that_is_asked_for_is_a_reject(tmp_path):
    bad = "API-Request: [OrderCake(shop='Crust', tiers='two')]"
    (record,) = _read(tmp_path, [api_bank_row(REQUEST, ORDERED[:3], bad)])
    assert isinstance(record, Reject) and record.reason == "argument_does_not_fit"


@pytest.mark.parametrize(
    "request_text, going_on, is_asked",
    [
        ("Find a shop in Bonn.", ORDER, False),
        ("Find a shop in Bonn for ordering bread.", ORDER, True),
        ("Find a shop in Bonn.", FIND.replace("Bonn", "Ulm"), False),
        ("Find shops in Bonn and Ulm.", FIND.replace("Bonn", "Ulm"), True),
        ("Find a shop in Bonn.", ORDER.replace("'2'", "two"), False),
    ],
)
def test_a_dialogue_ends_before_a_call_that_nobody_asked_for(
    tmp_path, request_text, going_on, is_asked
):
    *records, episode = _read(tmp_path, [api_bank_row(request_text, ORDERED[:3], going_on)])
    calls = [call.name for _, turn in episode.call_turns() for call in turn.calls]
    assert len(calls) == 1 + is_asked
    assert (Coercion(episode.episode_id, "cut_before_unasked_call", 1) in records) is not is_asked
    if not is_asked and "OrderCake" in going_on:
        assert [spec.name for spec in episode.functions] == ["FindShop"]


def test_rows_that_go_on_otherwise_are_rejects(tmp_path):
    other = "API-Request: [FindShop(city='Ulm')]"
    rows = [api_bank_row(REQUEST, FOUND[:1], other), api_bank_row(REQUEST, ORDERED[:3], ORDER)]
    rejects = [r for r in _read(tmp_path, rows) if isinstance(r, Reject)]
    assert [(r.record_id, r.reason) for r in rejects] == [
        ("lv3-api-train.json:1", "other_continuation")
    ]


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"input": "{}\nUser: a"}, "malformed"),
        ({"input": 1, "output": "AI: a"}, "malformed"),
        (api_bank_row("a", ["Robot: b"], "AI: c"), "malformed"),
        (api_bank_row("a", [], "Sorry."), "malformed"),
        (api_bank_row("a", [], "API-Request: FindShop"), "malformed_call"),
        (api_bank_row("a", [], "API-Request: [Fly(to='b')]"), "unknown_function"),
        (
            api_bank_row("a", FOUND[:1], "API-Request: [FindShop(town='b')]"),
            "argument_does_not_fit",
        ),
        (api_bank_row("a", FOUND[:1], "API-Request: [FindShop(city=1e999)]"), "not_json_number"),
        (
            api_bank_row("a", FOUND[:1], "API-Request: [FindShop(city=MY_CITY)]"),
            "placeholder_value",
        ),
        (api_bank_row("a", [f"{SEARCH}->{{'name': 'b'}}"], FIND), "malformed_function"),
        (api_bank_row("a", [f"{FIND}->{{'shops': ["], "AI: c"), "unknown_function"),
        (api_bank_row("a", [*FOUND[:1], f"{FIND}->{{'shops': ["], "AI: c"), "malformed_value"),
        (api_bank_row("a", [f"{SEARCH}->{'[' * 10_000}"], FIND), "malformed_value"),
        (api_bank_row("a", FOUND[:1], "AI: b"), "no_call"),
    ],
)
def test_what_is_unfit_is_named(tmp_path, row, reason):
    (record,) = _read(tmp_path, [row])
    assert isinstance(record, Reject) and record.reason == reason


@pytest.mark.parametrize(
    "text, arguments",
    [
        ("[f(a='x', b=2, c=[1.5, -1], d=True)]", {"a": "x", "b": 2, "c": [1.5, -1], "d": True}),
        ("f(a=New York, b=knee pain)", {"a": "New York", "b": "knee pain"}),
        ("[f(a=New York, b='x')]", {"a": "New York", "b": "x"}),
        ("[f()]", {}),
    ],
)
def test_calls_are_read(text, arguments):
    assert read_call(text)[:2] == ("f", arguments)


@pytest.mark.parametrize(
    "text", ["f", "[f(x)]", "[f(a=)]", "[f(**{})]", "[f(a=g(1))]", "[f(a=b[0])]"]
)
def test_no_code_is_run(text):
    with pytest.raises(TextError):
        read_call(text)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_JSON)
def test_literals_are_read_back(value):
    assert read_literal(repr(value)) == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    for reader in (read_literal, read_call):
        with contextlib.suppress(TextError):
            reader(text)


@needs_public_data
def test_real_dialogues():
    records = list(api_bank.episodes(DATA_DIR / "APIBank", "validation"))
    episodes = [r for r in records if isinstance(r, Episode)]
    with_calls = [e for e in episodes if e.no_call_reason is None]
    assert len(with_calls) > 30 and sum(isinstance(r, Reject) for r in records) < 5
    for episode in episodes:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
    nested = [
        call
        for episode in with_calls
        for _, turn in episode.call_turns()
        for call in turn.calls
        if list(references_in(call.arguments))
    ]
    assert len(nested) > 3
