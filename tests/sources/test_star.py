import collections
import json

import pytest

from granite_fc.calls.reference import references_in
from granite_fc.errors import ConfigurationError
from tasks.sources import star
from tasks.sources.episode import ArgumentPlace, AssistantTurn, Episode, UserTurn
from tasks.sources.records import Coercion, Reject, problem
from tasks.sources.star import StarConfig
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.dialogue_data import write_star
from tests.sources.raw_data import write

PLAIN = StarConfig(validation_share=0.0, missing_parameter_rate=0.0, no_function_rate=0.0)


def user(text):
    return [{"Action": "utter", "Agent": "User", "Text": text}]


def free(text):
    return [{"Action": "utter", "Agent": "Wizard", "Text": text}]


def template(text, label="hotel_inform"):
    return [{"Action": "pick_suggestion", "Agent": "Wizard", "Text": text, "ActionLabel": label}]


def query(api, constraints, item=None, total=-1):
    answer = {"Action": "return_item", "APIName": api, "TotalItems": total}
    if item is not None:
        answer["Item"] = {"APIName": api, **item}
    constraints = [{name: value} for name, value in constraints]
    asked = {"Action": "query", "Agent": "Wizard", "APIName": api, "Constraints": constraints}
    return [asked, answer]


def booking(time, kind='"Book"', name='"Hilton Hotel"'):
    return query("hotel_book", [("Name", name), ("Time", time), ("RequestType", kind)], {})


def _dialogue(*events, level="Complete", tasks=("hotel_book",), scenario="You want a room."):
    return {
        "CompletionLevel": level,
        "Scenario": {"UserTask": scenario, "WizardCapabilities": [{"Task": t} for t in tasks]},
        "Events": [event for group in events for event in group],
    }


def _read(tmp_path, *dialogues, config=PLAIN, split="train"):
    return list(star.episodes(write_star(tmp_path, *dialogues), split, config))


def _calls(episode):
    return [call.to_json() for _, turn in episode.call_turns() for call in turn.calls]


def test_a_dialogue_is_what_the_assistant_saw_and_did(tmp_path):
    item = {"Name": "Hyatt Hotel", "id": 7}
    (episode,) = _read(
        tmp_path,
        _dialogue(
            [{"Action": "instruct", "Agent": "UserGuide", "Text": "Be rude."}],
            user("A hotel with at least 4 stars"),
            [{"Action": "request_suggestions", "Agent": "Wizard", "Text": "I found the"}],
            query("hotel_search", [("AverageRating", "api.is_at_least(4)")], item, total=3),
            template("Hyatt Hotel?"),
            user("Great, at 2pm"),
            booking('"2 pm"', '"Check"', name='api.is_equal_to("Hyatt Hotel")'),
            template("It is free."),
            [{"Action": "complete", "Agent": "User"}],
        ),
    )
    assert [type(turn).__name__ for turn in episode.turns] == [
        *("UserTurn", "CallTurn", "AssistantTurn"),
        *("UserTurn", "CallTurn", "AssistantTurn"),
    ]
    assert episode.turns[1].results == ({"Name": "Hyatt Hotel", "id": 7, "TotalItems": 3},)
    # The user never names the hotel: the search brought it in.
    assert _calls(episode) == [
        {
            "name": "hotel_search",
            "label": "$var_1",
            "arguments": {"AverageRating": {"at_least": 4}},
        },
        {
            "name": "hotel_book",
            "arguments": {"Name": "$var_1.Name$", "Time": "2 pm", "RequestType": "Check"},
        },
    ]
    assert episode.ungrounded == ()
    assert episode.services["hotel_book"] == "hotel"
    assert {spec.name for spec in episode.distractors} == {"bank_balance", "plane_book", "weather"}


@pytest.mark.parametrize(
    "text, value, rule",
    [
        ('"4"', 4, "numeral_to_number"),
        ("4", 4, None),
        ("api.is_equal_to(4)", 4, None),
        ("api.is_equal_to()", None, "empty_value_dropped"),
        ("null", None, "empty_value_dropped"),
    ],
)
def test_numbers_are_read_as_written(tmp_path, text, value, rule):
    asked = query("hotel_search", [("Location", '"North"'), ("AverageRating", text)], {})
    records = _read(tmp_path, _dialogue(user("4 stars, North"), asked, template("No.")))
    (call,) = _calls(records[-1])
    rating = {} if value is None else {"AverageRating": value}
    assert call["arguments"] == {"Location": "North"} | rating
    assert [r.rule for r in records if isinstance(r, Coercion)] == ([rule] if rule else [])


