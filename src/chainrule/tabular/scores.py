r"""How good predictions are, beside what a guess without the inputs would reach.

y   (n,) labels, or (n, 1) values in their own units      p   (n, classes) probabilities, or (n, 1)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def classification_scores(y: Array, p: Array, weight: Array | None = None) -> dict[str, float]:
    r"""Return accuracy, log loss and the area under the ROC curve, which is left out where y has
    one class only; of several classes, it is the mean over each against the rest.

    >>> scores = classification_scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]))
    >>> scores["accuracy"], scores["roc_auc"]
    (1.0, 1.0)
    """
    from sklearn.metrics import log_loss, roc_auc_score

    p = p.astype(float)
    p /= p.sum(axis=1, keepdims=True)  # 1 to the last digit of float32 is not enough for log_loss
    scores = {
        "accuracy": float(np.average(p.argmax(axis=1) == y, weights=weight)),
        "log_loss": float(log_loss(y, p, labels=np.arange(p.shape[1]), sample_weight=weight)),
    }
    areas = []
    for k in range(1 if p.shape[1] == 2 else 0, p.shape[1]):
        of_class = y == k
        if of_class.any() and not of_class.all():
            areas.append(float(roc_auc_score(of_class, p[:, k], sample_weight=weight)))
    if areas:
        scores["roc_auc"] = float(np.mean(areas))
    return scores


def regression_scores(y: Array, p: Array, weight: Array | None = None) -> dict[str, float]:
    r"""Return the root of the mean squared error, the mean absolute error, and R².

    R² is left out where y has one value only.

    >>> regression_scores(np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]]))["r2"]
    0.5
    """
    error = (p - y).ravel().astype(float)
    squares = float(np.average(error**2, weights=weight))
    scores = {
        "rmse": squares**0.5,
        "mae": float(np.average(np.abs(error), weights=weight)),
    }
    mean = np.average(y.ravel(), weights=weight)
    spread = float(np.average((y.ravel() - mean) ** 2, weights=weight))
    if spread > 0:
        scores["r2"] = 1 - squares / spread
    return scores


def quantile_scores(
    y: Array, p: Array, levels: tuple[float, ...], weight: Array | None = None
) -> dict[str, float]:
    r"""Return the mean pinball loss of quantiles p (n, levels), and how often y lies between the
    first and the last, if there are several.

    >>> found = quantile_scores(np.array([[1.0], [2.0]]), np.array([[0.0, 2.0]] * 2), (0.1, 0.9))
    >>> found["coverage"], round(found["pinball"], 6)
    (1.0, 0.1)
    """
    q, error = np.asarray(levels), y - p
    pinball = np.maximum(q * error, (q - 1) * error).mean(axis=1)
    scores = {"pinball": float(np.average(pinball, weights=weight))}
    if len(levels) > 1:
        inside = (p[:, 0] <= y[:, 0]) & (y[:, 0] <= p[:, -1])
        scores["coverage"] = float(np.average(inside, weights=weight))
    return scores


WORDS = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "roc_auc": "AUC",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "r2": "R²",
    "pinball": "pinball loss",
    "coverage": "coverage",
}
"""The scores as they are shown."""
