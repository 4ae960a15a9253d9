"""One base with several adapters: each request is answered with the one that it names."""

from __future__ import annotations

import re
from typing import Any

import jax
import pytest

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join, split
from tests.decoding.numbers import Numbers
from tests.decoding.test_engine import (
    NEW_TOKENS,
    PROMPTS,
    QUANTISED_WITH_LORA,
    params_of,
    uncached,
)
from tests.models.families import LLAMA, random_params

CONFIG = QUANTISED_WITH_LORA


def drawn(seed: int) -> Any:
    """Adapters of their own."""
    adapters, _ = split(params_of(CONFIG))
    keys = iter(jax.random.split(jax.random.key(seed), 100))
    return jax.tree.map(lambda x: jax.random.normal(next(keys), x.shape), adapters)


def test_each_request_is_answered_with_the_adapters_that_it_names() -> None:
    params = params_of(CONFIG)
    _, frozen = split(params)
    adapters = {"names": drawn(7), "calls": drawn(8)}
    engine = Engine(CONFIG, params, Numbers(-1), adapters=adapters, most_rows=2)
    asked = ["calls", None, "names", None, "calls", "names"]
    answers = engine.answer(
        [Request(p, NEW_TOKENS, adapter=name) for p, name in zip(PROMPTS, asked, strict=True)]
    )
    used = {None: params} | {name: join(each, frozen) for name, each in adapters.items()}
    for prompt, name, (answer,) in zip(PROMPTS, asked, answers, strict=True):
        assert list(answer.tokens) == uncached(CONFIG, used[name], prompt, eos_id=-1)
    told = {tuple(uncached(CONFIG, each, PROMPTS[2], eos_id=-1)) for each in used.values()}
    assert len(told) == 3, "adapters too alike to tell anything"


def test_adapters_that_are_not_there_or_do_not_fit_are_refused() -> None:
    params = params_of(CONFIG)
    engine = Engine(CONFIG, params, Numbers(-1), adapters={"names": drawn(7)})
    with pytest.raises(ConfigurationError, match=r"requests\[0\]\.adapter.*'?name'?.*names"):
        engine.answer([Request([1], 1, adapter="name")])
    wide = jax.tree.map(lambda x: x[..., :3], drawn(7))
    with pytest.raises(ConfigurationError, match=re.escape("adapters['wide']") + ".*rank"):
        Engine(CONFIG, params, Numbers(-1), adapters={"wide": wide})
    with pytest.raises(ConfigurationError, match="a model that has none"):
        Engine(LLAMA, random_params(LLAMA), Numbers(-1), adapters={"names": drawn(7)})