@pytest.mark.parametrize(
    "text, value",
    [
        ("0314", "0314"),
        ("0314 ", "0314"),
        ('"zero "', "zero"),
        ("1234", "1234"),
        ("1e999", "1e999"),
        ("NaN", "NaN"),
    ],
)
def test_what_is_a_text_stays_one(tmp_path, text, value):
    asked = query("bank_balance", [("PIN", text)], {})
    records = _read(tmp_path, _dialogue(user(f"PIN {value}"), asked, template("9.")))
    assert _calls(records[-1])[0]["arguments"] == {"PIN": value}


def test_bounds_of_one_number_make_one_range(tmp_path):
    bounds = [
        ("AverageRating", "api.is_at_least(2)"),
        ("AverageRating", "api.is_less_than(5)"),
        ("Service", "True"),
    ]
    (episode,) = _read(tmp_path, _dialogue(user("2 to 5"), query("hotel_search", bounds, {})))
    arguments = {"AverageRating": {"at_least": 2, "less_than": 5}, "Service": True}
    assert _calls(episode)[0]["arguments"] == arguments


@pytest.mark.parametrize(
    "constraints, reason",
    [
        ([("Time", 'api.is_one_of(["1 pm","2 pm"])')], "several_values"),
        ([("Time", '"1 pm"'), ("Time", '"2 pm"')], "conflicting_constraints"),
        ([("PartySize", "api.is_at_least(3)")], "operator_not_supported"),
        ([("Time", 'api.is_not("1 pm")')], "operator_not_supported"),
        ([("Time", "api.is_equal_to(1 pm)")], "malformed"),
        ([("Time", '"4 am"')], "argument_does_not_fit"),
        ([("Time", "null")], "argument_does_not_fit"),
        ([("Pool", "True")], "unknown_argument"),
    ],
)
def test_a_query_that_no_call_says_ends_the_dialogue_before_its_request(
    tmp_path, constraints, reason
):
    fine = (user("Hilton at 3 pm"), booking('"3 pm"', '"Check"'), template("Free. Shall I?"))
    given = [("Name", '"Hilton Hotel"'), ("RequestType", '"Book"'), *constraints]
    unfit = (user("hm, another time"), query("hotel_book", given, {}), template("Done."))
    records = _read(tmp_path, _dialogue(*fine, *unfit), _dialogue(*unfit))
    assert [r for r in records if isinstance(r, Coercion)] == [
        Coercion("dialogues/1", f"cut_before_{reason}", 1)
    ]
    (episode,) = [r for r in records if isinstance(r, Episode)]
    assert len(_calls(episode)) == 1
    assert episode.turns[-1] == AssistantTurn("Free. Shall I?")
    assert [(r.record_id, r.reason) for r in records if isinstance(r, Reject)] == [
        ("dialogues/2", reason)
    ]


def test_of_tries_that_nobody_asked_for_the_last_is_kept(tmp_path):
    tries = (booking('"1 pm"', '"Check"'), booking('"2 pm"', '"Check"'), booking('"2 pm"'))
    opening = user("The Hilton, any time")
    picked, spoken = (
        _read(tmp_path / "a", _dialogue(opening, *tries, template("2 pm is booked."))),
        _read(tmp_path / "b", _dialogue(opening, *tries, free("1 pm is taken, so I booked 2 pm."))),
    )
    assert [c["arguments"]["RequestType"] for c in _calls(picked[-1])] == ["Book"]
    assert [coercion.rule for coercion in picked[:-1]] == [
        "earlier_try_dropped",
        "other_type_dropped",
    ]
    assert {place.parameter for place in picked[-1].ungrounded} == {"Time", "RequestType"}
    assert [record.reason for record in spoken] == ["unprompted_try"]


def test_of_a_query_and_the_same_with_more_the_second_is_kept(tmp_path):
    near = ("Location", '"North"')
    tries = (query("hotel_search", [near], {}), query("hotel_search", [near, ("Service", "True")]))
    coercion, episode = _read(
        tmp_path, _dialogue(user("In the North, with service"), *tries, template("None."))
    )
    (call,) = _calls(episode)
    assert call["arguments"] == {"Location": "North", "Service": True}
    assert coercion == Coercion("dialogues/1", "earlier_try_dropped", 1)


def test_queries_before_anything_is_known_are_dropped(tmp_path):
    refusal = {"Message": "You must provide more. We cannot authenticate the user otherwise."}
    _, _, episode = records = _read(
        tmp_path,
        _dialogue(
            user("A hotel and my balance"),
            query("hotel_search", []),
            query("bank_balance", [("PIN", '"1"')], refusal),
            template("PIN?"),
            user("12"),
            query("bank_balance", [("PIN", '"12"')], {"BankBalance": 3}),
            template("3."),
        ),
    )
    assert [call["arguments"] for call in _calls(episode)] == [{"PIN": "12"}]
    assert {(r.rule, r.count) for r in records[:-1]} == {
        ("empty_search_dropped", 1),
        ("unauthenticated_try_dropped", 1),
    }


