"""The APIs of STAR as functions: typed by their declarations, described in our words.

Parameters and outputs are those that `apis/apis/*.json` declares, with the fields that the data
set's results have beside them. Where a search takes a number, it also takes a range of numbers, as
the queries do: `{"at_least": 2, "at_most": 4}`. To check a booking before it is made is the
default, since nobody asks for that in words; every query states it all the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from granite_fc.errors import ConfigurationError
from tasks.sources.json_records import read_value
from tasks.sources.raw_files import RawFolder

API_FILES = r"apis/apis/\w+\.json"

# The bounds that a range may have, by the operators of the queries.
BOUNDS = {
    "is_at_least": "at_least",
    "is_at_most": "at_most",
    "is_greater_than": "more_than",
    "is_less_than": "less_than",
}

_DESCRIPTIONS = {
    "apartment_schedule": "Check whether an apartment can be viewed at a time, or book the viewing",
    "apartment_search": "Find an apartment to rent",
    "bank_balance": "Look up the balance of a bank account, once the caller is authenticated",
    "bank_fraud_report": "Report fraud on a bank account, once the caller is authenticated",
    "doctor_followup": "Look up the instructions that a doctor left for a patient",
    "doctor_schedule": "Check whether a doctor is free at a time, or book the appointment",
    "hotel_book": "Check whether a hotel has a room for a stay, or book it",
    "hotel_search": "Find a hotel",
    "hotel_service_request": "Send a guest's request for room service to the hotel",
    "meeting_schedule": "Schedule a meeting with somebody",
    "movie_search": "Find a film and where it can be watched",
    "party_plan": "Check whether a venue is free for a party, or book it",
    "party_rsvp": "Confirm to the host that a guest comes to a party",
    "plane_book": "Check whether a flight can be reserved, or reserve it",
    "plane_search": "Find a flight between two cities",
    "restaurant_book": "Check whether a restaurant has a table at a time, or reserve it",
    "restaurant_search": "Find a restaurant",
    "ride_book": "Check whether a car can be had for a ride, or book it",
    "ride_change": "Change a ride that has been booked",
    "ride_status": "Look up where a booked ride is and how long it will take",
    "spaceship_access_codes": "Check a crew member's code and grant or refuse access",
    "spaceship_life_support": "Find out how to repair the life support system of the spaceship",
    "trip_directions": "Get directions from one place to another",
    "trivia": "Get a trivia question by its number, with its answer",
    "weather": "Look up the weather forecast for a day",
}

# Descriptions that say more than the declared readable name; "API.PARAMETER" goes first.
_PARAMETERS = {
    "AccountNumber": "Number of the account",
    "AllowsChanges": "Whether the ride can be changed after booking",
    "ApplicationFeePaid": "Whether the application fee has been paid",
    "BalconySide": "Side of the building that the balcony is on",
    "ChangeDescription": "What is to be changed about the ride",
    "Code": "The code that the crew member gives",
    "CodeType": "Kind of code",
    "Cost": "Price category",
    "CustomerRequest": "What else the customer wishes",
    "DateOfBirth": "The caller's date of birth",
    "Day": "Day of the week",
    "DietaryRestrictions": "What the guests do not eat",
    "DoctorName": "Name of the doctor",
    "DrinksRequest": "Drinks that are wanted",
    "FloorSquareMeters": "Floor space in square metres",
    "FoodRequest": "Food that is wanted",
    "FraudReport": "What happened, in the caller's words",
    "FullName": "The caller's full name",
    "HasBalcony": "Whether it has a balcony",
    "HasElevator": "Whether the building has an elevator",
    "Level": "Floor that the apartment is on",
    "MaxLevel": "Number of floors of the building",
    "MinutesTillPickup": "Minutes until the car arrives",
    "NearbyPOIs": "Places that are nearby",
    "NeedParking": "Whether a parking place is needed",
    "NumberGuests": "Number of guests",
    "NumRooms": "Number of bedrooms",
    "PIN": "The caller's PIN, if that is how they are authenticated",
    "RequestType": "Check asks whether it is possible; Book does it, once the user agrees to that",
    "SecurityAnswer1": "The caller's mother's maiden name, instead of number and PIN",
    "SecurityAnswer2": "Name of the caller's childhood pet, instead of number and PIN",
    "Service": "Whether it has room service",
    "Symptoms": "What the patient suffers from",
    "Time": "Hour",
    "TripLengthMinutes": "Length of the trip in minutes",
    "apartment_schedule.Message": "Message to the housing company",
    "apartment_schedule.RenterName": "Name of whoever wants to see the apartment",
    "apartment_search.Price": "Monthly rent without heating",
    "hotel_service_request.CustomerRequest": "What the guest would like",
    "hotel_service_request.Time": "Hour at which it is wanted",
    "meeting_schedule.Name": "Whom to meet",
    "meeting_schedule.UserName": "Name of whoever asks for the meeting",
    "plane_book.id": "Number of the flight",
    "plane_search.Date": "Day of the month of the flight",
    "plane_search.id": "Number of the flight",
    "ride_change.id": "Number of the booking",
    "ride_status.id": "Number of the booking",
    "trip_directions.DepartureTime": "Hour of departure, for public transport",
    "trip_directions.Price": "Price of the ticket, for public transport",
}

# Fields that results have and the declarations lack.
_MORE_OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "apartment_search": {"id": "integer"},
    "bank_balance": {"id": "integer", "Message": "string"},
    "bank_fraud_report": {"Message": "string"},
    "doctor_schedule": {"DoctorName": "string", "Time": "string"},
    "hotel_book": {"HotelName": "string"},
    "hotel_search": {"ServiceStartHour": "string", "ServiceStopHour": "string", "id": "integer"},
    "hotel_service_request": {"RoomNumber": "integer", "Time": "string"},
    "meeting_schedule": {
        "Day": "string",
        "StartTime": "string",
        "EndTime": "string",
        "GuestName": "string",
    },
    "party_plan": {"VenueName": "string", "Day": "string", "Time": "string"},
    "plane_book": {"id": "integer", "Message": "string"},
    "restaurant_book": {"RestaurantName": "string", "Message": "string"},
    "restaurant_search": {"id": "integer"},
    "ride_book": {
        "MinutesTillPickup": "integer",
        "DepartureLocation": "string",
        "ArrivalLocation": "string",
        "CustomerName": "string",
        "Message": "string",
    },
    "trip_directions": {
        "id": "integer",
        "DetailedDrivingInstructions": "array",
        "DetailedTransitInstructions": "array",
        "DetailedWalkingInstructions": "array",
    },
    "trivia": {"Question": "string", "Answer": "string"},
    "weather": {"id": "integer"},
}
_COUNT = {"type": "integer", "description": "Number of hits, of which one is returned"}

# Searches, where a number may be bounded and not given.
_SEARCHES = re.compile(r"\w+_search|ride_book|trip_directions|weather")
_TYPES = {
    "Boolean": "boolean",
    "Categorical": "string",
    "CategoricalList": "array",
    "CategoricalMultiple": "array",
    "Integer": "integer",
    "LongString": "string",
    "RequestType": "string",
    "ShortString": "string",
}


@dataclasses.dataclass(frozen=True)
class Api:
    """One API.

    Attributes:
        function: The function.
        service: The domain that it belongs to.
        kinds: The declared kind of each parameter, such as "Categorical".
    """

    function: FunctionSpec
    service: str
    kinds: Mapping[str, str]

    def takes_range(self, parameter: str) -> bool:
        """Whether a parameter may be given as a range."""
        return "object" in self.function.properties[parameter]["type"]


def read_apis(folder: RawFolder) -> dict[str, Api]:
    """Reads all APIs, by name.

    Raises:
        ConfigurationError: A declaration is missing or not of the form that the data set has.
    """
    apis = {}
    for name in folder.names(API_FILES):
        api = name.rpartition("/")[2].removesuffix(".json")
        try:
            apis[api] = _api(api, read_value(folder.read_text(name)))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ConfigurationError(
                "DATA_DIR",
                found=f"{name}: {error!r}",
                expected="an API's declaration as STAR's repository has it",
            ) from error
    return apis


def _api(api: str, declared: Mapping[str, Any]) -> Api:
    inputs = {entry["Name"]: entry for entry in declared["input"]}
    parameters = {
        "type": "object",
        "properties": {name: _parameter(api, entry) for name, entry in inputs.items()},
        "required": [
            name for name in declared["required"] if inputs[name]["Type"] != "RequestType"
        ],
    }
    outputs = {entry["Name"]: _output(_TYPES[entry["Type"]]) for entry in declared["output"]}
    if declared.get("returns_count"):
        outputs["TotalItems"] = _COUNT
    for field, kind in _MORE_OUTPUTS.get(api, {}).items():
        outputs[field] = _output(kind)
    function = FunctionSpec(
        api,
        _DESCRIPTIONS.get(api, api.replace("_", " ").capitalize()),
        parameters,
        {"type": "object", "properties": outputs},
    )
    return Api(function, api.partition("_")[0], {n: e["Type"] for n, e in inputs.items()})


def _output(kind: str) -> dict[str, Any]:
    return {"type": kind} | ({"items": {"type": "string"}} if kind == "array" else {})


def _parameter(api: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    name, kind = entry["Name"], entry["Type"]
    schema: dict[str, Any] = {"type": _TYPES[kind]}
    words = _PARAMETERS.get(f"{api}.{name}") or _PARAMETERS.get(name) or entry["ReadableName"]
    schema["description"] = words
    if kind == "Integer":
        schema |= {"minimum": entry["Min"], "maximum": entry["Max"]}
        if _SEARCHES.fullmatch(api) and name != "id":
            bounds = {bound: {"type": "integer"} for bound in BOUNDS.values()}
            schema["type"] = ["integer", "object"]
            schema |= {"properties": bounds, "additionalProperties": False}
    elif kind == "CategoricalMultiple":
        schema["items"] = {"type": "string", "enum": list(entry["Categories"])}
    elif kind in ("Categorical", "RequestType"):
        schema["enum"] = list(entry["Categories"])
    if kind == "RequestType":
        schema["default"] = entry["Categories"][0]
    return schema
