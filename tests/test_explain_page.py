"""The numbers of the page, in a real browser, beside the core's and beside Python's lines."""

import functools
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.notation import NOTATIONS
from chainrule.explanation.page.drawn_units import EDGES, UNITS
from chainrule.explanation.page.page_engine import numbers as packed
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.text import Text
from chainrule.explanation.unit_places import Places
from pages import FROZEN, NET, START, X, Y, expected, explained, shown_lines
from strategies import problem

SUBJECTS = ["w1", "w5", "b2", "b4", "x2", "h1", "o2", "cost", "all"]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_line_is_what_python_writes(opened, notation):
    own = opened(explained(notation=notation))
    names = own.page.eval_on_selector_all("#subject option", "all => all.map((o) => o.textContent)")
    for of in SUBJECTS:
        explanation = explained(of, notation=notation)
        place = {"x2": "i2", "cost": "the cost", "all": "every weight and bias"}.get(of, of)
        if place not in names:  # a weight or bias in the convention's own words
            key = explanation.derivation.subject
            place = next(n for n in names if n == Text().name(explanation.name(key)))
        own.choose(place)
        assert shown_lines(own) == expected(explanation), of


def test_digits_that_are_given_are_the_pages_digits(opened):
    explanation = explained("w5", digits=5)
    assert shown_lines(opened(explanation)) == expected(explanation)


def test_bounds_of_the_gradient_and_a_step_in_the_midst_of_training(opened):
    states = [cr.Adam().step(leaf, cr.Adam().init(leaf), 1)[1] for layer in START for leaf in layer]
    for made in (
        Update(cr.SGD(cr.StepDecay(0.5, 2, 0.1)), step=5, clip_value=0.05, clip_norm=0.01),
        Update(cr.Adam(0.1), step=2, states=states),
    ):
        key, data = subject("w5", Places.of(NET)), Examples(X[None], Y[None], None)
        explanation = Explanation(derive(NET, START, data, key, top=10, made=made))
        assert shown_lines(opened(explanation)) == expected(explanation)


def test_many_examples_with_weights_and_penalty(opened):
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], loss="squared_error", l1=0.01, l2=0.1)
    own = problem(net, n=4, seed=3)
    make = functools.partial(
        cr.explain, net, own.params, own.X, own.y, sample_weight=own.w, optimizer=cr.SGD(0.1)
    )
    explanation = make(of="w2")
    view = opened(explanation)
    for row in range(4):
        view.page.get_by_label("of", exact=True).select_option(label=f"example {row + 1}")
        lines = expected(explanation)
        each = (len(lines) - len(_whole(explanation))) // 4
        titles = view.page.locator("#derivation h3").all_inner_texts()
        assert titles[:3] == [f"{t} of example {row + 1}" for t in TITLES[:3]]
        assert titles[-2:] == ["The penalty", "The update"]
        here = lines[row * each : (row + 1) * each] + _whole(explanation)
        assert shown_lines(view) == here


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("options", [{"reduction": "sum"}, {"size": 2}])
def test_the_sum_and_a_batch_of_weighted_examples(opened, options, weighted):
    options = dict(options)
    size = options.pop("size", None)
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], loss="squared_error", **options)
    own = problem(net, n=4, seed=3)
    more = {"step": 3, "batch_size": size} if size else {}
    explanation = cr.explain(
        net, own.params, own.X, own.y, of="w2", optimizer=cr.SGD(0.1), **more,
        sample_weight=own.w if weighted else None,
    )  # fmt: skip
    view = opened(explanation)
    lines, n = expected(explanation), size or 4
    whole = _whole(explanation)
    each = (len(lines) - len(whole)) // n
    assert shown_lines(view) == lines[:each] + whole


TITLES = ["The chain rule", "Forward", "The cost", "Backward"]


@pytest.mark.parametrize("of", ["net_o1", "delta_h2"])
def test_a_weighted_input_is_explained_too(opened, of):
    explanation = explained(of)
    view = opened(explanation)
    assert shown_lines(view) == expected(explanation)
    view.choose("w1")
    assert shown_lines(view) == expected(explained("w1"))


def _whole(explanation):
    """The lines that are of no single example."""
    parts = [part for part in explanation.derivation.parts if " of example " not in part.title]
    count = sum(1 for part in parts for step in part.steps for _ in step.walk())
    return expected(explanation)[-count:]


# The numbers of the tables


def core(net, params, X, y, w=None):
    trace = cr.forward(net, params, X)
    each = cr.backward(trace, y)
    return trace, each, cr.gradient(trace, cr.backward(trace, y, w))


