"""The estimators beside scikit-learn's own: names, defaults, attributes, methods, losses."""

import copy
import inspect
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import config_context, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

KINDS = {
    "MLPClassifier": (cr.MLPClassifier, neural_network.MLPClassifier),
    "MLPRegressor": (cr.MLPRegressor, neural_network.MLPRegressor),
}
SOLVERS = ("adam", "sgd", "lbfgs")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = {
    "MLPClassifier": (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(int),
    "MLPRegressor": X @ [1, 2, 0, -1],
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
kinds = pytest.mark.parametrize("kind", KINDS)


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@kinds
def test_parameters_have_the_same_names_places_and_defaults(kind):
    ours, theirs = (inspect.signature(each).parameters for each in KINDS[kind])
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default, name
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            assert list(ours).index(name) == list(theirs).index(name)
    own = [parameter for name, parameter in ours.items() if name not in theirs]
    assert {parameter.kind for parameter in own} == {inspect.Parameter.KEYWORD_ONLY}


@kinds
def test_methods_take_the_same_arguments(kind):
    ours, theirs = KINDS[kind]
    for name in public(theirs()):
        method = getattr(theirs(), name)
        if callable(method) and not name.startswith("set_"):
            given = inspect.signature(method).parameters
            taken = inspect.signature(getattr(ours(), name)).parameters
            assert list(taken)[: len(given)] == list(given), name
            assert [p.default for p in taken.values()][: len(given)] == [
                p.default for p in given.values()
            ]


@kinds
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_leaves_the_same_attributes(kind, solver, early_stopping):
    options = {"solver": solver, "early_stopping": early_stopping, "max_iter": 5, "random_state": 0}
    ours, theirs = (
        each(**options).fit(pd.DataFrame(X, columns=list("abcd")), Y[kind]) for each in KINDS[kind]
    )
    # scikit-learn's regressor shows a partial_fit that lbfgs cannot do
    assert public(theirs) - {"partial_fit"} <= public(ours)
    for name in sorted(public(theirs) - {"partial_fit"}):
        a, b = getattr(ours, name), getattr(theirs, name)
        if name.endswith("_"):
            assert isinstance(a, type(b)) or np.isscalar(a), name
    assert [w.shape for w in ours.coefs_] == [w.shape for w in theirs.coefs_]
    assert [b.shape for b in ours.intercepts_] == [b.shape for b in theirs.intercepts_]
    for name in ("t_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert list(ours.feature_names_in_) == list("abcd")


@kinds
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "logistic", "hidden_layer_sizes": (5, 3)},
        {"activation": "tanh", "alpha": 0.5},
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.1},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "alpha": 0.1, "activation": "identity"},
        {"beta_1": 0.5, "beta_2": 0.9},
    ],
    ids=str,
)
def test_a_full_batch_goes_the_same_way(kind, options, dtype):
    """Where no order of the examples matters, the losses are those of scikit-learn."""
    options = {"max_iter": 12, "shuffle": False, "random_state": 3, **options}
    weight = RNG.uniform(0.5, 2, size=len(X))
    ours, theirs = (
        each(**options).fit(X.astype(dtype), Y[kind], sample_weight=weight) for each in KINDS[kind]
    )
    # scikit-learn's Adam adds epsilon at another place; L-BFGS searches along lines, where
    # roundings grow
    exact = options.get("solver") == "sgd" and dtype == "float64"
    tolerance = 1e-10 if exact else 2e-3
    assert {array.dtype for array in ours.coefs_ + ours.intercepts_} == {np.dtype(dtype)}
    if options.get("solver") == "lbfgs":
        np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=0.02)
        return
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=tolerance)
    np.testing.assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=tolerance)
    arrays = ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_
    for a, b in zip(*arrays, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


@kinds
def test_patience_ends_where_that_of_scikit_learn_does(kind):
    options = {"max_iter": 300, "shuffle": False, "random_state": 0, "tol": 0.02}
    options |= {"n_iter_no_change": 3, "learning_rate_init": 0.05}
    ours, theirs = (each(**options).fit(X, Y[kind]) for each in KINDS[kind])
    assert 5 < ours.n_iter_ == theirs.n_iter_ < 300


def table(name):
    columns = list("abcd")
    return {
        "pandas": lambda: pd.DataFrame(X, columns=columns),
        "polars": lambda: pl.DataFrame(X, schema=columns),
        "pyarrow": lambda: pa.table({c: X[:, k] for k, c in enumerate(columns)}),
        "csr": lambda: sparse.csr_array(X),
        "csc": lambda: sparse.csc_matrix(X),
        "list": X.tolist,
        "fortran": lambda: np.asfortranarray(X),
    }[name]()


@kinds
@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow", "csr", "csc", "list", "fortran"])
def test_tables_and_sparse_matrices_are_as_good_as_arrays(kind, name):
    given, make = table(name), KINDS[kind][0]
    model = make(max_iter=5, random_state=0).fit(given, Y[kind])
    plain = make(max_iter=5, random_state=0).fit(X, Y[kind])
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    np.testing.assert_allclose(model.predict(given), plain.predict(X), rtol=1e-12)
    if name in ("pandas", "polars", "pyarrow"):
        assert list(model.feature_names_in_) == list("abcd")
        with pytest.raises(ValueError, match="feature names"):
            model.predict(pd.DataFrame(X, columns=list("dcba")))
        early = make(max_iter=3, random_state=0, early_stopping=True, scoring="neg_max_error")
        if kind == "MLPRegressor":  # scoring within the fit warns of no missing names
            early.fit(given, Y[kind], X_val=given, y_val=Y[kind])


@kinds
@pytest.mark.parametrize("name", ["torch", "array_api_strict"])
def test_arrays_of_other_libraries_come_back_as_they_went_in(kind, name):
    xp = pytest.importorskip(name)
    model = KINDS[kind][0](max_iter=5, random_state=0)
    predicted = model.fit(xp.asarray(X), xp.asarray(Y[kind])).predict(xp.asarray(X))
    assert type(predicted) is type(xp.asarray(X))
    plain = KINDS[kind][0](max_iter=5, random_state=0).fit(X, Y[kind])
    np.testing.assert_array_equal(np.asarray(predicted), plain.predict(X))
    assert type(model.activations(xp.asarray(X))[0]) is type(predicted)


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": lambda model: joblib.Parallel(n_jobs=1)([joblib.delayed(copy.copy)(model)])[0],
    "deepcopy": copy.deepcopy,
}


