import dataclasses

import pytest

from granite_fc.errors import ConfigurationError
from tasks.sources import multiwoz
from tasks.sources.episode import ArgumentPlace, AssistantTurn, Episode, UserTurn
from tasks.sources.multiwoz import MultiwozConfig
from tasks.sources.multiwoz_functions import same_name
from tasks.sources.records import Coercion, Reject, problem
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.dialogue_data import write_multiwoz
from tests.sources.raw_data import write

PLAIN = MultiwozConfig(
    validation_share=0.0, max_result_rows=1, no_function_rate=0.0, missing_parameter_rate=0.0
)


def _turns(*turns):
    """Makes a log of (user, user's acts, reply, reply's acts, state)."""
    log = []
    for user, asked, reply, told, state in turns:
        log += [
            {"text": user, "dialog_act": asked, "metadata": {}},
            {"text": reply, "dialog_act": told, "metadata": state},
        ]
    return {"goal": {}, "log": log}


def _state(**domains):
    """Makes a state from domain=(semi, book)."""
    return {domain: {"semi": semi, "book": book} for domain, (semi, book) in domains.items()}


def _read(tmp_path, *dialogues, config=PLAIN):
    named = {f"MUL{number}": dialogue for number, dialogue in enumerate(dialogues)}
    return list(multiwoz.episodes(write_multiwoz(tmp_path, named), "train", config))


def _calls(episode):
    return [[call.to_json() for call in turn.calls] for _, turn in episode.call_turns()]


CHINESE = _state(restaurant=({"area": "north", "food": "chinese", "name": "not mentioned"}, {}))
OFFER = (
    "Chinese food in the north , please .",
    {"Restaurant-Inform": [["Food", "chinese"], ["Area", "north"]]},
    "I 'd say Panda .",
    {"Restaurant-Recommend": [["Name", "Panda"]]},
    CHINESE,
)
BOOKED = {"people": "2", "day": "friday", "time": "18:00"}
BOOKED["booked"] = [{"name": "panda", "reference": "XYZ"}]
BOOKING = (
    "Fine , a table for 2 on Friday at 18:00 .",
    {"Restaurant-Inform": [["People", "2"]]},
    "Done , it 's XYZ .",
    {"Booking-Book": [["Ref", "XYZ"]]},
    _state(restaurant=({"area": "north", "food": "chinese", "name": "panda"}, BOOKED)),
)
UNNAMED = _state(restaurant=({"area": "north", "food": "chinese"}, BOOKED))


def test_calls_follow_from_what_reply_and_state_say(tmp_path):
    episode = _read(tmp_path, _turns(OFFER, BOOKING))[-1]
    assert _calls(episode) == [
        [
            {
                "name": "find_restaurant",
                "label": "$var_1",
                "arguments": {"area": "north", "food": "chinese"},
            }
        ],
        [
            {
                "name": "book_restaurant",
                "arguments": {
                    "name": "$var_1.results.1.name$",
                    "people": 2,
                    "day": "friday",
                    "time": "18:00",
                },
            }
        ],
    ]
    (_, find), (_, book) = episode.call_turns()
    # The first row, and the one that the assistant recommends.
    assert find.results == (
        {
            "total_results": 2,
            "results": [
                {"name": "the golden wok", "area": "north", "food": "chinese"},
                {"name": "panda", "area": "north", "food": "chinese"},
            ],
        },
    )
    assert book.results == ({"reference": "XYZ"},)
    assert episode.turns[0] == UserTurn("Chinese food in the north, please.")
    assert episode.turns[2] == AssistantTurn("I'd say Panda.")
    assert episode.ungrounded == ()


def test_a_search_and_the_booking_of_its_only_hit_are_one_call_turn(tmp_path):
    state = _state(
        restaurant=(
            {"food": "indian"},
            BOOKED | {"booked": [{"name": "curry garden", "reference": "R"}]},
        )
    )
    text = "Book a table for 2 with Indian food , Friday 18:00"
    told = {"Booking-Book": [["Ref", "R"]]}
    episode = _read(tmp_path, _turns((text, {}, "It is R .", told, state)))[-1]
    ((find, book),) = _calls(episode)
    assert find["name"] == "find_restaurant"
    assert book["arguments"]["name"] == "$var_1.results.0.name$"


