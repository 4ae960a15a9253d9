"""Weather, air and sun."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World, plain

weather = Domain("weather")


@weather.function(
    arguments={"city": Argument("city", "city")},
    returns={"temperature": "celsius"},
    nouns={
        "temperature": phrases(
            "the temperature in {city}",
            "the current temperature in {city}",
            "the outside temperature of {city}",
            unseen=("the temperature right now in {city}", "the temperature around {city}"),
        ),
    },
    questions={
        "temperature": phrases(
            "how warm is the temperature in {city}",
            "which temperature does {city} have",
            unseen=("how high is the temperature in {city}",),
        ),
    },
)
def get_temperature(world: World, city: str) -> dict[str, Any]:
    """Current temperature in a city."""
    return {"temperature": plain(world.number(-80, 380, "temperature", city) / 10)}


@weather.function(
    arguments={"city": Argument("city", "city"), "date": Argument("date", "day")},
    returns={"sky": "sky", "rain": "percent"},
    nouns={
        "sky": phrases(
            "the weather forecast for {city}[ on {date}]",
            "the forecast[ on {date}] for {city}",
            "the weather in {city}[ on {date}]",
            unseen=(
                "the forecast of the weather[ on {date}] in {city}",
                "the weather outlook for {city}[ on {date}]",
            ),
        ),
        "rain": phrases(
            "the chance of rain in {city}[ on {date}]",
            "the rain forecast[ on {date}] for {city}",
            unseen=(
                "the likelihood of rain[ on {date}] in {city}",
                "the forecast chance of rain for {city}[ on {date}]",
            ),
        ),
    },
    questions={
        "sky": phrases(
            "what will the weather be in {city}[ on {date}]",
            unseen=("which weather is expected in {city}[ on {date}]",),
        ),
        "rain": phrases(
            "how likely is rain in {city}[ on {date}]",
            unseen=("how big is the chance of rain[ on {date}] in {city}",),
        ),
    },
)
def get_forecast(world: World, city: str, date: str) -> dict[str, Any]:
    """Weather and rain forecast for a day."""
    sky = world.choice(("sunny", "cloudy", "rainy", "snowy", "windy"), "sky", city, date)
    return {"sky": sky, "rain": world.number(0, 20, "rain", city, date) * 5}


@weather.function(
    arguments={"city": Argument("city", "city")},
    returns={"index": "total"},
    nouns={
        "index": phrases(
            "the air quality in {city}",
            "the air quality index of {city}",
            "the quality of the air in {city}",
            unseen=("the present air quality around {city}", "the index of air quality for {city}"),
        ),
    },
    questions={
        "index": phrases(
            "how clean is the air in {city}", unseen=("how good is the air of {city}",)
        ),
    },
)
def get_air_quality(world: World, city: str) -> dict[str, Any]:
    """Air quality index of a city."""
    return {"index": world.number(5, 180, "air", city)}


@weather.function(
    arguments={"city": Argument("city", "city")},
    returns={"sun": {"sunrise": "time", "sunset": "time"}},
    nouns={
        "sun.sunrise": phrases(
            "the sunrise time in {city}",
            "the time of sunrise in {city}",
            unseen=("the hour of sunrise in {city}", "today's sunrise in {city}"),
        ),
        "sun.sunset": phrases(
            "the sunset time in {city}",
            "the time of sunset in {city}",
            unseen=("the hour of sunset in {city}", "today's sunset in {city}"),
        ),
    },
    questions={
        "sun.sunrise": phrases(
            "when is sunrise in {city}", unseen=("at what time is sunrise in {city}",)
        ),
        "sun.sunset": phrases(
            "when is sunset in {city}", unseen=("at what time is sunset in {city}",)
        ),
    },
)
def get_sun_times(world: World, city: str) -> dict[str, Any]:
    """Sunrise and sunset in a city."""
    sunrise = f"0{world.number(4, 8, 'sunrise', city)}:{world.number(10, 59, 'rise', city)}"
    sunset = f"{world.number(17, 21, 'sunset', city)}:{world.number(10, 59, 'set', city)}"
    return {"sun": {"sunrise": sunrise, "sunset": sunset}}
