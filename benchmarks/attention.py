"""How fast each implementation of attention is on the device at hand.

    python -m benchmarks.attention [--batch N] [--length N] [--heads N] [--kv_heads N] \
        [--head_dim N] [--segments N] [--dtype bfloat16] [--repeats N]

Times attention over packed rows, forwards and then forwards and backwards, with the reference and
with the device's kernel. On a CPU it runs every kernel, interpreted, which shows that they work and
nothing of their speed. Prints a table: the median time of the repeats, and how many times faster
than the reference that is.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from granite_fc.models.attention import IMPLEMENTATIONS, attention

_OF_PLATFORM = {"tpu": ("reference", "splash"), "gpu": ("reference", "gpu")}


class Times(NamedTuple):
    """Seconds of one call.

    Attributes:
        forward: Forwards.
        both: Forwards and backwards.
    """

    forward: float
    both: float


def operands(options: argparse.Namespace) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """Returns queries, keys and values, and segment ids and positions of rows packed full.

    Args:
        options: The parsed arguments.
    """
    rng = np.random.default_rng(0)
    arrays = tuple(
        jnp.asarray(
            rng.standard_normal((options.batch, options.length, heads, options.head_dim)),
            options.dtype,
        )
        for heads in (options.heads, options.kv_heads, options.kv_heads)
    )
    segment = -(-options.length // options.segments)
    place = np.arange(options.length, dtype=np.int32)
    shape = (options.batch, options.length)
    ids = jnp.asarray(np.broadcast_to(place // segment + 1, shape))
    positions = jnp.asarray(np.broadcast_to(place % segment, shape))
    return arrays, ids, positions


def measure(implementation: str, options: argparse.Namespace) -> Times:
    """Times one implementation.

    Args:
        implementation: A name out of `granite_fc.models.attention.IMPLEMENTATIONS`.
        options: The parsed arguments.
    """
    arrays, ids, positions = operands(options)

    def forward(*arrays: jax.Array) -> jax.Array:
        return attention(
            *arrays,
            q_segment_ids=ids,
            kv_segment_ids=ids,
            q_positions=positions,
            kv_positions=positions,
            scale=options.head_dim**-0.5,
            implementation=implementation,
        )

    def loss(*arrays: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(forward(*arrays).astype(jnp.float32)))

    return Times(
        _median_seconds(jax.jit(forward), arrays, options.repeats),
        _median_seconds(jax.jit(jax.grad(loss, (0, 1, 2))), arrays, options.repeats),
    )


def _median_seconds(
    function: Callable[..., Any], arrays: Sequence[jax.Array], repeats: int
) -> float:
    jax.block_until_ready(function(*arrays))  # compiles
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function(*arrays))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    on_cpu = jax.default_backend() == "cpu"
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--length", type=int, default=512 if on_cpu else 8192)
    parser.add_argument("--heads", type=int, default=4 if on_cpu else 32)
    parser.add_argument("--kv_heads", type=int, default=2 if on_cpu else 8)
    parser.add_argument("--head_dim", type=int, default=128)
    parser.add_argument("--segments", type=int, default=8, help="segments packed into a row")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument("--repeats", type=int, default=3 if on_cpu else 20)
    options = parser.parse_args()

    device = jax.devices()[0]
    print(f"{device.device_kind}: {vars(options)}")
    if on_cpu:
        print("No accelerator: kernels are interpreted, and their times say nothing of a device's.")
    names = _OF_PLATFORM.get(device.platform, [n for n in IMPLEMENTATIONS if n != "auto"])
    reference = measure("reference", options)
    print(f"{'implementation':<15}{'forward':>12}{'ratio':>8}{'and backward':>15}{'ratio':>8}")
    for name in names:
        times = reference if name == "reference" else measure(name, options)
        print(
            f"{name:<15}{1e3 * times.forward:>9.2f} ms{reference.forward / times.forward:>8.2f}"
            f"{1e3 * times.both:>12.2f} ms{reference.both / times.both:>8.2f}"
        )


if __name__ == "__main__":
    main()