def assert_numbers(found, net, params, X, y, w=None, rtol=1e-9):
    """Assert that the numbers of a page's tables, for the first example, are the core's."""
    trace, each, grads = core(net, params, X, y, w)
    places = Places.of(net).layers
    for (kind, of, layer, unit, source), value in found.items():
        k = int(places[layer].path) if layer >= 0 else 0
        if of == "w" and kind in ("w", "slope"):
            right = (params if kind == "w" else grads)[k].W[unit, source]
        elif of == "b" and kind in ("b", "slope"):
            right = (params if kind == "b" else grads)[k].b[unit]
        elif kind == "x":
            right = X[0][unit]
        elif kind in ("z", "a"):
            right = getattr(trace[k], kind)[0, unit]
        elif kind == "delta":
            right = each[k][0, unit]
        else:
            continue
        assert value == pytest.approx(right, rel=rtol, abs=1e-15), (kind, of, layer, unit, source)


def test_every_number_of_the_worked_example_is_the_cores(opened):
    found = opened(explained()).numbers()
    assert_numbers(found, NET, START, [X], [Y], rtol=1e-13)
    assert found["slope", "w", 0, 0, 0] == pytest.approx(0.000438567734, abs=5e-13)
    assert found["updated", "w", 1, 0, 0] == pytest.approx(0.358916479718, abs=5e-13)
    assert found["updated", "b", 1, 0, 0] == 0.6
    assert found["loss", "loss", 1, 0, 0] == pytest.approx(0.274811083176, abs=5e-13)
    assert len([key for key in found if key[0] == "slope"]) == 8 + 4 + 2 + 4


def test_printed_numbers_are_the_full_ones_rounded(opened):
    own = opened(explained())
    cells = own.page.eval_on_selector_all(
        "#tables data", "all => all.map((d) => [d.textContent, d.value])"
    )
    for text, value in cells:
        printed = float(re.sub(" · 10.*", "", text).replace("−", "-"))
        assert printed == pytest.approx(float(value), rel=5.1e-9)


EDITS = {
    "i1": (("x", 0), 0.7),
    "target_o2": (("y", 1), 0.25),
    "w3": ((0, "W", (1, 0)), -1.5),
    "w8": ((1, "W", (1, 1)), 2.25),
    "b1": ((0, "b", (0,)), -0.125),
}


@pytest.mark.parametrize("name", EDITS)
def test_everything_follows_a_change(opened, name):
    (place, *rest), value = EDITS[name]
    x, y = X.copy(), Y.copy()
    params = [[leaf.copy() for leaf in layer] for layer in START]
    if place in ("x", "y"):
        (x if place == "x" else y)[rest[0]] = value
    else:
        params[place]["Wb".index(rest[0])][rest[1]] = value
    params = NET.parameters(params)
    own = opened(explained())
    before = own.lines()
    own.change(name, str(value).replace("-", "−"))
    assert_numbers(own.numbers(), NET, params, [x], [y])
    assert shown_lines(own) == expected(explained(params=params, x=x, y=y))
    own.page.get_by_role("button", name="Reset").click()
    assert own.lines() == before
    assert own.page.get_by_role("button", name="Reset").is_disabled()


def test_the_rate_can_be_changed(opened):
    own = opened(explained())
    own.change("η", "0.25")
    assert shown_lines(own) == expected(explained(optimizer=cr.SGD(0.25)))


WRONG = {"i1": "ten", "w5": "1e999", "target_o1": "", "η": "-1", "round": "2"}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_number_is_marked_and_changes_nothing(opened, name):
    own = opened(explained())
    lines = own.lines()
    field = own.change(name, WRONG[name])
    assert field.get_attribute("aria-invalid") == "true"
    said = own.page.get_by_role("alert").inner_text()
    for part in (name, "nothing is changed", f"“{WRONG[name]}”"):
        assert part in said
    assert own.lines() == lines
    assert own.page.get_by_role("button", name="Reset").is_disabled()
    own.change(name, "1")
    assert field.get_attribute("aria-invalid") is None
    assert own.page.get_by_role("alert").inner_text() == ""


TARGETS = {
    "cross_entropy": ("y₂", "0.5", "1, which makes this the class"),
    "hinge": ("y₂", "0.5", "1 or −1"),
    "binary_cross_entropy": ("y₂", "1.5", "from 0 to 1"),
    "poisson": ("y₂", "2.5", "a whole number from 0"),
}


@pytest.mark.parametrize("loss", TARGETS)
def test_a_target_must_be_what_the_loss_takes(opened, loss):
    name, wrong, must = TARGETS[loss]
    net = cr.Network(2, [cr.Dense(3)], loss=loss)
    own = problem(net, n=1, seed=2)
    view = opened(cr.explain(net, own.params, own.X, own.y, of="w1", notation="nielsen"))
    view.change(name, wrong)
    assert view.page.get_by_role("alert").inner_text().startswith(f"{name} must be {must}, got")
    view.change(name, "1")
    assert view.page.get_by_role("alert").inner_text() == ""
    y = 1 if loss == "cross_entropy" else np.where(np.arange(3) == 1, 1.0, own.y[0])
    assert_numbers(view.numbers(), net, own.params, own.X, np.array([y]))


