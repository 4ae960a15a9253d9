import dataclasses

import pytest

from tasks.sources import snips
from tasks.sources.episode import Episode
from tasks.sources.records import Coercion, Reject, problem
from tasks.sources.snips import SnipsConfig
from tasks.sources.snips_functions import FUNCTIONS, RELATED
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.raw_data import snips_row, write, write_snips

SINGLE = SnipsConfig(joined_per_request=0.0, no_function_rate=0.0)


def _text(episode):
    return episode.turns[0].text


def _calls(episode):
    return [call for _, turn in episode.call_turns() for call in turn.calls]


def _strings(call):
    for value in call.arguments.values():
        yield from value if isinstance(value, list) else [value]


def test_requests_become_calls_and_what_is_unfit_is_named(tmp_path):
    records = list(snips.episodes(write_snips(tmp_path), "train", SINGLE))
    made = {
        _text(e): _calls(e)[0].to_json()["arguments"] for e in records if isinstance(e, Episode)
    }
    assert made == {
        "Play Ace and song tune": {"artist": "Ace", "music_item": "song tune"},
        "play Jazz": {"genre": "Jazz"},
        "Is it cold in Bonn?": {"condition_temperature": "cold", "city": "Bonn"},
        "weather in Ulm at 4 p.m.": {"city": "Ulm", "timeRange": "4 p.m."},
        "Rate it 5.": {"rating_value": "5"},
    }
    assert {(r.record_id, r.reason) for r in records if isinstance(r, Reject)} == {
        ("PlayMusic-2", "repeated_text"),
        ("RateBook-0", "missing_required_argument"),
        ("SearchCreativeWork-0", "text_in_validation"),  # but for a capital letter
    }
    assert [r for r in records if isinstance(r, Coercion)] == [
        Coercion("PlayMusic-0", "pieces_joined", 1),
        Coercion("PlayMusic-1", "white_space", 1),
    ]


def test_what_cannot_be_read_is_a_reject_and_the_rest_is_read(tmp_path):
    folder = write_snips(tmp_path) / "2017-06-custom-intent-engines"
    (folder / "RateBook/train_RateBook_full.json").write_text('{"RateBook": [')
    (folder / "PlayMusic/train_PlayMusic_full.json").write_bytes(b'{"PlayMusic": ["caf\xe9"]}')
    (folder / "BookRestaurant/train_BookRestaurant_full.json").write_text('{"BookRestaurant": 5}')
    (folder / "GetWeather/train_GetWeather_full.json").write_text(
        '{"GetWeather": [{"data": [{"text": 7}]}, {"data": []}, {}, {"data": [{"text": "rain"}]}]}'
    )
    records = list(snips.episodes(tmp_path, "train", SINGLE))
    assert {(r.record_id, r.reason) for r in records if isinstance(r, Reject)} == {
        ("train_RateBook_full.json", "malformed"),
        ("train_BookRestaurant_full.json", "malformed"),
        ("train_PlayMusic_full.json", "malformed"),
        ("train_GetWeather_full.json:1", "malformed"),
        ("train_GetWeather_full.json:2", "malformed"),
        ("train_GetWeather_full.json:3", "malformed"),
        ("SearchCreativeWork-0", "text_in_validation"),
    }
    assert [_text(r) for r in records if isinstance(r, Episode)] == ["rain"]


def test_validation_comes_from_its_own_files(tmp_path):
    episodes = snips.episodes(write_snips(tmp_path), "validation", SINGLE)
    assert {_text(e) for e in episodes} == {"weather in Ulm", "weather here", "Find dune now"}


def _write(tmp_path, intent, *rows):
    write_snips(tmp_path)
    return _write_more(tmp_path, intent, *rows)


def _write_more(tmp_path, intent, *rows):
    folder = tmp_path / "2017-06-custom-intent-engines"
    write(folder / intent / f"train_{intent}_full.json", {intent: list(rows)})
    return tmp_path


def test_a_value_in_pieces_is_one(tmp_path):
    pieces = [("thirteen", "timeRange"), " ", ("hundred", "timeRange"), (" hours", "timeRange")]
    apart = [("noon", "timeRange"), " or ", ("one", "timeRange")]
    rows = [snips_row("weather at ", *pieces), snips_row("weather at ", *apart)]
    records = list(snips.episodes(_write(tmp_path, "GetWeather", *rows), "train", SINGLE))
    assert [
        _calls(r)[0].arguments["timeRange"]
        for r in records
        if isinstance(r, Episode) and r.episode_id.startswith("GetWeather")
    ] == ["thirteen hundred hours", ["noon", "one"]]
    assert Coercion("GetWeather-0", "pieces_joined", 2) in records


def test_what_leaves_a_slot_unmarked_is_rejected(tmp_path):
    rows = [
        snips_row("todays ", ("movie schedule", "object_type")),
        snips_row("schedule for ", ("today", "timeRange")),
        snips_row("What ", ("films", "movie_type"), " are at a theater"),
        snips_row("What ", ("films", "movie_type"), " are known"),
        snips_row("What ", ("films", "movie_type"), " are new"),  # has no parameter for the order
    ]
    records = snips.episodes(_write(tmp_path, "SearchScreeningEvent", *rows), "train", SINGLE)
    assert [
        r.record_id for r in records if isinstance(r, Reject) and r.reason == "slot_left_out"
    ] == [
        "SearchScreeningEvent-0",
        "SearchScreeningEvent-2",
    ]


