import dataclasses
import functools
import gzip
import json
import re
import shutil

import pytest

from granite_fc.calls.reference import Reference
from tasks.sources import sgd
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tasks.sources.records import Coercion, Reject, problem
from tasks.sources.sgd import SgdConfig
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.raw_data import (
    HOTELS,
    SGD_SCHEMA,
    action,
    hotel_dialogue,
    intent,
    slot,
    system,
    two_service_dialogue,
    user,
    write,
    write_sgd,
)

NEVER = SgdConfig(
    max_result_rows=3, missing_parameter_rate=0.0, no_function_rate=0.0, schema_variant_rate=0.0
)
OPENING = "(It is Friday, 2019-03-01.) A hotel please."
ALWAYS = dataclasses.replace(NEVER, missing_parameter_rate=1.0, no_function_rate=1.0)


def _read(tmp_path, dialogues, config=NEVER):
    return list(sgd.episodes(write_sgd(tmp_path, dialogues), "train", config))


def _episodes(records):
    return [record for record in records if isinstance(record, Episode)]


def test_a_dialogue_becomes_an_episode_with_all_its_turns(tmp_path):
    (episode,) = _episodes(_read(tmp_path, [hotel_dialogue("1_0")]))
    user_1, asked, user_2, called, offered, user_3, other = episode.turns
    assert [user_1, user_2, user_3] == [
        UserTurn(OPENING),
        UserTurn("In Bonn."),
        UserTurn("Another."),
    ]
    assert [asked, offered, other] == [
        AssistantTurn("Where?"),
        AssistantTurn("This one?"),
        AssistantTurn("That one?"),
    ]
    assert called.calls[0].to_json() == {"name": "Search", "arguments": {"city": "Bonn"}}


def test_long_results_keep_the_first_rows_and_the_one_offered_later(tmp_path):
    records = _read(tmp_path, [hotel_dialogue("1_0")])
    (episode,) = _episodes(records)
    ((_, turn),) = episode.call_turns()
    assert turn.results == ({"total_results": 6, "results": [*HOTELS[:3], HOTELS[4]]},)
    assert Coercion("1_0", "result_rows_cut", 1) in records


@pytest.mark.parametrize(
    "answer, is_cut",
    [
        ("What does it cost? Has it a bar?", True),
        ("Great, what does it cost?", False),
        ("That one. What does it cost?", False),
    ],
)
def test_a_dialogue_ends_before_a_call_that_nobody_agreed_to(tmp_path, answer, is_cut):
    dialogue = hotel_dialogue("1_0")
    told = [action("AFFIRM"), action("REQUEST", "price")]
    dialogue["turns"] += [
        user(answer, "Hotels_1", "Search", {}, *told),
        system("5 coins.", "Hotels_1", call=("Search", {"city": "Bonn", "stars": "2"})),
    ]
    records = _read(tmp_path, [dialogue])
    (episode,) = _episodes(records)
    assert (Coercion("1_0", "cut_before_unsaid_assent", 1) in records) is is_cut
    assert len(list(episode.call_turns())) == (1 if is_cut else 2)


def test_a_first_call_that_nobody_agreed_to_is_none(tmp_path):
    dialogue = hotel_dialogue("1_0")
    dialogue["turns"][2]["frames"][0]["actions"] = [action("AFFIRM"), action("REQUEST", "stars")]
    dialogue["turns"][2]["utterance"] = "How many stars?"
    assert _read(tmp_path, [dialogue]) == [Reject("1_0", "no_call")]


def test_a_rating_is_written_as_it_is_said_and_an_amount_as_it_is_paid(tmp_path):
    dialogue = hotel_dialogue("1_0")
    rows = [{"city": "Bonn", "average_rating": "4.20", "price": "4.20"}]
    dialogue["turns"][3]["frames"][0]["service_results"] = rows
    dialogue["turns"][3]["frames"][0]["actions"] = [action("OFFER", "average_rating", "4.20")]
    dialogue["turns"][3]["utterance"] = "One with 4.2?"
    records = _read(tmp_path, [dialogue])
    (episode,) = _episodes(records)
    ((_, turn),) = episode.call_turns()
    assert turn.results[0]["results"] == [
        {"city": "Bonn", "average_rating": "4.2", "price": "4.20"}
    ]
    assert AssistantTurn("One with 4.2?") in episode.turns
    assert Coercion("1_0", "rating_shortened", 2) in records