def test_a_change_that_leads_to_no_number_is_refused(opened):
    net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    params = net.parameters([([[0.5]], [0.25])])
    own = opened(cr.explain(net, params, [3.0], [1.0], of="w1"))
    field = own.change("w1", "1e300")
    assert "with w1 = 1e+300 the cost is not finite" in own.page.get_by_role("alert").inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    assert own.numbers()["slope", "w", 0, 0, 0] == pytest.approx(4.5)


@pytest.mark.parametrize("weight", [400.0, -400.0, 1e27, -1e300])
@pytest.mark.parametrize("loss", ["cross_entropy", "cross_entropy(0.1)", "binary_cross_entropy"])
def test_a_probability_that_is_0_leaves_a_finite_cost(opened, loss, weight):
    net = cr.Network(1, [cr.Dense(3)], loss=loss)
    params = net.parameters([([[0.5], [0.25], [-1.0]], [0.1, 0.2, 0.3])])
    X, y = [[3.0]], [[0.0, 1.0, 0.0]]
    view = opened(cr.explain(net, params, X, y, of="w1"))
    view.change("w1", str(weight))
    assert view.page.get_by_role("alert").inner_text() == ""
    params[0].W[0] = weight
    found = view.numbers()
    assert_numbers(found, net, params, np.array(X), np.array(y))
    shares = sum(value for (kind, *_), value in found.items() if kind == "loss")
    assert shares == pytest.approx(cr.cost(net, params, X, y), rel=1e-9)


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "silu", "mish"])
@pytest.mark.parametrize("weight", [1e154, -1e154])
def test_weighted_inputs_of_any_size_have_a_slope(opened, activation, weight):
    net = cr.Network(1, [cr.Dense(1, activation), cr.Dense(1)], loss="absolute_error")
    params = net.parameters([([[0.5]], [0.0]), ([[1.0]], [0.0])])
    view = opened(cr.explain(net, params, [[1.5]], [[1.0]], of="w1"))
    view.change("w1", str(weight))
    params[0].W[0] = weight
    assert_numbers(view.numbers(), net, params, np.array([[1.5]]), np.array([[1.0]]))


# Training


@functools.cache
def fitted(rounds):
    params, _ = cr.fit(
        NET, START, [X], [Y], cr.SGD(0.5), epochs=rounds, freeze=FROZEN, engine="reference"
    )
    return params


def test_training_is_that_of_fit(opened):
    own = opened(explained(), rounds=10_000)
    for rounds in (1, 100, 10_000, 37):
        own.round(rounds)
        assert_numbers(own.numbers(), NET, fitted(rounds), [X], [Y])
    own.page.locator("#slider").press("End")
    own.page.wait_for_selector("html[data-round='10000']", state="attached")
    cost = float(cr.cost(NET, fitted(10_000), [X], [Y]))
    printed = own.page.locator("#cost").inner_text()
    assert float(printed.replace(" · 10⁻⁵", "e-5")) == pytest.approx(cost, rel=1e-8)
    own.page.locator("#slider").press("Home")
    own.page.wait_for_selector("html[data-round='0']", state="attached")
    assert_numbers(own.numbers(), NET, START, [X], [Y])


def test_a_changed_target_is_trained_for(opened):
    own = opened(explained(), rounds=100)
    own.round(50)
    own.change("target_o1", "0.5")
    y = np.array([0.5, Y[1]])
    params, _ = cr.fit(
        NET, START, [X], [y], cr.SGD(0.5), epochs=50, freeze=FROZEN, engine="reference"
    )
    own.page.wait_for_selector("html[data-round='50']", state="attached")
    assert_numbers(own.numbers(), NET, params, [X], [y])


# Large networks


@pytest.fixture(scope="module")
def large():
    net = cr.Network(784, [cr.Dense(128, "relu"), cr.Dense(10)], loss="cross_entropy")
    rng = np.random.default_rng(0)
    x = rng.random(784) * (rng.random(784) < 0.2)
    return cr.explain(net, net.init(0), x, 3, of="w1", optimizer=cr.SGD(0.1))


def test_a_large_network_is_condensed(opened, large):
    own = opened(large)
    assert own.size < 3_000_000
    bundles = own.page.locator("#drawing .bundle")
    said = [b.get_attribute("aria-label") for b in bundles.all()]
    assert [text.split(",")[0] for text in said] == ["the other 776 inputs", "the other 120 units"]
    assert own.page.locator("#drawing .unit").count() == UNITS + UNITS + 10
    assert own.page.locator("#drawing .edge").count() <= 2 * (EDGES // 2 + 1)
    assert shown_lines(own) == expected(large)
    d = large.derivation
    assert_numbers(own.numbers(), d.net, d.params, d.data.X, d.data.y)
    own.change("b1", "0.75")
    d.params[0].b[0] += 0.75
    try:
        assert_numbers(own.numbers(), d.net, d.params, d.data.X, d.data.y)
    finally:
        d.params[0].b[0] -= 0.75


# The data


def test_numbers_are_packed_without_loss():
    assert packed(np.array([0.5, 2.0])).startswith("f4:")
    assert packed(np.array([0.1])).startswith("f8:")
    assert packed(np.array([1e300])).startswith("f8:")
