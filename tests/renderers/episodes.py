"""Episodes written by hand."""

from __future__ import annotations

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn


def _function(name, description, properties, required, output=None):
    return FunctionSpec(
        name,
        description,
        {"type": "object", "properties": properties, "required": required},
        output,
    )


LOCATE = _function(
    "locate",
    "Find a place",
    {"place": {"type": "string", "description": "What to look for"}},
    ["place"],
    {
        "type": "object",
        "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
    },
)
WEATHER = _function(
    "weather",
    "Weather at a point",
    {
        "lat": {"type": "number"},
        "lon": {"type": "number"},
        "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
        "days": {"type": "integer"},
    },
    ["lat", "lon"],
    {"type": "object", "properties": {"summary": {"type": "string"}}},
)
BOOK = _function(
    "book_table",
    "Book a table",
    {"name": {"type": "string"}, "people": {"type": "integer"}},
    ["name", "people"],
    {"type": "object", "properties": {"code": {"type": "string"}}},
)
SONG = _function("play_song", "Play a song", {"title": {"type": "string"}}, ["title"])
TIMER = _function("set_timer", "Start a timer", {"minutes": {"type": "integer"}}, ["minutes"])

NESTED = Episode(
    episode_id="nested",
    source="hand",
    functions=(LOCATE, WEATHER),
    turns=(
        UserTurn("How warm is it in Oslo?"),
        CallTurn(
            CallGraph(
                (
                    Call("locate", {"place": "Oslo"}, "$var_7"),
                    Call(
                        "weather",
                        {
                            "lat": Reference("$var_7", ("lat",)),
                            "lon": Reference("$var_7", ("lon",)),
                            "unit": "C",
                        },
                    ),
                )
            ),
            ({"lat": 59.9, "lon": 10.7}, {"summary": "4 degrees"}),
        ),
        AssistantTurn("It is 4 degrees in Oslo."),
    ),
    distractors=(SONG,),
)

PARALLEL = Episode(
    episode_id="parallel",
    source="hand",
    functions=(SONG, TIMER),
    turns=(
        UserTurn("Play Yesterday and Help!, and set a timer for 5 minutes"),
        CallTurn(
            CallGraph(
                (
                    Call("play_song", {"title": "Yesterday"}),
                    Call("play_song", {"title": "Help!"}),
                    Call("set_timer", {"minutes": 5}),
                )
            )
        ),
    ),
)

# The order is the user's; nothing in the calls shows it.
CHAINED = Episode(
    episode_id="chained",
    source="hand",
    functions=(SONG, TIMER),
    turns=(
        UserTurn("Play Yesterday, then set a timer for 5 minutes"),
        CallTurn(CallGraph((Call("play_song", {"title": "Yesterday"}),)), (True,)),
        CallTurn(CallGraph((Call("set_timer", {"minutes": 5}),)), ({"timers": 1},)),
        AssistantTurn("Yesterday plays, and the timer runs."),
    ),
    distractors=(BOOK,),
)

# The second call turn refers to the first, across turns.
DIALOGUE = Episode(
    episode_id="dialogue",
    source="hand",
    functions=(LOCATE, BOOK),
    turns=(
        UserTurn("Hello"),
        AssistantTurn("Hi, what can I do?"),
        UserTurn("Find the Blue Cat"),
        CallTurn(
            CallGraph((Call("locate", {"place": "Blue Cat"}, "$var_1"),)),
            ({"lat": 1, "lon": 2},),
        ),
        AssistantTurn("Found it. Shall I book?"),
        UserTurn("Yes, for 3"),
        CallTurn(
            CallGraph(
                (
                    Call(
                        "book_table",
                        {"name": Reference("$var_1", ("name",)), "people": 3},
                    ),
                ),
                known_labels=frozenset({"$var_1"}),
            ),
            ({"code": "X1"},),
        ),
        AssistantTurn("Done: X1."),
    ),
)

NO_FUNCTION = Episode(
    episode_id="none",
    source="hand",
    functions=(SONG, TIMER),
    turns=(UserTurn("Order a pizza"), AssistantTurn("I cannot order food.")),
    no_call_reason="no_function",
)

MISSING = Episode(
    episode_id="missing",
    source="hand",
    functions=(TIMER, SONG),
    turns=(UserTurn("Set a timer"), AssistantTurn("For how long?")),
    no_call_reason="missing_parameter",
)