def test_a_row_is_kept_for_each_value_of_every_offer(tmp_path):
    dialogue = hotel_dialogue("1_0")
    dialogue["turns"][3]["frames"][0]["actions"] = [action("OFFER", "stars", "3", "5")]
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    ((_, turn),) = episode.call_turns()
    assert turn.results[0]["results"] == HOTELS


def test_a_reply_from_a_row_that_is_not_shown_is_marked(tmp_path):
    dialogue = hotel_dialogue("1_0")
    replies = ("The one with 3 stars?", "The one with 4 stars?")
    for turn, reply in zip(dialogue["turns"][3::2], replies, strict=True):
        turn["utterance"] = reply
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    assert AssistantTurn(replies[0], grounded=False) in episode.turns
    assert episode.turns[-1] == AssistantTurn(replies[1])  # its row is kept, since it is offered


def test_the_day_told_grounds_no_date(tmp_path):
    dialogue = two_service_dialogue("1_1")
    dialogue["turns"][1]["frames"][0]["service_call"]["parameters"]["city"] = "2019-03-01"
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    assert [(place.turn, place.parameter) for place in episode.ungrounded] == [(1, "city")]


@pytest.mark.parametrize(
    "slot_name, uttered, canonical, is_given",
    [
        ("song", "Metreon", "AMC Metreon 16", False),
        ("song", "Metreon", "Metreon", True),
        ("song", "next Thursday", "2019-03-07", True),
        ("song", "half past six", "18:30", True),
        ("song", "a few", "3", True),
        ("city_of_song", "LAX", "Los Angeles", True),
    ],
)
def test_other_words_give_a_value_only_where_it_follows(
    tmp_path, slot_name, uttered, canonical, is_given
):
    told = {**action("INFORM", slot_name, uttered), "canonical_values": [canonical]}
    dialogue = {
        "dialogue_id": "5_2",
        "services": ["Music_1"],
        "turns": [
            user("Play it.", "Music_1", "Play", {}, told),
            system("Done.", "Music_1", call=("Play", {"song": canonical})),
        ],
    }
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    assert (not episode.ungrounded) == is_given


@pytest.mark.parametrize(
    "text, value, is_given",
    [
        ("Something affordable.", "moderate", False),
        ("Something that isn't too pricey.", "moderate", False),
        ("A fancy one.", "expensive", False),
        ("It may be pricey.", "expensive", True),
        ("Reasonably priced.", "moderate", True),
        ("Affordable, I mean moderate.", "moderate", True),
    ],
)
def test_a_word_for_a_price_gives_a_value_only_where_it_fits_no_other(
    tmp_path, text, value, is_given
):
    told = action("INFORM", "price_range", value)
    dialogue = {
        "dialogue_id": "5_5",
        "services": ["Music_1"],
        "turns": [
            user(text, "Music_1", "Play", {}, told),
            system("Done.", "Music_1", call=("Play", {"song": value})),
        ],
    }
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    assert (not episode.ungrounded) == is_given


@pytest.mark.parametrize("told, is_asked", [((), False), (("5",), True)])
def test_a_search_is_not_limited_to_what_was_found_before_unless_the_user_asks(
    tmp_path, told, is_asked
):
    dialogue = hotel_dialogue("5_3")
    dialogue["turns"] += [
        user("In Ulm?", "Hotels_1", "Search", {}, action("INFORM", "stars", "x", *told)),
        system("Yes.", "Hotels_1", call=("Search", {"city": "Ulm", "stars": "5"})),
    ]
    schema = json.loads(json.dumps(SGD_SCHEMA))
    schema[0]["slots"][1] = slot("stars")
    directory = write_sgd(tmp_path, [dialogue])
    write(directory / "train" / "schema.json", schema)
    (episode,) = _episodes(sgd.episodes(directory, "train", NEVER))
    assert [(p.turn, p.parameter) for p in episode.ungrounded] == [(8, "stars")] * (not is_asked)