def test_queries_that_were_asked_for_are_kept_and_repeated_ones_are_not(tmp_path):
    def forecast(day):
        return query("weather", [("Day", f'"{day}"')], {})

    asked = _dialogue(
        user("Weather on Sunday and Monday?"),
        *(forecast("Sunday"), forecast("Monday"), forecast("Monday")),
        template("Rain on both.", "weather_inform_forecast"),
    )
    coercion, episode = _read(tmp_path, asked)
    assert [call["arguments"]["Day"] for call in _calls(episode)] == ["Sunday", "Monday"]
    assert coercion == Coercion("dialogues/1", "repeated_query_dropped", 1)


def test_a_search_without_what_was_asked_for_is_none(tmp_path):
    request = user("The Hilton in the North, please")
    whole = query("hotel_search", [("Name", '"Hilton Hotel"'), ("Location", '"North"')], {})
    part = query("hotel_search", [("Name", '"Hilton Hotel"')], {})
    episode, reject = _read(tmp_path, _dialogue(request, whole), _dialogue(request, part))
    assert len(_calls(episode)) == 1
    assert (reject.reason, reject.detail) == ("value_left_out", "hotel_search.Location: North")


def test_an_account_is_not_asked_about_without_its_number_once_that_is_said(tmp_path):
    request = user("My number is 68318931, my PIN 1596")
    told = [("AccountNumber", "68318931"), ("PIN", "1596")]
    *_, episode, reject = _read(
        tmp_path,
        _dialogue(request, query("bank_balance", told, {"BankBalance": 3})),
        _dialogue(request, query("bank_balance", told[1:], {"BankBalance": 3})),
    )
    assert _calls(episode)[0]["arguments"] == {"AccountNumber": "68318931", "PIN": "1596"}
    assert reject.reason == "value_left_out"


def test_a_flight_is_one_that_somebody_told(tmp_path):
    check = query("plane_book", [("id", "766"), ("RequestType", '"Check"')], {})
    episode, reject = _read(
        tmp_path,
        _dialogue(user("Flight 766, please"), check),
        _dialogue(user("A flight, as soon as possible"), check),
    )
    assert _calls(episode)[0]["arguments"] == {"id": 766, "RequestType": "Check"}
    assert reject.reason == "flight_not_told"


def test_what_was_looked_up_before_is_not_looked_up_again(tmp_path):
    def forecast(weather):
        return query("weather", [("Day", '"Sunday"')], {"Weather": weather})

    def asked(second):
        turns = (user("And in the evening?"), forecast(second), template("So so."))
        return _dialogue(user("Sunday?"), forecast("rain"), template("Rain."), *turns)

    same, episode, cut, shorter = _read(tmp_path, asked("rain"), asked("sun"))
    assert len(_calls(episode)) == len(_calls(shorter)) == 1
    assert (len(episode.turns), len(shorter.turns)) == (5, 3)
    assert same.rule == "repeated_query_dropped"
    assert cut.rule == "cut_before_repeated_query"


def test_a_search_of_which_nothing_is_told_but_a_value_asked_for_is_dropped(tmp_path):
    near = ("Location", '"North"')
    hit = {"Name": "Hyatt Hotel"}
    for label, num_calls in [
        ("hotel_ask_rating", 1),
        ("hotel_ask_search_more", 2),
        ("hotel_inform_search_result", 2),
        ("weather_ask_day", 2),
    ]:
        *_, episode = _read(
            tmp_path,
            _dialogue(
                user("A hotel in the North"),
                query("hotel_search", [near], hit),
                template("The Hyatt?", label),
                user("4 stars"),
                query("hotel_search", [near, ("AverageRating", "4")], hit),
                template("The Hyatt.", "hotel_inform"),
            ),
        )
        assert len(_calls(episode)) == num_calls


def test_a_choice_counts_as_known_only_when_somebody_made_it(tmp_path):
    for text, places in [
        ("hilton at 1pm", ()),
        ("hilton, around one o'clock", ()),
        ("hilton, after work", (ArgumentPlace(1, 0, "Time"),)),
        ("some hotel at 1 pm", (ArgumentPlace(1, 0, "Name"),)),
    ]:
        check = booking('"1 pm"', '"Check"')
        (episode,) = _read(tmp_path, _dialogue(user(text), check, template("It is free.")))
        assert episode.ungrounded == places, text


