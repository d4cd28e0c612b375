"""Single passes through the compiled engine: the cost with its gradient, and squared norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.engine.native_run import useful_threads
from chainrule.engine.session import Session, at_work, contiguous
from chainrule.layers import Draw
from chainrule.network import Network, Parameters, divisor
from chainrule.optimizers import SGD, init_states
from chainrule.penalties import penalised
from chainrule.record import Plan
from chainrule.sparse_rows import is_sparse

ROWS = 256
"""How many examples pass through the network at a time."""


def _session(
    net: Network, params: Parameters, data: Examples, draw: Draw | None, threads: int | None
) -> Session:
    optimizer = SGD(1.0)
    rows = data.n if draw else min(data.n, ROWS)  # a draw is of a whole batch
    return Session(
        Plan(net, optimizer, draw.seed if draw else 0, frozenset(), None, None),
        params,
        init_states(optimizer, params),
        batch=rows,
        threads=useful_threads(net, rows, threads),
        keeps_gradient=True,
        sparse=is_sparse(data.X),
    )


def cost_and_gradient(
    net: Network, params: Parameters, data: Examples, draw: Draw | None, threads: int | None
) -> tuple[float, Parameters]:
    """Return the cost of checked examples and its gradient."""
    data = contiguous(data)
    session, weight = _session(net, params, data, draw, threads), divisor(net, data.weight)
    with at_work():
        total = session.losses(
            data, step=draw.step if draw else 0, scale=1 / weight, keep_gradient=True
        )
    cost = total / weight + session.trainer.penalty()
    return cost, penalised(net, session.gradient(), params, np)


def squared_norms(
    net: Network, params: Parameters, data: Examples, threads: int | None
) -> NDArray[Any]:
    """Return the squared norm of each example's share of the gradient."""
    data = contiguous(data)
    norms = np.empty(data.n, data.X.dtype)
    session = _session(net, params, data, None, threads)
    with at_work():
        session.losses(data, scale=1 / divisor(net, data.weight), norms=norms)
    return norms
