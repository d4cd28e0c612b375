"""JAX: one compiled call for all epochs of a turn, its parameters donated; optax's optimizers.

Weights are (i, o) here, as is usual with JAX. Masks come from its default generator, which was
faster on processors than its others; to gather the rows of all steps beforehand was no faster. The
options of its compiler are those that it has by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]

from cases import RATE, Problem
from interleaved import Start, in_one_call, one_by_one

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "silu": jax.nn.silu,
}

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": optax.softmax_cross_entropy_with_integer_labels,
    "mean_squared_error": lambda a, y: (a - y) ** 2,
    "binary_cross_entropy": optax.sigmoid_binary_cross_entropy,
}

SMALL_STEP = 10_000_000
"""Operations of a step below which the overhead of a loop may count."""

NORMS_AT_A_TIME = (4, 16, 64)
"""Each example's gradient is built, in 0.4 MB for 784-128-10. More examples at a time leave the
caches, and all 10,000 take more than ten times as long."""


def weights_of(problem: Problem) -> list[tuple[Any, Any]]:
    """Return new arrays (i, o) and (o,) of each layer, which may be donated."""
    return [(jnp.array(W.T), jnp.array(b)) for W, b in problem.weights]


def train(problem: Problem, cores: int) -> dict[str, Start]:
    """A loop over the steps, and one that is unrolled a little."""
    ways = (1, 4) if problem.case.operations < SMALL_STEP else (1,)
    return {f"scan, unroll={unroll}": trained_by(problem, unroll) for unroll in ways}


def trained_by(problem: Problem, unroll: int) -> Start:
    """Return the start of training: a scan over the steps of all epochs, compiled as one."""
    case = problem.case
    optimizer = optax.adamw(RATE, weight_decay=case.decay) if case.decay else optax.adam(RATE)
    cost = cost_of(problem)

    def epochs_of(carry: Any, key: Any, X: Any, y: Any, orders: Any) -> Any:
        def step(carry: Any, given: tuple[Any, Any]) -> Any:
            (weights, state), (rows, key) = carry, given
            x, t = (X, y) if case.batch is None else (X[rows], y[rows])
            value, gradient = jax.value_and_grad(cost)(weights, x, t, key)
            updates, state = optimizer.update(gradient, state, weights)
            return (optax.apply_updates(weights, updates), state), value

        keys = jax.random.split(key, len(orders))
        return jax.lax.scan(step, carry, (orders, keys), unroll=unroll)

    scan = jax.jit(epochs_of, donate_argnums=0)
    X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)

    def begin() -> Callable[[int], float]:
        weights, rng = weights_of(problem), np.random.default_rng(0)
        carry: Any = (weights, optimizer.init(weights))

        def run(epochs: int) -> float:
            nonlocal carry
            orders = jnp.asarray(orders_of(problem, epochs, rng))
            key = jax.random.key(rng.integers(2**31))
            carry, costs = scan(carry, key, X, y, orders)
            return float(np.asarray(costs)[-case.steps :].mean())

        return run

    return in_one_call(begin)


def orders_of(problem: Problem, epochs: int, rng: np.random.Generator) -> Any:
    """Return the rows of each step (steps, batch), none for a full batch, which needs no order."""
    case = problem.case
    if case.batch is None:
        return np.empty((epochs, 0), np.int32)
    orders = [rng.permutation(case.rows) for _ in range(epochs)]
    return np.concatenate(orders, dtype=np.int32).reshape(-1, case.batch)


def cost_of(problem: Problem) -> Callable[..., Any]:
    """Return the mean loss as a function of weights, examples and a key for dropout."""
    case = problem.case
    f, loss = ACTIVATIONS[case.activation], LOSSES[case.loss]

    def cost(weights: Any, x: Any, y: Any, key: Any) -> Any:
        for W, b in weights[:-1]:
            x = f(x @ W + b)
            if case.dropout:
                key, mine = jax.random.split(key)
                keep = jax.random.bernoulli(mine, 1 - case.dropout, x.shape)
                x = jnp.where(keep, x / (1 - case.dropout), 0)
        W, b = weights[-1]
        return loss(x @ W + b, y).mean()

    return cost


def probabilities(weights: Any, x: Any) -> Any:
    """Return the prediction of a network with one hidden layer of rectifiers."""
    (W, b), (V, c) = weights
    return jax.nn.softmax(jax.nn.relu(x @ W + b) @ V + c)


def predict_row(problem: Problem, cores: int) -> dict[str, Start]:
    """Weights as arguments or as constants, rows as matrices or as vectors."""
    weights, X = weights_of(problem), jnp.asarray(problem.X)
    given = [(jnp.asarray(W), jnp.asarray(b)) for W, b in problem.weights]
    with_weights = jax.jit(probabilities)
    constant = jax.jit(lambda x: probabilities(weights, x))
    transposed = jax.jit(lambda x: probabilities([(W.T, b) for W, b in given], x))
    x = X[0]
    return {
        "weights as arguments": when_ready(lambda: with_weights(weights, X)),
        "weights as arguments, a vector": when_ready(lambda: with_weights(weights, x)),
        "weights as constants": when_ready(lambda: constant(X)),
        "weights as constants, transposed": when_ready(lambda: transposed(X)),
        "weights as constants, transposed, a vector": when_ready(lambda: transposed(x)),
    }


def predict_rows(problem: Problem, cores: int) -> dict[str, Start]:
    """All rows at once, or some at a time, whose hidden layer stays in the caches."""
    weights, X = weights_of(problem), jnp.asarray(problem.X)
    at_once = jax.jit(probabilities)

    @jax.jit
    def in_blocks(weights: Any, X: Any) -> Any:
        blocks = X.reshape(-1, 500, X.shape[1])
        return jax.lax.map(lambda x: probabilities(weights, x), blocks).reshape(len(X), -1)

    return {
        "all at once": when_ready(lambda: at_once(weights, X)),
        "500 at a time": when_ready(lambda: in_blocks(weights, X)),
    }


def when_ready(call: Callable[[], Any]) -> Start:
    """Return the start of calls that wait for their result."""
    return one_by_one(lambda: call().block_until_ready())


def squared_norms(problem: Problem, cores: int) -> dict[str, Start]:
    """jit(vmap(grad)), with the norm taken within it, over a few examples at a time."""
    weights, X, y = weights_of(problem), jnp.asarray(problem.X), jnp.asarray(problem.y)

    def loss(weights: Any, x: Any, label: Any) -> Any:
        (W, b), (V, c) = weights
        z = jax.nn.relu(x @ W + b) @ V + c
        return optax.softmax_cross_entropy_with_integer_labels(z, label)

    def norm(weights: Any, x: Any, label: Any) -> Any:
        gradient = jax.grad(loss)(weights, x, label)
        return sum((g * g).sum() for g in jax.tree.leaves(gradient))

    def norms_by(count: int) -> Start:
        @jax.jit
        def norms(weights: Any, X: Any, y: Any) -> Any:
            return jax.lax.map(lambda one: norm(weights, *one), (X, y), batch_size=count)

        return when_ready(lambda: norms(weights, X, y))

    return {f"{count} at a time": norms_by(count) for count in NORMS_AT_A_TIME}
