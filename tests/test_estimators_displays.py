"""The pictures of a fit, and what a notebook shows of an estimator."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.estimators import MLPClassifier, MLPRegressor, displays, estimator_html
from chainrule.estimators.base_mlp import BaseMLP
from chainrule.estimators.displays import GradientFlowDisplay, LossCurveDisplay

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = np.repeat(["a", "b", "c"], 20)
NUMBERS = X[:, 0] ** 2
QUIET: dict[str, Any] = {"max_iter": 6, "n_iter_no_change": 2, "tol": 10.0, "random_state": 0}


@pytest.fixture(autouse=True)
def _no_windows() -> Any:
    plt.switch_backend("agg")
    yield
    plt.close("all")


def regressor(**options: Any) -> MLPRegressor:
    return MLPRegressor(random_state=0, **options).partial_fit(X, NUMBERS)


# Losses by epoch

FITS: dict[str, Any] = {
    "training alone": lambda: MLPClassifier(**QUIET).fit(X, LABELS),
    "early stopping": lambda: MLPClassifier(**QUIET, early_stopping=True).fit(X, LABELS),
    "by the loss": lambda: MLPRegressor(**QUIET, early_stopping=True, scoring="loss").fit(
        X, NUMBERS
    ),
    "own data": lambda: MLPRegressor(**QUIET).fit(X, NUMBERS, X_val=X[:9], y_val=NUMBERS[:9]),
    "metrics": lambda: MLPRegressor(**QUIET, metrics={"a": "neg_max_error", "b": "r2"}).fit(
        X, NUMBERS
    ),
}
SCORES = {
    "early stopping": "validation accuracy",
    "by the loss": "validation loss, negated",
    "own data": "validation R²",
}


@pytest.mark.parametrize("fit", FITS)
def test_the_lines_are_the_estimators_curves(fit: str) -> None:
    model = FITS[fit]()
    display = LossCurveDisplay.from_estimator(model)
    expected = {"training loss": model.loss_curve_}
    if fit in SCORES:
        expected["validation loss"] = model.validation_loss_curve_
        expected[SCORES[fit]] = model.validation_scores_
    expected |= getattr(model, "metrics_curve_", {})
    assert display.lines_.keys() == expected.keys()
    for name, curve in expected.items():
        epochs, values = display.lines_[name].get_data()
        np.testing.assert_array_equal(epochs, np.arange(1, len(curve) + 1))
        np.testing.assert_array_equal(values, curve)
    styles = [line.get_linestyle() for line in display.lines_.values()]
    assert len(set(styles)) == len(styles)  # readable without colour


@pytest.mark.parametrize(
    ("fit", "loss", "score"),
    [
        *((fit, "", score) for fit, score in SCORES.items()),
        ("early stopping", "cross_entropy", "accuracy"),
        ("own data", "half_squared_error", "R²"),
        ("metrics", "half_squared_error", "score"),
    ],
)
def test_the_axes_say_what_they_show(fit: str, loss: str, score: str) -> None:
    display = LossCurveDisplay.from_estimator(FITS[fit]())
    assert display.ax_.get_xlabel() == "epoch"
    assert loss in display.ax_.get_ylabel()
    assert display.score_ax_.get_ylabel().endswith(score)
    best = np.argmax(next(iter(display.scores.values())))
    assert display.score_ax_.lines[-1].get_xdata() == [best + 1]


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (0.01, "log"), (-1.0, "linear")])
def test_a_loss_that_falls_far_has_a_logarithmic_axis(last: float, scale: str) -> None:
    assert LossCurveDisplay([1.0, last]).plot().ax_.get_yscale() == scale


DRAWN: dict[str, Any] = {
    "losses": LossCurveDisplay.from_estimator,
    "flow": lambda model, **o: GradientFlowDisplay.from_estimator(model, X, NUMBERS, **o),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_display_draws_where_it_is_told_and_as_it_is_told(name: str) -> None:
    figure, ax = plt.subplots()
    display = DRAWN[name](regressor(), ax=ax, linewidth=7)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert 7 in {line.get_linewidth() for line in ax.lines}
    assert display.plot() is display
    assert display.ax_ is not ax


@pytest.mark.parametrize("name", DRAWN)
def test_a_display_is_of_the_last_step_of_a_pipeline(name: str) -> None:
    scaler = StandardScaler()
    model = MLPRegressor(**QUIET)
    pipeline = make_pipeline(scaler, model).fit(X, NUMBERS)
    display = DRAWN[name](pipeline)
    alone = clone(model).fit(scaler.transform(X), NUMBERS)
    if name == "losses":
        assert display.loss == alone.loss_curve_
    else:
        expected = GradientFlowDisplay.from_estimator(alone, scaler.transform(X), NUMBERS)
        np.testing.assert_array_equal(quantiles(display), quantiles(expected))


@pytest.mark.parametrize("name", DRAWN)
def test_a_display_needs_a_fit(name: str) -> None:
    with pytest.raises(NotFittedError):
        DRAWN[name](MLPRegressor())


def test_a_solver_without_epochs_has_no_curve() -> None:
    model = MLPRegressor(solver="lbfgs", max_iter=500).fit(X[:, :1], X[:, 0])
    with pytest.raises(ValueError, match="no loss_curve_: solver='lbfgs' makes no epochs"):
        LossCurveDisplay.from_estimator(model)


# Derivatives by layer


def quantiles(display: GradientFlowDisplay) -> Any:
    return np.array([spread.quantiles for spread in (*display.gradients, *display.deltas)])


def test_the_spreads_are_those_of_finite_differences() -> None:
    model = regressor(hidden_layer_sizes=(3,), activation="tanh", alpha=0.0)
    display = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    weights = [(W.T.copy(), b.copy()) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]

    def cost() -> float:
        (W1, b1), (W2, b2) = weights
        a = np.tanh(X @ W1.T + b1) @ W2.T + b2
        return float(np.mean((a.ravel() - NUMBERS) ** 2) / 2)

    for (W, _), spread in zip(weights, display.gradients, strict=True):
        found = np.empty(W.shape)
        for place in np.ndindex(W.shape):
            sides = []
            for step in (1e-5, -2e-5):
                W[place] += step
                sides.append(cost())
            W[place] += 1e-5
            found[place] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(spread.quantiles, np.quantile(np.abs(found), displays.QUANTILES),
                                   rtol=1e-5)  # fmt: skip


def test_the_last_delta_of_the_squared_error_is_the_residual() -> None:
    model = regressor()
    display = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    residuals = np.abs(model.predict(X) - NUMBERS)
    np.testing.assert_allclose(
        display.deltas[-1].quantiles, np.quantile(residuals, displays.QUANTILES)
    )


def test_a_gradient_that_vanishes_is_seen() -> None:
    """A logistic unit's slope is at most 1/4, and its weights begin small."""
    model = regressor(hidden_layer_sizes=(10,) * 6, activation="logistic")
    display = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    sizes = [spread.quantiles[2] for spread in display.deltas]
    assert sizes[0] < sizes[-1] / 4**6
    low, high = display.ax_.get_ylim()
    assert low < np.min(quantiles(display)) < np.max(quantiles(display)) < high
    assert display.ax_.get_yscale() == "log"


