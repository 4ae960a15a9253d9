"""The intents of SLURP as functions, described in our words: the data set has names alone.

An intent is named SCENARIO_ACTION. Slots that a request gives more than once take a list as well. A
slot that an intent has only by mistake is not among its parameters.
"""

from __future__ import annotations

from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.slurp_slots import SLOTS

# Scenario, the service; action: description and slots, with * where several values occur.
_INTENTS: dict[str, dict[str, tuple[str, str]]] = {
    "alarm": {
        "query": (
            "Look up the alarms that are set",
            "date time timeofday event_name alarm_type",
        ),
        "remove": ("Turn off or delete alarms", "date time timeofday alarm_type"),
        "set": (
            "Set a new alarm",
            "time date* timeofday event_name alarm_type general_frequency",
        ),
    },
    "audio": {
        "volume_down": ("Make the sound quieter", "change_amount"),
        "volume_mute": ("Make the speaker silent, for good or for a while", "time"),
        "volume_other": (
            "Set the volume to a level, or change another setting of the sound",
            "change_amount",
        ),
        "volume_up": ("Make the sound louder", "change_amount"),
    },
    "calendar": {
        "query": (
            "Look up events, meetings and reminders in the user's calendar",
            "date* event_name time* timeofday person place_name relation",
        ),
        "remove": (
            "Delete events or reminders from the user's calendar",
            "event_name date time meal_type person timeofday place_name general_frequency relation",
        ),
        "set": (
            "Put an event into the user's calendar, or set a reminder or a notification of one",
            "event_name* date* time* person* place_name timeofday relation* general_frequency "
            "meal_type",
        ),
    },
    "cooking": {
        "recipe": (
            "Find a recipe, or answer how something is cooked",
            "food_type* cooking_type ingredient* meal_type",
        ),
    },
    "datetime": {
        "convert": (
            "Convert a time between time zones, or tell how far two of them are apart",
            "place_name* time time_zone*",
        ),
        "query": (
            "Tell the date, the day or the time, here or elsewhere",
            "date* place_name event_name time_zone time",
        ),
    },
    "email": {
        "addcontact": (
            "Add a person or an address to the user's contacts",
            "person email_address business_name list_name",
        ),
        "query": (
            "Check the user's mailbox for messages, or read them",
            "person* date time email_folder relation business_name event_name timeofday",
        ),
        "querycontact": (
            "Look up how to reach somebody, or something else about one of the user's contacts",
            "person personal_info relation",
        ),
        "sendemail": (
            "Write, send or answer an email",
            "person* relation* date event_name email_address timeofday business_name",
        ),
    },
    "general": {
        "joke": ("Tell a joke", "joke_type"),
    },
    "iot": {
        "cleaning": ("Have the vacuum cleaner clean the home", "device_type house_place time*"),
        "coffee": ("Have the coffee machine make coffee", "device_type coffee_type time"),
        "hue_lightchange": (
            "Change the colour or the mood of the lights",
            "color_type* house_place* change_amount",
        ),
        "hue_lightdim": ("Make the lights darker", "house_place change_amount"),
        "hue_lightoff": ("Turn lights off", "house_place device_type time"),
        "hue_lighton": ("Turn lights on", "house_place device_type"),
        "hue_lightup": ("Make the lights brighter", "house_place device_type change_amount"),
        "wemo_off": (
            "Switch off a smart socket or what is plugged into it",
            "device_type house_place",
        ),
        "wemo_on": (
            "Switch on a smart socket or what is plugged into it",
            "device_type house_place",
        ),
    },
    "lists": {
        "createoradd": ("Create a list, or add an item to one", "list_name date"),
        "query": ("Look up the user's lists, or what is on one of them", "list_name date"),
        "remove": ("Delete a list, or remove an item from one", "list_name date"),
    },
    "music": {
        "dislikeness": ("Note that the user does not like some music", "music_genre artist_name"),
        "likeness": (
            "Note that the user likes some music, or save it among the favourites",
            "artist_name music_genre playlist_name",
        ),
        "query": (
            "Tell what music is playing, or something else about music",
            "artist_name song_name",
        ),
        "settings": (
            "Change how the music player plays: repeat, shuffle, skip and the like",
            "player_setting* music_descriptor",
        ),
    },
    "news": {
        "query": (
            "Tell the news, of all kinds or on a topic",
            "news_topic media_type* date* place_name person* time",
        ),
    },
    "play": {
        "audiobook": (
            "Play an audiobook, or go on with it",
            "player_setting audiobook_name media_type audiobook_author",
        ),
        "game": ("Start a game", "game_name game_type"),
        "music": (
            "Play music",
            "artist_name* music_genre* song_name playlist_name music_descriptor player_setting "
            "date media_type music_album",
        ),
        "podcasts": (
            "Play a podcast, or move among its episodes",
            "podcast_descriptor podcast_name player_setting person",
        ),
        "radio": (
            "Play the radio, or tune it to a station",
            "radio_name* app_name music_genre media_type device_type",
        ),
    },
    "qa": {
        "currency": ("Tell the exchange rate of currencies", "currency_name* place_name*"),
        "definition": ("Define or spell a word, or describe a thing", "definition_word"),
        "factoid": (
            "Answer a question about a fact, for example about a person, a place or history",
            "person* place_name* event_name artist_name",
        ),
        "maths": ("Work out a calculation", ""),
        "stock": (
            "Tell the price of a share or the state of the stock market",
            "business_name date news_topic",
        ),
    },
    "recommendation": {
        "events": (
            "Find events that take place somewhere, such as concerts and fairs",
            "place_name event_name* date timeofday time",
        ),
        "locations": (
            "Find shops, restaurants and other places to go to",
            "business_type* place_name* food_type business_name",
        ),
        "movies": (
            "Find films to see and where they are shown",
            "date place_name movie_name movie_type business_type timeofday",
        ),
    },
    "social": {
        "post": (
            "Publish something on a social network, or send a company a complaint",
            "media_type* business_name event_name",
        ),
        "query": ("Tell what is new on the user's social networks", "media_type person relation"),
    },
    "takeaway": {
        "order": (
            "Order food to be delivered or taken away",
            "food_type* order_type business_name business_type meal_type drink_type",
        ),
        "query": (
            "Find out about food orders: who delivers, and how an order stands",
            "business_name order_type food_type* business_type",
        ),
    },
    "transport": {
        "query": (
            "Find routes, directions, timetables and fares",
            "place_name* transport_type date* business_name transport_name",
        ),
        "taxi": (
            "Order a taxi or another ride",
            "transport_type transport_agency place_name time date timeofday",
        ),
        "ticket": (
            "Book a ticket for a train or another means of transport",
            "transport_type place_name* date time transport_name timeofday transport_descriptor",
        ),
        "traffic": ("Tell how heavy the traffic is", "place_name timeofday"),
    },
    "weather": {
        "query": (
            "Tell the weather, or answer a question that depends on it",
            "date* weather_descriptor* place_name timeofday time",
        ),
    },
}

# Intents that no function answers: small talk, and questions that none of the others is for.
SMALL_TALK = frozenset({"general_quirky", "general_greet"})

# Services that small talk cannot be taken for a request to.
NARROW_SERVICES = frozenset({"alarm", "audio", "iot", "takeaway", "transport"})


def _function(name: str, description: str, slots: str) -> FunctionSpec:
    return FunctionSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": dict(_parameter(slot) for slot in slots.split()),
            "required": [],
        },
    )


def _parameter(slot: str) -> tuple[str, dict[str, Any]]:
    name = slot.rstrip("*")
    schema: dict[str, Any] = {"type": "string", "description": SLOTS[name]}
    if name != slot:
        schema |= {"type": ["string", "array"], "items": {"type": "string"}}
    return name, schema


FUNCTIONS = {
    f"{scenario}_{action}": _function(f"{scenario}_{action}", description, slots)
    for scenario, actions in _INTENTS.items()
    for action, (description, slots) in actions.items()
}
SERVICES = {f"{scenario}_{action}": scenario for scenario, a in _INTENTS.items() for action in a}
