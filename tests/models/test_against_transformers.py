"""Every variant of every family gives the logits of its Hugging Face original."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import hidden_states
from granite_fc.models.head import logits
from tests.models.families import VARIANTS, hugging_face_logits, random_params, sequence


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_logits_equal_the_originals_on_rows_of_unequal_length(config: DecoderConfig) -> None:
    params = random_params(config)
    tokens, positions, _ = sequence(config, 3, 13)
    segment_ids = (positions < np.array([[13], [4], [9]])).astype(np.int32)
    ours = jax.jit(
        lambda params: logits(
            config, params, hidden_states(config, params, tokens, positions, segment_ids)
        )
    )(params)
    theirs = hugging_face_logits(config, params, tokens, segment_ids)
    real = np.asarray(segment_ids, bool)
    assert theirs[real].std() > 0.3, "weights too small to tell anything"
    np.testing.assert_allclose(np.asarray(ours)[real], theirs[real], atol=1e-4, rtol=1e-4)
