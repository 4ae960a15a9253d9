"""What a program does, counted in small programs whose answers are known."""

# ruff: noqa: E501  the compiler's lines are long

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from granite_fc.planning.hlo import summarize
from granite_fc.sharding.mesh import MeshConfig, make_mesh

MESH = {"data": 1, "fsdp": 4, "sequence": 1, "tensor": 2}

# A loop that runs 3 times over one that runs 5, in the compiler's notation. The inner counter goes
# from 1 to 10 by 2 and its limit is handed in through the loop's state.
NESTED = """\
HloModule nested, is_scheduled=true

%fused (a: bf16[8,16], b: bf16[16,32]) -> bf16[8,32] {
  %a = bf16[8,16]{1,0:T(8,128)(2,1)} parameter(0)
  %b = bf16[16,32]{1,0} parameter(1)
  ROOT %dot = bf16[8,32]{1,0} dot(%a, %b), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}

%inner_body (s: (s32[], bf16[8,16], bf16[16,32], s32[])) -> (s32[], bf16[8,16], bf16[16,32], s32[]) {
  %s = (s32[]{:T(128)}, bf16[8,16]{1,0}, bf16[16,32]{1,0}, /*index=3*/s32[]) parameter(0)
  %i = s32[] get-tuple-element(%s), index=0
  %x = bf16[8,16]{1,0} get-tuple-element(%s), index=1
  %w = bf16[16,32]{1,0} get-tuple-element(%s), index=2
  %n = s32[] get-tuple-element(%s), index=3
  %two = s32[] constant(2)
  %next = s32[] add(%i, %two)
  %f = bf16[8,32]{1,0} fusion(%x, %w), kind=kOutput, calls=%fused, backend_config={"window_config":{"estimated_cycles":"100"}}
  ROOT %t = (s32[], bf16[8,16], bf16[16,32], s32[]) tuple(%next, %x, %w, %n)
}

%inner_condition (s: (s32[], bf16[8,16], bf16[16,32], s32[])) -> pred[] {
  %s = (s32[], bf16[8,16]{1,0}, bf16[16,32]{1,0}, s32[]) parameter(0)
  %i = s32[] get-tuple-element(%s), index=0
  %n = s32[] get-tuple-element(%s), index=3
  ROOT %less = pred[] compare(%i, %n), direction=LT
}

%outer_body (o: (s32[], bf16[8,16], bf16[4,32])) -> (s32[], bf16[8,16], bf16[4,32]) {
  %o = (s32[], bf16[8,16]{1,0}, bf16[4,32]{1,0}) parameter(0)
  %k = s32[] get-tuple-element(%o), index=0
  %x = bf16[8,16]{1,0} get-tuple-element(%o), index=1
  %shard = bf16[4,32]{1,0} get-tuple-element(%o), index=2
  %one = s32[] constant(1)
  %k_next = s32[] add(%k, %one)
  %start = (bf16[4,32]{1,0}, bf16[16,32]{1,0}) all-gather-start(%shard), channel_id=1, replica_groups={{0,2,4,6},{1,3,5,7}}, dimensions={0}, use_global_device_ids=true
  %work = bf16[8,16]{1,0} fusion(%x), kind=kLoop, calls=%nothing, backend_config={"window_config":{"estimated_cycles":"7"}}
  %whole = bf16[16,32]{1,0} all-gather-done(%start)
  %ten = s32[] constant(10)
  %state = (s32[], bf16[8,16], bf16[16,32], s32[]) tuple(%one, %work, %whole, %ten)
  %inner = (s32[], bf16[8,16], bf16[16,32], s32[]) while(%state), condition=%inner_condition, body=%inner_body
  ROOT %t = (s32[], bf16[8,16], bf16[4,32]) tuple(%k_next, %x, %shard)
}

%nothing (p: bf16[8,16]) -> bf16[8,16] {
  ROOT %p = bf16[8,16]{1,0} parameter(0)
}

%outer_condition (o: (s32[], bf16[8,16], bf16[4,32])) -> pred[] {
  %o = (s32[], bf16[8,16]{1,0}, bf16[4,32]{1,0}) parameter(0)
  %k = s32[] get-tuple-element(%o), index=0
  %three = s32[] constant(3)
  ROOT %less = pred[] compare(%k, %three), direction=LT
}

ENTRY %main (x: bf16[8,16], shard: bf16[4,32]) -> bf16[8,16] {
  %x = bf16[8,16]{1,0} parameter(0)
  %shard = bf16[4,32]{1,0} parameter(1)
  %zero = s32[] constant(0)
  %start_count = s32[] copy(%zero)
  %state = (s32[], bf16[8,16], bf16[4,32]) tuple(%start_count, %x, %shard)
  %loop = (s32[], bf16[8,16], bf16[4,32]) while(%state), condition=%outer_condition, body=%outer_body
  ROOT %out = bf16[8,16]{1,0} get-tuple-element(%loop), index=1
}
"""


