"""What the estimators can beyond scikit-learn's: each option beside the core, or by its effect."""

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.utils.class_weight import compute_sample_weight

import chainrule as cr
from chainrule import engine
from chainrule.activations import ACTIVATIONS
from chainrule.estimators.fit_data import ValidationArguments
from chainrule.estimators.quantiles import in_order
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import Cosine
from chainrule.trees import named_leaves

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(int)
TARGETS = X @ [1.0, -1.0, 0.5, 0.0] + 2
BOTH = np.c_[TARGETS, X[:, 0] ** 2]

native = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def bits(params):
    return [array.tobytes() for _, array in named_leaves(params)]


def by_the_core(model, y, weight=None, **options):
    """What `fit` makes of the network of a model, from the weights that scikit-learn draws."""
    optimizer = options.pop("optimizer")
    first = type(model)(**model.get_params())
    first._data(X, y, weight, ValidationArguments(None, None, None), first=True, whole=True)
    return cr.fit(
        model.network_,
        first.parameters_,
        X,
        first._encode(y),
        optimizer,
        batch_size=60,
        seed=model.seed_,
        epochs=4,
        sample_weight=weight,
        **options,
    )


RUNS = {
    "own optimizer": ({"solver": cr.Lion(1e-2)}, {"optimizer": cr.Lion(1e-2)}),
    "schedule": (
        {"learning_rate": Cosine(0.1, steps=4)},
        {"optimizer": cr.Adam(Cosine(0.1, steps=4))},
    ),
    "clip_value": ({"clip_value": 1e-3}, {"clip_value": 1e-3}),
    "clip_norm": ({"clip_norm": 1e-3}, {"clip_norm": 1e-3}),
    "penalties": ({"l1": 0.5, "alpha": 0.3}, {}),
    "activations": (
        {"hidden_layer_sizes": (5, 4), "activation": ("gelu", "elu(0.5)"), "dropout": (0.2, 0)},
        {},
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_an_option_is_what_the_core_makes_of_it(name):
    given, options = RUNS[name]
    model = cr.MLPClassifier(max_iter=4, random_state=0, **given).fit(X, LABELS)
    options = {"optimizer": cr.Adam(1e-3), **options}
    params, history = by_the_core(model, LABELS, **options)
    assert bits(model.parameters_) == bits(params)
    assert model.loss_curve_ == history.loss
    plain = cr.MLPClassifier(max_iter=4, random_state=0).fit(X, LABELS)
    assert bits(model.parameters_) != bits(plain.parameters_)


def test_penalties_are_shared_out_among_the_examples():
    model = cr.MLPClassifier(max_iter=1, l1=0.5, alpha=0.3).fit(X, LABELS, np.full(60, 2.0))
    assert (model.network_.l1, model.network_.l2) == (0.5 / 120, 0.3 / 120)


def test_layers_are_those_asked_for():
    sine = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
    model = cr.MLPClassifier(
        (5, 4), ["tanh", sine], dropout=[0, 0.3], max_iter=2, engine="reference"
    )
    model.fit(X, LABELS)
    tanh, own, dropped, last = model.network_.layers
    assert (tanh, own) == (cr.Dense(5, "tanh"), cr.Dense(4, sine))
    assert (dropped, last) == (cr.Dropout(0.3), cr.Dense(3))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_trains(name):
    model = cr.MLPRegressor(activation=name, max_iter=30, random_state=0).fit(X, TARGETS)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains(name):
    model = cr.MLPRegressor(solver=name, max_iter=30, random_state=0).fit(X, TARGETS)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize(
    "name", [n for n, row in LOSSES.items() if row.target in ("real", "count")]
)
@pytest.mark.parametrize("y", [np.abs(TARGETS), np.abs(BOTH)], ids=["one", "two"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_loss_of_numbers_is_learnt(name, y, solver):
    model = cr.MLPRegressor(loss=name, solver=solver, max_iter=300, learning_rate_init=0.01)
    model.set_params(random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.score(X, y) == r2_score(y, model.predict(X)) > 0.7
    cost = cr.cost(model.network_, model.parameters_, X, y if y.ndim == 2 else y[:, None])
    np.testing.assert_allclose(model.loss_, cost, rtol=0.2)


KINDS_OF_Y = {
    "two": (LABELS > 0).astype(int),
    "text": np.array(["no", "yes"])[(LABELS > 0).astype(int)],
    "three": LABELS,
    "several": np.eye(3, dtype=int)[LABELS],
}
OF_CLASSES = [n for n, row in LOSSES.items() if row.target != "count"]


@pytest.mark.parametrize(
    ("name", "y"),
    [
        (name, y)
        for name in ("log_loss", "cross_entropy(0.1)", *OF_CLASSES)
        for y in KINDS_OF_Y
        if not (name.startswith("cross_entropy") and y == "several")  # refused
    ],
)
def test_every_loss_of_classes_is_learnt(name, y):
    labels = KINDS_OF_Y[y]
    model = cr.MLPClassifier((20,), loss=name, max_iter=200, learning_rate_init=0.03)
    model.set_params(random_state=0).fit(X, labels)
    predicted = model.predict(X)
    assert predicted.shape == labels.shape
    assert predicted.dtype.kind == labels.dtype.kind
    assert model.score(X, labels) > 0.85
    columns = labels.ndim == 2
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(X)
        assert p.shape == ((60, 3) if columns else (60, len(model.classes_)))
        assert ((p >= 0) & (p <= 1)).all()
        if not columns:
            np.testing.assert_allclose(p.sum(axis=1), 1)
            np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], predicted)
        np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, atol=1e-12)
    else:
        side = model.decision_function(X)
        if side.ndim == 1:
            np.testing.assert_array_equal(model.classes_[(side > 0).astype(int)], predicted)


def repeated(weight):
    return np.repeat(np.arange(60), weight)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(
    ("make", "y"),
    [
        (cr.MLPClassifier, LABELS),
        (cr.MLPRegressor, TARGETS),
        (lambda **o: cr.MLPRegressor(scale_target=True, **o), BOTH),
        (lambda **o: cr.MLPClassifier(class_weight={0: 3, 2: 2}, **o), LABELS),
    ],
    ids=["classifier", "regressor", "scaled", "by class"],
)
def test_a_weight_is_the_number_of_times(solver, make, y):
    """Weight 2 is the example twice, weight 0 is the example left out."""
    weight = RNG.integers(0, 4, size=60)
    options = {"solver": solver, "max_iter": 20, "random_state": 0, "batch_size": 10_000}
    options |= {"alpha": 0.3, "l1": 0.0 if solver == "lbfgs" else 0.2, "tol": 1e-9}
    rows = repeated(weight)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.estimators.base_mlp.warn", lambda *_: None)
        weighted = make(**options).fit(X, y, sample_weight=weight)
        twice = make(**options).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.loss_, twice.loss_, rtol=1e-7)
    for a, b in zip(weighted.coefs_, twice.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 10, 200])