@pytest.mark.parametrize(
    "texts, is_open",
    [
        (("My PIN is 1596 or 0394",), True),
        (("Either 0394, or maybe 1596",), True),
        (("1596 or 0394?", "Hm, 1596."), False),
        (("For 1 or 2 people, my PIN is 1596",), False),
        (("The PIN is 1596, or so I think",), False),
    ],
)
def test_one_of_two_that_the_user_leaves_open_is_not_known(tmp_path, texts, is_open):
    said = [event for text in texts for event in (user(text), free("Yes?"))][:-1]
    asked = query("bank_balance", [("PIN", '"1596"')], {"BankBalance": 3})
    *_, episode = _read(tmp_path, _dialogue(*said, asked, template("3.", "bank_inform_balance")))
    place = ArgumentPlace(2 * len(texts) - 1, 0, "PIN")
    assert episode.ungrounded == ((place,) if is_open else ())


def test_a_listed_value_is_left_open_until_the_assistant_says_it(tmp_path):
    check = booking('"1 pm"', '"Check"')
    request = user("The Hilton at 1 pm or 2 pm")
    (taken,) = _read(tmp_path / "a", _dialogue(request, check))
    (offered,) = _read(tmp_path / "b", _dialogue(request, free("1 pm?"), user("Yes"), check))
    assert taken.ungrounded == (ArgumentPlace(1, 0, "Time"),)
    assert offered.ungrounded == ()


def _asked(kind, message):
    constraints = [("Name", '"Hilton Hotel"'), ("Time", '"1 pm"'), ("RequestType", f'"{kind}"')]
    return query("hotel_book", constraints, {"Message": message})


def test_a_booking_is_due_once_the_user_agrees_to_what_is_possible(tmp_path):
    check, book = _asked("Check", "Available"), _asked("Book", "Reservation Failed")
    confirm = template("Shall I?", "hotel_ask_confirm_booking")
    failed = template("It failed.", "hotel_reservation_failed")
    opening, yes = user("The Hilton at 1 pm"), user("Yes")
    for events, places in [
        ((opening, check, confirm, yes, book, failed, user("Again"), book, failed), []),
        ((opening, book, failed), [1]),
        ((opening, _asked("Check", "Unavailable"), free("No."), user("Do!"), book, failed), [4]),
        ((opening, check, confirm, yes, _asked("Check", "Unavailable"), free("No.")), [4]),
    ]:
        *_, episode = _read(tmp_path, _dialogue(*events))
        assert episode.ungrounded == tuple(ArgumentPlace(n, 0, "RequestType") for n in places)


def test_of_a_check_and_the_same_booking_in_one_the_second_is_kept(tmp_path):
    check, book = _asked("Check", "Available"), _asked("Book", "Reservation Failed")
    confirm = template("Shall I?", "hotel_ask_confirm_booking")
    failed = template("It failed.", "hotel_reservation_failed")
    for events, kinds, places in [
        ((book, check, confirm, user("Yes"), book, failed), ["Check", "Book"], []),
        ((check, book, failed), ["Book"], [1]),
    ]:
        coercion, episode = _read(tmp_path, _dialogue(user("The Hilton at 1 pm"), *events))
        assert [call["arguments"]["RequestType"] for call in _calls(episode)] == kinds
        assert episode.ungrounded == tuple(ArgumentPlace(n, 0, "RequestType") for n in places)
        assert coercion == Coercion("dialogues/1", "other_type_dropped", 1)


def test_what_was_possible_or_done_is_not_asked_for_again(tmp_path):
    book = _asked("Book", "Reservation Confirmed")
    done = template("Done.", "hotel_reservation_succeeded")
    coercion, episode = _read(
        tmp_path,
        _dialogue(
            user("The Hilton at 1 pm"),
            *(_asked("Check", "Available"), template("Shall I?", "hotel_ask_confirm_booking")),
            *(user("Yes"), book, done, user("Thanks"), book, done),
        ),
    )
    assert [call["arguments"]["RequestType"] for call in _calls(episode)] == ["Check", "Book"]
    assert coercion == Coercion("dialogues/1", "repeated_query_dropped", 1)


