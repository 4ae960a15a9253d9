"""An executable world of functions over seeded state, and episodes with executed labels."""

from __future__ import annotations

from tasks.sources.simulator.config import SimulatorConfig
from tasks.sources.simulator.episodes import generate_episodes

__all__ = ["SimulatorConfig", "generate_episodes"]
