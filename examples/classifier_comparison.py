"""Seven classifiers on three toy data sets: how each draws its boundary.

The perceptron's boundary is made of the straight pieces of its rectifiers; its probabilities fade
where the classes mix. No ranking follows from this for data with many columns.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from chainrule import MLPClassifier
from saving import save
from varying_regularisation import data

CLASSIFIERS = {
    "perceptron": MLPClassifier(alpha=1, max_iter=1000, random_state=0),
    "logistic regression": LogisticRegression(),
    "nearest neighbours": KNeighborsClassifier(5),
    "Gaussian process": GaussianProcessClassifier(random_state=0),
    "decision tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "random forest": RandomForestClassifier(max_depth=5, n_estimators=30, random_state=0),
    "naive Bayes": GaussianNB(),
}


def draw(quick: bool) -> Figure:
    """One row for each data set, one column for each classifier."""
    classifiers = dict(list(CLASSIFIERS.items())[: 2 if quick else None])
    sets = data()
    figure, axes = plt.subplots(
        len(sets), len(classifiers), figsize=(1.9 * len(classifiers), 6.4), layout="constrained"
    )
    for row, (X, y) in zip(axes, sets.values(), strict=True):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
        for ax, (name, classifier) in zip(row, classifiers.items(), strict=True):
            model = make_pipeline(StandardScaler(), clone(classifier)).fit(X_train, y_train)
            DecisionBoundaryDisplay.from_estimator(
                model, X, response_method="predict_proba", class_of_interest=1, ax=ax, cmap="PuOr",
                alpha=0.6, eps=0.3, levels=np.linspace(0, 1, 11), grid_resolution=60,
            )  # fmt: skip
            for label, marker, colour in ((0, "o", "#7f3b08"), (1, "^", "#2d004b")):
                ax.scatter(*X_test[y_test == label].T, s=16, marker=marker, facecolor="white",
                           edgecolor=colour, linewidth=0.8)  # fmt: skip
            accuracy = f"{model.score(X_test, y_test):.2f}"
            ax.set(xticks=[], yticks=[], xlabel=accuracy, ylabel="")
            if ax in axes[0]:
                ax.set_title(name, fontsize=10)
    figure.suptitle("The test points, and the accuracy on them")
    return figure


if __name__ == "__main__":
    save(draw, __file__)
