"""How fast the training loss falls: plain descent, momentum, a falling rate, and Adam.

Four small data sets, scaled to [0, 1]; each strategy starts from the same weights. Which one wins
depends on the learning rate too, so this is a picture of four data sets, not a ranking.
"""

from __future__ import annotations

import warnings
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_iris, make_circles, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler

from chainrule import MLPClassifier
from saving import save

SGD = {"solver": "sgd", "learning_rate_init": 0.2, "momentum": 0.0}
MOMENTUM = {**SGD, "momentum": 0.9, "nesterovs_momentum": False}
STRATEGIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "constant rate": (SGD, "-", "#0072B2"),
    "with momentum": (MOMENTUM, "--", "#0072B2"),
    "with Nesterov's momentum": ({**MOMENTUM, "nesterovs_momentum": True}, ":", "#0072B2"),
    "falling rate": ({**SGD, "learning_rate": "invscaling"}, "-o", "#D55E00"),
    "falling rate, momentum": ({**MOMENTUM, "learning_rate": "invscaling"}, "--s", "#D55E00"),
    "Adam": ({"solver": "adam", "learning_rate_init": 0.01}, "-", "black"),
    "NAdam": ({"solver": "nadam", "learning_rate_init": 0.01}, "--", "black"),
    "Lion": ({"solver": "lion", "learning_rate_init": 0.002}, ":", "black"),
}


def data() -> dict[str, tuple[Any, Any, int]]:
    """X, y and the number of epochs."""
    return {
        "iris": (*load_iris(return_X_y=True), 200),
        "digits": (*load_digits(return_X_y=True), 15),
        "circles": (*make_circles(noise=0.2, factor=0.5, random_state=1), 200),
        "moons": (*make_moons(noise=0.3, random_state=0), 200),
    }


def draw(quick: bool) -> Figure:
    """One panel for each data set."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
    for ax, (name, (X_raw, y, epochs)) in zip(axes.flat, data().items(), strict=True):
        X = MinMaxScaler().fit_transform(X_raw)
        for strategy, (parameters, style, colour) in STRATEGIES.items():
            model = MLPClassifier(max_iter=5 if quick else epochs, random_state=0, **parameters)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # that is the picture
                model.fit(X, y)
            ax.plot(range(1, model.n_iter_ + 1), model.loss_curve_, style, color=colour,
                    label=strategy, markevery=0.1, markersize=4,
                    linewidth=1.8 if colour == "black" else 1.3)  # fmt: skip
            print(f"{name:<8} {strategy:<26} {model.n_iter_:>4} epochs, loss {model.loss_:.4f}, "
                  f"accuracy {model.score(X, y):.3f}")  # fmt: skip
        ax.set(title=name, xlabel="epoch", ylabel="training loss (cross-entropy)", yscale="log")
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
                  frameon=False)  # fmt: skip
    return figure


if __name__ == "__main__":
    save(draw, __file__)
