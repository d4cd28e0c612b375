"""Networks that hold every kind of layer, alone, among others and within others."""

from typing import NamedTuple

import numpy as np

import chainrule as cr
from chainrule.targets import TARGETS
from chainrule.trees import named_leaves, rebuild

EDGES = [[-1.0, -0.25, 0.5, 2.0], [], [0.0, 1.0]]
BLOCK = cr.Residual(cr.Dense(5, "tanh"), cr.Dense(3))
RICH_4 = cr.Residual(cr.Dense(3, "relu"), cr.Dropout(0.5), cr.Dense(4))
RICH = cr.Residual(cr.LayerNorm(), cr.Dense(4, "silu"), cr.Dropout(0.25), cr.Dense(3, "relu"))
MADE_OF_OTHERS = [BLOCK, cr.Members(2, cr.Dense(4, "tanh"), cr.Dense(1))]
LAYERS = {
    "layer norm first": [cr.LayerNorm(), cr.Dense(2)],
    "layer norm within": [cr.Dense(4, "tanh"), cr.LayerNorm(), cr.Dense(2)],
    "rms norm": [cr.Dense(4, "tanh"), cr.RMSNorm(), cr.Dense(2)],
    "layer norm last": [cr.Dense(4), cr.LayerNorm()],
    "residual": [cr.Dense(3, "tanh"), BLOCK, cr.Dense(2)],
    "residual first": [BLOCK, cr.Dense(2)],
    "residual of much": [cr.Dense(3), RICH, RICH, cr.Dense(2)],
    "residual in residual": [cr.Dense(3), cr.Residual(BLOCK, cr.Dense(3, "elu")), cr.Dense(2)],
    "activate": [cr.Dense(4), cr.LayerNorm(), cr.Activate("relu"), cr.Dense(2)],
    "activate first": [cr.Activate("softsign"), cr.Dense(2), cr.Activate("leaky_relu(0.2)")],
    "softmax": [cr.Dense(4), cr.Activate("softmax"), cr.Dense(2)],
    "scale": [cr.Scale(), cr.Dense(3, "tanh"), cr.Scale(), cr.Dense(2)],
    "periodic": [cr.Periodic(2, 3, 0.5), cr.Dense(2)],
    "periodic of some": [cr.Periodic(1, 2, features=(2, 0)), cr.Dense(3, "tanh"), cr.Dense(2)],
    "periodic within": [cr.Dense(2, "tanh"), cr.Periodic(), cr.Dense(2)],
    "piecewise": [cr.PiecewiseLinear(EDGES, 2), cr.Dense(2)],
    "piecewise within": [cr.Scale(), cr.PiecewiseLinear(EDGES[:1] * 3, 1), cr.Dense(2, "tanh")],
    "embedding": [cr.Embedding([3, 0, 2], 2), cr.Dense(2)],
    "embedding within": [cr.Scale(), cr.Embedding([2, 1, 5], 1), cr.Dense(2, "tanh")],
    "members": [cr.Members(3, cr.Dense(4, "tanh"), cr.Dense(2))],
    "members of embeddings": [cr.Members(2, cr.Embedding([3, 0, 2], 2), cr.Dense(2))],
    "members of one": [cr.Members(1, cr.Dense(2))],
    "members of much": [cr.Dense(4), cr.Members(2, cr.LayerNorm(), RICH_4, cr.Dense(2))],
    "members of dropout": [cr.Members(2, cr.Dropout(0.25), cr.Dense(3), cr.Scale(), cr.Dense(2))],
    "members with all scales": [
        cr.Members(2, cr.Dense(3, "tanh"), cr.Dropout(0.25), cr.Dense(4), cr.Dense(2), full=True)
    ],
    "members with scales within": [
        cr.Members(2, cr.LayerNorm(), cr.Dense(3, "relu"), cr.Dense(2), full=True)
    ],
    "members of last norms": [cr.Members(2, cr.Dense(2, "tanh"), cr.LayerNorm())],
}
WITH_BATCH_NORM = {
    "batch norm first": [cr.BatchNorm(), cr.Dense(2)],
    "batch norm within": [cr.Dense(4), cr.BatchNorm(), cr.Dense(2, "tanh")],
    "batch norm twice": [
        cr.Dense(4, "tanh"),
        cr.BatchNorm(),
        cr.Dense(3),
        cr.BatchNorm(),
        cr.Dense(2),
    ],
    "batch norm of members": [cr.Members(2, cr.Dense(3), cr.BatchNorm(), cr.Dense(2))],
    "batch norm of each member": [cr.Members(2, cr.Dense(2), cr.BatchNorm())],
    "batch norm in residual": [cr.Dense(3), cr.Residual(cr.BatchNorm(), cr.Dense(3)), cr.Dense(2)],
}
ALL = {**LAYERS, **WITH_BATCH_NORM}
DRAW = cr.Draw(seed=5, step=1)


def random_parameters(net, rng):
    """Parameters none of which is 0, variances among them positive."""
    return rebuild(
        net.form,
        [
            rng.uniform(0.2, 1.2, size=p.shape)
            * (1 if "variance" in name else rng.choice([-1, 1], size=p.shape))
            for name, p in named_leaves(net.form)
        ],
    )


class Data(NamedTuple):
    net: cr.Network
    params: tuple
    X: np.ndarray
    y: np.ndarray
    w: np.ndarray


def data(name, loss="half_squared_error", n=7, **penalties):
    """A network of the table with random parameters, none of them 0, variances positive."""
    rng = np.random.default_rng(0)
    net = cr.Network(3, ALL[name], loss=loss, **penalties, check=False)
    params = random_parameters(net, rng)
    X, w = rng.normal(size=(n, 3)), rng.uniform(0.5, 2.0, size=n)
    y = TARGETS[cr.losses.loss(loss).target].sample(rng, n, net.outputs)
    return Data(net, params, X, y, w)


def gradients(d, draw=None):
    trace = cr.forward(d.net, d.params, d.X, draw)
    deltas = cr.backward(trace, d.y, d.w)
    return trace, deltas, cr.gradient(trace, deltas)
