"""What `estimators.py` fits: data sets, networks, epochs, and what is asked of each."""

from __future__ import annotations

import functools
import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import estimators

FASHION = Path("/usr/share/datasets/fashion-mnist")

MISSING = (
    f"Fashion-MNIST is missing, and its cases are left out: it is looked for in {FASHION}.\n"
    "On Debian and Ubuntu: apt-get install dataset-fashion-mnist. Elsewhere, put the four .gz "
    "files of\nhttps://github.com/zalandoresearch/fashion-mnist there."
)


class Data(NamedTuple):
    """Examples to train with and to test with."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any


def shipped(load: Callable[..., Any]) -> Data:
    """Return a data set of scikit-learn, a quarter of it to test with, standardised; float64."""
    X, y = load(return_X_y=True)
    classes = y if y.dtype.kind == "i" else None
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0, stratify=classes)
    scaler = StandardScaler().fit(X)
    return Data(scaler.transform(X), y, scaler.transform(X_test), y_test)


@functools.cache
def fashion() -> Data:
    """Return Fashion-MNIST: 60,000 and 10,000 pictures of 28 × 28 values from 0 to 1; float32."""

    def values(name: str, start: int) -> Any:
        with gzip.open(FASHION / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=start)

    def pictures(name: str) -> Any:
        return values(name, 16).reshape(-1, 784).astype(np.float32) / 255

    return Data(
        pictures("train-images-idx3-ubyte.gz"),
        values("train-labels-idx1-ubyte.gz", 8).astype(int),
        pictures("t10k-images-idx3-ubyte.gz"),
        values("t10k-labels-idx1-ubyte.gz", 8).astype(int),
    )


DATA: dict[str, Callable[[], Data]] = {
    "digits": functools.partial(shipped, load_digits),
    "breast cancer": functools.partial(shipped, load_breast_cancer),
    "wine": functools.partial(shipped, load_wine),
    "diabetes": functools.partial(shipped, load_diabetes),
    "Fashion-MNIST": fashion,
}
REGRESSION = {"diabetes"}


@dataclass(frozen=True)
class Case:
    """One row: data, hidden layers, epochs, and the goals; a goal that is None is not asked."""

    name: str
    data: str
    hidden: tuple[int, ...]
    epochs: int
    timed: int
    """How many epochs a fit has whose time is taken."""
    ratio: float | None = None
    """scikit-learn takes at least so many times Chainrule's time for an epoch."""
    score: float | None = None
    """The mean score on the test data is at least this."""
    both: dict[str, Any] = field(default_factory=dict)
    """Parameters of both, where the defaults are not enough."""
    ours: dict[str, Any] = field(default_factory=dict)
    """What scikit-learn's class has no parameters for."""

    @property
    def measure(self) -> str:
        """What the score is."""
        return "R²" if self.data in REGRESSION else "accuracy"

    @property
    def title(self) -> str:
        """The data and the network."""
        return f"{self.data}, {'-'.join(map(str, self.hidden))}"

    @property
    def available(self) -> bool:
        """Whether its data are here."""
        return self.data != "Fashion-MNIST" or FASHION.exists()


RECIPE_EPOCHS, RECIPE_BATCH = 20, 128
RECIPE = {
    "solver": cr.AdamW(
        cr.Cosine(1e-3, steps=RECIPE_EPOCHS * math.ceil(60_000 / RECIPE_BATCH)), weight_decay=0.1
    ),
    "dropout": 0.1,
    "alpha": 0.0,
    "batch_size": RECIPE_BATCH,
}

CASES = [
    Case("digits", "digits", (100,), 100, 50, ratio=5),
    Case("breast-cancer", "breast cancer", (100,), 100, 100, ratio=5),
    Case("wine", "wine", (100,), 100, 100, ratio=5),
    Case("diabetes", "diabetes", (100,), 100, 100, ratio=5, both={"learning_rate_init": 0.01}),
    Case("fashion-100", "Fashion-MNIST", (100,), 20, 5, ratio=5),
    Case("fashion-512-512", "Fashion-MNIST", (512, 512), 5, 2, ratio=2),
    Case("fashion-256-128-64", "Fashion-MNIST", (256, 128, 64), RECIPE_EPOCHS, 1, score=0.895,
         ours=RECIPE),
]  # fmt: skip

LIBRARIES = {"chainrule": estimators, "scikit-learn": sklearn.neural_network}


def model(case: Case, library: str, epochs: int, seed: int) -> Any:
    """Return a library's estimator that is to make exactly so many epochs."""
    kind = "MLPRegressor" if case.data in REGRESSION else "MLPClassifier"
    return getattr(LIBRARIES[library], kind)(
        hidden_layer_sizes=case.hidden,
        max_iter=epochs,
        tol=0,
        n_iter_no_change=10**9,
        random_state=seed,
        **case.both,
        **(case.ours if library == "chainrule" else {}),
    )
