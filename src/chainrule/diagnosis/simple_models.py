r"""What the simplest models come to, for comparison: the best constant, and a linear model.

X   (n, i)   the examples      c   (o,)   a constant output      W, b   of one linear layer
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule import backprop
from chainrule.batches import Examples
from chainrule.diagnosis.data_measures import directions, standard
from chainrule.extras import needed_by
from chainrule.fitting.layer_builder import with_outputs
from chainrule.network import Network, Parameters
from chainrule.targets import encode
from chainrule.trees import leaves

Matrix = NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Those of the targets that a constant may start from, where a loss has kinks."""

STEPS = 50
"""How many L-BFGS makes at most: a linear model may go on for ever where classes are apart."""


def constant_cost(net: Network, data: Examples) -> float:
    r"""Return the cost of the best constant output, $\min_c C(c)$, without a penalty.

    It is what a network comes to that knows nothing of X: a loss at chance.

    Parameters
    ----------
    net
        The network, whose loss is taken.
    data
        The examples, checked.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> y = np.array([[0.0], [2.0]])
    >>> round(constant_cost(net, Examples(np.zeros((2, 1)), y, None)), 6)
    1.0
    """
    Y = np.asarray(encode(data.y, net.outputs, np.float64, np), np.float64)
    mean = Y.mean(axis=0)
    with np.errstate(all="ignore"):  # those of links to rates and probabilities
        linked = [np.log(mean), np.log(mean / (1 - mean))]
    starts = [np.zeros(net.outputs), mean, *linked, *np.quantile(Y, QUANTILES, axis=0)]
    return _least(net, np.zeros((data.n, 1)), data, starts)


def linear_cost(net: Network, data: Examples) -> float:
    r"""Return the cost that a linear model comes to, $\min_{W, b} C(X W^\top + b)$.

    Parameters
    ----------
    net
        The network, whose loss is taken.
    data
        The examples, checked.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> X = np.arange(5.0)[:, None]
    >>> bool(linear_cost(net, Examples(X, 3 * X + 1, None)) < 1e-6)
    True
    """
    X = directions(standard(np.asarray(data.X, np.float64)))
    constant = constant_cost(net, data)
    if not X.shape[1]:
        return constant
    Y = np.asarray(encode(data.y, net.outputs, np.float64, np), np.float64)
    return min(constant, _least(net, X, data, [np.zeros(net.outputs), Y.mean(axis=0)]))


def _least(net: Network, X: Matrix, data: Examples, starts: list[Matrix]) -> float:
    """Return the least cost of one linear layer, from the best of some biases on."""
    with needed_by("diagnose"):
        from scipy.optimize import minimize

    layers = with_outputs([], net.outputs)
    model = Network(X.shape[1], layers, net.loss, reduction=net.reduction, check=False)
    W = np.zeros((net.outputs, X.shape[1]))

    def cost(flat: Matrix) -> tuple[float, Matrix]:
        params = _params(model, flat)
        trace = backprop.forward(model, params, X, check=False)
        deltas = backprop.backward(trace, data.y, data.w, check=False)
        grads = leaves(backprop.gradient(trace, deltas))
        value = float(backprop.trace_cost(trace, data.y, data.w, check=False))
        return value, np.concatenate([np.ravel(g) for g in grads])

    with np.errstate(all="ignore"):
        begun = [(cost(flat)[0], k, flat) for k, c in enumerate(starts)
                 for flat in [np.concatenate([W.ravel(), c])]]  # fmt: skip
        known = [each for each in begun if np.isfinite(each[0])]
        if not known:
            return np.inf
        least, _, flat = min(known, key=lambda each: each[:2])
        found = minimize(cost, flat, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return min(least, float(found.fun)) if np.isfinite(found.fun) else least


def _params(model: Network, flat: Matrix) -> Parameters:
    (form,) = model.form
    W, b = np.split(flat, [model.outputs * model.inputs])
    return (type(form)(W.reshape(model.outputs, model.inputs), b),)