@pytest.mark.parametrize("offered, is_known", [((), False), (("Elm",), True)])
def test_a_result_gives_no_value_that_the_user_tells_in_other_words(tmp_path, offered, is_known):
    told = {**action("INFORM", "song", "that tree"), "canonical_values": ["Elm"]}
    dialogue = {
        "dialogue_id": "5_4",
        "services": ["Music_1"],
        "turns": [
            user("Play Oak.", "Music_1", "Play", {}),
            system(
                "This one?",
                "Music_1",
                action("OFFER", "song", *offered),
                call=("Play", {"song": "Oak"}),
                results=[{"song": "Elm"}],
            ),
            user("That tree.", "Music_1", "Play", {}, told),
            system("Done.", "Music_1", call=("Play", {"song": "Elm"})),
        ],
    }
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    assert [(p.turn, p.parameter) for p in episode.ungrounded] == [(4, "song")] * (not is_known)


EVENT_SLOTS = ["event_type", "category", "city", "event_name", "date"]
EVENTS = {
    "service_name": "Events_2",
    "description": "Events",
    "slots": [slot(name) for name in EVENT_SLOTS],
    "intents": [
        intent("FindEvents", ["event_type", "city"], {"category": "dontcare"}, EVENT_SLOTS),
        intent("GetEventDates", ["event_name"], {}, ["event_name", "date"]),
    ],
}


def _event_episodes(tmp_path, *turns, config=NEVER):
    dialogue = {"dialogue_id": "e_0", "services": ["Events_2"], "turns": list(turns)}
    directory = write_sgd(tmp_path, [dialogue])
    write(directory / "train" / "schema.json", [*SGD_SCHEMA, EVENTS])
    return list(sgd.episodes(directory, "train", config))


@pytest.mark.parametrize(
    "dates, rule, num_turns",
    [
        (["2019-03-05"], "known_date_search_dropped", 5),
        (["2019-03-05", "2019-03-09"], "cut_before_known_date_search", 3),
        (["2019-03-09"], None, 6),
    ],
)
def test_a_date_that_a_result_shows_is_not_looked_up(tmp_path, dates, rule, num_turns):
    find = ("FindEvents", {"event_type": "Music", "city": "Bonn"})
    event = {"event_name": "Jazz Night", "date": "2019-03-05"}
    rows = [{"event_name": "Jazz Night", "date": date} for date in dates]
    records = _event_episodes(
        tmp_path,
        user("Music in Bonn?", "Events_2", "FindEvents", {}),
        system("Jazz Night.", "Events_2", call=find, results=[event]),
        user("When is it?", "Events_2", "GetEventDates", {}),
        system(
            "Soon.",
            "Events_2",
            call=("GetEventDates", {"event_name": "Jazz Night"}),
            results=rows,
        ),
    )
    (episode,) = _episodes(records)
    about_dates = [r.rule for r in records if isinstance(r, Coercion) and "known" in r.rule]
    assert about_dates == ([rule] if rule else [])
    assert len(episode.turns) == num_turns


@pytest.mark.parametrize("known, num_negatives", [({}, 1), ({"category": ["Jazz"]}, 0)])
def test_no_missing_parameter_where_what_is_asked_for_is_implied(tmp_path, known, num_negatives):
    values = {"city": ["Bonn"]}
    find = ("FindEvents", {"event_type": "Music", "city": "Bonn"})
    records = _event_episodes(
        tmp_path,
        user("What is on in Bonn?", "Events_2", "FindEvents", {**values, **known}),
        system("Of what kind?", "Events_2", action("REQUEST", "event_type")),
        user("Music.", "Events_2", "FindEvents", {**values, **known, "event_type": ["Music"]}),
        system("Jazz Night.", "Events_2", call=find, results=[]),
        config=dataclasses.replace(NEVER, missing_parameter_rate=1.0),
    )
    assert len(_episodes(records)) == 1 + num_negatives
    left_out = Coercion("e_0", "question_of_implied_kind_left_out", 1)
    assert (left_out in records) == (num_negatives == 0)