def test_times_are_bounds_and_what_is_accepted_is_not_searched_again(tmp_path):
    def trains(**semi):
        return _state(train=({"day": "friday", **semi}, {}))

    asked = {"Train-Inform": [["Day", "friday"], ["Leave", "10:30"]]}
    offered = {"Train-Inform": [["Leave", "12:00"], ["Arrive", "12:50"]]}
    offer = ("Friday after 10:30", asked, "At 12:00 .", offered, trains(leaveAt="10:30"))
    price = {"Train-Inform": [["Ticket", "3 pounds"]]}
    # The state takes over the time of the train that is offered.
    more = ("At 12:00 . Price ?", {}, "3 pounds .", price, trains(leaveAt="12:00"))
    episode = _read(tmp_path, _turns(offer, more))[-1]
    ((call,),) = _calls(episode)
    assert call["arguments"] == {"day": "friday", "leaveAt": "10:30"}
    ((_, turn),) = episode.call_turns()
    assert turn.results[0]["total_results"] == 2
    assert [row["trainID"] for row in turn.results[0]["results"]] == ["TR11", "TR12"]


def test_whether_there_is_parking_is_asked_for_by_act_and_not_by_the_word_yes(tmp_path):
    def hotels(**semi):
        return _state(hotel=({"area": "north", **semi}, {}))

    offer = {"Hotel-Recommend": [["Name", "Acorn Guest House"]]}
    phone = {"Hotel-Inform": [["Phone", "1"]]}
    turns = [
        ("A hotel , north", {"Hotel-Inform": [["Area", "north"]]}, "Acorn .", offer, hotels()),
        ("Yes , great", {}, "It 's 1 .", phone, hotels(parking="yes")),
    ]
    assert len(_calls(_read(tmp_path, _turns(*turns))[-1])) == 1
    parking = {"Hotel-Inform": [["Parking", "yes"]]}
    turns[1] = ("With a place for my car", parking, *turns[1][2:])
    assert _calls(_read(tmp_path, _turns(*turns))[-1])[1][0]["arguments"] == {
        "area": "north",
        "parking": "yes",
    }


@pytest.mark.parametrize(
    "text, semi, num_calls",
    [
        ("Does it have parking ?", {"area": "north", "parking": "yes"}, 1),
        ("With parking .", {"area": "north", "parking": "yes"}, 2),
        ("The Acorn , has it ?", {"name": "acorn", "area": "north", "parking": "yes"}, 1),
    ],
)
def test_what_the_rows_shown_answer_is_not_searched_for(tmp_path, text, semi, num_calls):
    offer = {"Hotel-Recommend": [["Name", "Acorn Guest House"]]}
    asked = {"Hotel-Inform": [["Parking", "yes"]]}
    phone = {"Hotel-Inform": [["Phone", "1"]]}
    turns = [
        ("A hotel , north", {}, "Acorn .", offer, _state(hotel=({"area": "north"}, {}))),
        (text, asked, "It 's 1 .", phone, _state(hotel=(semi, {}))),
    ]
    assert len(_calls(_read(tmp_path, _turns(*turns))[-1])) == num_calls


def test_what_is_changed_counts_once_for_the_call_that_has_it(tmp_path):
    state = _state(restaurant=({"area": "north", "food": "dontcare"}, {}))
    phone = {"Restaurant-Inform": [["Phone", "1"]]}
    turns = [
        ("The north , any food .", {}, *OFFER[2:4], state),
        ("The phone ?", {}, "It 's 1 .", phone, state),
    ]
    *coercions, episode = _read(tmp_path, _turns(*turns))
    assert _calls(episode) == [[{"name": "find_restaurant", "arguments": {"area": "north"}}]]
    assert Coercion("MUL0", "dontcare_dropped", 1) in coercions


