"""The sets that a page brings along: iris, digits, and the tutorials' example with its network."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.demo import worked_example
from chainrule.layers import Layer
from chainrule.trees import leaves, named_leaves

DIGITS = 300
"""How many of scikit-learn's 1,797 digits there are: 30 of each."""


def known_sets() -> dict[str, Any]:
    """Return each set by its name: names of its inputs, rows, and labels or values.

    Rows are divided by the divisor; without one, each column is standardised. A row of whole
    numbers may be a text, a sign for each.

    >>> {name: len(known["rows"]) for name, known in known_sets().items()}
    {'tutorial': 1, 'iris': 150, 'digits': 300}
    """
    return {"tutorial": _tutorial(), "iris": _iris(), "digits": _digits()}


def _tutorial() -> dict[str, Any]:
    """The example, and what the state of its network is."""
    net = worked_example.NET
    names = [name for name, _ in named_leaves(worked_example.START)]
    return {
        "inputs": ["i1", "i2"],
        "outputs": ["o1", "o2"],
        "rows": worked_example.X.tolist(),
        "values": worked_example.Y.tolist(),
        "divisor": 1,
        "state": {
            "net": {
                "layers": [_as_told(layer) for layer in net.layers],
                "loss": net.loss,
                "l1": net.l1,
                "l2": net.l2,
                "weights": [leaf.ravel().tolist() for leaf in leaves(worked_example.START)],
            },
            "run": {
                "optimizer": "sgd",
                "numbers": {"learning_rate": worked_example.SGD.learning_rate},
                "schedule": None,
                "batch": 1,
                "frozen": [name for name in names if name in worked_example.BIASES],
            },
        },
    }


def _as_told(layer: Layer) -> list[Any]:
    return [layer.kind, {k: v for k, v in vars(layer).items() if v is not None}]


def _iris() -> dict[str, Any]:
    from sklearn.datasets import load_iris

    found = load_iris()
    return {
        "inputs": [name.removesuffix(" (cm)") for name in found.feature_names],
        "rows": found.data.tolist(),
        "classes": found.target_names.tolist(),
        "labels": found.target.tolist(),
    }


def _digits() -> dict[str, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    kept = np.sort(
        np.concatenate([np.flatnonzero(y == digit)[: DIGITS // 10] for digit in range(10)])
    )
    return {
        "inputs": [f"x{k + 1}" for k in range(X.shape[1])],
        "rows": [
            "".join("0123456789abcdefg"[pixel] for pixel in row) for row in X[kept].astype(int)
        ],
        "classes": [str(digit) for digit in range(10)],
        "labels": y[kept].tolist(),
        "divisor": 16,
    }
