"""What the TPU compiler has to be told on each kind of chip."""

from __future__ import annotations

import jax

_PLATFORM = "tpu"

# The pass would narrow what all layers of a float32 stack are converted to in the loop over layers,
# by converting the whole stack before the loop: a second copy of the parameters.
_ALWAYS: dict[str, str | bool] = {"xla_jf_bf16_propagation": False}
# Without these a reduce-scatter becomes an all-reduce, which moves twice the bytes and leaves each
# device with the whole sum, of which it drops all but its part. These chips can do it on their
# SparseCores; the second option is for groups that span several axes of the torus.
_ON_SPARSE_CORES: dict[str, str | bool] = {
    "xla_tpu_enable_sparse_core_collective_offload_reduce_scatter": True,
    "xla_tpu_enable_sparse_core_collective_offload_nd_reduce_scatter": True,
}
# v6e gathers on its SparseCores too: its links are slow beside its matrix units, so that what waits
# for a gather weighs more than the work that this adds. Its compiler would turn large products with
# what is scattered into chains of collective-permutes between products of a part each. By its own
# estimates these make the step of an 8B model on v6e:4x8 1.6 times as long; the threshold is above
# any product.
_V6E = _ON_SPARSE_CORES | {
    "xla_tpu_enable_sparse_core_collective_offload_all_gather": True,
    "xla_jf_spmd_threshold_for_windowed_einsum_mib": "1000000",
}
# By `jax.Device.device_kind`. v5e's compiler turns what is scattered and gathered into chains of
# collective-permutes between the matrix products by itself.
_OPTIONS: dict[str, dict[str, str | bool]] = {
    "TPU v5": _ON_SPARSE_CORES,
    "TPU v5p": _ON_SPARSE_CORES,
    "TPU v6 lite": _V6E,
    "TPU v6e": _V6E,
}


def compiler_options(device: jax.Device) -> dict[str, str | bool]:
    """Returns the options to compile a training step with for devices of this kind."""
    if device.platform != _PLATFORM:
        return {}
    return _ALWAYS | _OPTIONS.get(device.device_kind, {})
