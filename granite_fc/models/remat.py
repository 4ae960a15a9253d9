"""What the backward pass keeps of a block and what it computes again, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

# Activations that a policy may name; `jax.ad_checkpoint.checkpoint_name` marks them where they are
# made.
BLOCK_INPUT = "block_input"
QUERY_KEY_VALUE = "query_key_value"
# With the logarithms of the softmax's denominators, where a kernel needs them backwards.
ATTENTION_OUTPUT = "attention_output"
MLP_INPUT = "mlp_input"
MLP_PROJECTIONS = "mlp_projections"

_policies = jax.checkpoint_policies
_PRODUCTS = (QUERY_KEY_VALUE, ATTENTION_OUTPUT, MLP_INPUT, MLP_PROJECTIONS)

# From what keeps most to what keeps least, then those that hold what they keep in the host's
# memory. Each value says how to make the policy, since one that offloads needs no device to be
# named but not to be built.
REMAT_POLICIES: dict[str, Callable[[], Any] | None] = {
    # Everything is kept.
    "none": None,
    # No product with parameters is computed again; norms and activations are.
    "projections": lambda: _policies.save_only_these_names(*_PRODUCTS),
    # Attention and its inputs are kept; the MLP is computed again.
    "attention": lambda: _policies.save_only_these_names(QUERY_KEY_VALUE, ATTENTION_OUTPUT),
    # The attention's result is kept: attention is not computed twice, projections are.
    "attention_output": lambda: _policies.save_only_these_names(ATTENTION_OUTPUT),
    # Only each block's input is kept; a backward pass costs one forward pass more.
    "full": lambda: _policies.nothing_saveable,
    # As "projections".
    "offload_projections": lambda: _offload(*_PRODUCTS),
    # As "full".
    "offload_inputs": lambda: _offload(BLOCK_INPUT),
}


def _offload(*names: str) -> Any:
    return _policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=list(names),
        offload_src="device",
        offload_dst="pinned_host",
    )


def rematerialize(function: Callable[..., Any], policy: str, *, in_scan: bool) -> Callable:
    """Wraps one block's function so that its backward pass follows a policy.

    Args:
        function: A function of arrays that closes over no array that needs a gradient.
        policy: A key of `REMAT_POLICIES`.
        in_scan: Whether the function is the body of a scan, which by itself keeps the compiler from
            merging the recomputation with the original; straight-line code needs a barrier.

    Returns:
        A function with the same results and gradients.
    """
    make_policy = REMAT_POLICIES[policy]
    if make_policy is None:
        return function
    return jax.checkpoint(function, policy=make_policy(), prevent_cse=not in_scan)
