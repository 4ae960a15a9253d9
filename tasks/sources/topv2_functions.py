"""The intents of TOPv2 as functions, described in our words: the data set has names alone.

Names are written in lower case. Slots that a request gives more than once take a list as well.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.topv2_slots import SLOTS


@dataclasses.dataclass(frozen=True)
class _Intent:
    """One intent: what it does, its slots (* where several values occur), what it returns."""

    description: str
    slots: str = ""
    returns: str = ""


_DOMAINS: dict[str, dict[str, _Intent]] = {
    "alarm": {
        "create_alarm": _Intent(
            "Set a new alarm",
            "date_time* date_time_recurring* alarm_name period duration amount* ordinal",
        ),
        "delete_alarm": _Intent(
            "Delete one or several alarms", "alarm_name* amount ordinal date_time period duration"
        ),
        "get_alarm": _Intent(
            "Look up the alarms that are set",
            "alarm_name* amount date_time ordinal period duration",
            "alarm",
        ),
        "get_time": _Intent(
            "Resolve a time expression that identifies an alarm or a timer", "date_time", "time"
        ),
        "silence_alarm": _Intent(
            "Turn off a ringing alarm", "amount alarm_name* period date_time_recurring date_time"
        ),
        "snooze_alarm": _Intent(
            "Make an alarm ring again later",
            "date_time alarm_name duration amount ordinal period date_time_recurring",
        ),
        "update_alarm": _Intent(
            "Change an alarm that is set",
            "date_time* alarm_name* period ordinal amount duration date_time_recurring",
        ),
    },
    "event": {
        "get_event": _Intent(
            "Find events, such as concerts, festivals or games",
            "date_time* location* category_event* attribute_event* name_event organizer_event "
            "ordinal attendee_event",
            "event location date_time",
        ),
        "get_event_organizer": _Intent(
            "Find out who organises an event",
            "organizer_event category_event date_time",
            "organizer",
        ),
    },
    "messaging": {
        "get_contact": _Intent(
            "Look up a person among the contacts, for example by relation to somebody",
            "type_relation contact_related contact mutual_employer",
            "contact",
        ),
        "get_event_attendee": _Intent(
            "Find out who attends an event", "location category_event", "attendee"
        ),
        "get_message": _Intent(
            "Look up or read messages",
            "group sender tag_message resource date_time recipient amount type_content ordinal",
            "message",
        ),
        "ignore_message": _Intent("Leave a message without an answer", "type_content"),
        "react_message": _Intent(
            "React to a message, for example with a like",
            "type_reaction recipient resource ordinal group type_content content_exact",
        ),
        "reply_message": _Intent("Answer a message", "recipient"),
        "select_item": _Intent("Choose an item from a list that was shown", "ordinal", "item"),
        "send_message": _Intent(
            "Send a message",
            "recipient* content_exact* type_content resource group content_emoji amount date_time",
        ),
    },
    "music": {
        "add_to_playlist_music": _Intent(
            "Add music to a playlist",
            "music_type* music_playlist_title music_provider_name music_genre music_artist_name "
            "ordinal music_track_title",
        ),
        "create_playlist_music": _Intent(
            "Create a playlist", "music_type* music_playlist_title* music_genre*"
        ),
        "dislike_music": _Intent(
            "Say that the user does not like some music",
            "music_type music_provider_name ordinal music_artist_name",
        ),
        "like_music": _Intent("Say that the user likes some music", "music_type"),
        "loop_music": _Intent("Play the same music over and over", "music_type ordinal"),
        "pause_music": _Intent(
            "Pause the music", "music_type music_artist_name music_provider_name"
        ),
        "play_music": _Intent(
            "Play music",
            "music_type* music_artist_name* music_genre* music_provider_name music_track_title "
            "music_playlist_title music_radio_id music_album_title ordinal",
        ),
        "previous_track_music": _Intent(
            "Go back to an earlier track",
            "music_type ordinal music_provider_name music_artist_name",
        ),
        "remove_from_playlist_music": _Intent(
            "Remove music from a playlist", "music_type* music_artist_name music_genre"
        ),
        "replay_music": _Intent(
            "Play music again from its beginning",
            "music_type* ordinal music_track_title music_artist_name music_provider_name "
            "music_genre music_playlist_title",
        ),
        "set_default_provider_music": _Intent(
            "Choose the music service that is used by default", "music_provider_name"
        ),
        "skip_track_music": _Intent(
            "Go on to a later track",
            "music_type* ordinal* music_provider_name music_artist_name music_track_title",
        ),
        "start_shuffle_music": _Intent(
            "Play music in random order",
            "music_type* ordinal music_artist_name music_playlist_title",
        ),
        "stop_music": _Intent(
            "Stop the music", "music_type ordinal music_provider_name music_genre"
        ),
    },
    "navigation": {
        "get_directions": _Intent(
            "Find the way to a place",
            "destination source obstruction_avoid date_time_departure path date_time_arrival "
            "method_travel path_avoid waypoint* road_condition_avoid",
            "directions",
        ),
        "get_distance": _Intent(
            "Find out how far it is to a place",
            "destination source unit_distance* method_travel",
            "distance",
        ),
        "get_estimated_arrival": _Intent(
            "Estimate when a journey will end",
            "destination date_time_departure date_time_arrival source path method_travel "
            "path_avoid waypoint",
            "arrival",
        ),
        "get_estimated_departure": _Intent(
            "Find out when to leave for a journey",
            "destination date_time_arrival source method_travel date_time_departure path",
            "departure",
        ),
        "get_estimated_duration": _Intent(
            "Estimate how long a journey takes",
            "destination source method_travel date_time_departure path* date_time path_avoid* "
            "date_time_arrival waypoint road_condition",
            "duration",
        ),
        "get_info_road_condition": _Intent(
            "Find out what state the roads are in",
            "road_condition* location date_time destination path method_travel",
            "road_condition",
        ),
        "get_info_route": _Intent(
            "Get information about a route", "waypoint source destination", "route"
        ),
        "get_info_traffic": _Intent(
            "Find out how heavy the traffic is",
            "location* date_time* destination* source method_travel path road_condition waypoint "
            "waypoint_avoid",
            "traffic",
        ),
        "get_location": _Intent(
            "Find a place by its name, its kind or what it is near to",
            "category_location point_on_map location_user search_radius location_modifier* "
            "location",
            "location",
        ),
        "get_location_home": _Intent(
            "Look up where somebody's home is",
            "contact* type_relation contact_related location_current location",
            "location",
        ),
        "get_location_hometown": _Intent(
            "Look up which town somebody comes from", "contact", "location"
        ),
        "get_location_school": _Intent(
            "Look up where somebody's school is",
            "contact_related type_relation contact",
            "location",
        ),
        "get_location_work": _Intent(
            "Look up where somebody works",
            "contact type_relation location_work location_current",
            "location",
        ),
        "update_directions": _Intent(
            "Change the route that is being followed",
            "obstruction_avoid destination path_avoid date_time_arrival source path",
        ),
    },
    "reminder": {
        "create_reminder": _Intent(
            "Set a new reminder", "todo* person_reminded* date_time* recurring_date_time*"
        ),
        "delete_reminder": _Intent(
            "Delete one or several reminders",
            "todo* date_time* person_reminded amount recurring_date_time ordinal",
        ),
        "get_recurring_date_time": _Intent(
            "Resolve an expression for a time that comes again and again",
            "frequency* date_time*",
            "recurring_date_time",
        ),
        "get_reminder": _Intent(
            "Look up reminders",
            "person_reminded* date_time* method_retrieval_reminder todo* amount ordinal "
            "recurring_date_time",
            "reminder",
        ),
        "get_reminder_amount": _Intent(
            "Find out how many reminders there are",
            "person_reminded date_time todo method_retrieval_reminder",
            "amount",
        ),
        "get_reminder_date_time": _Intent(
            "Find out when a reminder is set for",
            "todo person_reminded ordinal date_time recurring_date_time",
            "date_time",
        ),
        "get_reminder_location": _Intent(
            "Find out which place a reminder is about",
            "todo person_reminded date_time method_retrieval_reminder ordinal",
            "location",
        ),
        "get_todo": _Intent(
            "Resolve the description of a task or an appointment",
            "todo* date_time* attendee* recurring_date_time",
            "todo",
        ),
        "help_reminder": _Intent("Explain what can be done with reminders"),
        "update_reminder": _Intent(
            "Change a reminder",
            "todo person_reminded recurring_date_time_new date_time date_time_new "
            "person_reminded_removed person_reminded_added todo_new recurring_date_time",
        ),
        "update_reminder_date_time": _Intent(
            "Change the time of a reminder",
            "date_time_new* todo date_time* person_reminded amount recurring_date_time_new "
            "recurring_date_time",
        ),
        "update_reminder_todo": _Intent(
            "Change what a reminder is about", "todo_new todo person_reminded date_time"
        ),
    },
    "timer": {
        "add_time_timer": _Intent(
            "Add time to a timer", "date_time* method_timer timer_name ordinal"
        ),
        "create_timer": _Intent(
            "Start a new timer", "method_timer date_time* timer_name ordinal amount"
        ),
        "delete_timer": _Intent(
            "Delete one or several timers", "method_timer timer_name amount ordinal date_time"
        ),
        "get_timer": _Intent(
            "Find out how a timer stands", "method_timer* timer_name ordinal amount", "timer"
        ),
        "pause_timer": _Intent("Pause a timer", "method_timer timer_name* amount"),
        "restart_timer": _Intent(
            "Start a timer again from its beginning", "method_timer timer_name date_time ordinal"
        ),
        "resume_timer": _Intent(
            "Let a paused timer run on", "method_timer timer_name date_time ordinal"
        ),
        "subtract_time_timer": _Intent(
            "Take time off a timer", "date_time method_timer timer_name"
        ),
        "update_timer": _Intent(
            "Change a timer that is set", "method_timer* date_time* timer_name*"
        ),
    },
    "weather": {
        "get_sunrise": _Intent("Find out when the sun rises", "date_time", "sunrise"),
        "get_sunset": _Intent("Find out when the sun sets", "date_time", "sunset"),
        "get_weather": _Intent(
            "Look up the weather for a place and a time",
            "date_time* weather_attribute* location* weather_temperature_unit",
            "weather",
        ),
    },
}


def _function(name: str, intent: _Intent) -> FunctionSpec:
    output = None
    if intent.returns:
        fields = {field: {"type": "string"} for field in intent.returns.split()}
        output = {"type": "object", "properties": fields}
    return FunctionSpec(
        name=name,
        description=intent.description,
        parameters={
            "type": "object",
            "properties": dict(_parameter(slot) for slot in intent.slots.split()),
            "required": [],
        },
        output=output,
    )


def _parameter(slot: str) -> tuple[str, dict[str, Any]]:
    name = slot.rstrip("*")
    schema: dict[str, Any] = {"type": "string", "description": SLOTS[name]}
    if name != slot:
        schema |= {"type": ["string", "array"], "items": {"type": "string"}}
    return name, schema


FUNCTIONS = {
    name: _function(name, intent)
    for intents in _DOMAINS.values()
    for name, intent in intents.items()
}
DOMAINS = {name: domain for domain, intents in _DOMAINS.items() for name in intents}


def output_field(function: str, slot: str) -> str:
    """Returns the field of a function's output that a slot takes.

    A function with one field has no choice. Of an event, a slot for a place takes its location, one
    for a time its time, any other the event itself.
    """
    output = FUNCTIONS[function].output
    assert output is not None, function
    fields = list(output["properties"])
    if len(fields) == 1:
        return fields[0]
    if slot.startswith(("location", "destination", "source", "path", "waypoint")):
        return "location"
    return "date_time" if "date_time" in slot else fields[0]
