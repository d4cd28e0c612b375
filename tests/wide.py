"""Random networks over the whole range of double precision, explained in all the ways there are.

Weights of 1e-30 to 1e30, and inputs as tables have them before they are scaled: ages, prices, ids
of 19 digits; subnormal and huge numbers too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule import losses
from chainrule.explanation.unit_places import Places
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.targets import sample
from explained import SUBJECTS, subject_of
from strategies import HEADS, last
from tables import ELEMENTWISE

ACTIVATIONS = [*ELEMENTWISE, "sigmoid(4)", "leaky_relu(0.2)", "elu(0.5)", "softmax"]
ROWS = [*LOSSES, "huber(0.5)", "quantile(0.1, 0.9)", "cross_entropy(0.1)", *HEADS]
RATES = [0.5, 0.1, 1e-3, 1e-30, 1e10]
RULES = [
    *OPTIMIZERS.values(),
    lambda rate: cr.SGD(rate, momentum=0.9),
    lambda rate: cr.SGD(rate, momentum=0.9, nesterov=True),
    lambda rate: cr.SGD(rate, momentum=0.9, dampening=0.9),
    lambda rate: cr.Lion(rate, weight_decay=0.1),
]
EDGES = [0.0, -0.0, 5e-324, -1e-310, 1e-45, 1.5, -1e300, 1.7e308]

WEIGHTS = [
    lambda rng, shape: rng.normal(size=shape),
    lambda rng, shape: rng.normal(size=shape) * 10 ** rng.uniform(-30, 30),
    lambda rng, shape: rng.normal(size=shape) * 10 ** rng.uniform(-30, 30, size=shape),
    lambda rng, shape: rng.normal(size=shape) * 10 ** rng.uniform(-3, 4, size=shape),
    lambda rng, shape: np.round(rng.normal(size=shape) * 2) / 2,
]
INPUTS = [
    lambda rng, shape: rng.normal(size=shape),
    lambda rng, shape: rng.integers(18, 90, size=shape).astype(float),
    lambda rng, shape: np.round(rng.lognormal(5, 2, size=shape), 2),
    lambda rng, shape: rng.integers(10**17, 10**19, size=shape, dtype=np.uint64).astype(float),
    lambda rng, shape: rng.normal(size=shape) * 10 ** rng.uniform(-38, 38, size=shape),
    lambda rng, shape: rng.normal(size=shape) * 10 ** rng.uniform(-323, 300, size=shape),
    lambda rng, shape: rng.choice(EDGES, size=shape),
]


class Wide(NamedTuple):
    """A network with its data, and what else an explanation of it is told."""

    rng: Any
    net: cr.Network
    params: Any
    X: Any
    y: Any
    options: dict[str, Any]


def drawn(rng: Any, kinds: list[Any], shape: Any) -> Any:
    return kinds[rng.integers(len(kinds))](rng, shape)


def wide(seed: int) -> Wide:
    """Return a random network with data."""
    rng = np.random.default_rng([7, seed])
    loss = ROWS[rng.integers(len(ROWS))]
    group, layers, depth = losses.loss(loss).group, [], int(rng.integers(1, 4))
    for k in range(depth):
        name = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
        name = last(name, loss) if k == depth - 1 else name
        times = 1 if loss in HEADS else int(rng.integers(1, 4))
        layers.append(cr.Dense(group * times, name))
        if rng.random() < 0.15:
            layers.append(cr.Dropout(0.5))
    l1, l2 = (float(rng.choice([0, 0, 0.1, 1e-20])) for _ in range(2))
    reduction = str(rng.choice(["mean", "sum"]))
    net = cr.Network(int(rng.integers(1, 4)), layers, loss, l1=l1, l2=l2, reduction=reduction)
    params = tuple(
        type(own)(*(drawn(rng, WEIGHTS, leaf.shape) for leaf in own)) if own else own
        for own in net.init(0, "float64")
    )
    n, target = int(rng.choice([1, 1, 2, 3])), losses.loss(loss).target
    y = sample(target, rng, n, net.outputs)
    if target == "real" and rng.random() < 0.7:
        y = drawn(rng, INPUTS, np.shape(y))
    w = rng.uniform(0.1, 2, n) * 10.0 ** rng.integers(-5, 5) if rng.random() < 0.3 else None
    return Wide(rng, net, params, drawn(rng, INPUTS, (n, net.inputs)), y, {"sample_weight": w})


def optimizer(rng: Any) -> cr.optimizers.Optimizer:
    return RULES[rng.integers(len(RULES))](float(rng.choice(RATES)))


def explained(seed: int) -> Any:
    """Explain something of a random network: a step of a run, of a training, or none.

    Raises ValueError, or DivergenceError, where a number is not finite.
    """
    rng, net, params, X, y, options = wide(seed)
    at = Places.of(net)
    of = subject_of(SUBJECTS[rng.integers(len(SUBJECTS))], at, rng)
    more = {"top": int(rng.choice([1, 2, 10])), "digits": int(rng.integers(2, 17))}
    more = more if rng.random() < 0.15 else {"top": more["top"]}
    size = int(rng.integers(1, 3))
    if rng.random() < 0.25:
        clip = {"clip_norm": 1.0} if rng.random() < 0.3 else {}
        options |= {"epochs": 3, "batch_size": size, "engine": "reference", **clip}
        with np.errstate(all="ignore"):
            _, history = cr.fit(net, params, X, y, optimizer(rng), record=True, **options)
        return cr.explain_step(
            history, step=int(rng.integers(1, history.at.step + 1)), of=of, **more
        )
    if rng.random() < 0.15 and at.widths[1] > 1:
        params[0].b[:] = params[0].b[0]
        options["ties"] = [[f"b{k + 1}" for k in range(at.widths[1])]]
    if rng.random() < 0.6:
        options["optimizer"] = optimizer(rng)
        if rng.random() < 0.3:
            options |= {"step": int(rng.integers(1, 4)), "batch_size": size}
    return cr.explain(net, params, X, y, of=of, **options, **more)