@pytest.mark.parametrize("max_rows, num_calls", [(1, 2), (2, 1)])
def test_a_search_of_which_all_hits_are_shown_is_not_narrowed(tmp_path, max_rows, num_calls):
    config = dataclasses.replace(PLAIN, max_result_rows=max_rows)
    two = {"Hotel-Inform": [["Choice", "2"]]}
    asked = {"Hotel-Inform": [["Parking", "yes"]]}
    turns = [
        ("A hotel , north", {}, "Two .", two, _state(hotel=({"area": "north"}, {}))),
        ("Parking ?", asked, "2 .", two, _state(hotel=({"area": "north", "parking": "yes"}, {}))),
    ]
    assert len(_calls(_read(tmp_path, _turns(*turns), config=config)[-1])) == num_calls


def test_a_name_is_not_said_by_the_words_that_others_have_too(tmp_path):
    book = {"people": "2", "day": "friday", "stay": "1"}
    book["booked"] = [{"name": "worth house", "reference": "R"}]
    told = {"Hotel-Inform": [["Choice", "2"]]}
    turns = [
        ("A guest house , north", {}, "Two .", told, _state(hotel=({"area": "north"}, {}))),
        ("Any will do .", {}, "It is R .", {}, _state(hotel=({"area": "north"}, book))),
    ]
    *coercions, episode = _read(tmp_path, _turns(*turns))
    assert len(_calls(episode)) == 1
    assert Coercion("MUL0", "cut_before_choice_not_offered", 1) in coercions


def test_what_a_row_is_like_is_no_link(tmp_path):
    told = {"Hotel-Inform": [["Phone", "1"]]}
    named = ("The Acorn ?", {}, "It 's 1 .", told, _state(hotel=({"name": "acorn"}, {})))
    near = ("Chinese food near the hotel .", {}, *OFFER[2:])
    episode = _read(tmp_path, _turns(named, near))[-1]
    assert _calls(episode)[1][0]["arguments"] == {"area": "north", "food": "chinese"}


@pytest.mark.parametrize(
    "text, num_calls", [("Indian , southside .", 0), ("Indian .", 1), ("North or south .", 1)]
)
def test_a_search_has_the_area_that_the_request_names(tmp_path, text, num_calls):
    turn = (text, {}, *_reply({"Restaurant-Inform": [["Choice", "1"]]}, {"food": "indian"})[2:])
    record = _read(tmp_path, _turns(turn))[-1]
    if num_calls:
        assert len(_calls(record)) == num_calls
    else:
        assert record.reason == "state_misses_request"


def test_parking_that_is_not_needed_is_no_constraint(tmp_path):
    asked = {"Hotel-Inform": [["Parking", "no"]]}
    offer = {"Hotel-Recommend": [["Name", "Acorn Guest House"]]}
    state = _state(hotel=({"area": "north", "parking": "no"}, {}))
    turn = ("A hotel , north , I need no parking", asked, "Acorn .", offer, state)
    *coercions, episode = _read(tmp_path, _turns(turn))
    assert _calls(episode)[0][0]["arguments"] == {"area": "north"}
    assert Coercion("MUL0", "not_needed_dropped", 1) in coercions


def test_a_name_that_is_offered_for_booking_was_searched_for(tmp_path):
    offer = (*OFFER[:3], {"Booking-Inform": [["Name", "Panda"]]}, OFFER[4])
    episode = _read(tmp_path, _turns(offer))[-1]
    assert [call["name"] for (call,) in _calls(episode)] == ["find_restaurant"]