def entry(*lines: str, before: str = "") -> str:
    """Returns a program whose entry has these lines; %x is f32[64,128]."""
    body = "\n".join(f"  {line}" for line in lines)
    return (
        f"HloModule small\n\n{before}\nENTRY %main (x: f32[64,128]) -> f32[64,128] {{\n"
        f"  %x = f32[64,128]{{1,0}} parameter(0)\n{body}\n}}\n"
    )


def test_loops_multiply_cycles_products_and_collectives():
    summary = summarize(NESTED, MESH)
    assert summary.unknown_loops == ()
    assert summary.cycles == 3 * (7 + 5 * 100)
    assert summary.flops == 3 * 5 * 2 * 8 * 16 * 32
    [gather] = summary.collectives
    assert (gather.kind, gather.axes, gather.count) == ("all-gather", "fsdp", 3)
    assert gather.num_bytes == 3 * 16 * 32 * 2
    assert gather.received_bytes == gather.num_bytes * 3 / 4
    assert gather.asynchronous_bytes == gather.num_bytes


def test_a_recorded_trip_count_goes_before_the_condition():
    recorded = NESTED.replace(
        "condition=%outer_condition, body=%outer_body",
        "condition=%outer_condition, body=%outer_body, "
        'backend_config={"known_trip_count":{"n":"4"}}',
    )
    assert summarize(recorded, MESH).cycles == 4 * (7 + 5 * 100)


def test_loops_of_unknown_length_are_counted_once_and_named():
    summary = summarize(NESTED.replace("%ten = s32[] constant(10)", "%ten = s32[] rng()"), MESH)
    assert summary.unknown_loops == ("inner",)
    assert summary.cycles == 3 * (7 + 100)


def test_nothing_between_start_and_end_is_no_overlap():
    idle = NESTED.replace('"estimated_cycles":"7"', '"estimated_cycles":"0"')
    assert summarize(idle, MESH).collectives[0].asynchronous_bytes == 0


@pytest.mark.parametrize(
    ("line", "kind", "axes", "size", "received"),
    [
        (
            "all-reduce(%x), replica_groups=[2,4]<=[4,2]T(1,0), to_apply=%add",
            "all-reduce",
            "fsdp",
            64 * 128 * 4,
            2 * 64 * 128 * 4 * 3 / 4,
        ),
        (
            "all-to-all(%x), replica_groups={{0,1},{2,3},{4,5},{6,7}}, dimensions={0}",
            "all-to-all",
            "tensor",
            64 * 128 * 4,
            64 * 128 * 4 / 2,
        ),
        (
            "collective-permute(%x), source_target_pairs={{0,2},{2,4},{4,6},{6,0},{1,3},{3,5},"
            "{5,7},{7,1}}",
            "collective-permute",
            "fsdp",
            64 * 128 * 4,
            64 * 128 * 4,
        ),
    ],
)
def test_synchronous_collectives(line, kind, axes, size, received):
    summary = summarize(entry(f"ROOT %c = f32[64,128]{{1,0}} {line}"), MESH)
    [total] = summary.collectives
    assert (total.kind, total.axes, total.count) == (kind, axes, 1)
    assert total.num_bytes == size
    assert total.received_bytes == received
    assert total.asynchronous_bytes == 0


def test_a_reduce_scatter_receives_what_the_others_give_up():
    text = entry(
        "ROOT %c = f32[16,128]{1,0} reduce-scatter(%x), replica_groups=mesh['axis_0'=4,'axis_1'=2] "
        "{'axis_0'}, dimensions={0}, to_apply=%add"
    )
    [total] = summarize(text, MESH).collectives
    assert (total.kind, total.axes) == ("reduce-scatter", "fsdp")
    assert total.num_bytes == 16 * 128 * 4
    assert total.received_bytes == 3 * 16 * 128 * 4


