"""The training step as TPUs' compilers leave it: what travels between chips, and when."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from pathlib import Path
from typing import Any

import pytest

from granite_fc.models.config import DecoderConfig
from granite_fc.planning.hlo import ALL_REDUCE_SCATTER, Summary, summarize
from granite_fc.planning.program_text import Program
from granite_fc.sharding.compiler_options import compiler_options
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.optimizers import AdamW
from granite_fc.training.programs import Programs
from granite_fc.training.recipe import Recipe

POSITIONS = 1024
# Wide enough that what travels is worth a collective of its own.
MODEL = DecoderConfig(
    vocab_size=8192,
    d_model=512,
    num_layers=8,
    num_heads=4,
    num_kv_heads=1,
    head_dim=128,
    d_ff=2048,
    max_positions=POSITIONS,
    positions="learned",
    norm="layernorm",
    activation="gelu_tanh",
    gated_mlp=False,
    attention_bias=True,
    mlp_bias=True,
    remat_policy="full",
)
CHIPS = 4
BFLOAT16, FLOAT32 = 2, 4
# As it is stored, for all layers: so the compiler sums what is small, once after the loop. Eight
# times one layer's, it is still half of the part that a chip keeps of the smallest kernel.
NORM_GAIN = MODEL.num_layers * MODEL.d_model * FLOAT32
WIDE_BIAS = MODEL.num_layers * MODEL.d_ff * FLOAT32
KERNELS = {
    "query": 512 * 512,
    "key": 512 * 128,
    "value": 512 * 128,
    "output": 512 * 512,
    "up": 512 * 2048,
    "down": 2048 * 512,
}
SMALLEST_PART = min(KERNELS.values()) * BFLOAT16 // CHIPS
# Biases that are stored in parts, and the table that logits are computed with.
GATHERED_BIASES = 512 + 512 + 2048
TABLE = 8192 * 512


# In so small a model the table of positions, which tensor neighbours do not split, is not small.
RULES = LogicalAxisRules(max_replicated=0.1)


@dataclasses.dataclass(frozen=True)
class Step:
    """A compiled training step: its text, what it does, and the partitioned program before."""

    text: str
    summary: Summary
    partitioned: str


@pytest.fixture(scope="module")
def compile_step(tmp_path_factory: Any, tpu_devices: Any) -> Any:
    """From slices of four chips to the step compiled for them, once in this module."""

    @functools.cache
    def compile_step(
        topology: str,
        *,
        num_layers: int = MODEL.num_layers,
        num_slices: int = 1,
        sequence: int = 1,
        tensor: int = 1,
    ) -> Step:
        dump = tmp_path_factory.mktemp("dump")
        devices = tpu_devices(topology, num_slices)
        fsdp = CHIPS // sequence // tensor
        mesh = make_mesh(MeshConfig(num_slices, fsdp, sequence, tensor), devices)
        recipe = Recipe(
            model=dataclasses.replace(MODEL, num_layers=num_layers),
            optimizer=AdamW(),
            train_steps=10,
            batch_size=CHIPS * num_slices,
            sequence_length=POSITIONS,
            microbatches=1,
            num_subtasks=7,
            seed=0,
            z_loss=1e-4,
            clip_norm=1.0,
        )
        options = compiler_options(devices[0]) | {
            "xla_dump_to": str(dump),
            "xla_dump_hlo_pass_re": "tpu-spmd-partitioning",
        }
        lowered = Programs(recipe, mesh, RULES).lower_train_step()
        text = lowered.compile(options).as_text()
        (partitioned,) = Path(dump).glob("*after_tpu-spmd-partitioning*.txt")
        return Step(text, summarize(text, mesh.shape), partitioned.read_text())

    return compile_step


def of_loops(summary: Summary) -> list[Any]:
    """Returns the collectives of the loops over layers."""
    # Between slices the last turn is taken out of the loop: what it sums travels beside it.
    turns = MODEL.num_layers - 1, MODEL.num_layers
    loops = [r for r, _ in summary.region.walk() if r.trips in turns]
    assert len(loops) == 2  # forwards and backwards
    return [collective for loop in loops for collective in loop.collectives]


def largest_array(instruction_type: str) -> int:
    """Returns the bytes of the largest array of a type or a tuple of types."""
    widths = {"f32": 4, "bf16": 2, "s32": 4, "u32": 4, "pred": 1}
    return max(
        widths[name] * math.prod(int(n) for n in shape.split(",") if n)
        for name, shape in re.findall(r"(\w+)\[([\d,]*)\]", instruction_type)
        if name in widths
    )


def all_reduces(text: str) -> list[int]:
    """Returns for each all-reduce the bytes of the largest array that it sums."""
    return [
        largest_array(found) for found in re.findall(r"= (\S.*?) all-reduce(?:-start)?\(", text)
    ]


@pytest.mark.parametrize("topology", ["v5p:2x2x1", "v6e:2x2"])
def test_kernel_gradients_are_reduce_scattered(topology: str, compile_step: Any) -> None:
    step = compile_step(topology)
    scattered = [c for c in of_loops(step.summary) if c.kind == "reduce-scatter"]
    expected = sorted(size * BFLOAT16 // CHIPS for size in KERNELS.values())
    assert sorted(c.num_bytes for c in scattered if c.num_bytes >= SMALLEST_PART) == expected
    assert {c.axes for c in scattered} == {"fsdp"}
    # The table's gradient, in float32 and once a step.
    outside = [c.num_bytes for c in step.summary.region.collectives if c.kind == "reduce-scatter"]
    assert max(outside) == TABLE * FLOAT32 // CHIPS
    assert WIDE_BIAS // CHIPS in outside
    assert max(all_reduces(step.text)) <= NORM_GAIN
    assert not any(c.kind == ALL_REDUCE_SCATTER for c in of_loops(step.summary))


@pytest.fixture(scope="module")
def two_slices(compile_step: Any) -> Step:
    return compile_step("v5e:2x2", num_slices=2)


@pytest.fixture(scope="module")
def two_parts_of_rows(compile_step: Any) -> Step:
    return compile_step("v4:2x2x1", sequence=2)


@pytest.mark.parametrize(
    ("compiled", "axes"), [("two_slices", "fsdp"), ("two_parts_of_rows", "fsdp+sequence")]
)
def test_the_form_that_gradients_have_on_v5e_and_v4(
    compiled: str, axes: str, request: pytest.FixtureRequest
) -> None:
    """Each is summed in one of three ways, none of which v5p and v6e use.

    As an all-reduce of which a chip keeps its part, fused; as an all-reduce; and, on v5e where
    kernels are large, as a chain of permutations beside the products. The first two move twice the
    bytes.
    """
    step = request.getfixturevalue(compiled)
    along = [c for c in of_loops(step.summary) if c.axes == axes]
    in_loops = [c for c in along if c.num_bytes >= SMALLEST_PART]
    kinds = {c.kind for c in in_loops} - {"all-gather"}
    assert kinds <= {ALL_REDUCE_SCATTER, "all-reduce", "collective-permute"}
    summed = sum(c.num_bytes for c in in_loops if c.kind != "all-gather")
    assert summed == sum(KERNELS.values()) * BFLOAT16


@pytest.mark.parametrize("topology", ["v5p:2x2x1", "v6e:2x2"])
def test_layers_are_gathered_one_at_a_time_in_the_compute_type(
    topology: str, compile_step: Any
) -> None:
    step = compile_step(topology)
    gathered = [c.num_bytes for c in of_loops(step.summary) if c.kind == "all-gather"]
    one_layer = (sum(KERNELS.values()) + GATHERED_BIASES) * BFLOAT16
    # Forwards, and again backwards, since nothing gathered is kept.
    assert 2 * sum(KERNELS.values()) * BFLOAT16 <= sum(gathered) <= 2 * one_layer
    assert max(gathered) == max(KERNELS.values()) * BFLOAT16


def test_the_partitioned_program_gathers_single_layers_and_keeps_parts_of_sums(
    compile_step: Any,
) -> None:
    program = compile_step("v5p:2x2x1").partitioned
    gathers = re.findall(r"= (\S+) all-gather\(", program)
    # The largest that is gathered is one kernel of one layer, but for the table of the logits.
    sizes = sorted(largest_array(one) for one in gathers)
    assert sizes[-1] == TABLE * BFLOAT16
    assert sizes[-2] == max(KERNELS.values()) * BFLOAT16
    assert sum(size == sizes[-1] for size in sizes) == 1
    # What is summed and larger than a norm's gain is cut into parts at once: a reduce-scatter, of
    # which this compiler makes one instruction only later.
    for name, type_ in re.findall(r"%(all-reduce\S*) = (\S+) all-reduce\(", program):
        if largest_array(type_) > NORM_GAIN:
            uses = re.findall(rf"= (\S+) ([\w-]+)\([^)]*%{re.escape(name)}[,)]", program)
            assert uses and all(
                opcode == "dynamic-slice" and largest_array(part) * CHIPS == largest_array(type_)
                for part, opcode in uses
            ), (name, type_, uses)


def test_rows_of_the_embedding_travel_and_its_table_does_not(compile_step: Any) -> None:
    step = compile_step("v5p:2x2x1")
    exchanged = [c for c in step.summary.region.collectives if c.kind == "all-to-all"]
    positions = 1024  # one row a chip
    # The rows that are read, and back their gradients.
    assert [c.num_bytes for c in exchanged] == [positions * MODEL.d_model * BFLOAT16] * 2
    # Gathered for the logits, once, and not for reading rows.
    tables = [c for c in step.summary.region.collectives if c.num_bytes == TABLE * BFLOAT16]
    assert [c.kind for c in tables] == ["all-gather"]


def test_between_slices_each_gradient_is_summed_once(two_slices: Step) -> None:
    collectives = [
        (c, n) for region, n in two_slices.summary.region.walk() for c in region.collectives
    ]
    crossing = [(c, n) for c, n in collectives if c.between_slices]
    assert {(c.kind, c.axes) for c, _ in crossing} == {("all-reduce", "data")}
    assert not any("data" in c.axes for c, _ in collectives if not c.between_slices)
    # A chip exchanges the part that it keeps, of kernels in the type that is computed with.
    kernels = MODEL.num_layers * sum(KERNELS.values()) * BFLOAT16 // CHIPS
    # The table's gradient has two sources, its rows and the logits, which travel one by one.
    tables = (2 * TABLE + POSITIONS * MODEL.d_model) * FLOAT32 // CHIPS
    biases_and_gains = sum(c.num_bytes * n for c, n in crossing) - kernels - tables
    assert 0 < biases_and_gains < 0.02 * kernels


def test_keys_and_values_are_gathered_along_the_sequence(two_parts_of_rows: Step) -> None:
    along = [c for c in of_loops(two_parts_of_rows.summary) if c.axes == "sequence"]
    rows = 2
    keys = rows * POSITIONS * MODEL.head_dim * BFLOAT16
    gathered = [
        c.num_bytes for c in along if c.kind == "all-gather" and c.num_bytes >= SMALLEST_PART
    ]
    assert gathered == [keys] * 4  # and values, forwards and again backwards
    # What their gradients are summed from; kernels travel along both axes.
    assert [c.num_bytes for c in along if c.kind != "all-gather"] == [2 * keys]


def test_the_program_does_not_grow_with_depth(compile_step: Any, two_parts_of_rows: Step) -> None:
    eight, many = two_parts_of_rows, compile_step("v4:2x2x1", num_layers=88, sequence=2)

    def num_instructions(text: str) -> int:
        computations = Program.parse(text).computations.values()
        return sum(len(computation.instructions) for computation in computations)

    assert num_instructions(many.text) <= 1.02 * num_instructions(eight.text)


def test_one_key_value_head_is_whole_on_every_tensor_neighbour(compile_step: Any) -> None:
    step = compile_step("v5p:2x2x1", tensor=2)
    gathered = [c for c in of_loops(step.summary) if c.kind == "all-gather" and c.axes == "fsdp"]
    key_and_value = [c for c in gathered if c.num_bytes == KERNELS["key"] * BFLOAT16]
    assert len(key_and_value) == 4  # key and value, forwards and backwards
    halves = [c for c in gathered if c.num_bytes == KERNELS["up"] * BFLOAT16 // 2]
    assert len(halves) == 4  # up and down, each cut in two over tensor
    # What tensor neighbours sum are activations, and what fsdp neighbours do is the gradient of the
    # head's kernels, in halves; all else that is large is scattered.
    rows = 2
    activations = rows * POSITIONS * MODEL.head_dim * BFLOAT16
    large = {size for size in all_reduces(step.text) if size > NORM_GAIN}
    assert large <= {activations, KERNELS["key"] * BFLOAT16 // 2}