@pytest.mark.parametrize(
    "proposed, is_known", [((), False), (("Bonn",), True), (("A", "B"), False)]
)
def test_no_missing_parameter_where_the_assistant_proposes_the_value(tmp_path, proposed, is_known):
    dialogue = hotel_dialogue("1_0")
    dialogue["turns"][1]["frames"][0]["actions"] = [action("REQUEST", "city", *proposed)]
    config = dataclasses.replace(NEVER, missing_parameter_rate=1.0)
    records = _read(tmp_path, [dialogue], config)
    assert len(_episodes(records)) == 2 - is_known
    assert (Coercion("1_0", "question_of_known_value_left_out", 1) in records) == is_known


def test_functions_come_from_the_schema(tmp_path):
    (episode,) = _episodes(_read(tmp_path, [hotel_dialogue("1_0")]))
    (search,) = episode.functions
    assert search.required == ("city",)
    assert search.properties["stars"]["enum"] == ["1", "2"]
    assert search.properties["stars"]["default"] == "1"
    assert "default" not in search.properties["pets"]  # "dontcare" is no value
    rows = search.output["properties"]["results"]["items"]["properties"]
    assert list(rows) == ["city", "stars"]
    # Search belongs to the dialogue, so no other service's Search is a distractor.
    names = {spec.name for spec in episode.distractors}
    assert names <= {"GetWeather", "Pay", "Play"} and len(names) == 3


def test_a_method_of_two_services_is_qualified(tmp_path):
    records = _read(tmp_path, [two_service_dialogue("2_0")])
    (episode,) = _episodes(records)
    assert [spec.name for spec in episode.functions] == [
        "GetWeather",
        "Hotels_1_Search",
        "Weather_1_Search",
    ]
    assert Coercion("2_0", "function_name_qualified", 1) in records


def test_negatives_end_with_the_request_and_offer_what_they_should(tmp_path):
    _, missing, none = _episodes(_read(tmp_path, [hotel_dialogue("1_0")], ALWAYS))
    assert missing.no_call_reason == "missing_parameter"
    assert missing.turns == (UserTurn(OPENING), AssistantTurn("Where?"))
    assert missing.functions[0].name == "Search"
    assert none.no_call_reason == "no_function"
    assert none.turns == (UserTurn(OPENING),)
    assert {spec.name for spec in none.functions} == {"GetWeather", "Pay", "Play"}


def test_no_missing_parameter_where_the_assistant_asks_for_something_else(tmp_path):
    dialogue = hotel_dialogue("1_0")
    dialogue["turns"][1]["frames"][0]["actions"][0]["slot"] = "stars"  # optional
    assert not any(
        episode.no_call_reason == "missing_parameter"
        for episode in _episodes(_read(tmp_path, [dialogue], ALWAYS))
    )


@pytest.mark.parametrize(
    "method, parameters, reason",
    [
        ("Search", {}, "missing_required_argument"),
        ("Search", {"city": "Bonn", "stars": "9"}, "argument_does_not_fit"),
        ("Search", {"city": "Bonn", "colour": "red"}, "unknown_argument"),
        ("Fly", {}, "not_in_schema"),
    ],
)
def test_a_call_that_does_not_fit_its_schema_rejects_the_dialogue(
    tmp_path, method, parameters, reason
):
    dialogue = {
        "dialogue_id": "3_0",
        "services": ["Hotels_1"],
        "turns": [
            user("Hotel", "Hotels_1", "Search", {}),
            system("Yes", "Hotels_1", call=(method, parameters)),
        ],
    }
    (record,) = _read(tmp_path, [dialogue])
    assert isinstance(record, Reject) and record.reason == reason