def test_an_all_reduce_of_which_a_part_is_kept_is_a_kind_of_its_own():
    fused = """\
%all-reduce-scatter (input: f32[64,128]) -> f32[16,128] {
  %input = f32[64,128]{1,0} parameter(0)
  %all-reduce.1 = f32[64,128]{1,0} all-reduce(%input), channel_id=3, replica_groups={{0,2,4,6},{1,3,5,7}}, to_apply=%add
  %at = s32[] constant(0)
  ROOT %part = f32[16,128]{1,0} dynamic-slice(%all-reduce.1, %at, %at), dynamic_slice_sizes={16,128}
}
"""
    text = entry(
        "ROOT %c = f32[16,128]{1,0} fusion(%x), kind=kCustom, calls=%all-reduce-scatter",
        before=fused,
    )
    [total] = summarize(text, MESH).collectives
    assert (total.kind, total.axes) == ("all-reduce-scatter", "fsdp")
    assert total.num_bytes == 64 * 128 * 4
    assert total.received_bytes == 64 * 128 * 4 * 3 / 4


def test_a_collective_that_runs_through_several_fusions_is_counted_once():
    def part(name: str, begin: str, end: str, target: str) -> str:
        return f"""\
%{name} (p: f32[64,128]) -> f32[256,128] {{
  %p = f32[64,128]{{1,0}} parameter(0)
  %all-gather.{name} = f32[256,128]{{1,0}} all-gather(%p), channel_id=9, replica_groups={{{{0,2,4,6}},{{1,3,5,7}}}}, dimensions={{0}}, backend_config={{"async_collective_fusion_config":{{"flag_start":"{begin}","flag_end":"{end}"}}}}
  ROOT %c = f32[256,128]{{1,0}} custom-call(%all-gather.{name}), custom_call_target="{target}"
}}
"""

    before = (
        part("begin", "-1", "-1", "AsyncCollectiveStart")
        + part("middle", "2", "8", "Other")
        + part("end", "2", "8", "AsyncCollectiveDone")
    )
    text = entry(
        "%a = f32[256,128]{1,0} fusion(%x), kind=kCustom, calls=%begin",
        "%b = f32[256,128]{1,0} fusion(%x), kind=kOutput, calls=%middle",
        "ROOT %c = f32[256,128]{1,0} fusion(%x), kind=kCustom, calls=%end",
        before=before,
    )
    [total] = summarize(text, MESH).collectives
    assert (total.kind, total.count) == ("all-gather", 1)
    assert total.asynchronous_bytes == total.num_bytes == 256 * 128 * 4


def test_a_collective_on_the_sparse_cores():
    called = """\
%called (p: f32[64,128], token: token[]) -> f32[16,128] {
  %token = token[] parameter(1)
  %p = f32[64,128]{1,0} parameter(0)
  ROOT %rs = f32[16,128]{1,0} reduce-scatter(%p), channel_id=25, replica_groups={{0,2,4,6},{1,3,5,7}}, dimensions={0}, to_apply=%add
}, execution_thread="sparsecore"
"""
    text = entry(
        "%start = ((f32[64,128]{1,0}, token[]), f32[16,128]{1,0}) call-start(%x, %x), "
        'async_execution_thread="sparsecore", to_apply=%called',
        "%work = f32[64,128]{1,0} negate(%x), "
        'backend_config={"window_config":{"estimated_cycles":"5"}}',
        "ROOT %done = f32[16,128]{1,0} call-done(%start)",
        before=called,
    )
    [total] = summarize(text, MESH).collectives
    assert (total.kind, total.axes) == ("reduce-scatter", "fsdp")
    assert total.asynchronous_bytes == total.num_bytes == 16 * 128 * 4


def test_what_slices_exchange_is_along_the_data_axis():
    attributes = (
        'channel_id=1, is_host_transfer=true, frontend_attributes={_xla_megascale_target="{1,2}x'
        '{0:3}",_xla_megascale_transfer_type="ALL_REDUCE"}'
    )
    text = entry(
        "%token = token[] after-all()",
        f"%send = (f32[64,128]{{1,0}}, u32[], token[]) send(%x, %token), {attributes}",
        f"%recv = (f32[64,128]{{1,0}}, u32[], token[]) recv(%token), {attributes}",
        "%work = f32[64,128]{1,0} negate(%x), "
        'backend_config={"window_config":{"estimated_cycles":"5"}}',
        "ROOT %done = (f32[64,128]{1,0}, token[]) recv-done(%recv), channel_id=1",
    )
    [total] = summarize(text, {"data": 2, "fsdp": 4, "sequence": 1, "tensor": 1}).collectives
    assert (total.kind, total.axes, total.count) == ("all-reduce", "data", 1)
    assert total.num_bytes == 64 * 128 * 4
    assert total.asynchronous_bytes == total.num_bytes


