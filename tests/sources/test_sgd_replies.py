import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.sources.episode import AssistantTurn, CallTurn, UserTurn
from tasks.sources.sgd_replies import statement, with_replies_marked
from tasks.sources.sgd_schema import read_services
from tests.sources.raw_data import SGD_SCHEMA, action

MUSIC = read_services(SGD_SCHEMA)["Music_1"]
ROWS = [
    {"song": "Elm Street", "by": "Ada Lund", "date": "2019-03-05", "stops": "0", "live": "False"},
    {"song": "Oak Street", "by": "Bea Moss", "date": "2019-03-07", "stops": "2", "live": "True"},
]


def spoken(act, field, words, value):
    return {**action(act, field, words), "canonical_values": [value]}


def frame_of(actions, **rest):
    return {"service": "Music_1", "actions": list(actions), **rest}


def is_grounded(reply, *actions, rows=ROWS, request="What is on at 5 pm?", given=()):
    call = Call("find", {"city": "Bonn", "time": "17:00"})
    found = CallTurn(CallGraph((call,)), ({"total_results": 9, "results": rows},))
    turns = (UserTurn(request), found, AssistantTurn(reply))
    *same, marked = with_replies_marked(
        turns, {2: [statement(MUSIC, frame_of(actions))]}, {0: given}
    )
    assert same == [*turns[:2]] and marked.text == reply
    return marked.grounded


@pytest.mark.parametrize(
    "reply, actions",
    [
        ("I found 9. Elm Street by Ada Lund?", [("song", "Elm Street"), ("by", "Ada Lund")]),
        ("elm street has 0 stops.", [("song", "elm street", "Elm Street"), ("stops", "0")]),
        ("It is on March 5th at 5 o'clock.", [("date", "March 5th", "2019-03-05")]),
        ("No, nobody plays.", [("live", "False")]),
        ("In Bonn, at 17:00.", []),
        ("Anything else?", []),
    ],
)
def test_what_results_arguments_or_conversation_give_is_grounded(reply, actions):
    stated = [spoken("INFORM", field, *(pair * 2)[:2]) for field, *pair in actions]
    assert is_grounded(reply, *stated)


@pytest.mark.parametrize(
    "reply, actions",
    [
        ("How about Ash Lane?", [("song", "Ash Lane")]),
        ("It is next Tuesday.", [("date", "next Tuesday", "2019-03-05")]),
        ("It is on tomorrow.", []),
        ("From the album of 1974.", []),
        ("In Elm Street you hear Lyon.", []),
    ],
)
def test_what_nothing_gives_is_not(reply, actions):
    stated = [spoken("OFFER", field, *(pair * 2)[:2]) for field, *pair in actions]
    assert not is_grounded(reply, *stated)


def test_the_words_of_the_user_may_be_repeated():
    date = spoken("OFFER", "date", "next Tuesday", "2019-03-05")
    assert is_grounded("It is next Tuesday.", date, request="Is it on next tuesday?")
    song = spoken("CONFIRM", "song", "that old one", "Ash Lane")
    request = "Play that old one."
    assert is_grounded("So that old one?", song, request=request, given={"Ash Lane"}, rows=[])


def test_one_row_has_all_that_is_said_of_a_result():
    stated = [action("OFFER", "song", "Elm Street"), action("OFFER", "by", "Bea Moss")]
    assert not is_grounded("Elm Street by Bea Moss?", *stated)
    several = action("OFFER", "song", "Elm Street", "Oak Street")
    assert is_grounded("Elm Street or Oak Street?", several)


@pytest.mark.parametrize("act", ["NOTIFY_SUCCESS", "NOTIFY_FAILURE"])
@pytest.mark.parametrize(
    "rows, is_clear",
    [([], True), ([{"time": "17:00"}], True), ([{"time": "17:30"}], False)],
)
def test_a_row_at_another_time_does_not_tell_what_was_done(act, rows, is_clear):
    call = {"method": "Play", "parameters": {"time": "17:00"}}
    frame = frame_of([action(act)], service_call=call, service_results=rows)
    turns = (UserTurn("At 5 pm."), AssistantTurn("That is it."))
    _, reply = with_replies_marked(turns, {1: [statement(MUSIC, frame)]}, {})
    assert reply.grounded == is_clear
