"""Wrong labels rise to the top: examples ranked by how hard they pull at the weights.

One label in twenty is made wrong. After some epochs, the norm of each example's own gradient ranks
the examples, and those with wrong labels come first: the network contradicts them.
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from chainrule import MLPClassifier
from saving import save

WRONG = 0.05


def planted() -> tuple[Any, Any, Any]:
    """The digits, the labels with some made wrong, and the true ones."""
    X, true = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(true), round(WRONG * len(true)), replace=False)
    y = true.copy()
    y[chosen] = (y[chosen] + rng.integers(1, 10, len(chosen))) % 10
    return (X / 16).astype(np.float32), y, true


def ranking(X: Any, y: Any, epochs: int) -> Any:
    """The examples, from the one that pulls hardest to the one that pulls least."""
    model = MLPClassifier((64,), solver="adamw", dropout=0.2, random_state=0)
    for _ in range(epochs):
        model.partial_fit(X, y, classes=np.arange(10))
    return np.argsort(-model.example_gradient_norms(X, y))


def draw(quick: bool) -> Figure:
    """The share of wrong labels among the first ranks, and the first of them as pictures."""
    X, y, true = planted()
    order = ranking(X, y, 5 if quick else 60)
    wrong = (y != true)[order]
    share = np.cumsum(wrong) / np.arange(1, len(y) + 1)
    for k in (10, 25, 50, wrong.sum(), 2 * wrong.sum()):
        print(f"of the first {k:>3}, {share[k - 1]:.0%} have a wrong label")

    figure = plt.figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1))
    ax = left.subplots()
    ax.plot(np.arange(1, len(y) + 1), share, color="#0072B2", linewidth=2, label="by the gradient")
    ax.axhline(wrong.mean(), color="#666666", linestyle="--", label="in any order")
    ax.axvline(wrong.sum(), color="#666666", linestyle=":", label="as many as are wrong")
    ax.set(xlim=(1, 4 * wrong.sum()), ylim=(0, 1.02), xlabel="first ranks (examples)",
           ylabel="share of them whose label is wrong",
           title=f"{wrong.sum()} of {len(y):,} labels were made wrong")  # fmt: skip
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    for ax, k in zip(right.subplots(4, 7).flat, order[:28], strict=True):
        ax.imshow(X[k].reshape(8, 8), cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        right_one = y[k] == true[k]
        ax.set_title("label right" if right_one else f"“{y[k]}”, is {true[k]}", fontsize=8,
                     color="#0072B2" if right_one else "black")  # fmt: skip
    right.suptitle("The first 28 of the ranking, and what their labels say", fontsize=11)
    return figure


if __name__ == "__main__":
    save(draw, __file__)