def test_dead_units_are_counted() -> None:
    model = regressor(hidden_layer_sizes=(4,))
    model.parameters_[0].b[:2] = -1e3  # rectifiers that no example switches on
    display = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    z = X @ model.coefs_[0] + model.intercepts_[0]
    assert display.deltas[0].zero == pytest.approx(np.mean(z <= 0))
    assert display.gradients[0].zero == pytest.approx(0.5)
    said = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert "∂C/∂W: 50% are 0" in said[0]
    assert said[1] == "output\n1 identity\n∂C/∂W: 50% are 0"  # what enters it is 0 too


def test_derivatives_that_are_all_0_are_drawn_without_a_warning() -> None:
    model = regressor(hidden_layer_sizes=(4,), activation="identity")
    for leaf in (leaf for layer in model.parameters_ for leaf in layer):
        leaf[...] = 0
    display = GradientFlowDisplay.from_estimator(model, X, np.zeros(60))
    display.figure_.canvas.draw()
    assert [spread.zero for spread in (*display.gradients, *display.deltas)] == [1.0] * 4


def test_the_penalty_is_left_out() -> None:
    model = regressor()
    before = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    net = model.network_
    model.network_ = cr.Network(net.inputs, net.layers, net.loss, l1=10.0, l2=100.0)
    after = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    np.testing.assert_array_equal(quantiles(before), quantiles(after))


def test_of_many_examples_some_are_taken() -> None:
    model = regressor()
    many = np.random.default_rng(1).normal(size=(2 * displays.ROWS, 4))
    y = many[:, 0] ** 2
    some, again = (GradientFlowDisplay.from_estimator(model, many, y) for _ in range(2))
    residuals = np.abs(model.predict(many) - y)
    low, high = some.deltas[-1].quantiles[[0, -1]]
    assert residuals.min() <= low < high <= residuals.max()
    every = np.quantile(residuals, displays.QUANTILES)
    assert not np.allclose(some.deltas[-1].quantiles, every, rtol=1e-4)
    np.testing.assert_array_equal(quantiles(some), quantiles(again))