@pytest.mark.parametrize(
    "kind, message, reply, is_grounded",
    [
        ("Check", "Available", template("Shall I?", "hotel_ask_confirm_booking"), True),
        ("Check", "Available", template("It is done.", "hotel_reservation_succeeded"), False),
        ("Check", "Unavailable", template("It is full.", "hotel_unavailable"), True),
        ("Check", "Unavailable", template("It failed.", "hotel_reservation_failed"), False),
        ("Check", "Available", template("And your name?", "ask_name"), False),
        ("Check", "Available", template("It is free at 2 pm.", "hotel_available"), False),
        ("Check", "Unavailable", template("Try the Hyatt Hotel.", "hotel_unavailable"), False),
        ("Check", "Available", free("The Hilton is free at 1 pm."), False),
    ],
)
def test_a_reply_tells_what_the_result_says(tmp_path, kind, message, reply, is_grounded):
    events = (user("The Hilton at 1 pm"), _asked(kind, message), reply)
    *coercions, episode = _read(tmp_path, _dialogue(*events))
    assert episode.turns[-1].grounded is is_grounded
    assert coercions == ([] if is_grounded else [Coercion("dialogues/1", "ungrounded_reply", 1)])


def test_negatives(tmp_path):
    config = StarConfig(validation_share=0.0, missing_parameter_rate=1.0, no_function_rate=1.0)
    _, question, none = _read(
        tmp_path,
        _dialogue(
            user("I would like a hotel room"),
            template("At what time?", "hotel_ask_time"),
            user("1 pm at the Hilton"),
            booking('"1 pm"'),
            template("Done."),
        ),
        config=config,
    )
    assert question.no_call_reason == "missing_parameter"
    assert question.turns[-1] == AssistantTurn("At what time?")
    assert question.functions[0].name == "hotel_book"
    assert none.turns == (UserTurn("I would like a hotel room"),)
    assert not any(spec.name.startswith("hotel") for spec in none.functions)


@pytest.mark.parametrize(
    "content, reason",
    [
        ('{"Events": [', "malformed"),
        ("[]", "malformed"),
        ('{"CompletionLevel": "Complete"}', "malformed"),
        ('{"CompletionLevel": NaN}', "not_json_number"),
        (_dialogue([{"Action": "utter", "Agent": "User"}]), "malformed"),
        (_dialogue(user("hi"), template("Hello.")), "no_call"),
        (_dialogue(user("hi"), level="DisconnectDuringDialogue"), "not_complete"),
        (_dialogue(user("hi"), query("fly", [])), "unknown_function"),
        (_dialogue(user("hi"), query("weather", [])[1:]), "result_without_query"),
        (_dialogue(user(" "), query("weather", [("Day", '"Sunday"')], {})), "empty_text"),
    ],
)
def test_what_is_unfit_is_a_reject_and_ends_nothing(tmp_path, content, reason):
    fine = _dialogue(user("Sunday"), query("weather", [("Day", '"Sunday"')], {}))
    reject, episode = _read(tmp_path, content, fine)
    assert (reject.record_id, reject.reason) == ("dialogues/1", reason)
    assert episode.episode_id == "dialogues/2"


def test_files_that_are_not_there_or_no_declarations_are_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError):
        list(star.episodes(tmp_path, "train"))
    write_star(tmp_path, _dialogue())
    write(tmp_path / "apis/apis/weather.json", {"input": [{"Name": "Day"}]})
    with pytest.raises(ConfigurationError, match="weather"):
        list(star.episodes(tmp_path, "train"))


def test_dialogues_of_one_scenario_are_in_one_split(tmp_path):
    weather = (user("Sunday"), query("weather", [("Day", '"Sunday"')], {}))
    dialogues = [_dialogue(*weather, scenario=f"Scenario {n // 3}") for n in range(90)]
    config = StarConfig(validation_share=0.5, missing_parameter_rate=0, no_function_rate=0)
    ids = {
        split: {record.episode_id for record in _read(tmp_path, *dialogues, split=split, config=c)}
        for split, c in (("train", config), ("validation", config))
    }
    assert len(ids["train"]) + len(ids["validation"]) == 90
    groups = [{(int(name.split("/")[1]) - 1) // 3 for name in found} for found in ids.values()]
    assert groups[0].isdisjoint(groups[1]) and all(groups)


@needs_public_data
def test_real_dialogues():
    records = list(star.episodes(DATA_DIR / "STAR", "validation"))
    episodes = [r for r in records if isinstance(r, Episode)]
    whole = [e for e in episodes if e.no_call_reason is None]
    assert len(whole) > 400
    rejects = collections.Counter(r.reason for r in records if isinstance(r, Reject))
    assert sum(rejects.values()) - rejects["not_complete"] < 0.1 * len(whole)
    references = 0
    for episode in episodes:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
        for _, turn in episode.call_turns():
            references += sum(1 for c in turn.calls for _ in references_in(c.arguments))
            assert all("APIName" not in json.dumps(result) for result in turn.results)
    assert references > 20