def _asked_again(results):
    """A dialogue in which a call is made a second time, with these results."""
    dialogue = hotel_dialogue("1_0")
    dialogue["turns"] += [
        user("One more.", "Hotels_1", "Search", {"city": ["Bonn"]}),
        system("Here.", "Hotels_1", call=("Search", {"city": "Bonn"}), results=results),
    ]
    return dialogue


def test_a_search_repeated_with_its_result_is_left_out(tmp_path):
    records = _read(tmp_path, [_asked_again(HOTELS)])
    (episode,) = _episodes(records)
    assert Coercion("1_0", "repeated_call_dropped", 1) in records
    assert len(list(episode.call_turns())) == 1
    assert episode.turns[-2:] == (UserTurn("One more."), AssistantTurn("Here."))


def test_a_dialogue_ends_before_a_search_repeated_with_another_result(tmp_path):
    records = _read(tmp_path, [_asked_again([])])
    (episode,) = _episodes(records)
    assert Coercion("1_0", "cut_before_repeated_call", 1) in records
    assert episode.turns[-1] == AssistantTurn("That one?")


def test_a_transaction_may_be_tried_again(tmp_path):
    directory = write_sgd(tmp_path, [_asked_again([])])
    schema = json.loads(json.dumps(SGD_SCHEMA))
    schema[0]["intents"][0]["is_transactional"] = True
    write(directory / "train" / "schema.json", schema)
    (episode,) = _episodes(sgd.episodes(directory, "train", NEVER))
    assert len(list(episode.call_turns())) == 2


def test_a_dialogue_without_a_call_is_rejected(tmp_path):
    dialogue = hotel_dialogue("4_0")
    dialogue["turns"] = dialogue["turns"][:2]
    (record,) = _read(tmp_path, [dialogue])
    assert record == Reject("4_0", "no_call")


def test_a_value_of_a_result_is_referred_to_and_its_row_is_kept(tmp_path):
    hotels = [{"city": "Bonn", "stars": "1", "hotel": f"Hotel {name}"} for name in "ABCDEF"]
    dialogue = hotel_dialogue("5_0")
    dialogue["services"] = ["Hotels_1", "Music_1"]
    dialogue["turns"][3]["frames"][0]["service_results"] = hotels
    dialogue["turns"] += [
        user("Play a song of that name.", "Music_1", "Play", {}),
        system("Done.", "Music_1", call=("Play", {"song": "Hotel F"})),
    ]
    schema = json.loads(json.dumps(SGD_SCHEMA))
    schema[0]["slots"].append(slot("hotel"))
    schema[0]["intents"][0]["result_slots"].append("hotel")
    directory = write_sgd(tmp_path, [dialogue])
    write(directory / "train" / "schema.json", schema)
    (episode,) = _episodes(sgd.episodes(directory, "train", NEVER))
    (_, search), (_, play) = episode.call_turns()
    assert search.results[0]["total_results"] == 6
    assert search.results[0]["results"] == [*hotels[:3], hotels[5]]
    assert search.calls[0].label == "$var_1"
    assert play.calls[0].arguments == {"song": Reference("$var_1", ("results", 3, "hotel"))}
    assert episode.ungrounded == ()


def test_values_that_a_user_gives_in_other_words_are_literal_and_grounded(tmp_path):
    dialogue = two_service_dialogue("5_1")
    told = dialogue["turns"][0]
    told["utterance"] = "Rain in my old capital?"
    told["frames"][0]["actions"] = [action("INFORM", "city", "Bonn")]
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    (_, weather), _ = episode.call_turns()
    assert weather.calls[0].arguments == {"city": "Bonn"}
    assert episode.ungrounded == ()
    del told["frames"][0]["actions"][:]
    (episode,) = _episodes(_read(tmp_path, [dialogue]))
    assert [place.parameter for place in episode.ungrounded] == ["city", "city"]