def test_dropout_is_no_layer_of_the_picture() -> None:
    model = regressor(hidden_layer_sizes=(5, 4), dropout=0.5)
    display = GradientFlowDisplay.from_estimator(model, X, NUMBERS)
    assert display.layers == ["hidden 1\n5 relu", "hidden 2\n4 relu", "output\n1 identity"]


# In a notebook

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """The text of the diagram's boxes, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[str] = []
        self.loads: list[tuple[str, str | None]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [pair for pair in attrs if pair[0] in ("src", "href", "srcset", "onclick")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("span", "p"):
            self.said.append(data)


def parameters(estimator: Any) -> list[int]:
    counts = [part.parameters for part in estimator_html.parts(estimator) if part.parameters]
    return [int(count.removesuffix(" parameters").replace(",", "")) for count in counts]


KINDS = {
    "classes": (MLPClassifier, LABELS, "softmax"),
    "two classes": (MLPClassifier, LABELS == "a", "logistic"),
    "numbers": (MLPRegressor, NUMBERS, "identity"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_diagram_counts_the_parameters(kind: str) -> None:
    make, y, function = KINDS[kind]
    model = make(hidden_layer_sizes=(50, 30), dropout=0.25, **QUIET).fit(X, y)
    counts = [W.size + b.size for W, b in zip(model.coefs_, model.intercepts_, strict=True)]
    assert parameters(model) == counts
    page = Page(estimator_html.diagram(model))
    assert page.said[:2] == ["input", "4"]
    assert page.said.count("dropout") == page.said.count("0.25") == 2
    assert function in page.said
    total = f"{sum(counts):,} parameters, fitted in {model.n_iter_} epochs"
    assert page.said[-1] == total


def test_before_the_fit_the_diagram_says_what_is_known() -> None:
    said = Page(
        estimator_html.diagram(MLPClassifier(hidden_layer_sizes=(8, 4), activation="tanh"))
    ).said
    assert said[:3] == ["input", "?", "known after fit"]
    assert said[3:7] == ["hidden 1", "8", "tanh", "(inputs + 1) × 8 parameters"]
    assert said[7:11] == ["hidden 2", "4", "tanh", "36 parameters"]
    assert said[11:] == ["output", "?", "known after fit", "(4 + 1) × outputs parameters",
                         "not fitted yet"]  # fmt: skip


def test_without_hidden_layers_input_and_output_are_left() -> None:
    kinds = [part.kind for part in estimator_html.parts(regressor(hidden_layer_sizes=()))]
    assert kinds == ["input", "output"]
    assert estimator_html.parts(MLPRegressor(hidden_layer_sizes=()))[-1].parameters == (
        "(inputs + 1) × outputs parameters"
    )


def test_a_diagram_of_a_fit_stays_as_it_was_fitted() -> None:
    model = regressor(hidden_layer_sizes=(5,))
    before = estimator_html.parts(model)
    assert estimator_html.parts(model.set_params(hidden_layer_sizes=(7, 7))) == before


EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>&\""


def test_hostile_text_is_escaped_and_nothing_is_loaded() -> None:
    sine = cr.Activation(EVIL, f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
    for model in (MLPRegressor(activation=sine), regressor(activation=sine, engine="reference")):
        whole = estimator_html.html_repr(model)
        assert EVIL not in whole
        assert "<script>alert" not in whole
        assert "<img" not in whole
        page = Page(estimator_html.diagram(model))
        assert EVIL in page.said
        assert page.loads == []
        assert "url(" not in estimator_html.diagram(model)


@pytest.mark.parametrize(
    "options", [{"dropout": 7}, {"activation": EVIL}, {"hidden_layer_sizes": (0,)},
                {"hidden_layer_sizes": (3, 3), "activation": ["relu"]}]
)  # fmt: skip
def test_parameters_that_make_no_network_have_no_diagram(options: Any) -> None:
    model = MLPClassifier(**options)
    assert estimator_html.diagram(model) == ""
    assert "MLPClassifier" in estimator_html.html_repr(model)
    assert EVIL not in estimator_html.html_repr(model)


def test_a_notebook_shows_the_diagram_and_a_pipeline_the_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BaseMLP, "_html_repr", estimator_html.html_repr)
    monkeypatch.setattr(BaseMLP, "_sk_visual_block_", estimator_html.visual_block, raising=False)
    model = regressor(hidden_layer_sizes=(5,))
    assert model._repr_html_().startswith(estimator_html.diagram(model))
    assert model._repr_mimebundle_()["text/html"].startswith(estimator_html.diagram(model))
    pipeline = make_pipeline(StandardScaler(), model)
    assert "4 → 5 relu → 1 identity" in pipeline._repr_html_()
