"""`layers=`: hidden layers of any kind in both estimators, beside the core and scikit-learn."""

import pickle
import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.cli.summary import architecture
from chainrule.estimators import estimator_html
from chainrule.layers import LAYERS
from chainrule.trees import named_leaves
from test_estimators_options import bits, by_the_core

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(int)
TARGETS = X @ [1.0, -1.0, 0.5, 0.0] + 2
HELD = {"X_val": X[:20], "y_val": LABELS[:20]}
EDGES = [np.quantile(X[:, k], [0, 0.3, 0.7, 1]).tolist() for k in range(4)]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXAMPLES = [LAYERS[kind].example(4) for kind in LAYERS]
HIDDEN = {
    # name: (the layers given, those of the network for 3 outputs)
    **{f"a {each.kind}": ([each], each.then(cr.Dense(3))) for each in EXAMPLES},
    "none": ([], [cr.Dense(3)]),
    "dense": ([cr.Dense(5, "tanh"), cr.Dropout(0.25)], [..., cr.Dense(3)]),
    "norms": ([cr.LayerNorm(), cr.Dense(5), cr.BatchNorm(), cr.Activate("relu")],
              [..., cr.Dense(3)]),
    "residual": ((cr.Dense(5, "relu"), cr.Residual(cr.BatchNorm(), cr.Dense(5, "silu"))),
                 [..., cr.Dense(3)]),
    "residual first": ([cr.Residual(cr.Dense(6, "relu"), cr.Dense(4))], [..., cr.Dense(3)]),
    "embedded": ([cr.PiecewiseLinear(EDGES, 2), cr.Scale(), cr.Dense(5, "relu")],
                 [..., cr.Dense(3)]),
    "waves": ([cr.Periodic(2, 3), cr.Dense(5, "relu")], [..., cr.Dense(3)]),
    "members": ([cr.Scale(), cr.Members(3, cr.Dense(5, "relu"))],
                [cr.Scale(), cr.Members(3, cr.Dense(5, "relu"), cr.Dense(3))]),
    "full members": ([cr.Members(3, cr.Dense(5, "relu"), full=True)],
                     [cr.Members(3, cr.Dense(5, "relu"), cr.Dense(3), full=True)]),
}  # fmt: skip
OF_NUMBERS = [name for name in HIDDEN if name != "a embedding"]
"""All but what wants levels of categories, which X does not have."""

FIXED = {"random_state": 0, "max_iter": 4, "batch_size": 16}


def classifier(name="norms", **options):
    return cr.MLPClassifier(layers=HIDDEN[name][0], **{**FIXED, **options})


def flow(model):
    """The picture of its gradients, in a figure without a window."""
    return cr.GradientFlowDisplay.from_estimator(model, X, LABELS, ax=Figure().subplots())


def regressor(name="norms", **options):
    return cr.MLPRegressor(layers=HIDDEN[name][0], **{**FIXED, **options})


@pytest.mark.parametrize("name", HIDDEN)
def test_layers_are_those_given_and_linear_outputs(name):
    given, expected = HIDDEN[name]
    model = classifier(name).fit(X, LABELS)
    whole = [*given, *expected[1:]] if expected[0] is ... else expected
    assert model.network_.layers == tuple(whole)
    assert (model.n_outputs_, model.network_.outputs) == (3, 3)
    assert model.get_params()["layers"] is given


@pytest.mark.parametrize("name", HIDDEN)
def test_a_fit_is_what_the_core_makes_of_it(name):
    model = classifier(name, batch_size=60).fit(X, LABELS)
    params, history = by_the_core(model, LABELS, optimizer=cr.Adam(1e-3))
    assert bits(model.parameters_) == bits(params)
    assert model.loss_curve_ == history.loss
    expected = cr.predict(model.network_, params, X)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_initial_parameters_are_the_layers_own_and_follow_from_random_state():
    first, same, other = (classifier(random_state=seed) for seed in (0, 0, 1))
    for model in (first, same, other):
        model.set_params(learning_rate_init=1e-30).fit(X, LABELS)
    assert bits(first.parameters_) == bits(same.parameters_) != bits(other.parameters_)
    norm, dense, *_ = first.parameters_
    np.testing.assert_allclose(norm.gamma, 1)
    np.testing.assert_allclose([norm.beta, dense.b[:4]], 0, atol=1e-20)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_numbers_are_learnt_with_any_layers(name):
    model = regressor(name, max_iter=300, learning_rate_init=0.02).fit(X, TARGETS)
    assert model.score(X, TARGETS) > 0.7
    assert model.predict(X).shape == (60,)