def test_a_share_of_the_dialogues_has_paraphrased_functions(tmp_path):
    dialogues = [{**two_service_dialogue(f"6_{n}")} for n in range(40)]
    config = dataclasses.replace(NEVER, schema_variant_rate=0.5)
    plain = {e.episode_id: e for e in _episodes(_read(tmp_path, dialogues))}
    episodes = {e.episode_id: e for e in _episodes(_read(tmp_path, dialogues, config))}
    paraphrased = [e for e in episodes.values() if e.marks == ("schema_variant",)]
    assert plain.keys() == episodes.keys() and 10 < len(paraphrased) < 30
    assert all(e == plain[e.episode_id] for e in episodes.values() if e not in paraphrased)
    variants = set()
    for episode in paraphrased:
        original = plain[episode.episode_id]
        (_, weather), (_, hotel) = episode.call_turns()
        number = weather.calls[0].name.removeprefix("GetWeatherV")
        variants.add(number)
        assert weather.calls[0].arguments == {f"city_v{number}": "Bonn"}
        assert hotel.calls[0].name == f"Hotels_1_SearchV{number}"
        assert all(f"V{number}" in spec.name for spec in episode.distractors)
        assert [t for t in episode.turns if not isinstance(t, CallTurn)] == [
            t for t in original.turns if not isinstance(t, CallTurn)
        ]
        assert set(episode.services.values()) >= {"Weather_1", "Hotels_1"}
        assert problem(episode) is None
    assert len(variants) > 2


def test_references_and_rows_follow_the_paraphrase(tmp_path):
    dialogue = hotel_dialogue("6_50")
    dialogue["services"] = ["Hotels_1", "Music_1"]
    dialogue["turns"][3]["frames"][0]["service_results"] = [{"city": "Hotel Town", "stars": "1"}]
    dialogue["turns"] += [
        user("Play that.", "Music_1", "Play", {}),
        system("Done.", "Music_1", call=("Play", {"song": "Hotel Town"})),
    ]
    config = dataclasses.replace(NEVER, schema_variant_rate=1.0)
    (episode,) = _episodes(_read(tmp_path, [dialogue], config))
    (_, search), (_, play) = episode.call_turns()
    (row,) = search.results[0]["results"]
    ((parameter, reference),) = play.calls[0].arguments.items()
    city = next(name for name in row if name.startswith("city"))
    assert city != "city" and parameter != "song"
    assert reference == Reference("$var_1", ("results", 0, city))


def test_functions_of_the_same_domain_come_first_unless_they_might_do_instead(tmp_path):
    schema = json.loads(json.dumps(SGD_SCHEMA))
    intents = [intent(name, ["city"], {}, []) for name in ("Look", "Book")]
    intents[1]["is_transactional"] = True
    schema.append(
        {
            "service_name": "Hotels_2",
            "description": "More hotels",
            "slots": [slot("city")],
            "intents": intents,
        }
    )
    directory = write_sgd(tmp_path, [hotel_dialogue("7_0")])
    write(directory / "train" / "schema.json", schema)
    (episode,) = _episodes(sgd.episodes(directory, "train", NEVER))
    assert episode.distractors[0].name == "Book"
    assert "Look" not in {spec.name for spec in episode.distractors}
    assert episode.services["Book"] == "Hotels_2" and episode.services["Search"] == "Hotels_1"


def test_the_zero_shot_split_has_dialogues_of_unseen_services_alone(tmp_path):
    unseen = [{**SGD_SCHEMA[0], "service_name": "Hotels_9"}, *SGD_SCHEMA[1:]]
    new = json.loads(json.dumps(hotel_dialogue("8_0")).replace("Hotels_1", "Hotels_9"))
    mixed = json.loads(json.dumps(two_service_dialogue("8_1")).replace("Hotels_1", "Hotels_9"))
    directory = write_sgd(tmp_path, [hotel_dialogue("1_0")], test=[new, mixed], test_schema=unseen)
    assert sgd.OWN_SPLITS == ("train", "validation", "unseen_service")
    records = list(sgd.episodes(directory, "unseen_service", NEVER))
    assert [e.episode_id for e in _episodes(records)] == ["8_0"]
    assert [r for r in records if isinstance(r, Reject)] == [
        Reject("8_1", "service_of_train", "Weather_1")
    ]


