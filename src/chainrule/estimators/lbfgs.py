"""Training by L-BFGS: SciPy's, on the cost and the gradient of the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from sklearn.exceptions import ConvergenceWarning

from chainrule import evaluation
from chainrule.blas_threads import one_blas_thread
from chainrule.estimators.fit_data import FitData
from chainrule.estimators.fit_state import FitState
from chainrule.estimators.shared_cost import Cost, SharedCost
from chainrule.layers import Role
from chainrule.network import Network, Parameters, describe
from chainrule.penalties import penalised, penalty
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


@dataclass
class Minimisation:
    """The search for the parameters at which the cost over all examples is least.

    Attributes
    ----------
    state
        Where it stands.
    called_off, interrupted
        Whether a callback, or Ctrl-C, has ended it.
    """

    state: FitState
    data: FitData
    max_iter: int
    max_fun: int
    tol: float
    engine: Mapping[str, Any]
    called_off: bool = False
    interrupted: bool = False
    over: bool = True  # whether another step comes, SciPy does not say
    ended: bool = True  # and where it is not, `run` has warned

    def run(self, *hooks: Callable[[Minimisation], bool]) -> FitState:
        """Search until the cost falls no more or a hook returns True, and return where it is."""

        def step(intermediate_result: OptimizeResult) -> None:  # SciPy asks for this name
            self._enter(intermediate_result, self.state.n_iter + 1)
            self.called_off = any(hook(self) for hook in hooks)
            if self.called_off:
                raise StopIteration

        try:
            found = self._minimised(step)
        except KeyboardInterrupt:
            if self.data.shared is not None and self.data.shared.ranks.size > 1:
                raise
            self.interrupted = True
            return self.state
        _check_finite(found)
        self._enter(found, self.state.n_iter if self.called_off else found.nit)
        if found.status and not self.called_off:
            self._warn_of_no_end(found)
        return self.state

    def concluded(self, *, whole: bool) -> FitState:
        """Return where it ends: L-BFGS keeps no best."""
        return self.state

    def _warn_of_no_end(self, found: OptimizeResult) -> None:
        spent = "max_iter" if found.nit >= self.max_iter else "max_fun"
        remedy = f"raise {spent}={getattr(self, spent)}, or scale" if found.status == 1 else "scale"
        warn(
            f"lbfgs failed to converge after {found.nit} iteration(s): {found.message}; {remedy} "
            "the columns of X",
            ConvergenceWarning,
        )

    def _minimised(self, step: Callable[[OptimizeResult], None]) -> OptimizeResult:
        shared = self.data.shared
        if shared is None:
            return self._searched(self._cost, step)
        weight = self.data.n * self.data.mean_weight
        of_all = SharedCost(shared, self._cost_of_rows, self._penalty, weight)
        return of_all.searched(lambda cost: self._searched(cost, step))

    def _searched(self, cost: Cost, step: Callable[[OptimizeResult], None]) -> OptimizeResult:
        options = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        with np.errstate(over="ignore", invalid="ignore"), one_blas_thread:
            return minimize(
                cost,
                flat(self.state.params),
                method="L-BFGS-B",
                jac=True,
                options=options,
                callback=step,
            )

    def _cost(self, vector: Array) -> tuple[float, Array]:
        """Return the cost over all examples, and its gradient."""
        data, params = self.data, shaped(vector, self.state.params)
        cost, grads = evaluation.cost_and_gradient(
            self.state.network, params, data.X, data.target, data.weight, **self.engine
        )
        return cost, flat(grads)

    def _cost_of_rows(self, vector: Array, rows: slice) -> tuple[float, Array]:
        """Return the sum of what some rows cost, and its gradient, without the penalty."""
        data, params = self.data, shaped(vector, self.state.params)
        net = dataclasses.replace(self.state.network, l1=0.0, l2=0.0, reduction="sum")
        weight = None if data.weight is None else data.weight[rows]
        if weight is not None and not weight.any():
            return 0.0, np.zeros_like(vector)
        cost, grads = evaluation.cost_and_gradient(
            net, params, data.X[rows], data.target[rows], weight, **self.engine
        )
        return cost, flat(grads)

    def _penalty(self, vector: Array) -> tuple[float, Array]:
        net, params = self.state.network, shaped(vector, self.state.params)
        slope = penalised(net, shaped(np.zeros_like(vector), params), params, np)
        return float(penalty(net, params, np)), flat(slope)

    def _enter(self, found: OptimizeResult, steps: int) -> None:
        params, loss = shaped(found.x, self.state.params), float(found.fun)
        self.state = dataclasses.replace(self.state, params=params, loss=loss, n_iter=steps)


def _check_finite(found: OptimizeResult) -> None:
    if not np.all(np.isfinite(found.x)) or not np.isfinite(found.fun):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values "
            "and need to be preprocessed."
        )


def check_statistics(kind: str, net: Network) -> None:
    """Raise for layers that keep statistics of the batches that steps see: here are no steps."""
    for name, role in net.roles.items():
        if role is Role.STATISTIC:
            k = int(name.partition(".")[0])
            raise ValueError(
                f"{kind}: solver='lbfgs' makes no steps over batches, whose statistics "
                f"{describe(net, k)}, keeps; take another solver, such as 'adam'"
            )
