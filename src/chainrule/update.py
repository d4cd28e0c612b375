"""The update: one step of an optimizer on all the parameters of a network."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chainrule.layers import Role
from chainrule.network import Parameters
from chainrule.optimizers import Optimizer, State
from chainrule.trees import leaves, named_leaves, rebuild


def apply(
    optimizer: Optimizer,
    params: Parameters,
    grads: Parameters,
    states: list[State],
    t: int,
    roles: Mapping[str, Role],
    frozen: Collection[str] = (),
) -> tuple[Parameters, list[State]]:
    r"""Return the parameters and states after step t; those named in `frozen` stay.

    `roles` are the network's: weights decay, and statistics are not moved.

    $$w \leftarrow w - dw - \eta \lambda w$$

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> states = cr.optimizers.init_states(cr.SGD(0.5), params)
    >>> apply(cr.SGD(0.5), params, params, states, 1, net.roles)[0][0].W
    array([[1.]])
    """
    decay = optimizer.rate(t) * optimizer.weight_decay
    new_params, new_states = [], []
    for (name, w), g, state in zip(named_leaves(params), leaves(grads), states, strict=True):
        role = roles[name]
        if not (name in frozen or role is Role.STATISTIC):
            dw, state = optimizer.step(g, state, t)  # noqa: PLW2901
            w = w - (dw + decay * w if decay and role is Role.WEIGHT else dw)  # noqa: PLW2901
        new_params.append(w)
        new_states.append(state)
    return rebuild(params, new_params), new_states
