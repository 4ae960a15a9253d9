"""What a checkpoint holds of the data: enough to know it again, and to go on without a replay."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from granite_fc.data.mixing import MixingRates
from granite_fc.data.planner import PlannedTask, Position
from granite_fc.errors import ConfigurationError

_FORMAT = 1
# How users name the settings that must be as they were.
_KEYS = {
    "seed": "RANDOM_SEED",
    "sequence_length": "SEQUENCE_LENGTH",
    "batch_size": "BATCH_SIZE",
    "window": "Batches.window",
}


def describe_task(task: PlannedTask) -> dict[str, Any]:
    """Returns what identifies a task's examples to the planner, and its rate."""
    lengths = np.ascontiguousarray(task.lengths, "<u4")
    return {
        "name": task.name,
        "rate": float(task.rate),
        "examples": len(lengths),
        "lengths": hashlib.blake2b(lengths.tobytes(), digest_size=8).hexdigest(),
    }


def make_data_state(settings: Mapping[str, Any], step: int, position: Position) -> dict[str, Any]:
    """Returns the state to store, JSON values only.

    Args:
        settings: All that batches depend on: "first_step", the keys above, and "components", a list
            of `describe_task`.
        step: The next step to train.
        position: Where the window begins that holds the step's first row.
    """
    state = {
        "format": _FORMAT,
        "step": step,
        **settings,
        "position": dataclasses.asdict(position),
    }
    # As JSON gives it back, so that a state is the same before and after it was stored.
    state = json.loads(json.dumps(state))
    return {**state, "checksum": _checksum(state)}


def check_data_state(state: Mapping[str, Any], settings: Mapping[str, Any]) -> Position | None:
    """Checks a stored state against the settings of this run.

    Returns:
        The state's position, or None where `settings` say that their data begin at its step.

    Raises:
        ConfigurationError: The state is damaged, or the settings differ; names all that differ.
    """
    if state.get("format") != _FORMAT or state.get("checksum") != _checksum(state):
        raise ConfigurationError(
            "data state of the checkpoint",
            found=f"format {state.get('format')}, checksum {state.get('checksum')}",
            expected=f"format {_FORMAT} and the checksum of its content",
            remedy="It is damaged, or another version wrote it: restore another checkpoint.",
        )
    step, first_then, first_now = state["step"], state["first_step"], settings["first_step"]
    if first_now == step and first_now != first_then:
        return None
    then_and_now = _differences(state, settings)
    if first_now != first_then:
        then_and_now["Batches.first_step"] = (first_then, first_now)
    if then_and_now:
        raise ConfigurationError(
            ", ".join(then_and_now),
            found=_listed({key: now for key, (_, now) in then_and_now.items()}),
            expected=f"what the checkpoint at step {step} was trained on: "
            + _listed({key: then for key, (then, _) in then_and_now.items()}),
            remedy="Go back to that; or, to change the data on purpose, set "
            f"Batches.first_step = {step}: the new data then begin at this step, each task with "
            "its first epoch.",
        )
    return Position(**{**state["position"], **_as_tuples(state["position"])})


def _differences(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, tuple[object, object]]:
    """What differs, by the name that users know it by: its value then and now."""
    found: dict[str, tuple[object, object]] = {
        key: (then[name], now[name]) for name, key in _KEYS.items() if then[name] != now[name]
    }
    tasks_then = {component["name"]: component for component in then["components"]}
    tasks_now = {component["name"]: component for component in now["components"]}
    for name in sorted(tasks_then.keys() ^ tasks_now.keys()):
        found[f"task {name}"] = (
            ("in the mixture", "absent") if name in tasks_then else ("absent", "in the mixture")
        )
    both = sorted(tasks_then.keys() & tasks_now.keys())
    if tasks_then.keys() == tasks_now.keys() and _numerators(tasks_then) != _numerators(tasks_now):
        rates = ((name, tasks_then[name]["rate"], tasks_now[name]["rate"]) for name in both)
        found |= {f"rate of {name}": (was, is_) for name, was, is_ in rates if was != is_}
    for name in both:
        was, is_ = tasks_then[name], tasks_now[name]
        if was["examples"] != is_["examples"]:
            found[f"examples of {name}"] = (was["examples"], is_["examples"])
        elif was["lengths"] != is_["lengths"]:
            found[f"lengths of the examples of {name}"] = (was["lengths"], is_["lengths"])
    return found


def _numerators(tasks: Mapping[str, Mapping[str, Any]]) -> tuple[int, ...]:
    """The rates in their simplest form, since only their ratios matter."""
    return MixingRates([tasks[name]["rate"] for name in sorted(tasks)]).numerators


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in values.items())


def _as_tuples(position: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value) for name, value in position.items() if isinstance(value, list)}


def _checksum(state: Mapping[str, Any]) -> str:
    content = {name: value for name, value in state.items() if name != "checksum"}
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