def test_how_music_is_sorted_has_to_be_marked(tmp_path):
    rows = [
        snips_row("Play the newest ", ("song", "music_item")),
        snips_row("Play me the ", ("newest", "sort"), " ", ("song", "music_item")),
    ]
    records = list(snips.episodes(_write(tmp_path, "PlayMusic", *rows), "train", SINGLE))
    music = [r for r in records if not isinstance(r, Coercion) and "PlayMusic" in str(r)]
    assert isinstance(music[0], Reject) and music[0].reason == "slot_left_out"
    assert isinstance(music[1], Episode)


@pytest.mark.parametrize(
    "row, plays",
    [
        (snips_row("I want to hear the album ", ("Up", "object_name")), False),
        (snips_row("Show me the album ", ("Hear Me", "object_name")), True),
    ],
)
def test_what_plays_is_not_offered_where_a_work_is_to_be_played(tmp_path, row, plays):
    records = snips.episodes(_write(tmp_path, "SearchCreativeWork", row), "train", SINGLE)
    (episode,) = [r for r in records if isinstance(r, Episode) and "album" in _text(r)]
    assert episode.functions[0].name == "SearchCreativeWork"
    offered = {f.name for f in (*episode.functions, *episode.distractors)}
    assert ("PlayMusic" in offered) == plays


def test_what_is_worded_for_another_function_has_that_not_on_offer(tmp_path):
    times = [snips_row("When is ", (t, "movie_name"), " on today?") for t in ("Heat", "Ran", "Big")]
    _write(tmp_path, "SearchScreeningEvent", *times)
    works = [snips_row("When is the show ", ("Up", "object_name"), " on?")]
    works += [snips_row("Show the book ", (t, "object_name")) for t in ("Dune", "Emma")]
    _write_more(tmp_path, "SearchCreativeWork", *works)
    offered = {
        _text(r): {f.name for f in (*r.functions, *r.distractors)}
        for r in snips.episodes(tmp_path, "train", SINGLE)
        if isinstance(r, Episode)
    }
    assert "SearchScreeningEvent" not in offered["When is the show Up on?"]
    assert "SearchScreeningEvent" in offered["Show the book Dune"]


def test_the_unit_of_a_rating_has_to_be_marked(tmp_path):
    rows = [
        snips_row("Give it ", ("one", "rating_value"), " star"),
        snips_row("Give it ", ("two", "rating_value"), " ", ("stars", "rating_unit")),
    ]
    records = list(snips.episodes(_write(tmp_path, "RateBook", *rows), "train", SINGLE))
    assert "slot_left_out" in {r.reason for r in records if isinstance(r, Reject)}
    episodes = {r.episode_id: r for r in records if isinstance(r, Episode)}
    assert "RateBook-0" not in episodes
    assert _calls(episodes["RateBook-1"])[0].arguments["rating_unit"] == "stars"


OWNER, LIST = ("my", "playlist_owner"), ("Hits", "playlist")


@pytest.mark.parametrize(
    "row, is_swapped",
    [
        (snips_row("add ", LIST, " to ", OWNER, " list ", ("Ed", "artist")), True),
        (snips_row("add ", ("tune", "music_item"), " ", LIST, " to ", OWNER, " playlist"), True),
        (snips_row("I want to add ", LIST, " by ", ("Ed", "artist")), True),
        (snips_row("add ", ("Ed", "artist"), " to ", OWNER, " ", LIST), False),
        (snips_row("for ", OWNER, " playlist ", LIST, " add ", ("Ed", "artist")), False),
        (snips_row("edit ", LIST, " by adding ", ("Ed", "artist")), False),
        (snips_row("add ", ("Ed", "artist"), " to ", LIST, " to ", OWNER, " playlist"), False),
        (snips_row("add to ", LIST, " by Ed the ", ("song", "music_item")), False),
    ],
)
def test_what_is_added_is_no_playlist(tmp_path, row, is_swapped):
    records = list(snips.episodes(_write(tmp_path, "AddToPlaylist", row), "train", SINGLE))
    assert any(isinstance(r, Reject) and r.reason == "roles_swapped" for r in records) == is_swapped


@pytest.mark.parametrize(
    "row, reason",
    [
        (
            snips_row("rate this ", ("book", "object_type"), " ", ("5", "rating_value")),
            "slot_left_out",
        ),
        (
            snips_row(
                "rate this ",
                ("current", "object_select"),
                ("book", "object_type"),
                ("5", "rating_value"),
            ),
            None,
        ),
        (snips_row("I give this a ", ("5", "rating_value")), None),
    ],
)
def test_this_selects_a_book(tmp_path, row, reason):
    records = list(snips.episodes(_write(tmp_path, "RateBook", row), "train", SINGLE))
    rejects = [r.reason for r in records if isinstance(r, Reject) and "RateBook" in r.record_id]
    assert rejects == ([reason] if reason else [])


