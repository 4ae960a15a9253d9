"""Episodes for tests of augmentations: by hand, and any number of them at random."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import ArgumentPlace, AssistantTurn, CallTurn, Episode, UserTurn
from tests.renderers import episodes as hand


def function(name, description, properties, required=(), output=None):
    return FunctionSpec(
        name,
        description,
        {"type": "object", "properties": properties, "required": list(required)},
        output,
    )


FIND_HOTEL = function(
    "FindHotel",
    "Search for a hotel in a city; BookHotel then takes its name",
    {
        "city": {"type": "string", "description": "Where to stay"},
        "number_of_rooms": {"type": "integer", "description": "Rooms needed", "default": 1},
        "stars": {"type": "integer", "description": "Least number of stars", "enum": [3, 4, 5]},
    },
    ["city"],
    {"type": "object", "properties": {"hotel_name": {"type": "string"}}},
)
BOOK_HOTEL = function(
    "BookHotel",
    "Reserve a room in a hotel",
    {
        "hotel_name": {"type": "string", "description": "Which hotel"},
        "check_in": {"type": "string", "description": "First day"},
    },
    ["hotel_name", "check_in"],
)
FIND_HOUSE = function("SearchHouse", "Look for an apartment", {"place": {"type": "string"}})
WEATHER = function("GetWeather", "Weather forecast", {"town": {"type": "string"}}, ["town"])
WEB = function("web_search", "Search the internet", {"query": {"type": "string"}}, ["query"])
SONG = function(
    "PlaySong",
    "Play a piece of music",
    {
        "title": {"type": "string", "description": "What to play"},
        "volume": {"type": "integer", "description": "How loud", "default": 5, "maximum": 10},
        "shuffle": {"type": "boolean", "description": "Any order", "default": False},
    },
    ["title"],
)
BALANCE = function(
    "CheckBalance",
    "Tell how much money is in an account",
    {"kind": {"type": "string", "enum": ["checking", "savings"], "default": "checking"}},
)

HOTELS = Episode(
    episode_id="hotels",
    source="hand",
    functions=(FIND_HOTEL, BOOK_HOTEL),
    turns=(
        UserTurn("I need a hotel in Oslo with four stars"),
        CallTurn(
            CallGraph((Call("FindHotel", {"city": "Oslo", "stars": 4}, "$var_1"),)),
            ({"hotel_name": "Fjord"},),
        ),
        AssistantTurn("The Fjord has four stars."),
        UserTurn("Take it from May 3rd"),
        CallTurn(
            CallGraph(
                (
                    Call(
                        "BookHotel",
                        {"hotel_name": Reference("$var_1", ("hotel_name",)), "check_in": "May 3"},
                    ),
                ),
                known_labels=frozenset({"$var_1"}),
            ),
        ),
    ),
    distractors=(FIND_HOUSE, SONG, WEB, BALANCE, WEATHER),
    services={
        "FindHotel": "Hotels_1",
        "BookHotel": "Hotels_1",
        "SearchHouse": "Hotels_2",
        "PlaySong": "Music_1",
        "CheckBalance": "Banks_1",
    },
    ungrounded=(ArgumentPlace(4, 0, "check_in"),),
)

BY_HAND = (
    HOTELS,
    hand.NESTED,
    hand.PARALLEL,
    hand.CHAINED,
    hand.NO_FUNCTION,
    hand.MISSING,
)

_words = st.sampled_from(("hotel", "song", "weather", "account", "room", "date", "Anna", "Oslo"))
_sentences = st.lists(_words, min_size=1, max_size=6).map(" ".join)
_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True).filter(
    lambda name: name != "no_function"
)
_schemas = st.one_of(
    st.just({"type": "string"}),
    st.just({"type": "boolean", "default": True}),
    st.integers(1, 30).map(lambda n: {"type": "integer", "default": n, "minimum": 1}),
    st.just({"type": "string", "enum": ["a", "b", "c"], "default": "b"}),
    st.just({"type": "integer"}),
)


def _value(draw, schema):
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    match schema["type"]:
        case "boolean":
            return draw(st.booleans())
        case "integer":
            return draw(st.integers(1, 50))
    return draw(_sentences)


@st.composite
def _functions(draw):
    described = st.one_of(st.just(""), _sentences)
    found = []
    for name in draw(st.lists(_names, min_size=1, max_size=6, unique=True)):
        properties = {}
        for parameter in draw(st.lists(_names, max_size=4, unique=True)):
            schema = dict(draw(_schemas))
            if text := draw(described):
                schema["description"] = text
            properties[parameter] = schema
        free = [name for name, schema in properties.items() if "default" not in schema]
        required = draw(st.lists(st.sampled_from(free), unique=True)) if free else []
        output = {"type": "object", "properties": {"out": {"type": "string"}}}
        found.append(function(name, draw(described), properties, required, output))
    return found


@st.composite
def episodes(draw):
    """Any episode that a parser could give: several turns, references, values of defaults."""
    library = draw(_functions())
    num_used = draw(st.integers(1, len(library)))
    turns: list = []
    used: dict[str, FunctionSpec] = {}
    ungrounded = []
    for number in range(draw(st.integers(1, 3))):
        turns.append(UserTurn(draw(_sentences)))
        calls, labels = [], frozenset({f"$var_{n}" for n in range(number)})
        for index in range(draw(st.integers(1, 2))):
            spec = draw(st.sampled_from(library[:num_used]))
            used[spec.name] = spec
            arguments = {}
            for parameter, schema in spec.properties.items():
                if parameter in spec.required or draw(st.booleans()):
                    arguments[parameter] = _value(draw, schema)
                    if draw(st.integers(0, 9)) == 0:
                        ungrounded.append(ArgumentPlace(len(turns), index, parameter))
            if number and not index and arguments:
                first = next(iter(arguments))
                arguments[first] = Reference("$var_0", ("out",))
            calls.append(Call(spec.name, arguments, f"$var_{number}" if not index else None))
        results = tuple({"out": "x"} for _ in calls) if draw(st.booleans()) else ()
        turns.append(CallTurn(CallGraph(tuple(calls), known_labels=labels), results))
    episode = Episode(
        episode_id=draw(st.text("abc", min_size=1, max_size=5)),
        source="random",
        functions=(*used.values(), *(f for f in library[:num_used] if f.name not in used)),
        turns=tuple(turns),
        distractors=tuple(library[num_used:]),
        services={spec.name: draw(_words) for spec in library if draw(st.booleans())},
        ungrounded=tuple(ungrounded),
    )
    return _without_unused_labels(episode)


def _without_unused_labels(episode):
    refers = any(
        "$var_0." in str(call.to_json()) for _, turn in episode.call_turns() for call in turn.calls
    )
    turns = []
    for turn in episode.turns:
        if isinstance(turn, CallTurn):
            calls = [
                dataclasses.replace(c, label=c.label if refers and c.label == "$var_0" else None)
                for c in turn.calls
            ]
            turn = CallTurn(
                CallGraph(tuple(calls), known_labels=turn.calls.known_labels), turn.results
            )
        turns.append(turn)
    return dataclasses.replace(episode, turns=tuple(turns))
