"""scikit-learn: one multilayer perceptron, from given weights.

It has Adam, ReLU and tanh, but neither dropout nor AdamW nor SiLU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from cases import RATE, Problem
from interleaved import Start, in_one_call, one_by_one


def model(problem: Problem) -> Any:
    """Return a perceptron that has seen one batch, with its weights set to those of the problem."""
    case, y = problem.case, targets(problem)
    kind = MLPRegressor if case.loss == "mean_squared_error" else MLPClassifier
    perceptron = kind(
        hidden_layer_sizes=case.sizes[1:-1],
        activation=case.activation,
        alpha=0,
        batch_size=case.batch or case.rows,
        learning_rate_init=RATE,
        shuffle=case.batch is not None,
        tol=0,
        n_iter_no_change=10**9,
    )
    classes = {} if kind is MLPRegressor else {"classes": np.arange(max(2, case.sizes[-1]))}
    rows = slice(case.batch or case.rows)
    perceptron.partial_fit(problem.X[rows], y[rows], **classes)
    weights = problem.weights
    if case.sizes[-1] == 2:  # of two classes, it has the difference as its one output
        W, b = weights[-1]
        weights[-1] = W[1:] - W[:1], b[1:] - b[:1]
    for k, (W, b) in enumerate(weights):
        perceptron.coefs_[k][...] = W.T
        perceptron.intercepts_[k][...] = b
    return perceptron.set_params(warm_start=True)


def targets(problem: Problem) -> Any:
    """Return y as a perceptron takes it: classes as integers."""
    y = problem.y
    return y.ravel().astype(int) if problem.case.loss == "binary_cross_entropy" else y


def train(problem: Problem, cores: int) -> dict[str, Start]:
    """Several epochs in one call of fit, which goes on from the weights there are."""
    case, y = problem.case, targets(problem)
    if case.dropout or case.decay or case.activation not in ("relu", "tanh"):
        return {}
    times_loss = 2 if case.loss == "mean_squared_error" else 1  # it halves the squared error

    def begin() -> Any:
        perceptron = model(problem)

        def run(epochs: int) -> float:
            perceptron.set_params(max_iter=epochs).fit(problem.X, y)
            return float(perceptron.loss_) * times_loss

        return run

    return {"fit": in_one_call(begin)}


def predict_row(problem: Problem, cores: int) -> dict[str, Start]:
    """As for many rows."""
    return predict_rows(problem, cores)


def predict_rows(problem: Problem, cores: int) -> dict[str, Start]:
    """Probabilities, in float32 like the weights."""
    perceptron = model(problem)
    return {"predict_proba": one_by_one(lambda: perceptron.predict_proba(problem.X))}
