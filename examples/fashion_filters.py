"""
What the first layer looks for
==============================

The weights of each hidden unit as a picture. Smooth pictures belong to units that have learnt
something; a picture that looks like noise is close to the unit's initial weights.

The data are Fashion-MNIST if Debian's package ``dataset-fashion-mnist`` is installed, otherwise
scikit-learn's small digits.
"""

import gzip
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from chainrule import MLPClassifier

# %%
# Pictures as rows of numbers from 0 to 1
# ---------------------------------------

FASHION = Path("/usr/share/datasets/fashion-mnist")


def values(name: str, start: int) -> np.ndarray:
    """The bytes of a file behind its header."""
    with gzip.open(FASHION / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=start)


if FASHION.exists():
    X = values("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
    y = values("train-labels-idx1-ubyte.gz", 8)
else:
    digits, y = load_digits(return_X_y=True)
    X = (digits / 16).astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
print(f"{X.shape[0]:,} pictures of {X.shape[1]} pixels")

# %%
# Eight epochs
# ------------

model = MLPClassifier((40,), solver="sgd", learning_rate_init=0.2, max_iter=8, random_state=1)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # eight epochs are enough to see
    model.fit(X_train, y_train)
print(f"accuracy on new pictures: {model.score(X_test, y_test):.3f}")

# %%
# The weights of the 40 hidden units
# ----------------------------------
# All pictures have one colour scale. Bright pixels raise the weighted input of a unit where its
# weights are violet, and lower it where they are orange.

weights, side = model.coefs_[0].T, int(X.shape[1] ** 0.5)
bound = float(np.quantile(np.abs(weights), 0.97))
figure, axes = plt.subplots(4, 10, figsize=(9, 3.7), layout="constrained")
for ax, unit in zip(axes.flat, weights, strict=True):
    picture = ax.imshow(unit.reshape(side, side), cmap="PuOr", interpolation="nearest",
                        vmin=-bound, vmax=bound)  # fmt: skip
    ax.set_axis_off()
figure.colorbar(picture, ax=axes, label="weight (per unit of a pixel)", extend="both")

assert model.score(X_test, y_test) > 0.8
