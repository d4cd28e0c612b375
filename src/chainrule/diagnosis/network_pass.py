"""One pass forward and back with one set of parameters, and what is measured of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule import backprop
from chainrule.batches import Examples
from chainrule.diagnosis.example_measures import ExampleMeasures, measure_examples
from chainrule.diagnosis.layer_measures import LayerMeasures, measure_layers
from chainrule.network import Network, Parameters
from chainrule.trees import leaves


@dataclass(frozen=True)
class Pass:
    """What one pass forward and back says, with one set of parameters.

    Parameters
    ----------
    params
        The parameters.
    cost
        C.
    layers
        What is measured of each layer.
    examples
        What is measured of the gradients of the examples.
    without_gradient
        The share of parameters whose gradient is 0.
    """

    params: Parameters
    cost: float
    layers: tuple[LayerMeasures, ...]
    examples: ExampleMeasures
    without_gradient: float

    @property
    def broken(self) -> NDArray[np.intp]:
        """The rows whose gradient is not finite."""
        return np.flatnonzero(~np.isfinite(self.examples.squared_norms))


def measure_pass(net: Network, params: Parameters, data: Examples) -> Pass:
    """Return what is measured of a pass forward and back.

    Parameters
    ----------
    net, params
        The network and its parameters.
    data
        The examples, checked.

    Examples
    --------
    >>> from chainrule.batches import check_examples
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> measure_pass(net, params, check_examples(net, params, [[1.0]], [0.0], None)).cost
    2.0
    """
    with np.errstate(all="ignore"):
        trace = backprop.forward(net, params, data.X, check=False)
        deltas = backprop.backward(trace, data.y, data.w, check=False)
        cost = backprop.trace_cost(trace, data.y, data.w, check=False)
        layers, examples = measure_layers(trace, deltas), measure_examples(trace, deltas)
        grads = leaves(backprop.gradient(trace, deltas))
    zero = np.concatenate([np.ravel(g) == 0 for g in grads]) if grads else np.zeros(1)
    return Pass(params, float(cost), layers, examples, float(np.mean(zero)))
