"""An executable world of functions over seeded state, and episodes with executed labels."""

from __future__ import annotations

from tasks.sources.simulator.config import SimulatorConfig
from tasks.sources.simulator.episodes import generate_episodes
from tasks.sources.simulator.executables import executable_functions

__all__ = ["SimulatorConfig", "executable_functions", "generate_episodes"]
