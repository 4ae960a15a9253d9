"""Devices of a home."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World

home = Domain("home")


@home.function(
    arguments={
        "room": Argument("room", "room"),
        "on": Argument("switch", "state, on or off"),
        "brightness": Argument("share", "brightness in percent", optional=True, default=100),
    },
    returns={"lit": "done"},
    commands=phrases(
        "turn {on} the lights[ in {room}]",
        "turn the lights[ in {room}] {on}",
        "switch the lights {on}[ in {room}][ at {brightness} brightness]",
        unseen=(
            "get the lights[ of {room}] turned {on}",
            "put the lights {on}[ in {room}][ with {brightness} brightness]",
        ),
    ),
    done=("The lights in {room} are {on}.", "I turned {on} the lights in {room}."),
)
def set_lights(world: World, room: str, on: bool, brightness: int = 100) -> dict[str, Any]:
    """Turn the lights on or off."""
    world.write("lights", room, brightness if on else 0)
    return {"lit": on}


@home.function(
    arguments={
        "room": Argument("room", "room"),
        "degrees": Argument("room_temperature", "temperature in degrees"),
    },
    returns={"set": "done"},
    commands=phrases(
        "set the thermostat in {room}[ to {degrees}]",
        "turn the thermostat[ in {room}] to {degrees}",
        "heat {room}[ to {degrees}] with the thermostat",
        unseen=(
            "adjust the thermostat of {room}[ to {degrees}]",
            "let the thermostat[ in {room}] go to {degrees}",
        ),
    ),
    done=("The thermostat in {room} is at {degrees}.", "I set {room} to {degrees}."),
    changes={"heat": "room"},
)
def set_thermostat(world: World, room: str, degrees: int) -> dict[str, Any]:
    """Set the thermostat of a room."""
    world.write("heat", room, degrees)
    return {"set": True}


@home.function(
    arguments={"room": Argument("room", "room")},
    returns={"degrees": "celsius"},
    nouns={
        "degrees": phrases(
            "the thermostat reading in {room}",
            "the reading of the thermostat in {room}",
            "the room thermostat reading of {room}",
            unseen=(
                "the current reading on the thermostat of {room}",
                "the thermostat's reading for {room}",
            ),
        ),
    },
    questions={
        "degrees": phrases(
            "what does the thermostat in {room} read",
            unseen=("what reading does the thermostat in {room} give",),
        ),
    },
    observes={"heat": "room"},
)
def read_thermostat(world: World, room: str) -> dict[str, Any]:
    """Thermostat reading of a room."""
    return {"degrees": world.read("heat", room, lambda: world.number(14, 27, "heat", room))}


@home.function(
    arguments={"door": Argument("door", "door")},
    returns={"locked": "done"},
    commands=phrases(
        "lock {door}",
        "lock up {door}",
        "have {door} locked",
        unseen=("make sure to lock {door}", "get {door} locked"),
    ),
    done=("{door} is locked.", "I locked {door}."),
)
def lock_door(world: World, door: str) -> dict[str, Any]:
    """Lock a door of the home."""
    world.write("locked", door, True)
    return {"locked": True}


@home.function(
    arguments={"room": Argument("room", "room")},
    returns={"duration": "minutes"},
    commands=phrases(
        "vacuum {room}",
        "start the vacuum robot in {room}",
        "let the robot vacuum {room}",
        unseen=("run the vacuum through {room}", "clean {room} with the vacuum robot"),
    ),
    done=(
        "The robot vacuums {room}, which takes {duration}.",
        "I sent the vacuum into {room} for {duration}.",
    ),
)
def start_vacuum(world: World, room: str) -> dict[str, Any]:
    """Vacuum a room with the robot."""
    return {"duration": world.number(8, 55, "vacuum", room)}


@home.function(
    arguments={"time": Argument("time", "time")},
    returns={"alarms": "total"},
    commands=phrases(
        "set an alarm for {time}",
        "set the alarm clock to {time}",
        "let the alarm ring at {time}",
        unseen=("have an alarm go off at {time}", "make the alarm clock ring at {time}"),
    ),
    done=(
        "The alarm is set for {time}; alarms: {alarms}.",
        "I set an alarm for {time}, number {alarms}.",
    ),
)
def set_alarm(world: World, time: str) -> dict[str, Any]:
    """Set an alarm clock."""
    alarms = world.read("alarms", "", lambda: world.number(0, 4, "alarms")) + 1
    world.write("alarms", "", alarms)
    return {"alarms": alarms}