def test_what_was_found_by_name_is_not_searched_for_by_what_it_is_like(tmp_path):
    def pandas(**semi):
        return _state(restaurant=({"name": "panda", **semi}, {}))

    told = {"Restaurant-Inform": [["Phone", "1"]]}
    named = ("Panda 's phone ?", {}, "It 's 1 .", told, pandas())
    food = {"Restaurant-Inform": [["Food", "chinese"]]}
    chinese = ("The chinese one ?", food, "Yes , 1 .", told, pandas(food="chinese"))
    assert len(_calls(_read(tmp_path, _turns(named, chinese))[-1])) == 1


@pytest.mark.parametrize(
    "text, told, is_grounded",
    [
        ("Panda serves chinese food .", [["Name", "Panda"], ["Food", "chinese"]], True),
        ("Panda is in the south .", [["Name", "Panda"], ["Area", "south"]], False),
        ("There are two in the north .", [["Choice", "two"], ["Area", "north"]], True),
        ("There are 12 .", [["Choice", "many"]], False),
        ("Panda . Ring 99 .", [["Name", "Panda"], ["Phone", "99"]], False),
        # Of the two hits one is shown alone.
        ("They are in the south and the north .", [["Area", "south and north"]], False),
    ],
)
def test_a_reply_states_what_is_shown(tmp_path, text, told, is_grounded):
    log = _turns((*OFFER[:2], text, {"Restaurant-Inform": told}, CHINESE))
    *coercions, episode = _read(tmp_path, log)
    assert episode.turns[-1].grounded is is_grounded
    assert (Coercion("MUL0", "ungrounded_reply", 1) in coercions) is not is_grounded


@pytest.mark.parametrize(
    "reply, is_grounded",
    [
        ("Done , it 's XYZ .", True),
        ("It is held for 15 minutes , XYZ .", False),
        ("Done , XYZ , the fee is payable at the door .", False),
        ("Done , XYZ , it is very popular .", False),
        ("Done , XYZ , pay at the station .", False),
        ("It is held for eighteen minutes , XYZ .", False),
        ("At 6 pm , XYZ .", True),
    ],
)
def test_a_reply_to_a_booking_states_what_is_known(tmp_path, reply, is_grounded):
    booking = (*BOOKING[:2], reply, *BOOKING[3:])
    episode = _read(tmp_path, _turns(OFFER, booking))[-1]
    assert episode.turns[-1].grounded is is_grounded


@pytest.mark.parametrize(
    "text, places",
    [
        ("And a hotel in the north .", ()),
        ("And a hotel near the restaurant .", ()),
        ("And some hotel .", (ArgumentPlace(4, 0, "area"),)),
    ],
)
def test_what_was_said_of_something_else_is_taken_over_where_the_user_refers_to_it(
    tmp_path, text, places
):
    told = {"Hotel-Recommend": [["Name", "Acorn Guest House"]]}
    hotel = (text, {}, "Acorn .", told, _state(hotel=({"area": "north"}, {})))
    episode = _read(tmp_path, _turns(OFFER, hotel))[-1]
    assert episode.ungrounded == places


def test_names_in_bookings_are_those_of_the_result(tmp_path):
    book = BOOKED | {"booked": [{"name": "golden wok", "reference": "XYZ"}]}
    state = _state(restaurant=({"area": "north", "food": "chinese"}, book))
    offer = (*OFFER[:2], "Wok .", {"Restaurant-Recommend": [["Name", "Golden Wok"]]}, CHINESE)
    records = _read(tmp_path, _turns(offer, (*BOOKING[:4], state)))
    assert _calls(records[-1])[1][0]["arguments"]["name"] == "$var_1.results.0.name$"
    assert Coercion("MUL0", "article", 1) in records


@pytest.mark.parametrize(
    "text, is_open",
    [
        ("Fine , book it for 2 .", True),
        ("You choose .", True),
        ("The panda .", False),
        ("The second one .", False),
    ],
)
def test_a_booking_of_one_of_several_that_the_user_did_not_choose_is_left_out(
    tmp_path, text, is_open
):
    both = {"Restaurant-Recommend": [["Name", "Golden Wok"], ["Name", "Panda"]]}
    offer = (*OFFER[:2], "Golden Wok or Panda ?", both, CHINESE)
    *coercions, episode = _read(tmp_path, _turns(offer, (text, *BOOKING[1:])))
    assert len(_calls(episode)) == 2 - is_open
    assert (Coercion("MUL0", "cut_before_choice_left_open", 1) in coercions) is is_open


