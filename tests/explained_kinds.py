"""Random networks over all kinds of layer, explained: see test_explain_kinds."""

from __future__ import annotations

import functools
import sys
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule import losses
from chainrule.explanation.result import Explanation
from chainrule.explanation.unit_places import Places
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from strategies import HEADS, Problem, problem
from tables import ELEMENTWISE

SEEDS = range(200)
ROWS = [*LOSSES, "huber(0.5)", "quantile(0.1, 0.9)", "cross_entropy(0.1)", *HEADS]
ACTIVATIONS = [*ELEMENTWISE, "softmax", "leaky_relu(0.2)"]


def _residual(rng, width, depth):
    inner = some_layers(rng, width, depth + 1)
    return cr.Residual(*inner, cr.Dense(width, str(rng.choice(ELEMENTWISE))))


def _piecewise(rng, width, depth):
    edges = [
        np.sort(rng.normal(size=rng.integers(2, 5))) if rng.random() < 0.7 else []
        for _ in range(width)
    ]
    edges[0] = [-0.5, 0.0, 1.5] if not len(edges[0]) else edges[0]
    return cr.PiecewiseLinear(edges, int(rng.integers(1, 3)))


def _periodic(rng, width, depth):
    features = None if rng.random() < 0.5 else [int(rng.integers(width))]
    return cr.Periodic(int(rng.integers(1, 3)), int(rng.integers(1, 4)), 0.5, features)


def _embedding(rng, width, depth):
    levels = rng.integers(0, 4, width)
    levels[0] += 1
    return cr.Embedding(levels.tolist(), int(rng.integers(1, 3)))


def _members(rng, width, depth):
    inner = some_layers(rng, width, depth + 1)
    return cr.Members(int(rng.integers(2, 4)), *inner, cr.Dense(1))


KINDS = {
    "dense": lambda rng, width, depth: cr.Dense(
        int(rng.integers(1, 4)), str(rng.choice(ACTIVATIONS))
    ),
    "dropout": lambda rng, width, depth: cr.Dropout(float(rng.choice([0.0, 0.25, 0.5]))),
    "activate": lambda rng, width, depth: cr.Activate(str(rng.choice(ACTIVATIONS))),
    "scale": lambda rng, width, depth: cr.Scale(),
    "layer_norm": lambda rng, width, depth: cr.LayerNorm(0.1),
    "rms_norm": lambda rng, width, depth: cr.RMSNorm(0.1),
    "batch_norm": lambda rng, width, depth: cr.BatchNorm(),
    "residual": _residual,
    "periodic": _periodic,
    "piecewise_linear": _piecewise,
    "embedding": _embedding,
    "members": _members,
}
"""A random layer of a kind for so many inputs; `depth` is how deep it stands within others. Kinds
that have no row here come up as the example that they give of themselves."""


def some_layers(rng, width, depth=0):
    """Up to three layers, of kinds that may stand there."""
    kinds = [kind for kind in LAYERS if kind != "members" and (depth < 2 or kind != "residual")]
    layers = []
    for _ in range(int(rng.integers(0 if depth else 1, 4 - depth))):
        kind = str(rng.choice(kinds))
        made = KINDS.get(kind, lambda rng, width, depth, kind=kind: LAYERS[kind].example(width))
        layers.append(made(rng, width, depth))
        width = layers[-1].outputs(width)
    return layers


class Case(NamedTuple):
    """A problem, and what is asked of it."""

    p: Problem
    of: str
    draw: cr.Draw | None
    w: Any


def network(seed):
    """A random network: over 200 seeds each kind and each loss comes up many times."""
    rng = np.random.default_rng(seed)
    loss = ROWS[seed % len(ROWS)]
    group = losses.loss(loss).group
    width = int(rng.integers(1, 4))
    layers = some_layers(rng, width)
    last = cr.Dense(group * (1 if loss in HEADS else int(rng.integers(1, 3))))
    if seed % 4 == 3:
        k = int(rng.integers(1, 4))
        outer, inner = layers[:1], layers[1:]
        layers = [*outer, cr.Members(k, *inner, last, full=seed % 8 == 3)]
    else:
        layers.append(last)
    more = {"l1": float(rng.choice([0.0, 0.01])), "l2": float(rng.choice([0.0, 0.1]))}
    reduction = "sum" if seed % 11 == 5 else "mean"
    return cr.Network(width, layers, loss=loss, reduction=reduction, **more)


@functools.cache
def case(seed):
    """A problem, and a random parameter, input or unit of it."""
    net, rng = network(seed), np.random.default_rng(seed + 1000)
    p = problem(net, n=1 if seed % 2 else int(rng.integers(2, 5)), seed=seed)
    at = Places.of(net)
    free = [name for name in at.shapes if name not in at.fixed]
    name = str(rng.choice(free))
    entry = ", ".join(str(rng.integers(size)) for size in at.shapes[name])
    asked = [f"{name}[{entry}]", f"{name}[{entry}]", f"x{rng.integers(net.inputs) + 1}", "cost"]
    over_batch = any(layer.over_batch for layer in net.layers)
    trains = seed % 3 == 0
    asked = asked[seed % 4 if seed % 4 < 2 else int(rng.integers(4))]
    weighted = seed % 5 == 0 and not (trains and over_batch)
    return Case(p, asked, p.draw if trains else None, p.w if weighted else None)


@functools.cache
def explained(seed, top=10):
    """The explanation of a case."""
    from chainrule.batches import Examples
    from chainrule.explanation.derivation import derive
    from chainrule.explanation.subjects import subject

    p, of, draw, w = case(seed)
    key = subject(of, Places.of(p.net))
    data = Examples(p.X, p.y, w)
    return Explanation(derive(p.net, p.params, data, key, top=top, draw=draw))


if __name__ == "__main__":
    from chainrule.explanation.text import Text

    lines = [
        made.line(step, Text())
        for made in map(explained, SEEDS)
        for step in made.derivation.steps()
    ]
    rounded = sum(line.rounded for line in lines)
    sys.stdout.write(f"{len(lines) - rounded} lines are true as printed, {rounded} are rounded\n")
