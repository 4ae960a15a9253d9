"""The engine writes what transformers' `generate` writes with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.models.config import DecoderConfig
from tests.decoding.numbers import Numbers
from tests.models.families import FAMILIES, hugging_face_model, random_params

PROMPTS = [[5, 9, 2], [7], [3] * 11 + [8, 1], [40, 41], [12, 0, 17, 60]]
NEW_TOKENS = 12


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_same_tokens_greedily(config: DecoderConfig) -> None:
    params = random_params(config, seed=1)
    model: Any = hugging_face_model(config, params)
    model.generation_config.eos_token_id = None
    longest = max(map(len, PROMPTS))
    ids = np.zeros((len(PROMPTS), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, prompt in enumerate(PROMPTS):
        ids[row, longest - len(prompt) :] = prompt
        mask[row, longest - len(prompt) :] = 1
    with torch.inference_mode():
        theirs = model.generate(
            torch.from_numpy(ids),
            attention_mask=torch.from_numpy(mask),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=0,
        )[:, longest:].tolist()
    assert len({tuple(tokens) for tokens in theirs}) > 2, "answers too alike to tell anything"
    engine = Engine(config, params, Numbers(), most_rows=2)
    ours = engine.answer([Request(prompt, NEW_TOKENS) for prompt in PROMPTS])
    assert [list(answer.tokens) for (answer,) in ours] == theirs
