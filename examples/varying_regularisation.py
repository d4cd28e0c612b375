"""
How a penalty smooths a boundary
================================

``alpha`` is the factor of the penalty on the squares of the weights. With a small ``alpha``, the
boundary between two classes bends around single points (high variance); with a large one it is
nearly straight (high bias). Only ``alpha`` differs from left to right.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_circles, make_classification, make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier

# %%
# Three data sets in the plane
# ----------------------------

DATA = {
    "moons": make_moons(noise=0.3, random_state=0),
    "circles": make_circles(noise=0.2, factor=0.5, random_state=1),
    "clouds": make_classification(n_features=2, n_redundant=0, n_clusters_per_class=1,
                                  class_sep=1.2, random_state=0),
}  # fmt: skip
ALPHAS = (0.01, 0.1, 1.0, 3.0)

# %%
# The same network at each alpha
# ------------------------------
# Filled points are training data, hollow ones test data; the shade is the probability of the
# triangles' class.

figure, axes = plt.subplots(3, 4, figsize=(10, 7.5), layout="constrained")
accuracy = {}
for row, (name, (X, y)) in zip(axes, DATA.items(), strict=True):
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
    for ax, alpha in zip(row, ALPHAS, strict=True):
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
        fitted, new = model.score(X_train, y_train), model.score(X_test, y_test)
        accuracy[name, alpha] = fitted, new
        ax.set(xticks=[], yticks=[], ylabel="",
               xlabel=f"accuracy {fitted:.2f}, of new points {new:.2f}")  # fmt: skip
    row[0].set_ylabel(name)
for ax, alpha in zip(axes[0], ALPHAS, strict=True):
    ax.set_title(f"alpha {alpha:g}")

# %%
# The smaller alpha is, the better the training points are fitted. This is not true of new points:
# for the circles, accuracy is best at alpha 1.

for name in DATA:
    fitted = [accuracy[name, alpha][0] for alpha in ALPHAS]
    assert fitted == sorted(fitted, reverse=True)
assert max(ALPHAS, key=lambda alpha: accuracy["circles", alpha][1]) == 1
