r"""Backpropagation: the gradient of the cost by the chain rule.

    x       (n, i)   what enters a layer       delta   (n, o)   ∂C/∂z, for one example
    z       (n, o)   weighted input            dW      (o, i)   ∂C/∂W
    a       (n, o)   activation                db      (o,)     ∂C/∂b
    y       (n, outputs)   target              w       (n,)     weights of the examples

With f and L the activation and the loss, and layer l + 1 the one after layer l,

    forward     z = x Wᵀ + b,   a = f(z)
    last layer  delta = ∂L/∂a ⊙ f′(z)
    others      delta = (delta⁺ W⁺) ⊙ f′(z)
    gradient    dW = mean(delta ⊗ x),   db = mean(delta)

Source: Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors;
Nielsen (2015), Neural Networks and Deep Learning, chapter 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from array_api_compat import array_namespace

from chainrule.errors import check_weights, shown
from chainrule.layers import Draw, chain
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, check_inputs, check_parameters, divisor
from chainrule.penalties import penalised, penalty
from chainrule.sparse_rows import dense, namespace
from chainrule.targets import check_targets, encode
from chainrule.trees import Array, tree_map

Deltas = tuple[Any, ...]
"""∂C/∂z of each layer, for each example."""


class Trace(tuple[Any, ...]):
    """What each layer saw, `trace[k].x`, `.z`, `.a`, of which network with which parameters."""

    net: Network
    params: Parameters

    def __new__(cls, records: Iterable[Any], net: Network, params: Parameters) -> Trace:
        trace = super().__new__(cls, records)
        trace.net, trace.params = net, params
        return trace

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self.net, self.params

    @property
    def output(self) -> Array:
        """The activation of the last layer, (n, outputs)."""
        return self[-1].a


def forward(
    net: Network, params: Parameters, X: Any, draw: Draw | None = None, *, check: bool = True
) -> Trace:
    r"""Return what each layer sees as the examples pass through the network.

    $$z = x W^\top + b,\qquad a = f(z)$$

    Raises TypeError or ValueError where params or X do not fit, or hold NaN or infinity.

    Parameters
    ----------
    net, params
        The network and its parameters.
    X
        The examples, (n, inputs); a sparse array of SciPy stays one where a dense layer is the
        first.
    draw
        The step of training that dropout's masks and batch statistics follow from; left out, the
        network predicts.
    check
        Whether to look at params and X; False trusts them to be what an earlier call has checked.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(1, "relu")], loss="half_squared_error")
    >>> params = net.parameters([([[0.5, -1.0]], [0.25])])
    >>> forward(net, params, [[1.0, 2.0]])[0].z
    array([[-1.25]])
    """
    if check:
        check_parameters(net, params)
        X, xp = check_inputs(net, params, X)
    else:
        xp = namespace(X)
    X = X if net.layers[0].takes_sparse else dense(X)

    def drawn(k: int) -> Draw | None:
        return draw and Draw(draw.seed, draw.step, layer=k)

    _, records = chain.forward(net.layers, params, X, drawn, xp)
    return Trace(records, net, params)


def prediction(trace: Trace) -> Array:
    r"""Return the prediction of a forward pass for each example, (n, outputs).

    The loss's link turns the last activation into it.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="cross_entropy")
    >>> prediction(forward(net, net.parameters([([[0.0], [0.0]], [0.0, 0.0])]), [[1.0]]))
    array([[0.5, 0.5]])
    """
    return trace.net.row.link(trace.output, array_namespace(trace.output))


def cost(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    draw: Draw | None = None,
) -> Array:
    r"""Return the cost C: the weighted mean over the examples of the loss, plus the penalty.

    $$C = \frac{\sum_i w_i\,L(a_i, y_i)}{\sum_i w_i}
          + \lambda_1 \sum |W| + \tfrac12 \lambda_2 \sum W^2$$

    Where the network's reduction is a sum, it is Σ w L. Raises TypeError or ValueError where an
    argument does not fit.

    Parameters
    ----------
    net, params
        The network and its parameters.
    X, y
        The examples, (n, inputs), dense or a sparse array of SciPy, and their targets:
        (n, outputs), or (n,) for one output or for integer labels.
    sample_weight
        The weights of the examples, (n,); left out, all weigh the same.
    draw
        The step of training that dropout's masks and batch statistics follow from; left out, the
        network predicts.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> float(cost(net, net.parameters([([[2.0]], [0.0])]), [[1.0], [2.0]], [1.0, 1.0]))
    5.0
    """
    return trace_cost(forward(net, params, X, draw), y, sample_weight)


def trace_cost(
    trace: Trace,
    y: Any,
    sample_weight: Any = None,
    *,
    mean_weight: float | None = None,
    check: bool = True,
) -> Array:
    """Return the cost C of a forward pass already made; see `cost`, and `backward` for mean_weight.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> trace = forward(net, net.parameters([([[2.0]], [0.0])]), [[1.0], [2.0]])
    >>> float(trace_cost(trace, [1.0, 1.0]))
    5.0
    """
    loss, a, y, w, xp = _compared(trace, y, sample_weight, mean_weight, check)
    each, net = loss.value(a, y, xp), trace.net
    total = xp.sum(each if w is None else w[:, None] * each) / divisor(net, a.shape[0])
    return total + penalty(net, trace.params, xp) if net.l1 or net.l2 else total


def backward(
    trace: Trace,
    y: Any,
    sample_weight: Any = None,
    *,
    mean_weight: float | None = None,
    check: bool = True,
) -> Deltas:
    r"""Return ∂C/∂z of each layer, for each example before the mean, (n, o).

    $$\delta^{\text{last}} = \frac{\partial L}{\partial a} \odot f'(z),\qquad
      \delta = (\delta^{+} W^{+}) \odot f'(z)$$

    With weights, an example's share is wᵢ over their mean, so that the plain mean is the weighted
    one; where the network's reduction is a sum, it is wᵢ. Raises TypeError or ValueError where an
    argument does not fit.

    Parameters
    ----------
    trace
        What `forward` returned.
    y
        The targets, (n, outputs), or (n,) for one output or for integer labels.
    sample_weight
        The weights of the examples, (n,); left out, all weigh the same.
    mean_weight
        Where the examples are a batch of some more, the mean weight of all of those: the gradients
        of batches then average to that of the whole, whatever weights fall together.
    check
        Whether to check the values of y and sample_weight; False trusts an earlier call.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> backward(forward(net, params, [[1.0], [2.0]]), [1.0, 1.0])
    (array([[2.],
           [6.]]),)
    """
    if not isinstance(trace, Trace):
        raise TypeError(f"backward: trace must be what forward returned, got {shown(trace)}")
    loss, a, y, w, xp = _compared(trace, y, sample_weight, mean_weight, check)
    da = loss.grad(a, y, xp)
    return deltas_from(trace, da if w is None else da * w[:, None])


def deltas_from(trace: Trace, da: Array) -> Deltas:
    r"""Return the deltas of each layer from those of the network's output, ∂C/∂a (n, outputs).

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> trace = forward(net, params, [[1.0], [2.0]])
    >>> deltas_from(trace, np.array([[2.0], [6.0]]))
    (array([[2.],
           [6.]]),)
    """
    return chain.deltas(trace.net.layers, trace.params, trace, da, array_namespace(da))


def gradient(trace: Trace, deltas: Deltas) -> Parameters:
    r"""Return the gradient of C, in the form of the parameters.

    $$\frac{\partial C}{\partial W} = \frac1n \sum_i \delta_i \otimes x_i
      + \lambda_1 \operatorname{sgn} W + \lambda_2 W,\qquad
      \frac{\partial C}{\partial b} = \frac1n \sum_i \delta_i$$

    Here and in what follows there is no 1/n where the network's reduction is a sum.

    Parameters
    ----------
    trace
        What `forward` returned.
    deltas
        What `backward` returned for it.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> trace = forward(net, params, [[1.0], [2.0]])
    >>> gradient(trace, backward(trace, [1.0, 1.0]))
    (DenseParameters(W=array([[7.]]), b=array([4.])),)
    """
    net, xp = trace.net, array_namespace(trace.output)
    grads = tuple(
        layer.gradient(record, share, xp)
        for layer, record, share in zip(net.layers, trace, _shares(trace, deltas), strict=True)
    )
    return penalised(net, grads, trace.params, xp)


def per_example_gradients(trace: Trace, deltas: Deltas) -> Parameters:
    r"""Return each example's share of the gradient, in the form of the parameters: W (n, o, i).

    $$\frac1n\,\delta_i \otimes x_i,\qquad \frac1n\,\delta_i$$

    They sum to `gradient` less the penalty, which is no example's. Times n, they are the gradients
    of each example's own loss.

    Parameters
    ----------
    trace
        What `forward` returned.
    deltas
        What `backward` returned for it.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> trace = forward(net, params, [[1.0], [2.0]])
    >>> per_example_gradients(trace, backward(trace, [1.0, 1.0]))[0].W.ravel()
    array([1., 6.])
    """
    xp = array_namespace(trace.output)
    return tuple(
        layer.per_example_gradients(record, share, xp)
        for layer, record, share in zip(
            trace.net.layers, trace, _shares(trace, deltas), strict=True
        )
    )


def squared_norms(trace: Trace, deltas: Deltas) -> Array:
    r"""Return the squared norm of each example's share of the gradient, (n,), without building it.

    $$\frac{1}{n^2} \sum_{\text{layers}} |\delta_i|^2\,(|x_i|^2 + 1)$$

    Parameters
    ----------
    trace
        What `forward` returned.
    deltas
        What `backward` returned for it.

    Notes
    -----
    Source: Goodfellow (2015), Efficient per-example gradient computations, arXiv:1510.01799.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> trace = forward(net, params, [[1.0], [2.0]])
    >>> squared_norms(trace, backward(trace, [1.0, 1.0]))
    array([ 2., 45.])
    """
    xp = array_namespace(trace.output)
    shares = _shares(trace, deltas)
    layers = zip(trace.net.layers, trace, shares, strict=True)
    return sum(layer.squared_norms(record, share, xp) for layer, record, share in layers)


def input_gradient(trace: Trace, deltas: Deltas) -> Array:
    r"""Return ∂C/∂X, (n, inputs).

    $$\frac{\partial C}{\partial X} = \frac1n\,\delta^{\text{first}} W^{\text{first}}$$

    Parameters
    ----------
    trace
        What `forward` returned.
    deltas
        What `backward` returned for it.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> trace = forward(net, params, [[1.0], [2.0]])
    >>> input_gradient(trace, backward(trace, [1.0, 1.0]))
    array([[2.],
           [6.]])
    """
    xp = array_namespace(trace.output)
    first = trace.net.layers[0]
    return first.dx(trace.params[0], trace[0], _shares(trace, deltas)[0], xp)


def _shares(trace: Trace, deltas: Deltas) -> Deltas:
    """Each example's part in the mean over the n examples, which is taken nowhere else."""
    n = divisor(trace.net, trace.output.shape[0])
    return tuple(tree_map(lambda delta: delta / n, deltas))


def _compared(
    trace: Trace, y: Any, sample_weight: Any, mean_weight: float | None, check: bool
) -> tuple[Loss, Array, Array, Array | None, Any]:
    """Return the loss, a, y and w as the arithmetic wants them, and the array library."""
    loss, a = trace.net.row, trace.output
    n, outputs = a.shape[0], trace.net.outputs
    xp = array_namespace(a)
    y = check_targets(loss.target, y, n, outputs, a.dtype, xp) if check else y
    y = encode(y, outputs, a.dtype, xp)
    if sample_weight is None:
        return loss, a, y, None, xp
    w = check_weights(sample_weight, n, a.dtype, xp) if check else sample_weight
    if trace.net.reduction == "mean":
        w = w * (n / xp.sum(w) if mean_weight is None else 1 / mean_weight)
    return loss, a, y, w, xp
