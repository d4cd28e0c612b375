"""The bits of many runs in the compiled engine: as a program, it prints a line of each.

Each line has the SHA-256 of parameters, states and costs, of predictions for many rows and for few,
of squared norms, and of a cost with its gradient.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves
from kinds import ALL
from strategies import HEADS, problem

ADAM = cr.Adam(0.01)


class Row(NamedTuple):
    net: cr.Network
    optimizer: cr.Optimizer = ADAM
    options: Mapping[str, Any] = MappingProxyType({})
    n: int = 40


def network(
    activation: str, loss: str, width: int = 9, outputs: int = 3, **more: Any
) -> cr.Network:
    layers = [cr.Dense(width, activation), cr.Dropout(0.2), cr.Dense(4, activation)]
    return cr.Network(5, [*layers, cr.Dense(outputs)], loss, **more)


def rows() -> Iterator[Row]:
    """What could differ by the width of vectors or by how a·b + c is rounded."""
    for activation in [*ACTIVATIONS, "sigmoid(4)", "elu(0.5)"]:
        yield Row(network(activation, "half_squared_error"))
    for loss in [*LOSSES, "huber(0.3)", "cross_entropy(0.1)"]:
        for outputs in (3, 40):  # lanes are examples, lanes are outputs
            yield Row(network("tanh", loss, outputs=outputs), cr.SGD(0.005))
    for loss in HEADS:
        yield Row(network("tanh", loss), cr.SGD(0.005))
    yield Row(
        network("tanh", "heads(huber: 35, cross_entropy: 5, quantile(0.1, 0.9): 34)", outputs=74)
    )
    penalised = network("tanh", "cross_entropy", l1=0.001, l2=0.01)
    for rule in OPTIMIZERS.values():
        yield Row(penalised, rule(0.01))
    for rule in (cr.SGD(0.01, momentum=0.9, nesterov=True), cr.AdamW(0.01, weight_decay=0.2)):
        yield Row(penalised, rule)
    wide = network("gelu", "squared_error", width=77, outputs=35, l1=0.001, l2=0.01)
    for options in ({"clip_norm": 0.05}, {"clip_norm": 0.05, "clip_value": 0.02}):
        yield Row(wide, options=options)
    yield Row(wide, options={"sample_weight": np.arange(40.0) % 4, "validation": 0.3})
    for width in (1, 15, 16, 17, 33, 70, 130):
        layers = [cr.Dense(width, "softmax"), cr.Dense(width, "softmax")]
        yield Row(cr.Network(5, layers, "squared_error"))
    yield Row(cr.Network(300, [cr.Dense(200, "relu"), cr.Dense(40)], "cross_entropy"))
    for layers in ALL.values():
        yield Row(cr.Network(3, layers, "half_squared_error"))
    for outputs in (1, 2, 3, 5, 8):  # of which vectors leave some over, and of their inputs
        layers = [cr.Dense(37, "gelu"), cr.Dense(outputs, "tanh"), cr.Dense(1)]
        yield Row(cr.Network(outputs + 9, layers, "half_squared_error", l2=0.01))
    large = network("tanh", "cross_entropy", width=33, l1=0.001)
    yield Row(large, options={"batch_size": 1100, "epochs": 2}, n=1200)
    for width in (15, 17, 70):  # of which vectors leave some over
        layers = [cr.LayerNorm(), cr.Residual(cr.BatchNorm(), cr.Dense(width)), cr.Scale()]
        embedded = [cr.PiecewiseLinear([[-1.0, 0.0, 1.0]] * width, width % 9 + 1), cr.Dense(4)]
        levels = [cr.Embedding([width % 9] * 3 + [0], width), cr.Scale()]
        last = cr.Members(3, cr.Periodic(5, width), cr.Dense(2))
        yield Row(cr.Network(width, [*layers, *embedded, *levels, last], "half_squared_error"))


def digest(*arrays: Any) -> str:
    return hashlib.sha256(b"".join(np.asarray(array).tobytes() for array in arrays)).hexdigest()[:9]


def line(row: Row, dtype: str) -> str:
    p = problem(row.net, n=row.n)
    X = p.X.astype(dtype)
    options = {"epochs": 5, "batch_size": 13, "seed": 3, "engine": "native", **row.options}
    start = row.net.init(seed=1, dtype=dtype)
    params, history = cr.fit(row.net, start, X, p.y, row.optimizer, **options)
    states = [array for state in history.at.states for array in state]
    cost, gradient = cr.cost_and_gradient(row.net, params, X, p.y)
    digests = (
        digest(*leaves(params), *states, history.loss, history.validation_loss),
        digest(cr.predict(row.net, params, X)),
        digest(*(cr.predict(row.net, params, X[k : k + 1]) for k in range(9))),
        digest(cr.example_squared_norms(row.net, params, X, p.y)),
        digest(cost, *leaves(gradient)),
    )
    return f"{' '.join(digests)}  {row} {dtype}"


if __name__ == "__main__":
    for row in rows():
        for dtype in ("float32", "float64"):
            print(line(row, dtype))
