"""Doctors, medicines and measurements."""

from __future__ import annotations

from typing import Any

from tasks.sources.simulator.registry import Argument, Domain, phrases
from tasks.sources.simulator.world import World

health = Domain("health")


@health.function(
    arguments={
        "specialty": Argument("specialty", "specialty"),
        "city": Argument("city", "city"),
    },
    returns={"doctor": "doctor"},
    nouns={
        "doctor": phrases(
            "a good {specialty} doctor in {city}",
            "the best {specialty} doctor in {city}",
            "a doctor in {city} of {specialty} medicine",
            unseen=(
                "some {specialty} doctor near {city}",
                "a trusted doctor in {city} with {specialty} experience",
            ),
        ),
    },
    questions={
        "doctor": phrases(
            "which {specialty} doctor works in {city}",
            unseen=("who is a good {specialty} doctor around {city}",),
        ),
    },
)
def find_doctor(world: World, specialty: str, city: str) -> dict[str, Any]:
    """Find a doctor of a specialty."""
    return {"doctor": world.drawn("doctor", specialty, city)}


@health.function(
    arguments={
        "doctor": Argument("doctor", "doctor"),
        "date": Argument("date", "date"),
        "time": Argument("time", "time", optional=True),
    },
    returns={"wait": "minutes"},
    commands=phrases(
        "book an appointment with {doctor}[ on {date}][ at {time}]",
        "make an appointment[ on {date}][ at {time}] with {doctor}",
        "get me an appointment with {doctor}[ on {date}]",
        unseen=(
            "arrange an appointment with {doctor}[ for {date}][ at {time}]",
            "set up[ for {date}] a doctor's appointment with {doctor}",
        ),
    ),
    done=(
        "{doctor} sees you on {date}; expect a wait of {wait}.",
        "Your appointment with {doctor} is on {date}, with a wait of {wait}.",
    ),
)
def book_appointment(world: World, doctor: str, date: str, time: str = "") -> dict[str, Any]:
    """Book an appointment with a doctor."""
    return {"wait": world.number(5, 45, "wait", doctor, date, time)}


@health.function(
    arguments={"medicine": Argument("medicine", "medicine")},
    returns={"dose": "milligrams"},
    nouns={
        "dose": phrases(
            "the daily dose of {medicine}",
            "the dose of {medicine}",
            "the dose of the medicine {medicine}",
            unseen=("the right dose for {medicine}", "the usual dose of {medicine} per day"),
        ),
    },
    questions={
        "dose": phrases(
            "how big is the dose of {medicine}", unseen=("which dose of {medicine} is allowed",)
        ),
    },
)
def get_dose(world: World, medicine: str) -> dict[str, Any]:
    """Daily dose of a medicine."""
    return {"dose": world.number(1, 40, "dose", medicine) * 25}


@health.function(
    arguments={
        "medicine": Argument("medicine", "medicine"),
        "boxes": Argument("count", "number of boxes", optional=True, default=1),
    },
    returns={"ready": "date"},
    commands=phrases(
        "refill the prescription for {medicine}[, {boxes} boxes]",
        "refill[ {boxes} boxes of] {medicine}",
        "get a refill of[ {boxes} boxes of] {medicine}",
        unseen=(
            "renew and refill {medicine}[ with {boxes} boxes]",
            "request a prescription refill of[ {boxes} boxes of] {medicine}",
        ),
    ),
    done=("{medicine} is ready on {ready}.", "The refill of {medicine} is ready on {ready}."),
)
def refill_prescription(world: World, medicine: str, boxes: int = 1) -> dict[str, Any]:
    """Refill a prescription of a medicine."""
    return {"ready": world.drawn("date", "refill", medicine, boxes)}


@health.function(
    arguments={
        "weight": Argument("kilograms", "weight in kilograms"),
        "date": Argument("date", "date", optional=True),
    },
    returns={"change": "kilograms"},
    commands=phrases(
        "log a weight of {weight}[ for {date}]",
        "log my weight as {weight}[ on {date}]",
        "record my body weight, {weight}[, on {date}]",
        unseen=(
            "note down a body weight of {weight}[ on {date}]",
            "save my weight of {weight}[ for {date}]",
        ),
    ),
    done=(
        "I logged {weight}, a change of {change}.",
        "{weight} is noted; that is a change of {change}.",
    ),
)
def log_weight(world: World, weight: float, date: str = "") -> dict[str, Any]:
    """Log a body weight."""
    before = world.read("weight", "", lambda: world.number(45, 135, "weight"))
    world.write("weight", "", weight)
    return {"change": weight - before}
