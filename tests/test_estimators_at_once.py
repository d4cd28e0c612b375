"""What an estimator predicts without scikit-learn's look at X is what it predicts with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule import engine

built = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

X = np.random.default_rng(0).normal(size=(30, 4))
CLASSES = np.repeat(["a", "b", "c"], 10)
LABELS = (X[:, :3] > 0).astype(int)
VALUES = X @ [1.0, -2.0, 0.5, 0.0]
OPTIONS: dict[str, Any] = {"hidden_layer_sizes": (5, 3), "tol": 1e9, "solver": "lbfgs"}

MODELS: dict[str, Callable[[Any], Any]] = {
    "classes": lambda X: cr.MLPClassifier(**OPTIONS).fit(X, CLASSES),
    "two classes": lambda X: cr.MLPClassifier(**OPTIONS).fit(X, CLASSES == "a"),
    "labels": lambda X: cr.MLPClassifier(**OPTIONS).fit(X, LABELS),
    "a number": lambda X: cr.MLPRegressor(**OPTIONS).fit(X, VALUES),
    "counts": lambda X: cr.MLPRegressor(**{**OPTIONS, "loss": "poisson"}).fit(X, abs(VALUES)),
    "numbers": lambda X: cr.MLPRegressor(**OPTIONS).fit(X, X[:, :2]),
    "scaled": lambda X: cr.MLPRegressor(scale_target=True, **OPTIONS).fit(X, VALUES),
}


def put(value: float) -> Any:
    new = X[:3].copy()
    new[1, 2] = value
    return new


PLAIN: dict[str, Any] = {
    "a row": X[:1],
    "rows": X,
    "float32": X.astype("float32")[:2],
    "integers": np.arange(8).reshape(2, 4),
    "truths": X[:2] > 0,
    "by columns": np.asfortranarray(X[:5]),
    "not contiguous": X[::-3, ::-1],
    "other bytes": X[:2].astype(">f8"),
    "half": X[:2].astype(np.float16),
}
OTHERS: dict[str, Any] = {
    "a list": X[:2].tolist(),
    "a frame": pd.DataFrame(X[:2], columns=list("wxyz")),
    "sparse": sparse.csr_array(X[:3]),
    "masked": np.ma.masked_greater(X[:2], 0.5),
    "missing": put(np.nan),
    "infinite": put(-np.inf),
    "too narrow": X[:2, :3],
    "one dimension": X[0],
    "no rows": X[:0],
    "objects": X[:2].astype(object),
    "texts": X[:2].astype(str),
    "complex": X[:2] * 1j,
    "moments": np.zeros((2, 4), "datetime64[s]"),
    "nothing": None,
}


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    return MODELS[request.param](X)


def told(predict: Callable[[], Any]) -> Any:
    try:
        return predict()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def same(model: Any, X: Any) -> None:
    got = told(lambda: model._predicted(X, "predict"))
    expected = told(lambda: model._predicted_with_care(X, "predict"))
    assert type(got) is type(expected)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_it_is_the_same_and_refused_in_the_same_words(model: Any, name: str) -> None:
    same(model, {**PLAIN, **OTHERS}[name])


@built
@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_scikit_learn_is_spared_where_X_is_plain(model: Any, name: str) -> None:
    made = model._predicted_at_once({**PLAIN, **OTHERS}[name])
    assert (made is not None) == (name in PLAIN)


@pytest.mark.parametrize("name", PLAIN)
def test_a_model_of_named_columns_says_that_they_are_missing(name: str) -> None:
    named = cr.MLPRegressor(**OPTIONS).fit(pd.DataFrame(X, columns=list("wxyz")), VALUES)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        named.predict(PLAIN[name])


@pytest.mark.parametrize("name", PLAIN)
def test_a_model_of_float32_reads_all_alike(name: str) -> None:
    for kind in ("classes", "numbers"):
        same(MODELS[kind](X.astype("float32")), PLAIN[name])


def test_the_reference_is_asked_where_it_is_wanted() -> None:
    model = cr.MLPRegressor(engine="reference", **OPTIONS).fit(X, VALUES)
    assert model._predicted_at_once(X[:1]) is None
    same(model, X[:1])


def test_before_a_fit_there_is_nothing() -> None:
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().predict(X)


def test_a_prediction_that_overflows_is_told_of() -> None:
    model = cr.MLPRegressor(loss="poisson", **OPTIONS).fit(X, abs(VALUES))
    *hidden, last = model.intercepts_
    model.intercepts_ = [*hidden, last + 1e4]
    with pytest.raises(FloatingPointError, match="the prediction of row"):
        model.predict(X)
