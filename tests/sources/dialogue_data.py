"""Small raw data of STAR, tau-bench and MultiWOZ, written by hand."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tests.sources.raw_data import write

_HOURS = ["1 pm", "2 pm", "3 pm"]


def _field(name, kind="ShortString", **more):
    return {"Name": name, "Type": kind, "ReadableName": f"The {name}", **more}


_REQUEST_TYPE = _field("RequestType", "RequestType", Categories=["Check", "Book"])
_NAME = _field("Name", "Categorical", Categories=["Hilton Hotel", "Hyatt Hotel"])
STAR_APIS = {
    "hotel_search": {
        "input": [
            _NAME,
            _field("AverageRating", "Integer", Min=1, Max=5),
            _field("Service", "Boolean"),
            _field("Location", "Categorical", Categories=["North", "South"]),
        ],
        "output": [_NAME],
        "required": [],
        "returns_count": True,
    },
    "hotel_book": {
        "input": [
            _NAME,
            _field("Time", "Categorical", Categories=_HOURS),
            _field("PartySize", "Integer", Min=1, Max=9),
            _field("CustomerName"),
            _REQUEST_TYPE,
        ],
        "output": [_field("Message")],
        "required": ["Name", "Time", "RequestType"],
    },
    "bank_balance": {
        "input": [_field("AccountNumber"), _field("PIN")],
        "output": [_field("BankBalance", "Integer", Min=0, Max=9)],
        "required": [],
    },
    "plane_book": {
        "input": [_field("id", "Integer", Min=1, Max=999), _REQUEST_TYPE],
        "output": [_field("Message")],
        "required": ["id", "RequestType"],
    },
    "weather": {
        "input": [_field("Day", "Categorical", Categories=["Sunday", "Monday"])],
        "output": [],
        "required": ["Day"],
    },
}


def write_star(root: Path, *dialogues: Any) -> Path:
    """Writes dialogues as `dialogues/1.json` and so on, with the APIs above."""
    for name, declared in STAR_APIS.items():
        write(root / f"apis/apis/{name}.json", declared)
    for number, dialogue in enumerate(dialogues, start=1):
        write(root / f"dialogues/{number}.json", dialogue)
    return root


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    declared = {"name": name, "description": f"Does {name}", "parameters": parameters}
    return {"type": "function", "function": declared}


_TEXT = {"type": "string"}
TAU_BENCH_TOOLS = [
    _tool("get_order_details", order_id=_TEXT),
    _tool("cancel_pending_order", order_id=_TEXT, reason=_TEXT),
    _tool(
        "return_delivered_order_items",
        order_id=_TEXT,
        item_ids={"type": "array", "items": _TEXT},
        payment_method_id=_TEXT,
    ),
    _tool("exchange_delivered_order_items", order_id=_TEXT),
    _tool("modify_pending_order_items", order_id=_TEXT),
]


def write_tau_bench(root: Path, train: Any, dev: Any = ()) -> Path:
    write(root / "derived/retail_tools.json", TAU_BENCH_TOOLS)
    write(root / "derived/retail_tasks_train.json", train)
    write(root / "derived/retail_tasks_dev.json", list(dev))
    return root


_DAYS = ["monday", "friday"]
_SLOTS = {
    "restaurant": {"name": (), "area": ("north", "south"), "food": (), "pricerange": ("cheap",)},
    "hotel": {
        "name": (),
        "area": ("north", "south"),
        "pricerange": ("cheap",),
        "type": ("guesthouse", "hotel"),
        "stars": ("3", "4"),
        "parking": ("free", "no", "yes"),
        "internet": ("free", "no", "yes"),
    },
    "attraction": {"name": (), "area": ("north", "south"), "type": ("swimmingpool",)},
    "train": {"trainid": (), "departure": (), "destination": (), "leaveat": (), "arriveby": ()},
    "taxi": {"departure": (), "destination": (), "leaveat": (), "arriveby": ()},
}
_SLOTS["restaurant"] |= {"bookpeople": ("1",), "bookday": _DAYS, "booktime": ()}
_SLOTS["hotel"] |= {"bookpeople": ("1",), "bookday": _DAYS, "bookstay": ("1",)}
_SLOTS["train"] |= {"bookpeople": ("1",), "day": _DAYS}
_ROWS = {
    "restaurant": [
        {"name": "the golden wok", "area": "north", "food": "chinese", "phone": "?"},
        {"name": "panda", "area": "north", "food": "chinese", "location": [1, 2]},
        {"name": "curry garden", "area": "south", "food": "indian"},
    ],
    "hotel": [
        {"name": "acorn guest house", "area": "north", "parking": "yes"},
        {"name": "worth house", "area": "north", "parking": "yes"},
    ],
    "attraction": [{"name": "abbey pool", "area": "south", "type": "swimmingpool"}],
    "train": [
        {"trainID": f"TR{hour}", "day": "friday", "leaveAt": f"{hour}:00", "arriveBy": f"{hour}:50"}
        for hour in (10, 11, 12)
    ],
}


def write_multiwoz(root: Path, dialogues: Any) -> Path:
    """Writes dialogues (or a text) as the validation archive, with the databases above."""
    schema = [
        {
            "service_name": domain,
            "slots": [
                {
                    "name": f"{domain}-{name}",
                    "description": f"The {name}",
                    "is_categorical": bool(values),
                    "possible_values": list(values),
                }
                for name, values in slots.items()
            ],
        }
        for domain, slots in _SLOTS.items()
    ]
    write(root / "data/MultiWOZ_2.2/schema.json", schema)
    for domain, rows in _ROWS.items():
        write(root / f"db/{domain}_db.json", rows)
    (root / "convlab3").mkdir(exist_ok=True)
    with zipfile.ZipFile(root / "convlab3/val.json.zip", "w") as archive:
        text = dialogues if isinstance(dialogues, str) else json.dumps(dialogues)
        archive.writestr("val.json", text)
    return root