def test_what_a_time_is_near_to_is_no_place(tmp_path):
    rows = [
        snips_row("rain ", (w, "spatial_relation"), " ", ("2 am", "timeRange"))
        for w in ("around", "nearby")
    ]
    records = list(snips.episodes(_write(tmp_path, "GetWeather", *rows), "train", SINGLE))
    rejects = [
        r.record_id for r in records if isinstance(r, Reject) and r.reason == "time_as_place"
    ]
    assert rejects == ["GetWeather-0"]


def test_no_function_is_offered_that_may_serve_and_three_or_more_are(tmp_path):
    config = dataclasses.replace(SINGLE, no_function_rate=1.0)
    row = snips_row("Play ", ("Help", "track"))
    records = snips.episodes(_write(tmp_path, "PlayMusic", row), "train", config)
    episodes = {r.episode_id: r for r in records if isinstance(r, Episode)}
    assert {spec.name for spec in episodes["PlayMusic-0/no_function"].functions} == {
        "BookRestaurant",
        "GetWeather",
        "RateBook",
    }


def test_functions_for_the_same_wording_are_not_on_offer_together(tmp_path):
    films = [snips_row("Watch ", (t, "movie_name")) for t in ("Heat", "Ran", "Big")]
    _write(tmp_path, "SearchScreeningEvent", *films)
    works = [snips_row("watch ", ("Jaws", "object_name"), "!"), snips_row(("Up", "object_name"))]
    write(
        tmp_path / "2017-06-custom-intent-engines/SearchCreativeWork/"
        "train_SearchCreativeWork_full.json",
        {"SearchCreativeWork": works},
    )
    config = dataclasses.replace(SINGLE, joined_per_request=1.0)
    both = {"SearchScreeningEvent", "SearchCreativeWork"}
    for episode in snips.episodes(tmp_path, "train", config):
        if isinstance(episode, Episode) and "atch" in _text(episode):
            assert not both <= {f.name for f in (*episode.functions, *episode.distractors)}
        elif isinstance(episode, Episode) and _text(episode) == "Up":
            assert both <= {f.name for f in (*episode.functions, *episode.distractors)}


def test_joined_requests_hold_the_calls_of_their_parts(tmp_path):
    config = dataclasses.replace(SINGLE, joined_per_request=1.0, three_rate=0.5)
    episodes = [
        e for e in snips.episodes(write_snips(tmp_path), "train", config) if isinstance(e, Episode)
    ]
    single = {_text(e): _calls(e)[0] for e in episodes if len(_calls(e)) == 1}
    joined = [e for e in episodes if e.marks == ("joined",)]
    assert joined and all(e.episode_id.startswith("joined-") for e in joined)
    for episode in joined:
        calls, text = _calls(episode), _text(episode)
        assert 2 <= len(calls) <= 3
        assert all(call in single.values() for call in calls)
        assert all(value in text for call in calls for value in _strings(call))
        assert ".." not in text and "?," not in text
        assert not episode.ungrounded
        assert [f.name for f in episode.functions][: len({c.name for c in calls})] == list(
            dict.fromkeys(call.name for call in calls)
        )


def test_every_slot_and_intent_is_described():
    assert len(FUNCTIONS) == 7
    assert len({slot for f in FUNCTIONS.values() for slot in f.properties}) == 39
    assert all(f.description for f in FUNCTIONS.values())
    assert all(p["description"] for f in FUNCTIONS.values() for p in f.properties.values())


@needs_public_data
def test_real_requests():
    train, validation = (
        list(snips.episodes(DATA_DIR / "SNIPS", split)) for split in ("train", "validation")
    )
    for records, number in ((train, 13_784), (validation, 700)):
        episodes = [record for record in records if isinstance(record, Episode)]
        with_calls = [e for e in episodes if e.no_call_reason is None]
        joined = [e for e in with_calls if e.episode_id.startswith("joined-")]
        rejects = [r for r in records if isinstance(r, Reject) and "joined" not in r.record_id]
        assert len(with_calls) - len(joined) + len(rejects) == number
        assert abs(len(joined) / len(with_calls) - 1 / 3) < 0.01
        assert len({e.episode_id for e in episodes}) == len(episodes)
        assert sum(bool(e.ungrounded) for e in episodes) < 5  # "one pmnear Vatican"
        for episode in episodes:
            for call in _calls(episode):
                assert all(value in _text(episode) for value in _strings(call))
            if episode.no_call_reason == "no_function":
                offered = {spec.name for spec in episode.functions}
                intent = episode.episode_id.split("-")[0]
                assert intent not in offered
                assert len(offered) >= 3
                assert not any(intent in group and offered & group for group in RELATED)
    texts = [
        {_text(r) for r in records if isinstance(r, Episode)} for records in (train, validation)
    ]
    assert not texts[0] & texts[1]
    assert any("\U0001f355" in text for text in texts[0])  # was written as two surrogates
    assert not any("Ã" in text for text in texts[0] | texts[1])
    for episode in [r for r in train if isinstance(r, Episode)][::50]:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
