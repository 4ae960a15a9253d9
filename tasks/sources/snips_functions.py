"""The seven intents of SNIPS as functions, described in our words: the data set has names alone."""

from __future__ import annotations

from typing import Any

from granite_fc.calls.spec import FunctionSpec

# Intent: description, the slots that every request gives, and its other slots. A slot with * may be
# given several times.
_INTENTS: dict[str, tuple[str, str, str]] = {
    "AddToPlaylist": (
        "Add a song, an album or an artist to a playlist",
        "playlist*",
        "music_item* artist playlist_owner entity_name",
    ),
    "BookRestaurant": (
        "Reserve a table at a restaurant or another place to eat",
        "",
        "restaurant_name restaurant_type* state timeRange spatial_relation* poi served_dish "
        "party_size_number country city sort cuisine facility party_size_description",
    ),
    "GetWeather": (
        "Look up the weather forecast for a place and a time",
        "",
        "timeRange* geographic_poi condition_description spatial_relation* current_location* "
        "condition_temperature* state* city country",
    ),
    "PlayMusic": (
        "Play music: a track, an album, an artist, a genre or a playlist",
        "",
        "music_item* track artist service* year album sort playlist genre",
    ),
    "RateBook": (
        "Give a book or a series of books a rating",
        "rating_value*",
        "object_name* best_rating rating_unit object_select object_type* "
        "object_part_of_series_type",
    ),
    "SearchCreativeWork": (
        "Find a creative work, such as a book, film, show, game, song or painting",
        "object_name",
        "object_type",
    ),
    "SearchScreeningEvent": (
        "Find out when and where films are shown",
        "",
        "object_type* location_name movie_name object_location_type timeRange movie_type "
        "spatial_relation",
    ),
}

_SLOTS = {
    "album": "Title of the album",
    "artist": "Name of the artist or band",
    "best_rating": "Highest value of the rating scale",
    "city": "Name of the city",
    "condition_description": "Kind of weather asked about, such as rain, fog or storm",
    "condition_temperature": "Temperature asked about, in words such as cold or warm",
    "country": "Name of the country",
    "cuisine": "Style of cooking, such as Italian or vegetarian",
    "current_location": "Words for the place where the user is, such as here",
    "entity_name": "Name of the song or album to add",
    "facility": "Something that the place offers, such as parking or a pool",
    "genre": "Musical genre",
    "geographic_poi": "Park, monument or other point of interest",
    "location_name": "Name of the cinema or cinema chain",
    "movie_name": "Title of the film",
    "movie_type": "Kind of film, such as animated movies",
    "music_item": "Kind of music item, such as song, album or artist",
    "object_location_type": "Kind of place where films are shown, such as cinema",
    "object_name": "Title of the work",
    "object_part_of_series_type": "Kind of series that the book belongs to, such as saga",
    "object_select": "Which work is meant, relative to the present one, such as this or next",
    "object_type": "Kind of thing that is meant, such as book, TV show or movie times",
    "party_size_description": "Who the table is for, in words",
    "party_size_number": "How many people the table is for",
    "playlist": "Name of the playlist",
    "playlist_owner": "Whose playlist it is",
    "poi": "Street, station or landmark near which the place should be",
    "rating_unit": "Unit of the rating, such as stars or points",
    "rating_value": "The rating given",
    "restaurant_name": "Name of the restaurant",
    "restaurant_type": "Kind of place, such as bar, bistro or pizzeria",
    "served_dish": "Dish that the place should serve",
    "service": "Music service to play from",
    "sort": "Preferred order or quality, such as best, popular or newest",
    "spatial_relation": "How far away, in words such as close by",
    "state": "Name or abbreviation of the state",
    "timeRange": "Time or date, as the user puts it",
    "track": "Title of the track",
    "year": "Year or decade of the music",
}

# Functions of which one might serve a request that was made to another.
RELATED = (
    frozenset({"AddToPlaylist", "PlayMusic"}),
    frozenset({"PlayMusic", "SearchCreativeWork", "SearchScreeningEvent"}),
)

# What each belongs to.
SERVICES = {
    "AddToPlaylist": "music",
    "BookRestaurant": "restaurants",
    "GetWeather": "weather",
    "PlayMusic": "music",
    "RateBook": "books",
    "SearchCreativeWork": "works",
    "SearchScreeningEvent": "cinema",
}


def _function(intent: str) -> FunctionSpec:
    description, required, optional = _INTENTS[intent]
    return FunctionSpec(
        name=intent,
        description=description,
        parameters={
            "type": "object",
            "properties": dict(_parameter(slot) for slot in (*required.split(), *optional.split())),
            "required": [slot.rstrip("*") for slot in required.split()],
        },
    )


def _parameter(slot: str) -> tuple[str, dict[str, Any]]:
    name = slot.rstrip("*")
    schema: dict[str, Any] = {"type": "string", "description": _SLOTS[name]}
    if name != slot:
        schema |= {"type": ["string", "array"], "items": {"type": "string"}}
    return name, schema


FUNCTIONS = {intent: _function(intent) for intent in _INTENTS}