def test_a_search_that_is_asked_for_beside_a_booking_may_not_be_left_out(tmp_path):
    asked = {"Hotel-Inform": [["Area", "north"]]}
    state = BOOKING[4] | _state(hotel=({"area": "north"}, {}))
    *coercions, episode = _read(tmp_path, _turns(OFFER, (BOOKING[0], asked, *BOOKING[2:4], state)))
    assert len(_calls(episode)) == 1
    assert Coercion("MUL0", "cut_before_request_passed_over", 1) in coercions


@pytest.mark.parametrize(
    "text, name", [("The Golden Wok ?", "the golden wok"), ("The wok ?", "golden wok")]
)
def test_names_are_those_of_the_database_where_the_user_says_them_in_full(tmp_path, text, name):
    told = {"Restaurant-Inform": [["Phone", "1"]]}
    turn = (text, {}, "It 's 1 .", told, _state(restaurant=({"name": "golden wok"}, {})))
    *coercions, episode = _read(tmp_path, _turns(turn))
    assert _calls(episode)[0][0]["arguments"] == {"name": name}
    assert (Coercion("MUL0", "full_name", 1) in coercions) is (name == "the golden wok")


def _reply(told, semi, asked=None, text="hm"):
    return (text, asked or {}, "hm", told, _state(restaurant=(semi, {})))


@pytest.mark.parametrize(
    "turn, reason",
    [
        (_reply({"Restaurant-Inform": [["Choice", "7"]]}, {"food": "indian"}), "other_number_of"),
        (_reply({"Restaurant-NoOffer": [["none", "none"]]}, {"food": "indian"}), "refused_what_"),
        (_reply({"Restaurant-Inform": [["Name", "Panda"]]}, {"food": "thai"}), "told_of_nothing"),
        (_reply({"Restaurant-Inform": [["Name", "Panda"]]}, {"food": "indian"}), "told_of_what_"),
        (_reply({"Restaurant-Inform": [["Name", "Panda"]]}, {"food": ""}), "no_constraint"),
        (_reply({"Restaurant-Inform": [["Phone", "1"]]}, {"area": "up"}), "value_does_not_fit"),
        (
            _reply(
                {"Restaurant-Inform": [["Choice", "1"]]},
                {"food": "indian"},
                {"Restaurant-Inform": [["Area", "north"]]},
            ),
            "state_misses_request",
        ),
        (_reply({"Booking-NoBook": [["none", "none"]]}, {"food": "indian"}), "booking_failed"),
        (_reply({"Booking-Book": [["Ref", "X"]]}, {"food": "indian"}), "booking_not_in_state"),
        (_reply({"Police-Inform": [["Phone", "1"]]}, {}), "no_function_for_domain"),
        ((*BOOKING[:4], UNNAMED), "choice_not_offered"),
        (_reply({}, {"food": "indian"}), "reply_without_acts"),
    ],
)
def test_what_is_not_certain_ends_the_dialogue_before_its_request(tmp_path, turn, reason):
    hotel = _state(hotel=({"area": "north"}, {}))
    told = {"Hotel-Inform": [["Name", "Acorn Guest House"]]}
    before = ("A hotel in the north", {}, "The Acorn .", told, hotel)
    records = _read(tmp_path, _turns(turn), _turns(before, ("Bye", {}, "Bye .", {}, hotel), turn))
    reject = records[0]
    assert isinstance(reject, Reject) and reject.record_id == "MUL0"
    assert reject.reason.startswith(reason)
    cuts = [r.rule for r in records if isinstance(r, Coercion) and r.rule.startswith("cut_")]
    assert cuts == [f"cut_before_{reject.reason}"]
    assert records[-1].turns[-1] == AssistantTurn("Bye.")
    assert len(_calls(records[-1])) == 1