def test_weights_act_alike_in_batches_of_any_size(batch_size):
    """Ones of weight 9 and noughts of weight 1, as many, of which the mean is .9."""
    y = np.arange(200) % 2
    model = cr.MLPRegressor(
        hidden_layer_sizes=1,
        activation="identity",
        solver=cr.SGD(cr.InverseScaling(0.5 if batch_size > 1 else 0.1, power=0.6)),
        batch_size=batch_size,
        max_iter=10 * batch_size + 20,
        alpha=0,
        tol=0,
        random_state=0,
    )
    model.fit(np.zeros((200, 1)), y, sample_weight=1.0 + 8.0 * y)
    assert model.predict([[0.0]])[0] == pytest.approx(0.9, abs=0.03)


def test_weights_of_classes_are_weights_of_examples():
    weight = RNG.uniform(0.5, 2, size=60)
    for given in ("balanced", {0: 3, 1: 0.5, 2: 1}):
        by_class = cr.MLPClassifier(class_weight=given, max_iter=3, random_state=0)
        by_example = cr.MLPClassifier(max_iter=3, random_state=0)
        by_class.fit(X, LABELS, weight)
        by_example.fit(X, LABELS, weight * compute_sample_weight(given, LABELS))
        assert bits(by_class.parameters_) == bits(by_example.parameters_)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("y", [TARGETS, BOTH], ids=["one", "two"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_quantiles_never_cross_and_cover_their_share(scale, y, solver):
    levels = (0.9, 0.1, 0.5)  # in any order; predicted in rising order
    many = np.repeat(np.arange(60), 4)
    noisy = y[many] + RNG.normal(scale=0.5, size=y[many].shape)
    model = cr.MLPRegressor(loss="quantile", quantiles=levels, scale_target=scale, solver=solver)
    model.set_params(max_iter=150, learning_rate_init=0.01, random_state=0, alpha=1)
    model.fit(X[many], noisy)
    predicted = model.predict(X[many])
    assert predicted.shape == (*noisy.shape, 3)
    assert (np.diff(predicted, axis=-1) >= 0).all()
    share = (noisy[..., None] <= predicted).mean(axis=tuple(range(noisy.ndim)))
    np.testing.assert_allclose(share, [0.1, 0.5, 0.9], atol=0.1)
    worst = mean_pinball_loss(noisy.ravel(), np.zeros(noisy.size), alpha=0.9)
    assert mean_pinball_loss(noisy.ravel(), predicted[..., 2].ravel(), alpha=0.9) < worst
    assert 0.3 < model.score(X[many], noisy) < 1


def test_one_quantile_of_several_is_that_quantile_alone():
    options = {"max_iter": 30, "random_state": 0}
    one = cr.MLPRegressor(loss="quantile(0.9)", **options).fit(X, TARGETS)
    several = cr.MLPRegressor(loss="quantile", quantiles=[0.9], **options).fit(X, TARGETS)
    np.testing.assert_array_equal(several.predict(X)[:, 0], one.predict(X))
    assert several.loss_curve_ == one.loss_curve_


@native
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("y", [TARGETS, BOTH], ids=["one", "two"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_several_quantiles_are_learnt_by_the_engine(scale, y, solver):
    options = {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9), "scale_target": scale}
    options |= {"solver": solver, "max_iter": 5, "random_state": 0}
    weight = RNG.uniform(0.5, 2, size=60)
    compiled, reference = (
        cr.MLPRegressor(engine=name, **options).fit(X, y, weight)
        for name in ("native", "reference")
    )
    assert compiled.network_.loss == "quantile(0.1, 0.5, 0.9)"
    np.testing.assert_allclose(compiled.predict(X), reference.predict(X), rtol=1e-9)
    np.testing.assert_allclose(compiled.loss_, reference.loss_, rtol=1e-9)


def test_sorting_undoes_a_crossing():
    crossed = RNG.normal(size=(5, 6))
    sorted_ = in_order(crossed, 3)
    assert sorted_.shape == (5, 2, 3)
    np.testing.assert_array_equal(sorted_[:, 1], np.sort(crossed[:, 3:], axis=1))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scaled_targets_are_standardised_and_undone(solver):
    """An affine change of y changes nothing but the predictions, by the same change."""
    options = {"max_iter": 30, "random_state": 0, "scale_target": True, "solver": solver}
    model = cr.MLPRegressor(**options).fit(X, TARGETS)
    moved = cr.MLPRegressor(**options).fit(X, 1000 * TARGETS - 5e4)
    np.testing.assert_allclose(moved.predict(X), 1000 * model.predict(X) - 5e4, rtol=1e-6)
    scaled = (TARGETS - TARGETS.mean()) / TARGETS.std()
    plain = cr.MLPRegressor(**{**options, "scale_target": False}).fit(X, scaled)
    np.testing.assert_allclose(plain.loss_, model.loss_, rtol=1e-9)
    constant = cr.MLPRegressor(**options).fit(X, np.full(60, 7.0))
    np.testing.assert_allclose(constant.predict(X).mean(), 7, atol=0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [2.0**1000, 2.0**130, 2.0**-130, 2.0**-1000])
@pytest.mark.parametrize("options", [{}, {"loss": "quantile", "quantiles": (0.1, 0.9)}])
def test_scaled_targets_may_be_of_any_size(options, size, dtype):
    """A power of two changes no digit of a prediction, and no score."""
    options = {"max_iter": 5, "random_state": 0, "scale_target": True, **options}
    x, y = X.astype(dtype), TARGETS
    plain, far = (cr.MLPRegressor(**options).fit(x, y * by) for by in (1.0, size))
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(far.predict(x) / size, plain.predict(x), rtol=rtol)
    assert far.score(x, y * size) == pytest.approx(plain.score(x, y), rel=100 * rtol)


def test_the_network_can_be_read():
    weight = RNG.uniform(size=60)
    model = cr.MLPClassifier((6, 5), dropout=0.2, max_iter=5, random_state=0, alpha=2.0)
    model.fit(X, LABELS)
    net, params = model.network_, model.parameters_
    trace = cr.forward(net, params, X)
    deltas = cr.backward(trace, LABELS, weight)
    expected = cr.gradient(trace, deltas)
    for (name, a), (_, b) in zip(
        named_leaves(model.gradient(X, LABELS, weight)), named_leaves(expected), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-12, err_msg=name)
    shown = model.activations(X)
    assert [a.shape for a in shown] == [(60, 6), (60, 5), (60, 3)]
    np.testing.assert_allclose(np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0), shown[0])
    own = cr.Network(4, net.layers, net.loss)  # without the penalty
    for row in (0, 17):
        one = slice(row, row + 1)
        part = cr.backward(cr.forward(own, params, X[one]), LABELS[one])
        alone = cr.gradient(cr.forward(own, params, X[one]), part)
        norm = np.sqrt(sum(np.sum(array**2) for _, array in named_leaves(alone)))
        np.testing.assert_allclose(model.example_gradient_norms(X, LABELS)[row], norm)


def test_wrong_labels_pull_hardest():
    y = (X[:, 0] > 0).astype(int)
    wrong = np.argsort(np.abs(X[:, 0]))[-4:]  # far from where the classes meet
    y[wrong] = 1 - y[wrong]
    model = cr.MLPClassifier((4,), "identity", solver="lbfgs", alpha=1, random_state=0).fit(X, y)
    assert set(np.argsort(model.example_gradient_norms(X, y))[-4:]) == set(wrong)