@pytest.mark.parametrize("method, parameters", [("Search", {}), ("Fly", {"city": "Bonn"})])
def test_a_dialogue_ends_before_a_call_that_does_not_fit(tmp_path, method, parameters):
    dialogue = two_service_dialogue("9_0")
    dialogue["turns"][3]["frames"][0]["service_call"] = {
        "method": method,
        "parameters": parameters,
    }
    records = _read(tmp_path, [dialogue])
    (episode,) = _episodes(records)
    assert Coercion("9_0", "cut_before_unfit_call", 1) in records
    assert episode.turns[-1] == AssistantTurn("No.") and len(episode.turns) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("turns"),
        lambda d: d.update(dialogue_id=7),
        lambda d: d.update(turns=[]),
        lambda d: d["turns"][0].update(utterance=5),
        lambda d: d["turns"][3].pop("frames"),
        lambda d: d["turns"][3]["frames"][0].update(service_results="none"),
        lambda d: d["turns"][3]["frames"][0]["service_call"].update(parameters=None),
        lambda d: d.update(notes=functools.reduce(lambda inner, _: [inner], range(900), 0)),
    ],
)
def test_malformed_dialogues_are_rejected_and_end_nothing(tmp_path, change):
    bad = hotel_dialogue("0_0")
    change(bad)
    reject, good = _read(tmp_path, [bad, hotel_dialogue("1_0")])[:2]
    assert isinstance(reject, Reject) and reject.reason == "malformed"
    assert reject.record_id == "dialogues_001.json:1"
    assert good.record_id == "1_0" if isinstance(good, Coercion) else good.episode_id == "1_0"


@needs_public_data
def test_real_dialogues(tmp_path):
    names = ("dialogues_005.json.gz", "dialogues_091.json.gz")
    (tmp_path / "train").mkdir()
    for name in ("schema.json", *names):
        shutil.copy(DATA_DIR / "SGD" / "train" / name, tmp_path / "train" / name)
    shutil.copytree(DATA_DIR / "SGD" / "sgd_x", tmp_path / "sgd_x")
    raw = "".join(
        gzip.decompress((tmp_path / "train" / name).read_bytes()).decode() for name in names
    )
    records = list(sgd.episodes(tmp_path, "train"))
    episodes = _episodes(records)
    assert not [record for record in records if isinstance(record, Reject)]
    whole = [episode for episode in episodes if episode.no_call_reason is None]
    assert len(whole) == raw.count('"dialogue_id"')
    calls = [call for e in whole for _, turn in e.call_turns() for call in turn.calls]
    dropped = sum(r.count for r in records if getattr(r, "rule", "") == "repeated_call_dropped")
    cut = {r.record_id for r in records if getattr(r, "rule", "") == "cut_before_repeated_call"}
    assert 0.95 * raw.count('"service_call"') < len(calls) + dropped
    assert len(calls) + dropped <= raw.count('"service_call"') - len(cut)
    assert all(isinstance(v, str | Reference) for c in calls for v in c.arguments.values())
    said = {turn.text for e in whole for turn in e.turns if not isinstance(turn, CallTurn)}
    uttered = {json.loads(t) for t in re.findall(r'"utterance": ("(?:[^"\\]|\\.)*")', raw)}
    said = {text.removeprefix("(It is Friday, 2019-03-01.) ") for text in said}
    assert said <= uttered and len(said) > 0.95 * len(uttered)
    for episode in episodes:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
        if episode.no_call_reason == "no_function":
            assert not list(episode.call_turns())
    reasons = [episode.no_call_reason for episode in episodes]
    assert 0.2 < reasons.count("missing_parameter") / len(whole) < 0.6
    assert 0.03 < reasons.count("no_function") / len(whole) < 0.2
