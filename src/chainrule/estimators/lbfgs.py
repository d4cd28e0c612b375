"""Training by L-BFGS: SciPy's, on the cost and the gradient of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.utils.optimize import _check_optimize_result

from chainrule import evaluation
from chainrule.estimators.epoch_hooks import Task, Watch
from chainrule.history import History
from chainrule.layers import Role
from chainrule.network import Network, Parameters, describe
from chainrule.trees import leaves, rebuild
from chainrule.warn import warn

Array = NDArray[Any]


def flat(params: Parameters) -> Array:
    """Return parameters as one vector in float64.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> flat(net.parameters([([[2.0]], [1.0])]))
    array([2., 1.])
    """
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in leaves(params)])


def shaped(vector: Array, like: Parameters) -> Parameters:
    """Return a vector in the form and dtype of parameters.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> shaped(np.array([3.0, 4.0]), net.parameters([([[2.0]], [1.0])]))
    (DenseParameters(W=array([[3.]]), b=array([4.])),)
    """
    parts, start = [], 0
    for leaf in leaves(like):
        part = vector[start : start + leaf.size].reshape(leaf.shape)
        parts.append(np.array(part, leaf.dtype))
        start += leaf.size
    new: Parameters = rebuild(like, parts)
    return new


def run(estimator: Any, task: Task, watch: Watch) -> None:
    """Bring an estimator's parameters to where the cost over all examples is least."""
    weight = float(len(task.X) if task.weight is None else task.weight.sum())
    net = estimator.network_ = estimator._network(task.X.shape[1], weight)
    _check_statistics(type(estimator).__name__, net)
    start, estimator.history_ = estimator.parameters_, History()

    def cost(vector: Array) -> tuple[float, Array]:
        value, grads = evaluation.cost_and_gradient(
            net,
            shaped(vector, start),
            task.X,
            task.target,
            task.weight,
            **estimator._engine(),
        )
        return value, flat(grads)

    steps = 0

    def after_step(intermediate_result: Any) -> None:  # SciPy asks for this name
        nonlocal steps
        steps += 1
        estimator.parameters_ = shaped(intermediate_result.x, start)
        estimator.loss_, estimator.n_iter_ = float(intermediate_result.fun), steps
        if watch.after_step(estimator.loss_):
            raise StopIteration

    options = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            found = minimize(
                cost,
                flat(start),
                method="L-BFGS-B",
                jac=True,
                options=options,
                callback=after_step,
            )
    except KeyboardInterrupt:
        watch.over = True
        warn("Training interrupted by user.")
        return
    if not np.all(np.isfinite(found.x)) or not np.isfinite(found.fun):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values "
            "and need to be preprocessed."
        )
    if not watch.over:
        estimator.n_iter_ = _check_optimize_result("lbfgs", found, estimator.max_iter)
    estimator.parameters_, estimator.loss_ = shaped(found.x, start), float(found.fun)


def _check_statistics(kind: str, net: Network) -> None:
    """Raise for layers that keep statistics of the batches that steps see: here are no steps."""
    for name, role in net.roles.items():
        if role is Role.STATISTIC:
            k = int(name.partition(".")[0])
            raise ValueError(
                f"{kind}: solver='lbfgs' makes no steps over batches, whose statistics "
                f"{describe(net, k)}, keeps; take another solver, such as 'adam'"
            )


def conclude(estimator: Any, watch: Watch, *, whole: bool) -> None:
    """Nothing is left to do: L-BFGS keeps no curves."""
