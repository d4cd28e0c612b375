r"""What a network makes of a data set: predictions, the cost's gradient, each example's part in it.

    X   (n, inputs)   the examples      y   (n, outputs) or (n,)   their targets
    w   (n,)          their weights

The compiled engine does it wherever it can, and the functions of `chainrule.backprop` elsewhere:
for arrays of another library than NumPy, for layers, activations and losses of your own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import backprop, losses
from chainrule.batches import check_examples
from chainrule.docstrings import documented_by
from chainrule.engine import predictor, single_pass
from chainrule.engine.quick_checks import check_inputs, check_parameters
from chainrule.engine.session import check_choice, refusal, why_not
from chainrule.errors import check_predicted
from chainrule.layers import Draw
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import is_sparse
from chainrule.trees import Array


def predict(
    net: Network,
    params: Parameters,
    X: Any,
    *,
    engine: str = "auto",
    threads: int | None = None,
) -> Array:
    r"""Return the prediction for each example, (n, outputs).

    The loss's link turns the last activation into it: the softmax for `cross_entropy`, σ for
    `binary_cross_entropy`, e^a for `poisson`, a itself for the others. A single row takes a path of
    its own, of a few microseconds. Raises TypeError or ValueError where params or X do not fit, or
    hold NaN or infinity.

    Parameters
    ----------
    net, params
        The network and its parameters.
    X
        The examples, (n, inputs); they may be a sparse array of SciPy.
    engine
        "auto", "native" to insist on the compiled engine, "reference" for the core.
    threads
        How many threads to use at most; left out, as many as there are cores.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(2)], loss="cross_entropy")
    >>> predict(net, net.parameters([([[0.0], [0.0]], [0.0, 0.0])]), [[1.0]])
    array([[0.5, 0.5]])
    """
    return _predicted(net, params, X, engine, threads, alike=False)


def _predicted(
    net: Network, params: Parameters, X: Any, engine: str, threads: int | None, *, alike: bool
) -> Array:
    if engine != "auto" or threads is not None:
        check_choice("predict", engine, threads)
    if engine != "reference":
        quick = predictor.predict(net, params, X, threads, alike=alike)
        if quick is not None:
            return quick
    check_parameters(net, params)
    checked, _ = check_inputs(net, params, X)
    if _native("predict", net, params, engine):
        predicted = _of_checked(net, params, X, checked, threads, alike=alike)
        if predicted is not None:
            return predicted
    return backprop.prediction(backprop.forward(net, params, checked, check=False))


def _of_checked(
    net: Network, params: Parameters, X: Any, checked: Any, threads: int | None, *, alike: bool
) -> Array | None:
    """Return what the engine predicts from checked inputs, None where it cannot or has tried."""
    if is_sparse(checked):
        return predictor.predict_sparse(net, params, checked, threads, alike=alike)
    return None if checked is X else predictor.predict(net, params, checked, threads, alike=alike)


def predict_finite(
    net: Network,
    params: Parameters,
    X: Any,
    *,
    engine: str = "auto",
    threads: int | None = None,
    first: int = 1,
) -> Array:
    """Return the same, and raise FloatingPointError, with the row, for what is not finite.

    What the engine predicts for a row is the same to the bit whichever rows stand beside it.
    `first` is the number of the first row. The engine leaves to the reference what is not finite on
    the way to its outputs, so that it is only looked for there, and in e^a.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[1e300]], [0.0])])
    >>> predict_finite(net, params, [[1.0], [1e300]], first=7)
    Traceback (most recent call last):
    ...
    FloatingPointError: the prediction of row 8 is not finite, got inf: its inputs or the \
parameters are too large
    """
    made = predicted_at_once(net, params, X, threads=threads) if engine == "auto" else None
    if made is None:
        with np.errstate(over="ignore", invalid="ignore"):  # it is told of by its row
            made = _predicted(net, params, X, engine, threads, alike=True)
    check_predicted(made, first=first)
    return made


def predicted_at_once(
    net: Network, params: Parameters, X: Any, *, threads: int | None = None
) -> Array | None:
    """Return the same by the engine where all is plainly as it ought to be, or None.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> predicted_at_once(net, net.init(), np.array([[np.nan]])) is None
    True
    """
    made = predictor.predict(net, params, X, threads, alike=True)
    if made is None or "exp" not in losses.loss(net.loss).link_name:
        return made
    return made if np.isfinite(made).all() else None


@documented_by(backprop.cost, predict)
def cost_and_gradient(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    draw: Draw | None = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
) -> tuple[float, Parameters]:
    r"""Return the cost C and its gradient, in the form of the parameters.

    $$C,\qquad \frac{\partial C}{\partial W},\ \frac{\partial C}{\partial b}$$

    They are those of `cost` and of `gradient(trace, backward(…))`, in one call, with no more than
    some rows of activations in memory; a draw takes all rows at once. Raises TypeError or
    ValueError where an argument does not fit.

    Parameters
    ----------
    {net, params}
    {X, y}
    {sample_weight}
    {draw}
    {engine}
    {threads}

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> cost_and_gradient(net, params, [[1.0], [2.0]], [1.0, 1.0])
    (5.0, (DenseParameters(W=array([[7.]]), b=array([4.])),))
    """
    check_choice("cost_and_gradient", engine, threads)
    check_parameters(net, params)
    data = check_examples(net, params, X, y, sample_weight, inputs=check_inputs)
    if _native("cost_and_gradient", net, params, engine):
        return single_pass.cost_and_gradient(net, params, data, draw, threads)
    trace = backprop.forward(net, params, data.X, draw, check=False)
    deltas = backprop.backward(trace, data.y, data.w, check=False)
    cost = backprop.trace_cost(trace, data.y, data.w, check=False)
    return float(cost), backprop.gradient(trace, deltas)


@documented_by(backprop.cost, predict)
def example_squared_norms(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
) -> Array:
    r"""Return the squared norm of each example's share of the gradient, (n,), for a data set.

    $$\frac{1}{n^2} \sum_{\text{layers}} |\delta_i|^2\,(|x_i|^2 + 1)$$

    They are those of `squared_norms(trace, backward(…))`, in one call; n² times that are the
    squared norms of the gradients of each example's own loss. Raises TypeError or ValueError where
    an argument does not fit.

    Parameters
    ----------
    {net, params}
    {X, y}
    {sample_weight}
    {engine}
    {threads}

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> example_squared_norms(net, params, [[1.0], [2.0]], [1.0, 1.0])
    array([ 2., 45.])
    """
    check_choice("example_squared_norms", engine, threads)
    check_parameters(net, params)
    data = check_examples(net, params, X, y, sample_weight, inputs=check_inputs)
    if _native("example_squared_norms", net, params, engine):
        return single_pass.squared_norms(net, params, data, threads)
    trace = backprop.forward(net, params, data.X, check=False)
    deltas = backprop.backward(trace, data.y, data.w, check=False)
    return backprop.squared_norms(trace, deltas)


def _native(what: str, net: Network, params: Parameters, engine: str) -> bool:
    """Whether the compiled engine is to do it; raise where it is insisted on and cannot."""
    if engine == "reference":
        return False
    reason = why_not(net, params)
    if reason and engine == "native":
        raise refusal(what, reason)
    return not reason
