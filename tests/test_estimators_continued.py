"""Runs that go on, end early, are interrupted, or fail: to the same bits, or not at all."""

import pickle
import re
import signal
import warnings

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, ShuffleSplit

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import named_leaves

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] + 0.3 * RNG.normal(size=60) > 0).astype(int)
TARGETS = X @ [1.0, -1.0, 0.5, 0.0]
HELD = {"X_val": RNG.normal(size=(30, 4)), "y_val": RNG.integers(2, size=30)}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def bits(model):
    return [array.tobytes() for _, array in named_leaves(model.parameters_)]


def again(model):
    return pickle.loads(pickle.dumps(model))


def classifier(**options):
    return cr.MLPClassifier((8,), **{"random_state": 0, "batch_size": 16, **options})


def by_parts(X, y, calls, **options):
    """A model made in several calls of fit with warm_start, through pickle."""
    model = classifier(warm_start=True, **options)
    for epochs in calls:
        model = again(model).set_params(max_iter=epochs).fit(X, y)
    return model


def one_by_one(X, y, calls, **options):
    model = classifier(**options)
    for _ in range(calls):
        model = again(model).partial_fit(X, y, classes=[0, 1])
    return model


@pytest.mark.parametrize("solver", [*OPTIMIZERS, cr.AdamW(cr.Cosine(0.01, steps=30))], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_of_a_run_are_the_run(solver, dtype):
    options = {"solver": solver, "class_weight": {0: 1, 1: 3}, "dropout": 0.1, "l1": 0.01}
    Z = X.astype(dtype)
    whole = classifier(max_iter=8, **options).fit(Z, LABELS)
    for parted in by_parts(Z, LABELS, (3, 5), **options), one_by_one(Z, LABELS, 8, **options):
        assert bits(parted) == bits(whole)
        assert parted.loss_curve_ == whole.loss_curve_
        assert parted.t_ == whole.t_ == 8 * 60


def test_parts_of_a_run_that_slows_down_are_the_run():
    options = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 0.05}
    whole = classifier(max_iter=12, **options).fit(X, LABELS)
    rate = whole._curves.slowdown
    assert 1e-3 * rate < 1e-3  # it did slow down
    for parted in by_parts(X, LABELS, (5, 7), **options), one_by_one(X, LABELS, 12, **options):
        assert bits(parted) == bits(whole)


def test_a_call_after_one_that_gained_nothing_slows_down_and_goes_on():
    """Where scores had decided, and the loss does now, which had not gained either."""
    options = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 10}
    model = classifier(max_iter=6, early_stopping=True, **options).fit(X, LABELS)
    before, rate = model.history_.epochs, model._curves.slowdown
    model.partial_fit(X, LABELS)
    assert (model.n_iter_, model.history_.epochs) == (1, before + 1)
    assert model._curves.slowdown == rate / 5


def test_parts_of_a_run_with_early_stopping_are_the_run():
    options = {"early_stopping": True, "n_iter_no_change": 30}
    whole = classifier(max_iter=20, **options).fit(X, LABELS)
    parted = by_parts(X, LABELS, (8, 12), **options)
    assert bits(parted) == bits(whole)
    assert parted.validation_scores_ == whole.validation_scores_


@pytest.mark.parametrize("kind", [cr.MLPClassifier, cr.MLPRegressor])
def test_the_number_of_threads_changes_no_bit(kind):
    y = LABELS if kind is cr.MLPClassifier else TARGETS
    models = [
        kind(max_iter=5, random_state=0, n_jobs=n, early_stopping=True).fit(X, y)
        for n in (None, 1, 2, 3, -1)
    ]
    assert len({tuple(bits(model)) for model in models}) == 1


def test_another_solver_takes_the_weights_over():
    model = classifier(warm_start=True, max_iter=3).fit(X, LABELS)
    for solver in ("sgd", "lbfgs", "adam"):
        before = bits(model)
        model.set_params(solver=solver).fit(X, LABELS)
        assert bits(model) != before
        assert model.score(X, LABELS) > 0.5