@kinds
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_predicts_the_same(kind, way):
    model = KINDS[kind][0](max_iter=5, random_state=0).fit(X, Y[kind])
    twin = COPIES[way](model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert not hasattr(clone(model), "parameters_")
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


META = {
    "pipeline": lambda m: make_pipeline(StandardScaler(), m),
    "grid": lambda m: GridSearchCV(m, {"alpha": [1e-4, 1.0], "solver": ["adam", "lbfgs"]}, cv=2),
    "threads": lambda m: GridSearchCV(m, {"alpha": [1e-4, 1.0]}, cv=2, n_jobs=2),
}


@kinds
@pytest.mark.parametrize("name", META)
def test_it_takes_part_in_what_is_made_of_estimators(kind, name):
    model = META[name](KINDS[kind][0](max_iter=60, learning_rate_init=0.05, random_state=0))
    assert model.fit(X, Y[kind]).score(X, Y[kind]) > 0.8


@kinds
def test_cross_validation(kind):
    model = KINDS[kind][0](max_iter=60, learning_rate_init=0.05, random_state=0)
    assert cross_val_score(model, X, Y[kind], cv=3).min() > 0.4


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_calibration(loss):
    model = cr.MLPClassifier(loss=loss, max_iter=60, random_state=0)
    calibrated = CalibratedClassifierCV(model, cv=2).fit(X, Y["MLPClassifier"])
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)


@kinds
def test_weights_are_routed(kind):
    weight = np.r_[np.zeros(20), np.ones(40)]
    with config_context(enable_metadata_routing=True):
        model = KINDS[kind][0](max_iter=20, random_state=0).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipe = make_pipeline(scaler, model).fit(X, Y[kind], sample_weight=weight)
    Z = pipe[0].transform(X)
    alone = KINDS[kind][0](max_iter=20, random_state=0).fit(Z, Y[kind], sample_weight=weight)
    np.testing.assert_array_equal(pipe[-1].coefs_[0], alone.coefs_[0])


@kinds
def test_weights_can_be_set_and_training_goes_on_from_them(kind):
    model = KINDS[kind][0](max_iter=3, random_state=0, warm_start=True).fit(X, Y[kind])
    model.coefs_ = [np.zeros_like(W) for W in model.coefs_]
    model.intercepts_ = [np.zeros_like(b) for b in model.intercepts_]
    assert np.ptp(model.predict(X)) == 0
    model.fit(X, Y[kind])
    assert model.intercepts_[-1].any()


WARNED = {
    "batch_size=1000 is more than the 60 examples": {"batch_size": 1000},
    "Maximum iterations (1) reached": {"max_iter": 1},
    "raise max_iter=1, or scale the columns of X": {"solver": "lbfgs", "max_iter": 1},
    "raise max_fun=1, or scale the columns of X": {"solver": "lbfgs", "max_fun": 1},
}


@kinds
def test_a_column_of_targets_warns_at_the_line_that_called(kind):
    model = KINDS[kind][0](max_iter=9, tol=1e9, n_iter_no_change=1)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed") as caught:
        model.fit(X, Y[kind][:, None])
    assert {row.filename for row in caught} == {__file__}


@kinds
@pytest.mark.parametrize(("message", "options"), WARNED.items())
def test_warnings_point_at_the_line_that_called(kind, message, options):
    model = KINDS[kind][0](**{"max_iter": 2, **options})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y[kind])
    assert ConvergenceWarning in {row.category for row in caught}
    assert {row.filename for row in caught} == {__file__}
    assert any(message in str(row.message) for row in caught)


def test_explain_is_the_chain_rule_of_the_fitted_network() -> None:
    X, y = np.array([[0.0, 1.0], [1.0, 0.5], [0.5, 0.0]] * 4), ["no", "yes", "yes"] * 4
    table = pd.DataFrame(X, columns=["age", "income"])
    model = cr.MLPClassifier(3, max_iter=20, random_state=0, alpha=0.1).fit(table, y)
    for given, wanted, rows in ((X[0], y[0], slice(1)), (table, y, slice(None))):
        explained = model.explain(given, wanted, of="w2")
        gradient = model.gradient(table[rows], y[rows])
        assert explained.steps[-1].value == pytest.approx(gradient[0].W[0, 1], rel=1e-12)
    assert "income" in explained.text()
