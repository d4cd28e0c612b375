"""How alpha, the penalty on the weights, smooths the boundary between two classes.

A small alpha lets the boundary bend around single points (high variance); a large one draws it
straight (high bias). The penalty is the only thing that differs from left to right.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import make_circles, make_classification, make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier
from saving import save

ALPHAS = (0.01, 0.1, 1.0, 3.0)


def data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Two moons, two circles, and two clouds with a straight line between them."""
    X, y = make_classification(
        n_features=2, n_redundant=0, n_clusters_per_class=1, class_sep=1.2, random_state=0
    )
    return {
        "moons": make_moons(noise=0.3, random_state=0),
        "circles": make_circles(noise=0.2, factor=0.5, random_state=1),
        "clouds": (X, y),
    }


def draw(quick: bool) -> Figure:
    """One row for each data set, one column for each alpha."""
    alphas = ALPHAS[::3] if quick else ALPHAS
    sets = data()
    figure, axes = plt.subplots(
        len(sets), len(alphas), figsize=(2.5 * len(alphas), 7.5), layout="constrained"
    )
    for row, (name, (X, y)) in zip(axes, sets.items(), strict=True):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
        for ax, alpha in zip(row, alphas, strict=True):
            perceptron = MLPClassifier((10, 10), solver="lbfgs", alpha=alpha, max_iter=2000,
                                       max_fun=20_000, random_state=1)  # fmt: skip
            model = make_pipeline(StandardScaler(), perceptron).fit(X_train, y_train)
            DecisionBoundaryDisplay.from_estimator(
                model, X, response_method="predict_proba", class_of_interest=1, ax=ax, cmap="PuOr",
                alpha=0.6, eps=0.3, levels=np.linspace(0, 1, 11), grid_resolution=60,
            )  # fmt: skip
            for label, marker, colour in ((0, "o", "#7f3b08"), (1, "^", "#2d004b")):
                for points, of, face in ((X_train, y_train, colour), (X_test, y_test, "white")):
                    ax.scatter(*points[of == label].T, s=16, marker=marker, facecolor=face,
                               edgecolor=colour, linewidth=0.8)  # fmt: skip
            ax.set(xticks=[], yticks=[], xlabel=f"test accuracy {model.score(X_test, y_test):.2f}",
                   ylabel="")  # fmt: skip
        row[0].set_ylabel(name)
    for ax, alpha in zip(axes[0], alphas, strict=True):
        ax.set_title(f"alpha {alpha:g}")
    figure.suptitle("Filled points train, hollow ones test; the shade is the probability")
    return figure


if __name__ == "__main__":
    save(draw, __file__)
