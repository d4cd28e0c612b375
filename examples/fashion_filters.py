"""What the first layer looks for: the weights of each hidden unit as a picture.

The data are Fashion-MNIST, of Debian's package dataset-fashion-mnist, or scikit-learn's small
digits where it is missing. Smooth pictures are those of units that have learnt something; one that
looks like noise is close to the weights that it began with.
"""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from chainrule import MLPClassifier
from saving import save

FASHION = Path("/usr/share/datasets/fashion-mnist")


def data() -> tuple[str, Any, Any]:
    """The name of the data, pictures as rows of numbers from 0 to 1, and their classes."""
    if not FASHION.exists():
        X, y = load_digits(return_X_y=True)
        return "digits", (X / 16).astype(np.float32), y

    def values(name: str, start: int) -> Any:
        with gzip.open(FASHION / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=start)

    X = values("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
    return "Fashion-MNIST", X, values("train-labels-idx1-ubyte.gz", 8)


def draw(quick: bool) -> Figure:
    """The weights of 40 hidden units, on one scale for all."""
    name, X, y = data()
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=1000 if quick else None, test_size=500 if quick else None, random_state=0
    )
    model = MLPClassifier((40,), solver="sgd", learning_rate_init=0.2, alpha=1e-4, max_iter=8,
                          random_state=1)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # eight epochs are enough to see
        model.fit(X_train, y_train)
    accuracy = f"accuracy {model.score(X_train, y_train):.3f} of the training data, " \
               f"{model.score(X_test, y_test):.3f} of others"  # fmt: skip
    print(accuracy)
    weights, side = model.coefs_[0].T, int(X.shape[1] ** 0.5)
    bound = float(np.quantile(np.abs(weights), 0.97))
    figure, axes = plt.subplots(4, 10, figsize=(9, 3.7), layout="constrained")
    for ax, unit in zip(axes.flat, weights, strict=True):
        picture = ax.imshow(unit.reshape(side, side), cmap="PuOr", interpolation="nearest",
                            vmin=-bound, vmax=bound)  # fmt: skip
        ax.set_axis_off()
    figure.colorbar(picture, ax=axes, label="weight (per unit of a pixel)", extend="both")
    figure.suptitle(f"{name}: the first layer's weights; {accuracy}", fontsize=11)
    return figure


if __name__ == "__main__":
    save(draw, __file__)
