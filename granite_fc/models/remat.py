"""What the backward pass keeps of a block and what it computes again, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

# Activations that a policy may name; `jax.ad_checkpoint.checkpoint_name` marks them where they are
# made.
BLOCK_INPUT = "block_input"
QUERY_KEY_VALUE = "query_key_value"
ATTENTION_OUTPUT = "attention_output"
MLP_INNER = "mlp_inner"

_policies = jax.checkpoint_policies

# Each value says how to make the policy, since one that offloads needs no device to be named but
# not to be built.
REMAT_POLICIES: dict[str, Callable[[], Any] | None] = {
    # Everything is kept: the fastest step and the most memory.
    "none": None,
    # Only each block's input is kept; a backward pass costs one forward pass more.
    "full": lambda: _policies.nothing_saveable,
    # Every matrix product is kept, attention scores included.
    "dots": lambda: _policies.dots_saveable,
    # Products of activations with parameters are kept, attention scores are not.
    "dots_with_no_batch_dims": lambda: _policies.dots_with_no_batch_dims_saveable,
    # The attention's result is kept: attention is not computed twice, projections are.
    "attention_output": lambda: _policies.save_only_these_names(ATTENTION_OUTPUT),
    # Attention and its inputs are kept; the MLP is computed again.
    "attention": lambda: _policies.save_only_these_names(QUERY_KEY_VALUE, ATTENTION_OUTPUT),
    # As "full", with the blocks' inputs held in the host's memory meanwhile.
    "offload_inputs": lambda: _policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=[BLOCK_INPUT],
        offload_src="device",
        offload_dst="pinned_host",
    ),
    # As "dots_with_no_batch_dims", with what is kept held in the host's memory meanwhile.
    "offload_dots": lambda: _policies.offload_dot_with_no_batch_dims("device", "pinned_host"),
}


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
