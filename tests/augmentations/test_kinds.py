"""What each augmentation does, by hand."""

from __future__ import annotations

import dataclasses
import re

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.augmentations.further_parameters import with_further_parameters, with_missing_value
from tasks.augmentations.irrelevance import without_needed_functions
from tasks.augmentations.key_order import shuffle_keys
from tasks.augmentations.masking import mask_functions, mask_parameters
from tasks.augmentations.name_style import restyle_names
from tasks.augmentations.random_defaults import randomise_defaults
from tasks.sources.episode import CallTurn, UserTurn
from tests.augmentations import worlds
from tests.augmentations.worlds import BALANCE, BOOK_HOTEL, FIND_HOTEL, HOTELS, SONG, WEATHER

SEEDS = range(60)


def spec_named(episode, name):
    (found,) = (s for s in (*episode.functions, *episode.distractors) if s.name == name)
    return found


def saying(text):
    return dataclasses.replace(HOTELS, turns=(UserTurn(text), *HOTELS.turns[1:]))


def test_masked_functions_are_known_by_their_descriptions():
    masked = mask_functions(HOTELS, 0)
    names = [spec.name for spec in (*masked.functions, *masked.distractors)]
    for name in names:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{4,14}", name) and re.search(r"\d", name)
    assert len(set(names)) == len(names)
    find, book = masked.functions
    assert [turn.calls[0].name for _, turn in masked.call_turns()] == [find.name, book.name]
    assert find.description == f"Search for a hotel in a city; {book.name} then takes its name"
    assert masked.services[find.name] == "Hotels_1"


def test_functions_that_nothing_else_tells_apart_keep_their_names():
    twin = worlds.function("OtherHotel", BOOK_HOTEL.description, {})
    episode = dataclasses.replace(HOTELS, distractors=(twin,))
    assert mask_functions(episode, 0) is episode
    silent = dataclasses.replace(BOOK_HOTEL, description="")
    episode = dataclasses.replace(HOTELS, functions=(FIND_HOTEL, silent))
    assert mask_functions(episode, 0) is episode


def test_a_name_that_somebody_mentions_stays():
    assert mask_functions(saying("Please call FindHotel for Oslo"), 0).functions[0] == FIND_HOTEL
    turn = dataclasses.replace(HOTELS.turns[1], results=({"hotel_name": "BookHotel"},))
    episode = dataclasses.replace(HOTELS, turns=(HOTELS.turns[0], turn, *HOTELS.turns[2:]))
    assert mask_functions(episode, 0) is episode
    # An ordinary word may be there for its own sake.
    assert mask_parameters(saying("A city with stars"), 0).functions[0] != FIND_HOTEL


def test_masked_parameters_keep_their_schemas_and_values():
    masked = mask_parameters(HOTELS, 0)
    find = masked.functions[0]
    assert list(find.properties.values()) == list(FIND_HOTEL.properties.values())
    for name in find.properties:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{3,9}", name)
    city, _, stars = find.properties
    assert find.required == (city,)
    assert masked.turns[1].calls[0].arguments == {city: "Oslo", stars: 4}
    # Without descriptions nobody could tell which is which.
    assert spec_named(masked, "SearchHouse").properties.keys() == {"place"}
    (place,) = masked.ungrounded
    assert place.parameter in masked.turns[4].calls[0].arguments
    # A reference leads to what the function returns, which nobody renamed.
    assert "$var_1.hotel_name$" in masked.to_json()


def test_names_are_written_in_one_style():
    styles = set()
    for seed in SEEDS:
        restyled = restyle_names(HOTELS, seed)
        styles.add((restyled.functions[0].name, list(restyled.functions[0].properties)[1]))
    assert styles == {
        (function, parameter)
        for function in ("find_hotel", "findHotel", "FindHotel")
        for parameter in ("number_of_rooms", "numberOfRooms")
    }


def test_names_that_would_become_one_keep_their_style():
    twins = tuple(dataclasses.replace(SONG, name=name) for name in ("play_song", "playSong"))
    episode = dataclasses.replace(HOTELS, functions=(*HOTELS.functions, *twins), distractors=())
    for seed in SEEDS:
        names = [spec.name for spec in restyle_names(episode, seed).functions]
        assert names == [spec.name for spec in episode.functions]


def test_keys_change_places_in_functions_and_calls():
    orders, required = set(), [set(spec.required) for spec in HOTELS.functions]
    for seed in SEEDS:
        shuffled = shuffle_keys(HOTELS, seed)
        assert [set(spec.required) for spec in shuffled.functions] == required
        assert shuffled.turns == HOTELS.turns  # dictionaries do not compare order
        order = list(shuffled.functions[0].properties)
        orders.add(tuple(order))
        arguments = list(shuffled.turns[1].calls[0].arguments)
        assert arguments == [name for name in order if name in arguments]
    assert len(orders) == 6