@pytest.mark.parametrize("name", HIDDEN)
def test_one_that_goes_on_is_one_at_once(name):
    whole = classifier(name, max_iter=5).fit(X, LABELS)
    one_by_one = clone(whole)
    for _ in range(5):
        one_by_one = pickle.loads(pickle.dumps(one_by_one))
        one_by_one.partial_fit(X, LABELS, classes=[0, 1, 2])
    parted = classifier(name, max_iter=2, warm_start=True).fit(X, LABELS)
    parted.set_params(max_iter=3).fit(X, LABELS)
    assert bits(one_by_one.parameters_) == bits(parted.parameters_) == bits(whole.parameters_)


def test_other_layers_begin_anew_or_are_refused():
    model = classifier("norms", warm_start=True).fit(X, LABELS)
    before = bits(model.parameters_)
    for layers in (HIDDEN["dense"][0], None, [*HIDDEN["norms"][0], cr.Dropout(0.1)]):
        said = f"layers was {HIDDEN['norms'][0]!r} then and is {layers!r} now"
        with pytest.raises(ValueError, match=re.escape(said)):
            model.set_params(layers=layers).fit(X, LABELS)
        assert bits(model.parameters_) == before
    model.set_params(layers=tuple(HIDDEN["norms"][0])).fit(X, LABELS)
    assert model.history_.epochs == 8
    model.set_params(layers=None, warm_start=False).fit(X, LABELS)
    assert model.network_.layers == (cr.Dense(100, "relu"), cr.Dense(3))


def test_no_layers_are_no_layers_in_any_sequence():
    model = classifier("none", warm_start=True).fit(X, LABELS)
    model.set_params(layers=()).fit(X, LABELS)
    assert model.history_.epochs == 8


def test_clones_grids_and_pipelines_take_layers():
    model = classifier()
    copied = clone(model)
    assert copied.layers == model.layers
    assert repr(clone(copied)) == repr(model)
    grid = GridSearchCV(model, {"layers": [HIDDEN[name][0] for name in HIDDEN]}, cv=2)
    grid.fit(X, LABELS)
    assert [*map(list, grid.cv_results_["param_layers"])] == [*map(list, grid.param_grid["layers"])]
    assert grid.best_estimator_.layers == grid.best_params_["layers"]
    line = make_pipeline(StandardScaler(), model).fit(X, LABELS)
    assert line.score(X, LABELS) > 0.3
    assert "batch norm" in line._repr_html_()


def test_running_statistics_travel_with_the_best_parameters():
    model = classifier(early_stopping=True, n_iter_no_change=3, max_iter=60,
                       learning_rate_init=0.1).fit(X, LABELS, **HELD)  # fmt: skip
    best = int(np.argmax(model.validation_scores_))
    assert best + 1 < model.n_iter_
    stopped = classifier(max_iter=best + 1, learning_rate_init=0.1).fit(X, LABELS)
    assert bits(model.parameters_) == bits(stopped.parameters_)
    names = [name for name, _ in named_leaves(model.parameters_) if "running" in name]
    assert names == ["2.running_mean", "2.running_variance"]
    assert model.parameters_[2].running_mean.any()
    assert model.score(HELD["X_val"], HELD["y_val"]) == max(model.validation_scores_)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_lbfgs_takes_layers_without_statistics(name):
    model = regressor(name, solver="lbfgs", max_iter=15)
    if "BatchNorm" in repr(model.layers):
        with pytest.raises(ValueError, match=r"solver='lbfgs' .*\d, .*BatchNorm.*, keeps; take an"):
            model.fit(X, TARGETS)
        assert not hasattr(model, "parameters_")
    else:
        assert model.fit(X, TARGETS).score(X, TARGETS) > 0.5


# What can be read


