"""
Seven classifiers, three data sets
==================================

The decision boundary of each classifier. The perceptron's is made of the straight pieces of its
rectifiers, and its probabilities change gradually where the classes mix. No ranking for data with
many columns follows from this.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_circles, make_classification, make_moons
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

CLASSIFIERS = {
    "perceptron": MLPClassifier(alpha=1, max_iter=1000, random_state=0),
    "logistic regression": LogisticRegression(),
    "nearest neighbours": KNeighborsClassifier(5),
    "Gaussian process": GaussianProcessClassifier(random_state=0),
    "decision tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "random forest": RandomForestClassifier(max_depth=5, n_estimators=30, random_state=0),
    "naive Bayes": GaussianNB(),
}
DATA = {
    "moons": make_moons(noise=0.3, random_state=0),
    "circles": make_circles(noise=0.2, factor=0.5, random_state=1),
    "clouds": make_classification(n_features=2, n_redundant=0, n_clusters_per_class=1,
                                  class_sep=1.2, random_state=0),
}  # fmt: skip

# %%
# One row for each data set, one column for each classifier
# ---------------------------------------------------------
# The points are test points; the number below is the accuracy on them.

figure, axes = plt.subplots(3, len(CLASSIFIERS), figsize=(13.3, 6.4), layout="constrained")
accuracy = {}
for row, (data, (X, y)) in zip(axes, DATA.items(), strict=True):
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
    for ax, (name, classifier) in zip(row, CLASSIFIERS.items(), strict=True):
        model = make_pipeline(StandardScaler(), clone(classifier)).fit(X_train, y_train)
        DecisionBoundaryDisplay.from_estimator(
            model, X, response_method="predict_proba", class_of_interest=1, ax=ax, cmap="PuOr",
            alpha=0.6, eps=0.3, levels=np.linspace(0, 1, 11), grid_resolution=60,
        )  # fmt: skip
        for label, marker, colour in ((0, "o", "#7f3b08"), (1, "^", "#2d004b")):
            ax.scatter(*X_test[y_test == label].T, s=16, marker=marker, facecolor="white",
                       edgecolor=colour, linewidth=0.8)  # fmt: skip
        accuracy[data, name] = model.score(X_test, y_test)
        ax.set(xticks=[], yticks=[], xlabel=f"{accuracy[data, name]:.2f}", ylabel="")
for ax, name in zip(axes[0], CLASSIFIERS, strict=True):
    ax.set_title(name, fontsize=10)

# %%
# A straight line cannot separate the circles. The perceptron can, and is nearly as accurate as the
# best classifier on each data set.

for data in DATA:
    each = {name: found for (own, name), found in accuracy.items() if own == data}
    assert each["perceptron"] >= max(each.values()) - 0.1
assert accuracy["circles", "logistic regression"] < 0.6