@pytest.mark.parametrize(
    ("line", "flops"),
    [
        # A product of [64, 32] and [128, 32].
        (
            "convolution(%l, %r), dim_labels=bf_oi->bf",
            2 * 64 * 128 * 32,
        ),
        # The same 4 times over, each in its own place of a dilated window.
        (
            "convolution(%l4, %r4), window={size=4 stride=3 lhs_dilate=4}, dim_labels=0bf_0oi->0bf",
            4 * 2 * 64 * 128 * 32,
        ),
        # Padded so that each of 3 places meets one of the kernel's.
        (
            "convolution(%l3, %r3), window={size=3 pad=2_2 rhs_reversal=1}, "
            "dim_labels=b0f_0io->0bf",
            3 * 2 * 64 * 128 * 32,
        ),
    ],
)
def test_products_are_counted_without_padding(line, flops):
    shapes = {"4": "f32[4,64,128]", "3": "f32[3,64,128]"}
    result = next((shape for key, shape in shapes.items() if f"%l{key}" in line), "f32[64,128]")
    text = entry(
        "%l = f32[64,32]{1,0} constant(0)",
        "%r = f32[128,32]{1,0} constant(0)",
        "%l4 = f32[4,64,32]{2,1,0} constant(0)",
        "%r4 = f32[4,128,32]{2,1,0} constant(0)",
        "%l3 = f32[64,1,32]{2,1,0} constant(0)",
        "%r3 = f32[3,32,128]{2,1,0} constant(0)",
        f"ROOT %c = {result} {line}",
    )
    assert summarize(text, MESH).flops == flops


@pytest.mark.parametrize(
    ("phase", "table", "products"),
    [("fwd", "s32[1,8,2]", 2), ("dq", "s32[1,8,2]", 3), ("dkv", "s32[1,2,8]", 4)],
)
def test_attention_kernels_are_counted_by_the_blocks_under_the_diagonal(phase, table, products):
    # 4 rows of 1,024 positions in blocks of 512: 3 of 4 blocks of each row.
    suffix = "" if phase == "fwd" else f"_{phase}"
    text = entry(
        f"%t = {table}{{2,1,0}} constant(0)",
        "%q = bf16[8,4096,128]{2,1,0} constant(0)",
        "%k = bf16[2,4096,128]{2,1,0} constant(0)",
        f"%splash_mha_{phase}_segmented.1 = (f32[512,128]{{1,0}}, bf16[8,4096,128]{{2,1,0}}) "
        'custom-call(%t, %t, %q, %k, %k), custom_call_target="tpu_custom_call", '
        "frontend_attributes={kernel_metadata={",
        rf'"xprof_metadata":"{{\"block_q{suffix}\": 512, \"block_kv{suffix}\": 512}}"',
        "}}",
        "ROOT %y = f32[64,128]{1,0} copy(%x)",
    )
    # Attributes that contain line breaks begin in the first column.
    text = text.replace('\n  "xprof', '\n"xprof').replace("\n  }}", "\n}}")
    summary = summarize(text, MESH)
    assert summary.kernel_flops == 2 * products * 8 * 128 * 4 * 3 * 512 * 512
    assert summary.flops == 0


def test_what_is_no_program_is_refused():
    with pytest.raises(ValueError, match="ENTRY"):
        summarize("not a program", MESH)


def test_a_compiled_program_on_several_devices():
    """Scanned layers of one product each, with weights split by fsdp."""
    layers, rows, width = 6, 32, 64
    mesh = make_mesh(MeshConfig(fsdp=8))

    def loss(weights: jax.Array, x: jax.Array) -> jax.Array:
        def layer(x: jax.Array, weight: jax.Array) -> tuple[jax.Array, None]:
            whole = jax.lax.with_sharding_constraint(weight, NamedSharding(mesh, PartitionSpec()))
            return jnp.tanh(x @ whole), None

        return jnp.sum(jax.lax.scan(layer, x, weights)[0])

    def array(*shape: int, spec: PartitionSpec) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.float32, sharding=NamedSharding(mesh, spec))

    compiled = (
        jax.jit(loss)
        .lower(
            array(layers, width, width, spec=PartitionSpec(None, "fsdp")),
            array(rows, width, spec=PartitionSpec("fsdp")),
        )
        .compile()
    )
    summary = summarize(compiled.as_text(), mesh.shape)
    assert summary.unknown_loops == ()
    assert summary.flops == layers * 2 * (rows // 8) * width * width
    gathers = [total for total in summary.collectives if total.kind == "all-gather"]
    assert [total.axes for total in gathers] == ["fsdp"]
    assert gathers[0].num_bytes == layers * width * width * 4
