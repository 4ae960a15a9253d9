"""Plans kept on disk, so that asking twice compiles once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from granite_fc.planning.plan import Plan
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.topology import Topology
from granite_fc.training.recipe import Recipe
from granite_fc.versions import source_digest, versions


def default_folder() -> Path:
    """Returns where plans are kept: `granite_fc/plans` in the user's cache directory."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "granite_fc" / "plans"


def plan_key(recipe: Recipe, mesh: MeshConfig, rules: LogicalAxisRules, topology: Topology) -> str:
    """Returns a hash of all that a plan depends on, the package's source included."""
    described = [
        repr(recipe),
        repr(mesh.resolve(topology.num_devices)),
        repr(rules),
        repr(topology),
        source_digest(),
        json.dumps(versions(), sort_keys=True),
    ]
    return hashlib.sha256("\n".join(described).encode()).hexdigest()


class PlanCache:
    """Plans as JSON files, one for each key.

    Args:
        folder: Where; made when the first plan is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Plan | None:
        """Returns the plan of a key, or None where there is none that can be read."""
        try:
            return Plan.from_json(json.loads(self._path(key).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, plan: Plan) -> None:
        """Keeps a plan; readers see all of it or none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            json.dump(plan.to_json(), file)
        os.replace(name, self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
