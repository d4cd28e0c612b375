"""What the estimators refuse: the type of the error, and what the message says."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.model_selection import ShuffleSplit

import chainrule as cr

T, V = TypeError, ValueError
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
LABELS, TARGETS = np.arange(20) % 3, X @ [1.0, 2.0, 3.0]
KINDS = {"classifier": (cr.MLPClassifier, LABELS), "regressor": (cr.MLPRegressor, TARGETS)}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def put(value, row=4, column=1):
    array = X.copy()
    array[row, column] = value
    return array


def table(value):
    return pd.DataFrame(put(value), columns=["height", "width", "depth"])


PARAMETERS = [
    ("solver", "adm", V, "unknown solver of MLP…; did you mean 'adam'"),
    ("solver", 3, T, "solver must be one of sgd, adagrad"),
    ("activation", "rellu", V, "unknown activation of MLP…; did you mean 'relu'"),
    ("activation", ["relu"] * 2, V, "one for each of the 1 hidden layers; got 2"),
    ("loss", "poison", V, "unknown loss of MLP…; did you mean 'poisson'"),
    ("learning_rate", "adaptiv", V, "did you mean 'adaptive'"),
    ("engine", "nativ", V, "did you mean 'native'"),
    ("hidden_layer_sizes", (10, 0), V, "hidden_layer_sizes must be a whole number >= 1, got 0"),
    ("alpha", -1.0, V, "alpha must be a finite number >= 0, got -1.0"),
    ("alpha", "much", T, "alpha must be a finite number >= 0, got 'much'"),
    ("l1", np.nan, V, "l1 must be a finite number >= 0, got nan"),
    ("batch_size", "all", T, "batch_size must be 'auto' or a whole number >= 1, got 'all'"),
    ("learning_rate_init", 0, V, "learning_rate_init must be a finite number > 0, got 0"),
    ("power_t", -1, V, "power_t must be"),
    ("max_iter", 0, V, "max_iter must be a whole number >= 1, got 0"),
    ("shuffle", "yes", T, "shuffle must be True or False, got 'yes'"),
    ("tol", -1, V, "tol must be"),
    ("verbose", -1, V, "verbose must be"),
    ("momentum", 2, V, "momentum must be a finite number >= 0 and < 1, got 2"),
    ("early_stopping", None, T, "early_stopping must be True or False, got None"),
    ("validation_fraction", 1.0, V, "validation_fraction must be"),
    ("beta_1", 1, V, "beta_1 must be"),
    ("beta_2", -0.1, V, "beta_2 must be"),
    ("epsilon", 0, V, "epsilon must be"),
    ("n_iter_no_change", 0, V, "n_iter_no_change must be"),
    ("max_fun", 0, V, "max_fun must be"),
    ("dropout", 1.0, V, "dropout must be a finite number >= 0 and < 1, got 1.0"),
    ("dropout", [0.1, 0.2], V, "dropout must be one value, or one for each of the 1"),
    ("clip_value", 0, V, "clip_value must be"),
    ("clip_norm", -1, V, "clip_norm must be"),
    ("metrics", "auc", T, 'metrics must be a mapping such as {"auc": "roc_auc"}'),
    ("metrics", {"a": "rocauc"}, V, "unknown scorer 'rocauc'; did you mean 'roc_auc'"),
    ("scoring", "acuracy", V, "unknown scorer 'acuracy'; did you mean 'accuracy'"),
    ("scoring", 3, T, "a scorer must be a name or a function of (model, X, y), got 3"),
    ("n_jobs", 0, V, "n_jobs must be None, a number of threads, or -1 for all; got 0"),
    ("random_state", "seed", V, "cannot be used to seed"),
    ("validation_split", [20], V, "the rows to hold out, from 0 to 19; got [20]"),
    ("validation_split", np.zeros(20, bool), V, "must leave examples on both sides"),
    ("validation_split", ShuffleSplit(n_splits=3), V, "must make one split, got 3"),
]


def says(error, parts):
    """Each part of a message, parted where the kind of the estimator stands."""
    return all(part in str(error.value) for part in parts.split("…"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value", "error", "message"), PARAMETERS, ids=[f"{p[0]}={p[1]}" for p in PARAMETERS]
)
def test_a_parameter_is_refused(kind, name, value, error, message):
    make, y = KINDS[kind]
    model = make(**{"max_iter": 2, name: value})
    with pytest.raises(error) as caught:
        model.fit(X, y)
    assert says(caught, message), caught.value
    assert not hasattr(model, "parameters_")


FIT = [
    ("nan in a column with a name", table(np.nan), {}, "X contains NaN.…column 'width', row 4"),
    ("nan in a column", put(np.nan), {}, "X contains NaN.…column 1, row 4"),
    ("infinity", put(np.inf), {}, "X contains infinity…column 1, row 4"),
    ("nan in polars", pl.DataFrame(put(np.nan), schema=["a", "b", "c"]), {}, "column 'b', row 4"),
    ("nan in sparse", sparse.csc_array(put(np.nan)), {}, "column 1, row 4"),
    ("masked", np.ma.masked_equal(X, X[4, 1]), {}, "X must have no masked values, got one at (4,"),
    ("weights of zero", X, {"sample_weight": np.zeros(20)}, "at least one weight above zero"),
    (
        "negative",
        X,
        {"sample_weight": -np.ones(20)},
        "sample_weight must hold weights >= 0, got -1",
    ),
    ("few weights", X, {"sample_weight": np.ones(3)}, "one weight for each of the 20 examples"),
    ("nan in weights", X, {"sample_weight": np.full(20, np.nan)}, "sample_weight must be finite"),
    ("text", [["a", "b"]] * 20, {}, "could not convert string to float"),
    ("one dimension", X[:, 0], {}, "Expected 2D array"),
    ("other lengths", X[:5], {}, "inconsistent numbers of samples"),
    ("half the validation", X, {"X_val": X}, "X_val was given without y_val"),
    ("other half", X, {"y_val": LABELS}, "y_val was given without X_val"),
    ("weights alone", X, {"sample_weight_val": [1]}, "sample_weight_val was given without X_val"),
    ("narrow validation", X, {"X_val": X[:, :2], "y_val": LABELS}, "has 2 features"),
    (
        "negative validation weights",
        X,
        {"X_val": X, "y_val": LABELS, "sample_weight_val": -np.ones(20)},
        "sample_weight_val must hold weights >= 0",
    ),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("given", "options", "message"), [row[1:] for row in FIT], ids=[r[0] for r in FIT]
)
def test_data_are_refused(kind, given, options, message):
    make, y = KINDS[kind]
    model = make(max_iter=2)
    with pytest.raises(V) as caught:
        model.fit(given, y, **options)
    assert says(caught, message), caught.value
    assert not hasattr(model, "n_features_in_")


DAYS = np.arange(20).astype("M8[D]")
MOMENTS = [
    (DAYS[:, None], "X must hold numbers, got datetime64[D] in column 0; turn it into"),
    (pd.DataFrame({"day": DAYS.astype("M8[ns]")}), "got datetime64[ns] in column 'day'"),
    (pd.DataFrame({"a": X[:, 0], "late": DAYS - DAYS[3]}), "got timedelta64[s] in column 'late'"),
    (pl.DataFrame({"a": X[:, 0], "at": DAYS.astype("M8[ms]")}), "in column 'at'; turn it into"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("given", "message"), MOMENTS)
def test_moments_are_no_numbers(kind, given, message):
    make, y = KINDS[kind]
    with pytest.raises(T) as caught:
        make(max_iter=2).fit(given, y)
    assert message in str(caught.value)


MISSING = [
    (["a", "b", np.nan, "c"] * 5, "nan in row 2"),
    ([None, "b"] * 10, "None in row 0"),
    (np.array(["a", "b", "a", np.nan] * 5, object), "nan in row 3"),
    (pd.Series(["a", pd.NA] * 10, dtype="string"), "<NA> in row 1"),
]


@pytest.mark.parametrize(("y", "message"), MISSING)
def test_a_missing_label_is_no_class(y, message):
    with pytest.raises(V) as caught:
        cr.MLPClassifier(max_iter=2).fit(X, y)
    assert f"Input y contains NaN or another missing value, {message}" in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("activation", ["relu", "identity", "tanh"])
@pytest.mark.parametrize("size", [1e200, 1e300])
def test_huge_values_never_make_a_model_that_is_not_finite(kind, solver, activation, size):
    make, y = KINDS[kind]
    model = make(max_iter=20, solver=solver, activation=activation, random_state=0)
    try:
        model.fit(X * size, y)
    except V:
        assert not hasattr(model, "parameters_")
        return
    assert activation == "tanh"  # which keeps them within bounds
    assert all(np.isfinite(array).all() for array in model.coefs_ + model.intercepts_)
    assert np.isfinite(model.loss_)


def test_values_beyond_the_dtype_are_refused():
    with pytest.raises(V, match="infinity"), np.errstate(over="ignore"):
        cr.MLPRegressor().fit((np.abs(X) * 1e200).astype(np.float32), TARGETS)


@pytest.mark.parametrize("kind", KINDS)
def test_constant_columns_are_taken(kind):
    make, y = KINDS[kind]
    model = make(max_iter=3).fit(np.c_[X, np.ones(20), np.zeros(20)], y)
    assert np.isfinite(model.loss_)


CLASSES = [
    (
        "one class",
        lambda m: m.fit(X, np.ones(20)),
        "needs at least two; y holds one class only, 1.0",
    ),
    ("one in classes", lambda m: m.partial_fit(X, [1] * 20, classes=[1]), "one class only"),
    ("no classes", lambda m: m.partial_fit(X, LABELS), "classes must be passed on the first"),
    ("numbers", lambda m: m.fit(X, TARGETS), "Unknown label type: continuous"),
    ("columns", lambda m: m.fit(X, np.c_[LABELS, LABELS]), "Multioutput target data is not"),
    ("nan", lambda m: m.fit(X, np.r_[np.nan, np.ones(19)]), "Input y contains NaN"),
    (
        "unseen",
        lambda m: m.partial_fit(X, LABELS, classes=[0, 1]),
        "`y` has classes not in `self.classes_`: [2]; known: [0, 1]",
    ),
    (
        "fewer classes in a warm start",
        lambda m: m.set_params(warm_start=True).fit(X, LABELS).fit(X, LABELS % 2),
        "the same classes as in the previous call to fit, [0, 1, 2]; `y` has [0, 1]",
    ),
    (
        "unseen in validation",
        lambda m: m.fit(X, LABELS, X_val=X, y_val=LABELS + 1),
        "`y` has classes not in `self.classes_`: [3]",
    ),
    (
        "other classes",
        lambda m: m.partial_fit(X, LABELS, classes=[0, 1, 2]).partial_fit(
            X, LABELS, classes=[0, 1]
        ),
        "is not the same as on last call to partial_fit",
    ),
    (
        "unknown class in class_weight",
        lambda m: m.set_params(class_weight={7: 2}).fit(X, LABELS),
        "class_weight names [7], which y does not hold; its classes are [0, 1, 2]",
    ),
    (
        "all weights zero by class",
        lambda m: m.set_params(class_weight=dict.fromkeys(range(3), 0)).fit(X, LABELS),
        "at least one weight above zero",
    ),
    ("counts", lambda m: m.set_params(loss="poisson").fit(X, LABELS), "one for classes"),
    (
        "labels and classes",
        lambda m: m.fit(X, np.eye(2)[LABELS % 2]).set_params(warm_start=True).fit(X, LABELS),
        "y must have the shape of the first call, (n, 2); got (20,)",
    ),
    (
        "cross-entropy of several labels",
        lambda m: m.set_params(loss="cross_entropy").fit(X, np.eye(2)[LABELS % 2]),
        "y holds several labels; take 'log_loss'",
    ),
    (
        "validation for lbfgs",
        lambda m: m.set_params(solver="lbfgs").fit(X, LABELS, X_val=X, y_val=LABELS),
        "solver='lbfgs' makes none",
    ),
]


@pytest.mark.parametrize(
    ("call", "message"), [row[1:] for row in CLASSES], ids=[r[0] for r in CLASSES]
)
def test_classes_are_refused(call, message):
    with pytest.raises(V) as caught:
        call(cr.MLPClassifier(max_iter=2, random_state=0))
    assert says(caught, message), caught.value


def test_a_class_may_be_missing_from_a_call():
    model = cr.MLPClassifier(class_weight={0: 1, 1: 2}).partial_fit(X, [0] * 20, classes=[0, 1])
    assert set(model.partial_fit(X, [1] * 20).predict_proba(X).shape) == {20, 2}


NUMBERS = [
    ("counts below zero", {"loss": "poisson"}, TARGETS - 9, "y must hold numbers >= 0"),
    ("scaled counts", {"loss": "poisson", "scale_target": True}, LABELS, "is for losses of real"),
    ("truth", {"scale_target": "yes"}, TARGETS, "scale_target must be True or False, got 'yes'"),
    (
        "quantiles of another loss",
        {"quantiles": [0.5]},
        TARGETS,
        "quantiles are for loss='quantile'",
    ),
    ("quantile 1", {"loss": "quantile", "quantiles": [1.0]}, TARGETS, "< 1, got 1.0"),
    ("no quantile", {"loss": "quantile", "quantiles": []}, TARGETS, "must be different numbers"),
    ("twice", {"loss": "quantile", "quantiles": [0.5, 0.5]}, TARGETS, "must be different numbers"),
    ("one number", {"loss": "quantile", "quantiles": 0.5}, TARGETS, "must be different numbers"),
    (
        "quantiles in the loss",
        {"loss": "quantile(0.1, 0.9)"},
        TARGETS,
        "several quantiles must be given by loss='quantile', quantiles=(0.1, 0.9), got loss=",
    ),
    ("nan", {}, np.r_[np.nan, TARGETS[1:]], "Input y contains NaN"),
    ("text", {}, ["a"] * 20, "could not convert string"),
    ("three dimensions", {}, np.ones((20, 1, 1)), "dim 3"),
    ("classes", {"loss": "hinge"}, TARGETS, "y must hold -1 or 1"),
]


@pytest.mark.parametrize(
    ("options", "y", "message"), [row[1:] for row in NUMBERS], ids=[row[0] for row in NUMBERS]
)
def test_numbers_are_refused(options, y, message):
    with pytest.raises((T, V)) as caught:
        cr.MLPRegressor(max_iter=2, **options).fit(X, y)
    assert says(caught, message), caught.value


def test_other_columns_of_y_are_refused():
    model = cr.MLPRegressor().partial_fit(X, np.c_[TARGETS, TARGETS])
    with pytest.raises(V, match="y must have 2 columns, as in the first call; got 1"):
        model.partial_fit(X, TARGETS)


def test_what_a_loss_does_not_give_is_said():
    with pytest.raises(AttributeError, match="predict_proba"):
        cr.MLPClassifier(loss="hinge").predict_proba(X)
    with pytest.raises(AttributeError, match="partial_fit"):
        cr.MLPClassifier(solver="lbfgs").partial_fit(X, LABELS)
    with pytest.raises(AttributeError, match="has no coefs_ before it is fitted"):
        cr.MLPClassifier().coefs_  # noqa: B018


# Predictions that are not finite

LARGE = 3e38
PREDICTING = [
    (cr.MLPRegressor, {}, [0.0, 1.0, 2.0, 3.0], ("predict", "score")),
    (cr.MLPRegressor, {"scale_target": True}, [0.0, 1.0, 2.0, 3.0], ("predict", "score")),
    (cr.MLPRegressor, {"loss": "poisson"}, [0.0, 1.0, 2.0, 3.0], ("predict",)),
    (cr.MLPClassifier, {}, ["a", "b", "c", "b"], ("predict", "predict_proba", "predict_log_proba")),
    (cr.MLPClassifier, {"loss": "hinge"}, ["a", "b", "a", "b"], ("predict", "decision_function")),
]


@pytest.mark.parametrize(("kind", "options", "y", "methods"), PREDICTING)
def test_a_prediction_that_is_not_finite_is_an_error_with_its_row(kind, options, y, methods):
    X = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    model = kind(hidden_layer_sizes=2, activation="identity", max_iter=2, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that two epochs are few
        model.fit(X, y)
    model.coefs_ = [np.full_like(W, LARGE) for W in model.coefs_]
    model.intercepts_ = [np.zeros_like(b) for b in model.intercepts_]
    for name in methods:
        given = (X, y) if name == "score" else (X,)
        with pytest.raises(FloatingPointError, match=r"the prediction of row 2 is not finite, got"):
            getattr(model, name)(*given)
        assert model.predict(X[:1]).shape == (1,)