@pytest.mark.parametrize(
    "raw, reason",
    [
        ({}, "malformed"),
        ([], "malformed"),
        ({"goal": {}, "log": [{"text": "hi"}]}, "malformed"),
        ({"goal": {}, "log": [{"text": 3, "dialog_act": {}}]}, "malformed"),
        (_turns(("hi", {}, "hi", {}, {"train": {"semi": {}}})), "malformed"),
        (_turns(("hi", {}, "hi", {}, {})), "no_call"),
    ],
)
def test_what_is_malformed_is_a_reject_and_ends_nothing(tmp_path, raw, reason):
    records = _read(tmp_path, raw, _turns(OFFER))
    assert (records[0].record_id, records[0].reason) == ("MUL0", reason)
    assert records[-1].episode_id == "MUL1"


@pytest.mark.parametrize(
    "text, reason",
    [('{"MUL1": ', "malformed"), ("[]", "malformed"), ('{"MUL1": 1e400}', "not_json_number")],
)
def test_a_file_that_cannot_be_read_is_a_reject(tmp_path, text, reason):
    (reject,) = multiwoz.episodes(write_multiwoz(tmp_path, text), "train", PLAIN)
    assert (reject.record_id, reject.reason) == ("convlab3/val.json.zip", reason)
    (tmp_path / "convlab3/val.json.zip").write_bytes(b"no archive")
    (reject,) = multiwoz.episodes(tmp_path, "train", PLAIN)
    assert reject.reason == "malformed"


@pytest.mark.parametrize("name", ["db/hotel_db.json", "data/MultiWOZ_2.2/schema.json"])
def test_unfit_schema_and_databases_are_a_configuration_error(tmp_path, name):
    write(write_multiwoz(tmp_path, {}) / name, '[{"slots": 3}, 4]')
    with pytest.raises(ConfigurationError, match=name):
        list(multiwoz.episodes(tmp_path, "train"))


def test_negatives(tmp_path):
    config = MultiwozConfig(validation_share=0.0, no_function_rate=1.0, missing_parameter_rate=1.0)
    taxi = {"text": "A taxi please", "dialog_act": {}, "metadata": {}}
    where = {"text": "Where to ?", "dialog_act": {"Taxi-Request": [["Dest", "?"]]}, "metadata": {}}
    raw = {"goal": {"taxi": {"info": {}}, "hotel": {}}, "log": [taxi, where]}
    reject, question, none = _read(tmp_path, raw, config=config)
    assert reject.reason == "no_call"
    assert question.no_call_reason == "missing_parameter"
    assert question.functions[0].name == "book_taxi"
    assert question.turns[-1] == AssistantTurn("Where to?")
    assert none.turns == (UserTurn("A taxi please"),)
    assert "book_taxi" not in {spec.name for spec in none.functions}
    assert len(none.functions) == 7


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Christ 's College", "christ's college", True),
        ("christ college", "christ's college", True),
        ("Acorn Guest House", "acorn guesthouse", True),
        ("the golden wok", "golden curry", False),
        ("the hotel", "acorn", False),
    ],
)
def test_names_are_compared_by_the_words_that_tell_them_apart(one, other, same):
    assert same_name(one, other) is same


@needs_public_data
def test_real_dialogues():
    records = list(multiwoz.episodes(DATA_DIR / "MultiWOZ", "validation"))
    episodes = [r for r in records if isinstance(r, Episode)]
    whole = [e for e in episodes if e.no_call_reason is None]
    assert len(whole) > 140
    assert sum(isinstance(r, Reject) for r in records) < 35
    for episode in episodes:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
        for _, turn in episode.call_turns():
            assert len(turn.results) == len(turn.calls)
            for call, result in zip(turn.calls, turn.results, strict=True):
                if call.name.startswith("find_"):
                    assert result["total_results"] >= len(result["results"])