def test_coefs_are_those_of_dense_layers_wherever_they_stand():
    model = classifier("residual").fit(X, LABELS)
    first, (norm, inner), last = model.parameters_
    assert [W.shape for W in model.coefs_] == [(4, 5), (5, 5), (5, 3)]
    for part, W, b in zip((first, inner, last), model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_array_equal(part.W, W.T)
        np.testing.assert_array_equal(part.b, b)
    before = model.predict_proba(X)
    model.coefs_ = [2 * W for W in model.coefs_]
    model.intercepts_ = [b + 1 for b in model.intercepts_]
    np.testing.assert_allclose(model.parameters_[1][1].W, 2 * inner.W)
    np.testing.assert_allclose(model.parameters_[2].b, last.b + 1)
    assert bits(model.parameters_[1][0]) == bits(norm)
    assert not np.allclose(model.predict_proba(X), before)
    with pytest.raises(ValueError, match="argument"):
        model.coefs_ = model.coefs_[:2]


def test_layers_with_parameters_are_counted():
    assert classifier("norms").fit(X, LABELS).n_layers_ == 5
    assert classifier("dense").fit(X, LABELS).n_layers_ == 3
    assert classifier("members").fit(X, LABELS).n_layers_ == 3


@pytest.mark.parametrize("name", HIDDEN)
def test_activations_and_gradients_are_those_of_the_core(name):
    model = classifier(name).fit(X, LABELS)
    trace = cr.forward(model.network_, model.parameters_, X)
    layers = zip(model.network_.layers, trace, strict=True)
    expected = [seen.a for layer, seen in layers if not isinstance(layer, cr.Dropout)]
    for shown, a in zip(model.activations(X), expected, strict=True):
        np.testing.assert_array_equal(shown, a)
    deltas = cr.backward(trace, LABELS)
    gradient = cr.gradient(trace, deltas)
    for (of, g), (_, h) in zip(
        named_leaves(model.gradient(X, LABELS)), named_leaves(gradient), strict=True
    ):
        np.testing.assert_allclose(g, h, rtol=1e-9, atol=1e-12, err_msg=of)


@pytest.mark.parametrize("name", [name for name in HIDDEN if name != "full members"])
def test_a_derivative_is_explained_through_any_layers(name):
    model = classifier(name).fit(X, LABELS)
    named = named_leaves(model.gradient(X[:1], LABELS[:1]))
    expected = next(leaf for name, leaf in named if name.endswith(".W")).flat[0]
    found = model.explain(X[0], LABELS[0], of="w1").steps[-1].value
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", HIDDEN)
def test_the_flow_of_gradients_has_a_box_for_each_layer_with_weights(name):
    model = classifier(name).fit(X, LABELS)
    display = flow(model)
    places = {n.partition(".")[0] for n, role in model.network_.roles.items()
              if role is cr.Role.WEIGHT}  # fmt: skip
    assert len(display.layers) == len(places) == len(display.gradients) == len(display.deltas)
    assert display.layers[-1].startswith("output\n")
    assert max(len(line) for each in display.layers for line in each.split("\n")) <= 24


@pytest.mark.parametrize("name", HIDDEN)
def test_the_diagram_counts_all_parameters(name):
    model = classifier(name).fit(X, LABELS)
    parts = estimator_html.parts(model)
    counts = [int(part.parameters.partition(" ")[0]) for part in parts if part.parameters]
    assert sum(counts) == model.network_.size
    assert [parts[0][:2], parts[-1][:2]] == [("input", "4"), ("output", "3")]
    units = [layer for layer in model.network_.layers[:-1] if isinstance(layer, cr.Dense)]
    hidden = [part.kind for part in parts if part.kind.startswith("hidden")]
    assert hidden == [f"hidden {k}" for k in range(1, len(units) + 1)]


BEFORE = {
    "none": [],
    "dense": ["hidden 1: (inputs + 1) × 5 parameters", "dropout"],
    "norms": ["layer norm: 2 × inputs parameters", "hidden 1: (inputs + 1) × 5 parameters",
              "batch norm: 20 parameters", "activate"],
    "residual": ["hidden 1: (inputs + 1) × 5 parameters", "residual: 50 parameters"],
    "residual first": ["residual"],
    "embedded": ["piecewise linear", "scale", "hidden 1"],
    "waves": ["periodic: 14 × inputs parameters", "hidden 1: 15 × inputs + 5 parameters"],
    "members": ["scale: inputs parameters", "3 members"],
    "full members": ["3 members"],
}  # fmt: skip


@pytest.mark.parametrize("name", BEFORE)
def test_before_the_fit_a_diagram_says_what_is_known(name):
    first, *hidden, last = estimator_html.parts(classifier(name))
    said = [": ".join(filter(None, (part.kind, part.parameters))) for part in hidden]
    assert said == BEFORE[name]
    assert (first.size, last.size) == ("?", "?")
    unknown = {"residual first", "embedded", "members", "full members"}
    of = {"none": "(inputs + 1)"}.get(name, "" if name in unknown else "(5 + 1)")
    assert last.parameters == (f"{of} × outputs parameters" if of else "")


# A kind of one's own


class ShiftParameters(NamedTuple):
    shift: np.ndarray


class ShiftRecord(NamedTuple):
    x: np.ndarray
    a: np.ndarray


@dataclass(frozen=True)
class Shift(cr.Layer):
    """A layer that adds a number of its own to each feature."""

    def form(self, inputs):
        return ShiftParameters(np.zeros(inputs))

    def forward(self, params, x, draw, xp):
        a = x + params.shift
        return a, ShiftRecord(x, a)

    def delta(self, params, record, da, xp):
        return da

    def dx(self, params, record, delta, xp):
        return delta

    def gradient(self, record, delta, xp):
        return ShiftParameters(xp.sum(delta, axis=0))


def test_a_kind_of_ones_own_needs_its_class_alone():
    model = cr.MLPClassifier(
        layers=[Shift(), cr.Dense(5, "tanh"), Shift()], engine="reference", **FIXED
    )
    before = estimator_html.parts(model)
    model = pickle.loads(pickle.dumps(clone(model).fit(X, LABELS)))
    net, params = model.network_, model.parameters_
    assert params[0].shift.any()
    assert net.layers == (Shift(), cr.Dense(5, "tanh"), Shift(), cr.Dense(3))
    assert [part.kind for part in before[1:-1]] == ["Shift()", "hidden 1", "Shift()"]
    assert [part.parameters for part in estimator_html.parts(model)[1:]] == [
        "4 parameters", "25 parameters", "5 parameters", "18 parameters"]  # fmt: skip
    assert architecture(net, params) == (
        "4 inputs, Shift(), 5 tanh, Shift(), 3 outputs: 52 parameters"
    )
    assert [W.shape for W in model.coefs_] == [(4, 5), (5, 3)]
    assert len(flow(model).layers) == 2
    y = model._encode(LABELS)
    assert cr.check_gradient(net, params, X, y).passed
    with pytest.raises(ValueError, match=r"layer 0, Shift\(\), is of your own making"):
        cr.save("shift.model", net, params)


# What is refused


REFUSED = [
    ({"layers": cr.Dense(3)}, TypeError, "layers must be a list of layers such as [cr.Dense(32, "),
    ({"layers": "relu"}, TypeError, "layers must be a list of layers such as"),
    ({"layers": [32]}, TypeError, "layers must be a list of layers such as"),
    ({"layers": [cr.Dense]}, TypeError, "layers must be a list of layers such as"),
    ({"layers": {}}, TypeError, "layers must be a list of layers such as"),
    ({"layers": [], "dropout": 0.1}, ValueError, "leave out dropout=0.1, or write it as a layer"),
    ({"layers": [], "activation": "tanh"}, ValueError, "leave out activation='tanh', or"),
    (
        {"layers": [], "hidden_layer_sizes": (50,)},
        ValueError,
        "layers stands in the place of hidden_layer_sizes, activation and dropout; leave out "
        "hidden_layer_sizes=(50,), or write it as a layer",
    ),
    (
        {"layers": [cr.Members(2, cr.Dense(3)), cr.Dense(3)]},
        ValueError,
        "layer 0, Members(2, Dense(3, 'identity')), must be the last layer",
    ),
    (
        {"layers": [cr.Residual(cr.Dense(3))]},
        ValueError,
        "must lead back to 4, got 3",
    ),
    ({"layers": [cr.PiecewiseLinear([[0, 1]])]}, ValueError, "has edges for 1 inputs, and gets 4"),
]


@pytest.mark.parametrize("kind", [cr.MLPClassifier, cr.MLPRegressor])
@pytest.mark.parametrize(("options", "error", "message"), REFUSED)
def test_what_is_no_hidden_layer_is_refused(kind, options, error, message):
    model = kind(**options)
    with pytest.raises(error, match=re.escape(message)) as caught:
        model.fit(X, LABELS)
    assert "\n" not in str(caught.value)
    assert not hasattr(model, "parameters_")


def test_what_is_the_default_need_not_be_left_out():
    options = {"hidden_layer_sizes": [100], "activation": "relu", "dropout": 0}
    model = cr.MLPClassifier(layers=[cr.Dense(3)], max_iter=2, **options).fit(X, LABELS)
    assert model.network_.layers == (cr.Dense(3), cr.Dense(3))
