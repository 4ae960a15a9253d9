"""Where the tests find the public data sets."""

from __future__ import annotations

import os
from pathlib import Path

_BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared" / "data"

DATA_DIR: Path | None = Path(os.environ.get("GRANITE_FC_DATA", _BESIDE_THE_CHECKOUT))
if not DATA_DIR.is_dir():
    DATA_DIR = None
