"""Parameters spread over a mesh write the same answers where they lie."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import pytest

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Answer, Request
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, logical_axes
from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import named, partitions_of
from tests.decoding.numbers import Numbers
from tests.decoding.stubs import EvenIds
from tests.models.families import FAMILIES, random_params

PROMPTS = [[5, 9, 2], [7], [3] * 11, [40, 41], [0, 17, 60], [8] * 9, [1, 2]]
# Each axis alone and beside others; eight devices each.
MESHES = {
    "data": MeshConfig(data=4, fsdp=2),
    "tensor": MeshConfig(data=2, fsdp=1, tensor=4),
    "sequence": MeshConfig(data=1, fsdp=2, sequence=2, tensor=2),
}


def answers_of(config: DecoderConfig, params: Any) -> list[list[Answer]]:
    """Greedy, sampled several times and constrained answers, in more requests than rows."""
    sampling = SamplingConfig(temperature=0.9, top_k=20, top_p=0.9)
    engine = Engine(config, params, Numbers(size=config.vocab_size), most_rows=8)
    answers = engine.answer(
        [
            *(Request(prompt, 6) for prompt in PROMPTS),
            Request([4, 4], 6, samples=4, sampling=sampling, seed=2**40 + 1),
        ]
    )
    if config.positions == "learned":  # one family tells
        answers += engine.answer([Request(prompt, 3, grammar=EvenIds()) for prompt in PROMPTS])
    return answers


@pytest.mark.parametrize(
    ("family", "mesh"),
    [("gpt_bigcode", "data"), ("granite", "tensor"), ("granite", "sequence")],
    ids=lambda name: name,
)
def test_answers_do_not_depend_on_the_mesh(family: str, mesh: str) -> None:
    config = dataclasses.replace(FAMILIES[family], vocab_multiple=16)
    params = random_params(config)
    expected = answers_of(config, params)
    devices = make_mesh(MESHES[mesh])
    rules = LogicalAxisRules()
    shardings = named(
        devices, partitions_of(logical_axes(config), abstract_params(config), devices.shape, rules)
    )
    spread = jax.device_put(params, shardings)
    with activate(devices, rules):
        assert answers_of(config, spread) == expected
