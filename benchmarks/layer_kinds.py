"""Each kind of layer: its gradient checked, the engine beside the core, its lines explained.

| column | is |
|---|---|
| gradient | the largest relative difference from central differences, training or predicting |
| float64, float32 | that of the engine's parameters from the core's, after 20 steps and more |
| threads | whether 1, 2 and 3 threads come to the same bits |
| lines | of the explanations of all parameters: true as printed, and marked as rounded |
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.engine import native_run
from chainrule.explanation.text import Text
from chainrule.layers import LAYERS
from chainrule.trees import leaves, named_leaves

SEEDS = range(5)
ROWS = 14


def network(kind: str) -> cr.Network:
    """A layer of the kind between two dense ones; members come last, as they must."""
    layer = LAYERS[kind].example(5)
    behind = [] if layer.members > 1 else [cr.Dense(2)]
    return cr.Network(3, [cr.Dense(5, "tanh"), layer, *behind], "half_squared_error", l2=0.01)


def data(net: cr.Network, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, 3)), rng.normal(size=(ROWS, net.outputs))


def gradient(net: cr.Network) -> float:
    """The largest relative error of the gradient."""
    return max(
        cr.check_gradient(
            net, net.init(seed, "float64"), *data(net, seed), draw=draw
        ).relative_error
        for seed in SEEDS
        for draw in (None, cr.Draw(seed, 1))
    )


def trained(net: cr.Network, dtype: str, seed: int, **options: Any) -> list[Any]:
    X, y = data(net, seed)
    params, _ = cr.fit(
        net, net.init(seed, dtype), X, y, cr.SGD(0.05, 0.9), epochs=6, batch_size=4, **options
    )
    return leaves(params)


def parity(net: cr.Network, dtype: str) -> float:
    """The largest relative difference between engine and core, of an array of parameters."""
    differences = []
    for seed in SEEDS:
        made = (trained(net, dtype, seed, engine=engine) for engine in ("native", "reference"))
        for a, b in zip(*made, strict=True):
            differences.append(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-3))
    return float(max(differences))


def same_bits(net: cr.Network, dtype: str) -> bool:
    """Whether the number of threads changes no bit."""
    native_run.useful_threads = lambda net, batch, most=None: most or 1  # as many as are asked for
    made = [trained(net, dtype, 0, engine="native", threads=threads) for threads in (1, 2, 3)]
    return all(np.array_equal(a, b) for a, b, c in zip(*made, strict=True) for b in (b, c))


def lines(net: cr.Network) -> tuple[int, int]:
    """How many lines of explanations are true as they stand, and how many are rounded."""
    params, (X, y), rounded = net.init(0, "float64"), data(net, 0), []
    for name, leaf in named_leaves(params):
        if net.roles[name] is cr.Role.STATISTIC:
            continue
        of = f"{name}[{', '.join('0' * leaf.ndim)}]"
        made = cr.explain(net, params, X[0], y[0], of=of)
        rounded += [made.line(step, Text()).rounded for step in made.derivation.steps()]
    return len(rounded) - sum(rounded), sum(rounded)


def main() -> None:
    write = sys.stdout.write
    write(
        f"{'kind':17} {'gradient':>9} {'float64':>9} {'float32':>9} {'threads':>8} {'lines':>12}\n"
    )
    for kind in LAYERS:
        net = network(kind)
        bits = all(same_bits(net, dtype) for dtype in ("float32", "float64"))
        true, rounded = lines(net)
        write(
            f"{kind:17} {gradient(net):9.1e} {parity(net, 'float64'):9.1e} "
            f"{parity(net, 'float32'):9.1e} {'the same' if bits else 'DIFFER':>8} "
            f"{true:>6,} + {rounded}\n"
        )


if __name__ == "__main__":
    main()
