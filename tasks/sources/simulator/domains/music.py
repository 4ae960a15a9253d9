"""Songs, playlists and concerts."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World

music = Domain("music")


@music.function(
    arguments={"artist": Argument("artist", "artist")},
    returns={"songs": ["song"]},
    nouns={
        "songs.0": phrases(
            "the top song by {artist}",
            "the most popular song of {artist}",
            "{artist}'s top song",
            unseen=("the number one song from {artist}", "the greatest song by the band {artist}"),
        ),
    },
    questions={
        "songs.0": phrases(
            "which song by {artist} is on top", unseen=("what song made {artist} popular",)
        ),
    },
)
def get_top_songs(world: World, artist: str) -> dict[str, Any]:
    """Top songs of an artist."""
    return {"songs": [world.drawn("song", artist, rank) for rank in range(2)]}


@music.function(
    arguments={
        "song": Argument("song", "song title"),
        "room": Argument("room", "room to play in", optional=True),
    },
    returns={"playing": "done"},
    commands=phrases(
        "play {song}[ in {room}]",
        "play {song} now[ in {room}]",
        "start to play {song}[ in {room}]",
        unseen=("let {song} play[ in {room}]", "play me {song}[ over in {room}]"),
    ),
    done=("{song} is playing.", "Now playing {song}."),
)
def play_song(world: World, song: str, room: str = "") -> dict[str, Any]:
    """Play a song."""
    world.write("playing", room, song)
    return {"playing": True}


@music.function(
    arguments={"song": Argument("song", "song title")},
    returns={"seconds": "total"},
    nouns={
        "seconds": phrases(
            "the length of {song} in seconds",
            "{song}'s length in seconds",
            "the song length of {song}",
            unseen=("the playing length of {song}", "the total length of {song}"),
        ),
    },
    questions={
        "seconds": phrases(
            "how many seconds long is {song}", unseen=("how long in seconds is {song}",)
        ),
    },
)
def get_song_length(world: World, song: str) -> dict[str, Any]:
    """Length of a song in seconds."""
    return {"seconds": world.number(95, 420, "length", song)}


@music.function(
    arguments={
        "name": Argument("playlist", "name of the playlist"),
        "songs": Argument("songs", "songs"),
    },
    returns={"length": "total"},
    commands=phrases(
        "create a playlist[ {name}] with {songs}",
        "make the playlist {name}[ from {songs}]",
        "create the playlist {name}[ with {songs}]",
        unseen=(
            "build a playlist called {name}[ containing {songs}]",
            "set up a new playlist[ {name}] holding {songs}",
        ),
    ),
    done=(
        "The playlist {name} has {songs}; it runs {length} seconds.",
        "I created {name} with {songs}, {length} seconds long.",
    ),
)
def create_playlist(world: World, name: str, songs: list[str]) -> dict[str, Any]:
    """Create a playlist of songs."""
    world.write("playlist", name, tuple(songs))
    return {"length": sum(world.number(95, 420, "length", song) for song in songs)}


@music.function(
    arguments={"artist": Argument("artist", "artist"), "city": Argument("city", "city")},
    returns={"date": "date", "price": "usd"},
    nouns={
        "date": phrases(
            "the date of a concert by {artist}[ in {city}]",
            "the next concert date of {artist}[ in {city}]",
            unseen=(
                "the date of the coming concert by {artist}[ in {city}]",
                "the concert date for {artist}[ in {city}]",
            ),
        ),
        "price": phrases(
            "the concert ticket price of {artist}[ in {city}]",
            "the price of a concert by {artist}[ in {city}]",
            unseen=(
                "the entry price of the concert of {artist}[ in {city}]",
                "the price to see {artist} in concert[ in {city}]",
            ),
        ),
    },
    questions={
        "date": phrases(
            "when do {artist} give a concert[ in {city}]",
            unseen=("on what day is a concert by {artist}[ in {city}]",),
        ),
    },
)
def find_concert(world: World, artist: str, city: str) -> dict[str, Any]:
    """Next concert of an artist."""
    date = world.drawn("date", "concert", artist, city)
    return {"date": date, "price": world.cents(20, 150, "concert", artist, city)}