def test_another_solver_goes_on_from_the_best():
    model = classifier(early_stopping=True, learning_rate_init=0.3, max_iter=30, warm_start=True)
    model.fit(X, LABELS, **HELD)
    best = model.parameters_
    assert best is not model.history_.at.params
    model.set_params(solver="sgd", learning_rate_init=1e-12, max_iter=1).fit(X, LABELS, **HELD)
    for (_, a), (_, b) in zip(named_leaves(best), named_leaves(model.parameters_), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_partial_fit_ends_early_at_its_best_and_says_so_once():
    options = {"early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.01}
    at_once = classifier(max_iter=100, **options).fit(X, LABELS, **HELD)
    assert 4 < at_once.n_iter_ < 100
    model = classifier(**options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(at_once.n_iter_ + 5):
            model.partial_fit(X, LABELS, classes=[0, 1], **HELD)
            is_last = model.parameters_ is model.history_.at.params
            assert is_last == (k + 1 < at_once.n_iter_)
    assert [row.filename for row in caught] == [__file__]
    assert "the model is at its best" in str(caught[0].message)
    assert bits(model) == bits(at_once)
    assert model.validation_scores_ == at_once.validation_scores_
    assert model.score(HELD["X_val"], HELD["y_val"]) == max(model.validation_scores_)


@pytest.mark.parametrize("scoring", [None, "loss", "f1", lambda model, X, y: model.score(X, y)])
def test_early_stopping_restores_the_best(scoring):
    model = classifier(early_stopping=True, scoring=scoring, max_iter=40, learning_rate_init=0.05)
    model.fit(X, LABELS, **HELD)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == model.n_iter_
    assert model.best_loss_ is None
    best = model.validation_scores_.index(model.best_validation_score_) + 1
    short = classifier(max_iter=best, learning_rate_init=0.05).fit(X, LABELS)
    assert bits(model) == bits(short)


SPLITS = {
    "rows": np.arange(20),
    "mask": np.arange(60) < 20,
    "splitter": PredefinedSplit(np.where(np.arange(60) < 20, 0, -1)),
    "from the end": np.arange(-60, -40),
}


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_of_the_users_own_is_as_good_as_data_apart(name):
    model = classifier(max_iter=5, validation_split=SPLITS[name]).fit(X, LABELS)
    apart = classifier(max_iter=5).fit(X[20:], LABELS[20:], X_val=X[:20], y_val=LABELS[:20])
    assert bits(model) == bits(apart)
    assert model.validation_scores_ == apart.validation_scores_
    assert model.n_iter_ == 5  # no early stopping unless asked for


def test_a_drawn_split_holds_out_the_fraction():
    split = ShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    model = classifier(max_iter=2, validation_split=split).fit(X, LABELS)
    assert model.t_ == 2 * 45


def test_metrics_by_epoch():
    metrics = {"auc": "roc_auc", "size": lambda model, X, y: len(X)}
    model = classifier(max_iter=3, metrics=metrics, warm_start=True).fit(X, LABELS)
    assert model.metrics_curve_["size"] == [60] * 3  # without validation data, the training data
    model.fit(X, LABELS, **HELD)
    assert model.metrics_curve_["size"] == [60] * 3 + [30] * 3
    last = roc_auc_score(HELD["y_val"], model.predict_proba(HELD["X_val"])[:, 1])
    assert model.metrics_curve_["auc"][-1] == last


def test_weights_go_to_the_metrics_that_take_them():
    metrics = {"own": lambda model, X, y: 7, "auc": "roc_auc", "worst": "matthews_corrcoef"}
    weight = RNG.uniform(size=30)
    model = classifier(max_iter=2, metrics=metrics, scoring="accuracy")
    model.fit(X, LABELS, **HELD, sample_weight_val=weight)
    right = model.predict(HELD["X_val"]) == HELD["y_val"]
    assert model.validation_scores_[-1] == pytest.approx(np.average(right, weights=weight))
    p = model.predict_proba(HELD["X_val"])[:, 1]
    weighed = roc_auc_score(HELD["y_val"], p, sample_weight=weight)
    assert model.metrics_curve_["auc"][-1] == weighed != roc_auc_score(HELD["y_val"], p)
    assert model.metrics_curve_["own"] == [7, 7]


def test_validation_weighs_the_classes():
    model = classifier(max_iter=2, class_weight={0: 1, 1: 0}).fit(X, LABELS, **HELD)
    zero = HELD["y_val"] == 0
    expected = model.score(HELD["X_val"][zero], 0 * HELD["y_val"][zero])
    assert model.validation_scores_[-1] == pytest.approx(expected)


@pytest.fixture
def ctrl_c():
    """Ctrl-C as in a terminal: a process in the background may have been told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_at(epoch):
    """A metric that presses Ctrl-C in an epoch."""
    seen = []

    def metric(model, X, y):
        seen.append(1)
        if len(seen) == epoch:
            signal.raise_signal(signal.SIGINT)
        return 0.0

    return metric


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_a_model_and_a_warning():
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        model = classifier(max_iter=10, metrics={"stop": interrupt_at(4)}).fit(X, LABELS)
    assert {row.filename for row in caught} == {__file__}
    assert model.n_iter_ == 4
    assert bits(model) == bits(classifier(max_iter=4).fit(X, LABELS))


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_ctrl_c_in_the_midst_of_a_step(solver, monkeypatch):
    """The activation of the user's own presses Ctrl-C."""
    seen = []

    def relu(z, xp):
        seen.append(1)
        if len(seen) == 200:
            signal.raise_signal(signal.SIGINT)
        return xp.maximum(z, 0)

    row = cr.Activation("pressing", f=relu, df=lambda z, a, xp: (z > 0) * 1.0, check=False)
    model = classifier(solver=solver, activation=row, max_iter=300, tol=0, engine="reference")
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, LABELS)
    assert model.predict(X).shape == (60,)
    assert 0 < model.n_iter_ < 300


def fails(model, X, y):
    raise RuntimeError("no")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_that_fails_leaves_the_model_as_it_was(early_stopping):
    model = classifier(max_iter=3, early_stopping=early_stopping, warm_start=True).fit(X, LABELS)
    before = pickle.dumps(model)
    for broken in ({"metrics": {"fails": fails}}, {"alpha": -1}, {"hidden_layer_sizes": 0}):
        for call in (model.fit, model.partial_fit):
            kept = {name: getattr(model, name) for name in broken}
            with pytest.raises((RuntimeError, ValueError)):
                call.__self__.set_params(**broken) and call(X, LABELS)
            model.set_params(**kept)
            assert pickle.dumps(model) == before
    with pytest.raises(ValueError, match="features"):
        model.fit(X[:, :2], LABELS)
    assert pickle.dumps(model) == before


def test_a_fit_that_fails_after_some_epochs_leaves_the_model_as_it_was():
    def fails_later(model, X, y):
        return fails(model, X, y) if len(model.loss_curve_) == 5 else 0.0

    options = {"early_stopping": True, "metrics": {"later": fails_later}, "tol": 0}
    model = classifier(max_iter=3, warm_start=True, **options).fit(X, LABELS)
    before = {name: repr(value) for name, value in vars(model).items()}
    with pytest.raises(RuntimeError, match="no"):
        model.fit(X, LABELS)
    assert {name: repr(value) for name, value in vars(model).items()} == before


def test_a_new_fit_forgets_the_earlier_one():
    model = classifier(max_iter=3, metrics={"auc": "roc_auc"}).fit(X, LABELS, **HELD)
    model.set_params(solver="lbfgs", metrics=None).fit(X, LABELS)
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "metrics_curve_"):
        assert not hasattr(model, name)


FORMS = [
    (cr.MLPClassifier, {"hidden_layer_sizes": (5,)}, {"hidden_layer_sizes": (6,)}),
    (cr.MLPClassifier, {"hidden_layer_sizes": 5}, {"hidden_layer_sizes": (5, 5)}),
    (cr.MLPRegressor, {"hidden_layer_sizes": (5, 4)}, {"hidden_layer_sizes": [5]}),
    (cr.MLPClassifier, {"dropout": 0.0}, {"dropout": 0.5}),
    (cr.MLPClassifier, {"loss": "binary_cross_entropy"}, {"loss": "cross_entropy"}),
    (cr.MLPRegressor, {"quantiles": (0.1, 0.9)}, {"quantiles": (0.1, 0.5, 0.9)}),
    (cr.MLPRegressor, {"quantiles": (0.1, 0.9)}, {"quantiles": None}),
]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(("kind", "before", "now"), FORMS)
def test_a_parameter_that_changes_the_form_is_named(kind, before, now, solver):
    y = np.arange(60) % 2
    options = {"hidden_layer_sizes": 4, "warm_start": True, "max_iter": 2, "random_state": 0}
    options |= {"loss": "quantile"} if "quantiles" in before else {}
    model = kind(**{**options, **before, "solver": solver})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    ((name, new),) = now.items()
    said = f"{name} was {before[name]!r} then and is {new!r} now; set it back, or begin anew"
    with pytest.raises(ValueError, match=re.escape(said)):
        model.set_params(**now).fit(X, y)
    if solver == "adam":
        with pytest.raises(ValueError, match=re.escape(said)):
            model.partial_fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(warm_start=False).fit(X, y)


def test_parameters_that_keep_the_form_may_change():
    model = cr.MLPClassifier((5, 4), dropout=(0.1, 0), warm_start=True, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, LABELS)
        model.set_params(hidden_layer_sizes=[5, 4], dropout=[0.2, 0.0], activation="tanh")
        assert len(model.fit(X, LABELS).loss_curve_) == 4


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"class_weight": {0: 2.0}}])
def test_a_call_is_recorded_where_that_is_asked_for(options):
    model = classifier(max_iter=2, **options).fit(X, LABELS, record=True)
    plain = classifier(max_iter=2, **options).fit(X, LABELS)
    assert bits(model) == bits(plain)
    assert (len(model.history_.runs), plain.history_.runs) == (1, ())
    model.partial_fit(X, LABELS, record=True)
    step = model.history_.at.step  # what is printed are the digits of what it led to
    made = cr.explain_step(model.history_, step=step, of="w1").steps[-1].result
    assert float(made) == pytest.approx(model.history_.at.params[0].W[0, 0], rel=1e-4)
    model.partial_fit(X, LABELS)
    assert model.history_.runs == ()


def test_lbfgs_makes_no_steps_to_record():
    with pytest.raises(ValueError, match="solver='lbfgs' makes no steps to be made again; leave"):
        classifier(solver="lbfgs").fit(X, LABELS, record=True)
