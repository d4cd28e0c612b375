r"""What a pass forward and back says of each layer, as functions of (trace, deltas).

a       (n, o)   what leaves a layer        delta   (n, o)   ∂C/∂z, for one example
da      (n, o)   ∂C/∂a, for one example     dx      (n, i)   ∂C/∂x, for one example
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.backprop import Deltas, Trace, gradient
from chainrule.network import Parameters, describe
from chainrule.trees import leaves

FLAT = 0.05
"""A bounded unit is saturated where its slope is so small a share of the steepest."""

FAR = 1e4
"""An activation is bounded if what it gives so far from 0 is what it gives at a tenth of that."""

FINE = (1e-100, 1e100)
"""Between these the squares of doubles keep their digits."""


class LayerMeasures(NamedTuple):
    r"""What is measured of one layer; sizes are root mean squares.

    Parameters
    ----------
    place
        The layer's number, from 0, and the layer.
    a, delta
        The sizes of its activations and of its deltas: of a residual block, of what leaves it.
    gradient, weight
        The sizes of the gradient by its parameters, and of these.
    forward
        $\lVert a\rVert / \lVert x\rVert$ of those sizes: by which factor the signal grows; 1 of an
        embedding, whose inputs are no sizes.
    slope
        $\lVert\delta\rVert / \lVert\partial C/\partial a\rVert$: what f′ makes of the gradient;
        1 of a last layer, and of one made of others.
    weights
        $\lVert\partial C/\partial x\rVert / \lVert\delta\rVert$: what W makes of it on its way to
        the layer below; 1 of a first layer.
    dead, saturated, duplicate
        Which share of its units has a slope of 0 for every example; of its activations lies where
        a bounded function is flat; of its units is the copy of another.
    """

    place: str
    a: float
    delta: float
    gradient: float
    weight: float
    forward: float
    slope: float
    weights: float
    dead: float
    saturated: float
    duplicate: float


def measure_layers(trace: Trace, deltas: Deltas) -> tuple[LayerMeasures, ...]:
    r"""Return what is measured of each layer.

    The gradient that reaches layer k is the last one times all factors between,
    $\lVert\delta_k\rVert = \lVert\delta_{\text{last}}\rVert \prod_{l > k}
    \mathrm{weights}_l\,\mathrm{slope}_{l-1}$.

    Source: Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward
    neural networks.

    Parameters
    ----------
    trace
        What `forward` returned.
    deltas
        What `backward` returned for it.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1, "sigmoid"), cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.0]], [0.0]), ([[2.0]], [0.0])])
    >>> trace = cr.forward(net, params, [[1.0]])
    >>> first, last = measure_layers(trace, cr.backward(trace, [0.0]))
    >>> first.slope, last.weights
    (0.25, 2.0)
    """
    net, params = trace.net, trace.params
    grads, measured = gradient(trace, deltas), list[LayerMeasures]()
    da: Any = None
    for k in reversed(range(len(net.layers))):
        layer, record, delta = net.layers[k], trace[k], deltas[k]
        dx = layer.dx(params[k], record, delta, np) if k else None
        plain = isinstance(delta, np.ndarray)
        known = [each for each in (delta if plain else None, da, dx) if each is not None]
        reached = size(known[0]) if known else math.nan
        measured.append(
            LayerMeasures(
                describe(net, k), size(record.a), reached, size(*leaves(grads[k])),
                size(*leaves(params[k])), _growth(layer, record),
                ratio(reached, size(da)) if plain and da is not None else 1.0,
                ratio(size(dx) * _root_width(dx), reached * _root_width(record.a)) if k else 1.0,
                dead_share(layer, record), saturated_share(layer, record),
                duplicate_share(params[k]),
            )
        )  # fmt: skip
        da = dx
    return tuple(reversed(measured))


def _growth(layer: Any, record: Any) -> float:
    embeds = layer.layout(record.x.shape[1]) is not None
    return 1.0 if embeds else ratio(size(record.a), size(record.x))


def _root_width(array: Any) -> float:
    return float(np.sqrt(array.shape[-1]))


def size(*arrays: Any) -> float:
    r"""Return the root mean square of all entries, $\sqrt{\overline{v^2}}$; 0 of none.

    >>> size(np.array([3.0, 4.0, 0.0, 0.0]))
    2.5
    """
    flat = [each for array in arrays if len(each := np.ravel(np.asarray(array)))]
    largest = max((max(float(each.max()), -float(each.min())) for each in flat), default=0.0)
    if not 0 < largest < np.inf:
        return largest
    scale = 1.0 if FINE[0] < largest < FINE[1] else largest
    return scale * float(
        np.sqrt(sum(map(_squared, flat, [scale] * len(flat))) / sum(map(len, flat)))
    )


def _squared(entries: NDArray[Any], scale: float) -> float:
    """Return the sum of squares in doubles, which takes no array of its own where scale is 1."""
    scaled = entries if scale == 1 else entries.astype(np.float64) / scale
    return float(np.einsum("i,i->", scaled, scaled, dtype=np.float64))


def ratio(part: float, whole: float) -> float:
    """Return a quotient; 1 where both are 0, infinity where only the divisor is.

    >>> ratio(1.0, 4.0), ratio(0.0, 0.0), ratio(1.0, 0.0)
    (0.25, 1.0, inf)
    """
    if whole == 0:
        return 1.0 if part == 0 else np.inf
    return part / whole


def _slopes(layer: Any, record: Any) -> NDArray[Any] | None:
    """Return |f′(z)| of a layer with an activation of each entry, else None."""
    name = getattr(layer, "activation", None)
    if name is None or not hasattr(record, "z") or activation(name).pull is not None:
        return None
    return np.abs(np.asarray(activation(name).df(record.z, record.a, np), np.float64))


def steepest_slope(name: str | Activation) -> float:
    """Return the steepest slope of an activation if it is bounded, else 0.

    >>> steepest_slope("sigmoid"), steepest_slope("relu")
    (0.25, 0.0)
    """
    row = activation(name)
    ends = np.asarray(row.f(np.array([-FAR, -FAR / 10, FAR / 10, FAR]), np))
    if np.ptp(ends[:2]) > 0.01 or np.ptp(ends[2:]) > 0.01:
        return 0.0
    z = np.linspace(-10, 10, 2001)
    return float(np.max(np.abs(row.df(z, row.f(z, np), np))))


def dead_share(layer: Any, record: Any) -> float:
    r"""Return the share of units with $f'(z) = 0$ for every example; 0 of an identity.

    Source: Lu, Shin, Su and Karniadakis (2019), Dying ReLU and initialization, arXiv:1903.06733.

    Parameters
    ----------
    layer
        The layer.
    record
        What it saw, of a trace.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(2, "relu")], loss="squared_error")
    >>> params = net.parameters([([[1.0], [1.0]], [-9.0, 0.0])])
    >>> dead_share(net.layers[0], cr.forward(net, params, [[1.0], [2.0]])[0])
    0.5
    """
    slopes = _slopes(layer, record)
    return 0.0 if slopes is None else float(np.mean(np.all(slopes == 0, axis=0)))


def saturated_share(layer: Any, record: Any) -> float:
    r"""Return the share of activations with $|f'(z)| < 0.05 \max |f'|$; 0 where f has no bounds.

    Source: Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward
    neural networks.

    Parameters
    ----------
    layer
        The layer.
    record
        What it saw, of a trace.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1, "tanh")], loss="squared_error")
    >>> params = net.parameters([([[1.0]], [0.0])])
    >>> saturated_share(net.layers[0], cr.forward(net, params, [[1.0], [9.0]])[0])
    0.5
    """
    slopes = _slopes(layer, record)
    steepest = 0.0 if slopes is None else steepest_slope(layer.activation)
    return float(np.mean(slopes < FLAT * steepest)) if slopes is not None and steepest else 0.0


def has_units(params: Any) -> bool:
    """Whether parameters are of several units, each with a row of W and an entry of b.

    Parameters
    ----------
    params
        The parameters of a layer.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3), cr.LayerNorm()], loss="squared_error")
    >>> [has_units(params) for params in net.init()]
    [True, False]
    """
    W, b = getattr(params, "W", None), getattr(params, "b", None)
    if W is None or b is None:
        return False
    return np.ndim(W) == 2 and len(W) > 1 and np.shape(b) == (len(W),)


def duplicate_share(params: Any) -> float:
    """Return the share of units whose weights and bias are those of another, to three digits.

    Parameters
    ----------
    params
        The parameters of a layer.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(3)], loss="squared_error")
    >>> (params,) = net.parameters([([[1.0], [1.0], [2.0]], [0.0, 0.0, 0.0])])
    >>> round(duplicate_share(params), 2)
    0.33
    """
    if not has_units(params):
        return 0.0
    units = np.column_stack([params.W, params.b]).astype(np.float64)
    scaled = np.round(units / (size(units) or 1.0), 3) + 0.0  # so that no 0 has a sign
    return 1 - len({row.tobytes() for row in scaled}) / len(units)


def update_ratios(before: Parameters, after: Parameters) -> tuple[float | None, ...]:
    r"""Return of each layer how far its parameters moved, $\lVert w' - w\rVert / \lVert w\rVert$.

    None of a layer without parameters.

    Parameters
    ----------
    before, after
        The parameters of a network, before and after.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> w, v = (net.parameters([([[a]], [0.0])]) for a in (2.0, 3.0))
    >>> update_ratios(w, v)
    (0.5,)
    """
    return tuple(map(_moved, map(leaves, before), map(leaves, after)))


def _moved(old: list[Any], new: list[Any]) -> float | None:
    if not old:
        return None
    moved = [np.subtract(b, a, dtype=np.float64) for a, b in zip(old, new, strict=True)]
    return ratio(size(*moved), size(*old))
