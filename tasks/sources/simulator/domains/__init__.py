"""The domains of the world; importing this package registers their functions."""

from __future__ import annotations

from tasks.sources.simulator.domains import (
    banking,
    calendar,
    cinema,
    dining,
    health,
    helpdesk,
    home,
    library,
    maps,
    maths,
    messaging,
    music,
    recipes,
    shopping,
    stocks,
    travel,
    weather,
)

__all__ = [
    "banking",
    "calendar",
    "cinema",
    "dining",
    "health",
    "helpdesk",
    "home",
    "library",
    "maps",
    "maths",
    "messaging",
    "music",
    "recipes",
    "shopping",
    "stocks",
    "travel",
    "weather",
]
