"""The ids that begin, end and pad a text, in the `generation_config.json` of what is exported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from granite_fc.checkpoints.hf.directory import GENERATION, SPECIAL_IDS
from granite_fc.checkpoints.hf.json_object import parse_object


def special_ids(files: Mapping[str, bytes], eos_id: int | None) -> dict[str, Any]:
    """Returns `bos_token_id`, `eos_token_id` and `pad_token_id`, None where there is none.

    Training ended answers with the vocabulary's end of sequence, which may be another than the
    base's own: it leads the list of ids that end an answer.

    Args:
        files: What stands beside the weights, by name.
        eos_id: The id that training ended answers with; None where no vocabulary is known.
    """
    generation = _generation(files)
    # None is not left out: transformers would take ids of its own, which may be beyond the
    # vocabulary.
    ids = {name: generation.get(name) for name in SPECIAL_IDS}
    given = ids["eos_token_id"]
    if given is None:
        ids["eos_token_id"] = eos_id
    elif eos_id is not None:
        ends = given if isinstance(given, list) else [given]
        if eos_id not in ends:
            ids["eos_token_id"] = [eos_id, *ends]
    return ids


def with_special_ids(files: Mapping[str, bytes], eos_id: int | None) -> dict[str, bytes]:
    """Returns the files with a `generation_config.json` that says these ids.

    Args:
        files: See `special_ids`.
        eos_id: See `special_ids`.
    """
    generation, special = _generation(files), special_ids(files, eos_id)
    if generation and generation.get("eos_token_id") == special["eos_token_id"]:
        return dict(files)
    content = json.dumps(generation | special, indent=2, sort_keys=True) + "\n"
    return {**files, GENERATION: content.encode()}


def _generation(files: Mapping[str, bytes]) -> dict[str, Any]:
    return parse_object(files[GENERATION]) if GENERATION in files else {}
