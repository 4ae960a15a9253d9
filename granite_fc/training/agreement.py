"""Whether all hosts are about to run the same: compared before anything is compiled.

Hosts that compile different programs hang in their first collective, and hosts that read other data
train on a mixture that nobody asked for; neither says so.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import platform
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from granite_fc import typechecks
from granite_fc.training.host_line import listed
from granite_fc.training.hosts import Disagreement, Hosts
from granite_fc.training.recipe import Recipe
from granite_fc.training.run_data import RunData
from granite_fc.versions import ABSENT, COMPILERS, source_digest, versions

Facts = dict[str, str]

_PACKAGES = (*COMPILERS, "flax", "optax", "orbax-checkpoint", "numpy")
_SHOWN = 8


def agree(hosts: Hosts, facts: Mapping[str, Facts]) -> None:
    """Compares what the hosts are about to run; returns where they agree.

    Args:
        hosts: The hosts.
        facts: Kind of fact to name to value, as they are here. Of the kinds that differ only the
            first is told: what follows may differ because of it.

    Raises:
        Disagreement: Names what differs, both values and which hosts have them; on all hosts.
    """
    if hosts.count == 1:
        return
    digests = hosts.gather("what they are about to run", json.dumps(_digests(facts)))
    told = [json.loads(each) for each in digests]
    kind = next((kind for kind in facts if len({each.get(kind) for each in told}) > 1), None)
    if kind is None:
        return
    values = [json.loads(each) for each in hosts.gather(kind, json.dumps(facts[kind]))]
    names = dict.fromkeys(name for each in values for name in each)
    differing = []
    for name in names:
        hosts_of: dict[str, list[int]] = {}
        for host, each in enumerate(values):
            hosts_of.setdefault(each.get(name, ABSENT), []).append(host)
        if len(hosts_of) > 1:
            differing.append((name, hosts_of))
    shown = [
        f"{name}: " + ", ".join(f"{value} on {listed(on)}" for value, on in hosts_of.items())
        for name, hosts_of in differing[:_SHOWN]
    ]
    if len(differing) > _SHOWN:
        shown.append(f"and {len(differing) - _SHOWN} more")
    raise Disagreement(
        kind,
        found="; ".join(shown),
        expected=f"the same on all {hosts.count} hosts",
        remedy="Start all hosts with the same command, code, packages and folders.",
    )


def facts_of_program() -> dict[str, Facts]:
    """Returns what can be compared before anything is read: configuration, code and packages."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {
        "configuration": _bindings(),
        "code of granite_fc": {"digest of its source": source_digest()},
        "packages": {"Python": python} | versions(_PACKAGES),
    }


def facts_of_data(data: RunData, recipe: Recipe, steps_saved: list[int]) -> dict[str, Facts]:
    """Returns what the run reads, and what it computes with it.

    Args:
        data: What is read.
        recipe: What is computed.
        steps_saved: The steps that there are checkpoints of.
    """
    return {
        "data": {f"cache of {name}": told for name, told in data.caches.items()},
        "recipe": _fields(recipe),
        "checkpoints in MODEL_DIR": {"steps": str(steps_saved)},
    }


def facts_of_mesh(mesh: Mesh) -> dict[str, Facts]:
    """Returns how the devices are arranged."""
    axes = " x ".join(f"{axis} {size}" for axis, size in mesh.shape.items())
    order = _digest([str(device) for device in mesh.devices.flat])
    return {"mesh": {"axes": axes, "order of its devices": order}}


def check_shared(hosts: Hosts, folder: Path, *, key: str) -> None:
    """Checks that all hosts see the same folder, which is made where it is not there.

    Args:
        hosts: The hosts.
        folder: The folder.
        key: What the user calls it.

    Raises:
        Disagreement: A host does not see what host 0 wrote there; on all hosts.
    """
    if hosts.count == 1:
        return
    name = f".written-by-host-0-{secrets.token_hex(8)}" if hosts.is_leader else ""
    if hosts.is_leader:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    name = hosts.gather("what host 0 wrote", name)[0]
    seen = hosts.gather("what they see", "yes" if (folder / name).exists() else "no")
    if hosts.is_leader:
        (folder / name).unlink()
    blind = [host for host, each in enumerate(seen) if each == "no"]
    if blind:
        raise Disagreement(
            key,
            found=f"{folder}, where {listed(blind)} of {hosts.count} cannot see what host 0 writes",
            expected="a folder that all hosts share",
            remedy="Mount the same bucket or network file system on every host.",
        )


def _bindings() -> Facts:
    """Every binding of the gin configuration, by the name that a command line gives it."""
    found = {}
    for (scope, selector), values in typechecks.bindings().items():
        name = selector.rsplit(".", 1)[-1]
        for parameter, value in values.items():
            if selector == "gin.macro":
                found[scope] = _text(value)
            else:
                found["/".join(filter(None, (scope, f"{name}.{parameter}")))] = _text(value)
    return dict(sorted(found.items()))


def _fields(recipe: Recipe) -> Facts:
    """The fields of a recipe and of what it is made of."""

    def flat(prefix: str, value: Any) -> Facts:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts = [
                flat(f"{prefix}.{field.name}", getattr(value, field.name))
                for field in dataclasses.fields(value)
            ]
            return functools.reduce(lambda a, b: a | b, parts, {})
        return {prefix.lstrip("."): _text(value)}

    return flat("", recipe)


def _text(value: Any) -> str:
    """The text of a value, which is the same in every process."""
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(_text, value)))}}}"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _digests(facts: Mapping[str, Facts]) -> dict[str, str]:
    return {kind: _digest(values) for kind, values in facts.items()}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