def test_defaults_change_where_no_call_relied_on_them():
    song = {spec_named(randomise_defaults(HOTELS, s), "PlaySong") for s in SEEDS}
    volumes = {spec.properties["volume"]["default"] for spec in song}
    assert len(volumes) > 3 and 5 not in volumes and all(0 < v <= 10 for v in volumes)
    assert {spec.properties["shuffle"]["default"] for spec in song} == {True}
    changed = randomise_defaults(HOTELS, 0)
    assert spec_named(changed, "CheckBalance").properties["kind"]["default"] == "savings"
    # The result of FindHotel shows one room: another default would make it wrong.
    assert changed.functions[0] == FIND_HOTEL
    assert changed.turns == HOTELS.turns


@pytest.mark.parametrize(
    ("arguments", "text", "is_changed"),
    [
        ({"title": "Help"}, "Play Help", True),
        ({"title": "Help", "volume": 7}, "Play Help at 7", True),
        # Given as it is by default: nobody knows whether the user wants it.
        ({"title": "Help", "volume": 5}, "Play Help", False),
        # Left out since the user asks for what is the default anyway.
        ({"title": "Help"}, "Play Help at 5", False),
    ],
)
def test_a_default_that_a_call_means_stays(arguments, text, is_changed):
    episode = dataclasses.replace(
        HOTELS,
        functions=(SONG,),
        distractors=(),
        turns=(UserTurn(text), CallTurn(CallGraph((Call("PlaySong", arguments),)))),
        ungrounded=(),
    )
    volume = randomise_defaults(episode, 0).functions[0].properties["volume"]["default"]
    assert (volume != 5) is is_changed
    assert volume != arguments.get("volume") or not is_changed


def test_a_default_that_the_description_names_stays():
    loud = dict(SONG.properties["volume"], description="How loud, 5 unless given")
    song = worlds.function("PlaySong", SONG.description, {"volume": loud})
    episode = dataclasses.replace(HOTELS, distractors=(song,))
    assert randomise_defaults(episode, 0) is episode


def test_nothing_related_remains_of_an_irrelevant_library():
    irrelevant = without_needed_functions(HOTELS)
    # Not the other hotels, nor the search that could serve anything.
    assert (*irrelevant.functions, *irrelevant.distractors) == (SONG, BALANCE, WEATHER)
    assert irrelevant.turns == HOTELS.turns[:1]
    assert irrelevant.no_call_reason == "no_function"
    assert irrelevant.services == {"PlaySong": "Music_1", "CheckBalance": "Banks_1"}


def test_without_three_strangers_there_is_no_irrelevant_library():
    two = dataclasses.replace(HOTELS, distractors=(SONG, BALANCE))
    assert without_needed_functions(two) is None
    # What the user talks about counts as well: the weather is asked for, too.
    assert without_needed_functions(HOTELS) is not None
    asked = dataclasses.replace(
        HOTELS, turns=(UserTurn("A hotel in Oslo, and is it raining?"), *HOTELS.turns[1:])
    )
    assert without_needed_functions(asked) is None


def test_the_same_service_is_never_irrelevant():
    services = {**HOTELS.services, "PlaySong": "Hotels_3"}
    assert without_needed_functions(dataclasses.replace(HOTELS, services=services)) is None


def test_a_missing_value_is_required_by_all_that_could_serve():
    for seed in SEEDS:
        missing = with_missing_value(HOTELS, seed)
        first, second, *others = missing.functions
        assert (first.name, second.name) == ("FindHotel", "BookHotel")
        (new,) = set(first.required) - set(FIND_HOTEL.required)
        assert new in second.required
        assert missing.turns == HOTELS.turns[:1]
        assert missing.no_call_reason == "missing_parameter"
        assert "SearchHouse" not in {s.name for s in (*others, *missing.distractors)}
        for word in new.split("_"):
            assert word not in missing.turns[0].text


def test_a_value_that_somebody_talks_about_is_not_missing():
    pool = {list(with_missing_value(HOTELS, s).functions[0].required)[-1] for s in range(200)}
    assert {"passport_number", "badge_number"} <= pool
    words = "My passport and my badge, please, for Oslo"
    found = {
        list(with_missing_value(saying(words), s).functions[0].required)[-1] for s in range(200)
    }
    assert found and found.isdisjoint({"passport_number", "badge_number"})


def test_further_parameters_change_no_call():
    for seed in SEEDS:
        changed = with_further_parameters(HOTELS, seed)
        assert changed.turns == HOTELS.turns
        for old, new in zip(HOTELS.functions, changed.functions, strict=True):
            assert new.required == old.required
            assert len(new.properties) == len(old.properties) + 1
    required = {
        spec.required
        for seed in SEEDS
        for spec in with_further_parameters(HOTELS, seed).distractors
    }
    assert len(required) > 2
