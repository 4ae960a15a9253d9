"""One step of training, and one of evaluation, as pure functions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp
import optax

from granite_fc.models.adapters.attach import join, split
from granite_fc.models.logical import constrain
from granite_fc.training.ema import averaged, begin_ema, next_ema
from granite_fc.training.freezing import part
from granite_fc.training.loss import Batch, LossFunction, Sums, weighted_sums

PyTree = Any
TrainState = dict[str, Any]
# What the initial parameters' key folds in: no step has this number.
_INITIAL = 2**32 - 1

TrainStep = Callable[[TrainState, Batch], tuple[TrainState, dict[str, Any]]]


def initial_key(seed: int) -> jax.Array:
    """Returns the PRNG key that initial parameters are drawn from.

    Args:
        seed: Everything random follows from it and the step's number; no key is kept in the state.
    """
    return jax.random.fold_in(jax.random.key(seed), _INITIAL)


def begin(
    params: PyTree,
    transformation: optax.GradientTransformation,
    *,
    held: Collection[str] = (),
    with_ema: bool = False,
) -> TrainState:
    """Returns the state before the first step: `step` (int32 scalar, 0), `params` and `opt_state`.

    Where there are adapters, they are the `params`, and what they stand beside is `frozen`: a step
    takes it and hands it on as it is. An average of what is trained is `ema`.

    Args:
        params: The model's.
        transformation: The optimizer.
        held: Names of `params` that stay as they are.
        with_ema: Whether an average is kept.
    """
    own, frozen = split(params)
    trained, _ = part(own, held)
    state = {
        "step": jnp.zeros((), jnp.int32),
        "params": own,
        "opt_state": transformation.init(trained),
    }
    if with_ema:
        state["ema"] = begin_ema(trained)
    return state | {"frozen": frozen} if frozen else state


def model_params(state: TrainState, *, use_ema: bool = False) -> PyTree:
    """Returns all parameters of the model that a state is of; holds the same arrays.

    Args:
        state: The state.
        use_ema: Whether the average takes the place of what it is of.
    """
    params = averaged(state["params"], state["ema"]) if use_ema else state["params"]
    return join(params, state.get("frozen", {}))


def make_train_step(
    *,
    loss_function: LossFunction,
    transformation: optax.GradientTransformation,
    learning_rate: Callable[[jax.Array], jax.Array],
    num_subtasks: int,
    seed: int,
    microbatches: int = 1,
    z_loss: float = 0.0,
    clip_norm: float | None = None,
    held: Collection[str] = (),
    ema_decay: float | None = None,
    param_shardings: PyTree | None = None,
    update_shardings: PyTree | None = None,
) -> TrainStep:
    """Returns the function of one step, to be jitted with the state donated.

    The batch is cut into microbatches that run one after the other; their gradients are summed in
    float32 and divided once by the weights of the whole batch, so their number changes nothing but
    memory and time.

    Args:
        loss_function: The model's; see `granite_fc.training.loss`.
        transformation: The optimizer.
        learning_rate: From a step's number to its rate, for the metrics.
        num_subtasks: Number of sub-tasks, for each of which metrics are kept.
        seed: Dropout of step s draws from `fold_in(key(seed), s)`.
        microbatches: Divides the rows of the batch.
        z_loss: Weight of the squared log-partition function.
        clip_norm: Gradients are scaled down to this global norm; None leaves them.
        held: Names of `params` that stay as they are. No gradient of theirs is computed, and no
            norm counts them.
        ema_decay: Decay of the average of the others; None where there is none.
        param_shardings: Where given, summed gradients are laid out like this.
        update_shardings: Where given, the optimizer's state lies elsewhere, and is moved here for
            the update.

    Returns:
        A function from the state and a batch of arrays [rows, positions] to the next state and
        metrics: the sums of `weighted_sums` and the scalars `loss`, `grad_norm` (before clipping),
        `param_norm` (after the update), `update_norm` and `learning_rate`.
    """

    def summed_loss(
        params: PyTree, frozen: PyTree, batch: Batch, dropout_key: jax.Array
    ) -> tuple[jax.Array, Sums]:
        total, statistics = loss_function(join(params, frozen), batch, dropout_key, z_loss)
        return total, weighted_sums(statistics, batch, num_subtasks, z_loss)

    gradient = jax.value_and_grad(summed_loss, has_aux=True)

    def laid_out(grads: PyTree) -> PyTree:
        grads = jax.tree.map(lambda g: g.astype(jnp.float32), grads)
        if param_shardings is None:
            return grads
        return jax.lax.with_sharding_constraint(grads, part(param_shardings, held)[0])

    def accumulate(
        params: PyTree, frozen: PyTree, batch: Batch, key: jax.Array
    ) -> tuple[PyTree, jax.Array, Sums]:
        if microbatches == 1:
            (loss, sums), grads = gradient(params, frozen, batch, jax.random.fold_in(key, 0))
            return laid_out(grads), loss, sums

        def body(carry: Any, inputs: tuple[jax.Array, Batch]) -> tuple[Any, None]:
            number, rows = inputs
            (loss, sums), grads = gradient(params, frozen, rows, jax.random.fold_in(key, number))
            return jax.tree.map(jnp.add, carry, (laid_out(grads), loss, sums)), None

        parts = split_microbatches(batch, microbatches)
        one = jax.tree.map(lambda x: x[0], parts)
        shapes = jax.eval_shape(lambda p, b: gradient(p, frozen, b, key), params, one)
        (loss, sums), _ = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        grads = laid_out(jax.tree.map(lambda p: jnp.zeros(p.shape, jnp.float32), params))
        carry, _ = jax.lax.scan(body, (grads, loss, sums), (jnp.arange(microbatches), parts))
        return carry

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, Any]]:
        key = jax.random.fold_in(jax.random.key(seed), state["step"])
        trained, own_frozen = part(state["params"], held)
        frozen = join(own_frozen, state.get("frozen", {}))
        grads, loss, sums = accumulate(trained, frozen, batch, key)
        total = jnp.sum(sums["weights"])
        total = jnp.where(total > 0, total, 1.0)
        grads = jax.tree.map(lambda g: g / total, grads)
        grad_norm = optax.tree.norm(grads)
        if clip_norm is not None:
            factor = clip_norm / jnp.maximum(grad_norm, clip_norm)
            grads = jax.tree.map(lambda g: g * factor, grads)
        opt_state = state["opt_state"]
        if update_shardings is not None:
            opt_state = jax.tree.map(jax.device_put, opt_state, update_shardings)
        updates, opt_state = transformation.update(grads, opt_state, trained)
        trained = optax.apply_updates(trained, updates)
        metrics = {
            **sums,
            "loss": loss / total,
            "grad_norm": grad_norm,
            "param_norm": optax.tree.norm(trained),
            "update_norm": optax.tree.norm(updates),
            "learning_rate": learning_rate(state["step"]),
        }
        changed = {
            "step": state["step"] + 1,
            "params": join(trained, own_frozen),
            "opt_state": opt_state,
        }
        if ema_decay is not None:
            changed["ema"] = next_ema(state["ema"], trained, state["step"], ema_decay)
        return state | changed, metrics

    return train_step


def make_eval_step(
    *, loss_function: LossFunction, num_subtasks: int
) -> Callable[[PyTree, Batch], Sums]:
    """Returns the function from parameters and a batch to `weighted_sums`, without dropout."""

    def eval_step(params: PyTree, batch: Batch) -> Sums:
        _, statistics = loss_function(params, batch, None, 0.0)
        return weighted_sums(statistics, batch, num_subtasks, 0.0)

    return eval_step


def split_microbatches(batch: Batch, microbatches: int) -> Batch:
    """Cuts [rows, positions] into [microbatches, rows / microbatches, positions].

    Microbatch m takes rows m, m + M, m + 2M, ...: every device keeps the rows that it has.
    """

    def cut(x: jax.Array) -> jax.Array:
        x = x.reshape(x.shape[0] // microbatches, microbatches, *x.shape[1:]).swapaxes(0, 1)
        return constrain(x, None, "activation_batch", "activation_length")

    return jax.tree.map(cut, batch)
