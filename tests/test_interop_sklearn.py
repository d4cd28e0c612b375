"""Perceptrons of scikit-learn as networks: the same predictions, and its own gradient."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.trees import leaves

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
QUANTITY = X @ [1.0, -2.0, 0.5]
CASES = {
    "quantity": (MLPRegressor, {}, QUANTITY),
    "quantities": (MLPRegressor, {}, np.column_stack([QUANTITY, np.sin(QUANTITY)])),
    "counts": (MLPRegressor, {"loss": "poisson"}, RNG.poisson(np.exp(QUANTITY / 3))),
    "two classes": (MLPClassifier, {}, np.where(QUANTITY > 0, "up", "down")),
    "classes": (MLPClassifier, {}, np.digitize(QUANTITY, [-1, 1])),
    "labels": (MLPClassifier, {}, np.column_stack([QUANTITY > 0, X[:, 0] > 0]).astype(int)),
}


def fitted(kind, options, y, dtype="float64", **more):
    given = {"hidden_layer_sizes": (4, 3), "max_iter": 3, "random_state": 0} | options | more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**given).fit(X.astype(dtype), y)


def encoded(model, y):
    """The targets as scikit-learn compares with them, (n, outputs)."""
    if isinstance(model, MLPClassifier):
        y = model._label_binarizer.transform(y)
    return np.asarray(y, dtype=model.coefs_[0].dtype).reshape(len(X), -1)


def own_gradient(model, y, dtype):
    """Its gradient without the penalty, by its own backpropagation."""
    model.alpha = 0.0
    rows = X.astype(dtype)
    activations = [rows, *[None] * len(model.coefs_)]
    deltas = [None] * len(model.coefs_)
    coefs = [np.empty_like(W) for W in model.coefs_]
    intercepts = [np.empty_like(b) for b in model.intercepts_]
    activations = model._forward_pass([rows, *[np.empty(0)] * len(model.coefs_)])
    model._backprop(rows, encoded(model, y), None, activations, deltas, coefs, intercepts)
    return [leaf for W, b in zip(coefs, intercepts, strict=True) for leaf in (W.T, b)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("case", CASES)
def test_predictions_and_gradient_are_those_of_scikit_learn(case, activation, dtype):
    kind, options, y = CASES[case]
    model = fitted(kind, options, y, dtype, activation=activation)
    net, params = cr.from_sklearn(model)
    assert {leaf.dtype for leaf in leaves(params)} == {np.dtype(dtype)}
    rows = X.astype(dtype)
    predicted = cr.predict(net, params, rows)
    given = (model.predict_proba if kind is MLPClassifier else model.predict)(rows)
    if case == "two classes":
        given = given[:, 1]
    near = {"rtol": 1e-12, "atol": 1e-13} if dtype == "float64" else {"rtol": 2e-5, "atol": 1e-6}
    np.testing.assert_allclose(predicted, given.reshape(predicted.shape), **near)
    _, ours = cr.cost_and_gradient(net, params, rows, encoded(model, y))
    for one, other in zip(leaves(ours), own_gradient(model, y, dtype), strict=True):
        np.testing.assert_allclose(one, other, **near)


def test_integer_labels_are_places_in_classes():
    kind, options, y = CASES["classes"]
    model = fitted(kind, options, y)
    net, params = cr.from_sklearn(model)
    assert model.classes_.tolist() == [0, 1, 2]
    places = np.searchsorted(model.classes_, y)
    assert cr.cost(net, params, X, places) == cr.cost(net, params, X, encoded(model, y))


def test_the_penalty_is_that_of_scikit_learn_with_the_rows_of_a_batch():
    model = fitted(*CASES["quantity"], alpha=0.3)
    net, params = cr.from_sklearn(model)
    rows = 7
    with_l2 = cr.Network(net.inputs, net.layers, net.loss, l2=model.alpha / rows)
    penalty = cr.cost(with_l2, params, X, QUANTITY) - cr.cost(net, params, X, QUANTITY)
    squares = sum(float((W**2).sum()) for W in model.coefs_)
    np.testing.assert_allclose(penalty, 0.5 * 0.3 * squares / rows, rtol=1e-12)


def test_parameters_are_copies():
    model = fitted(*CASES["quantity"])
    _, params = cr.from_sklearn(model)
    before = [leaf.copy() for leaf in leaves(params)]
    for array in (*model.coefs_, *model.intercepts_):
        array[:] = 7.0
    assert all(np.array_equal(a, b) for a, b in zip(leaves(params), before, strict=True))


def nan_in(model):
    model.coefs_[1][2, 0] = np.nan
    return model


REFUSED = {
    "not fitted": (MLPRegressor, ValueError, "this MLPRegressor is not fitted"),
    "class": (lambda: MLPRegressor, TypeError, "got the class MLPRegressor: give an object"),
    "pipeline": (
        lambda: make_pipeline(StandardScaler(), MLPRegressor()),
        TypeError,
        r"a Pipeline: give its last step, model\[-1\], and rows that model\[:-1\] has transformed",
    ),
    "search": (
        lambda: GridSearchCV(MLPRegressor(), {"alpha": [1.0]}),
        TypeError,
        "a GridSearchCV: give its best_estimator_",
    ),
    "another kind": (LinearRegression, TypeError, "got a LinearRegression"),
    "path": (lambda: "model.pkl", TypeError, "got 'model.pkl'"),
    "our own": (
        lambda: cr.MLPRegressor(hidden_layer_sizes=2, solver="lbfgs").fit(X, QUANTITY),
        TypeError,
        "its network is model.network_, with model.parameters_",
    ),
    "nan": (
        lambda: nan_in(fitted(*CASES["quantity"])),
        ValueError,
        r"coefs_\[1\] must be finite, got nan at \(2, 0\); .* take parameters from before",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused(case):
    make, error, message = REFUSED[case]
    with pytest.raises(error, match=f"^from_sklearn: .*{message}"):
        cr.from_sklearn(make())
