"""The documents name every metric and every kind of mistake."""

from __future__ import annotations

import re
from pathlib import Path

from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.metrics import METRICS

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "evaluation.md").read_text()


def test_the_guide_knows_every_metric() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", GUIDE)) | {f"bleu_precision_{n}" for n in "234"}
    assert METRICS.keys() <= named


def test_the_guide_knows_every_kind_of_mistake() -> None:
    sentence = " ".join(GUIDE.split())
    assert ", ".join(kind.replace("_", " ") for kind in KINDS) in sentence
