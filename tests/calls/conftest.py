"""Settings of hypothesis for this room."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure: the first example of a test also pays for its imports.
settings.register_profile("calls", deadline=None)
settings.load_profile("calls")
