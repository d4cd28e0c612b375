"""All activations and losses in the page, in a real browser, beside the core and Python."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import Places
from chainrule.losses import LOSSES
from pages import expected, shown_lines
from strategies import HEADS, last, problem
from tables import ELEMENTWISE
from test_explain_page import assert_numbers

FAR = [-30, -12, -5, -2.6, -2.4, -0.5, 0.5, 2.4, 2.6, 5, 12, 30]
"""Biases that take the weighted inputs to where a function's plain form would lose digits."""


def _table():
    names = [*ELEMENTWISE, "sigmoid(4)", "bipolar_sigmoid(3)", "leaky_relu(0.2)", "elu(0.5)"]
    more = ["huber(0.5)", "quantile(0.9)", "quantile(0.1, 0.5, 0.9)", "cross_entropy(0.1)"]
    rows = [*LOSSES, *more, *HEADS]
    for k, name in enumerate(names):
        loss = rows[k % len(rows)]
        yield [cr.Dense(len(FAR), name), cr.Dense(3, last(name, loss))], loss, 1 + k % 3
    for k, loss in enumerate(rows):
        layers = [cr.Dense(3, "tanh"), cr.Dropout(0.5), cr.Dense(4, "silu"), cr.Dense(3)]
        yield layers, loss, 1 + k % 2


@pytest.mark.parametrize(("layers", "loss", "n"), list(_table()))
def test_the_gradient_of_the_page_is_the_cores(opened, layers, loss, n):
    net = cr.Network(2, layers, loss=loss, l1=0.01 * (n == 2), l2=0.1 * (n > 1))
    own = problem(net, n=n, seed=n)
    if len(own.params[0].b) == len(FAR):
        own.params[0].b[:] = FAR
    w = own.w if n == 3 else None
    explanation = cr.explain(net, own.params, own.X, own.y, of="w1", sample_weight=w)
    view = opened(explanation)
    found = view.numbers()
    assert len([key for key in found if key[0] == "slope" and key[1] in "wb"]) == net.size
    row = int(view.page.evaluate("document.getElementById('row').value || 0"))
    order = [row, *(k for k in range(n) if k != row)]
    assert_numbers(
        found, net, own.params, own.X[order], own.y[order], None if w is None else w[order]
    )


@pytest.mark.parametrize("net", [(["relu"], "huber"), (["sigmoid", "gelu_tanh"], "cross_entropy")])
def test_every_line_of_other_functions_too(opened, net):
    names, loss = net
    net = cr.Network(2, [*(cr.Dense(2, name) for name in names), cr.Dense(3)], loss=loss)
    own = problem(net, n=1, seed=5)
    explanation = cr.explain(net, own.params, own.X, own.y, of="all", optimizer=cr.Adam(0.1))
    assert shown_lines(opened(explanation)) == expected(explanation)


@pytest.mark.parametrize("far", [0, 60])
def test_heads_follow_a_change(opened, far):
    loss = "heads(huber(0.3): 1, cross_entropy(0.1): 2, cross_entropy: 2)"
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(5)], loss)
    own = problem(net, n=1, seed=1)
    own.params[1].b[3:] += far  # of one softmax the largest logit is taken off
    own.y[:] = [0.5, 0, 1, 1, 0]

    def made():
        return cr.explain(net, own.params, own.X, own.y, of="w1", optimizer=cr.SGD(0.5))

    view = opened(made())
    assert shown_lines(view) == expected(made())
    view.change("w8", "0.75")
    own.params[1].W[0, 1] = 0.75
    view.change("target_o1", "−2")
    view.change("target_o2", "1")
    own.y[:] = [-2, 1, 0, 1, 0]
    assert shown_lines(view) == expected(made())
    view.change("target_o5", "1")
    own.y[:] = [-2, 1, 0, 0, 1]
    assert shown_lines(view) == expected(made())
    assert_numbers(view.numbers(), net, own.params, own.X, own.y)
    assert view.page.locator("#training").is_visible()


def test_functions_of_ones_own_are_shown_as_the_core_has_them(opened):
    cube = cr.Activation("cube", f=lambda z, xp: z**3, df=lambda z, a, xp: 3 * z**2)
    net = cr.Network(2, [cr.Dense(2, cube), cr.Dense(1)], loss="squared_error")
    explanation = cr.explain(net, net.init(1), [0.5, 2.0], [1.0], of="w1", optimizer=cr.SGD(0.1))
    own = opened(explanation)
    assert shown_lines(own) == expected(explanation)
    assert own.page.get_by_label("w1", exact=True).get_attribute("readonly") is not None
    assert own.page.locator("#training").is_hidden()


def test_dropout_that_has_drawn_its_masks_is_shown_as_the_core_has_it(opened):
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dropout(0.5), cr.Dense(1)], loss="squared_error")
    own = problem(net, n=1, seed=1)
    key = subject("w1", Places.of(net))
    data = Examples(own.X, own.y, None)
    explanation = Explanation(derive(net, own.params, data, key, top=10, draw=own.draw))
    assert shown_lines(opened(explanation)) == expected(explanation)


CLASSES = {
    "alone": ("cross_entropy", [[0, 0, 1, 0]], ["1", "4", "3"]),
    "none yet": ("cross_entropy", [[0.5, 0, 0.25, 0.25]], ["2", "1"]),
    "two": ("heads(cross_entropy: 2, cross_entropy: 2)", [[0, 1, 0, 1]], ["1", "3", "4"]),
    "one of more": ("cross_entropy", [[0, 0, 1, 0], [1, 0, 0, 0]], ["4", "1"]),
}


@pytest.mark.parametrize("name", CLASSES)
def test_the_lines_of_the_cost_are_those_of_the_class(opened, name):
    loss, y, changes = CLASSES[name]
    net = cr.Network(2, [cr.Dense(2, "tanh"), cr.Dense(4)], loss)
    own, y = problem(net, n=len(y), seed=1), np.array(y, float)
    heads = losses.loss(loss).heads(4)

    def made(of):
        return cr.explain(net, own.params, own.X, y, of=of)

    view = opened(made("w2"))
    row = int(view.page.evaluate("document.getElementById('row').value || 0"))
    before = view.lines()
    for output in changes:
        j = int(output) - 1
        view.change(f"target_o{output}", "1")
        head = next(head for head in heads if j < head.end)
        head.of(y)[row] = np.arange(head.first, head.end) == j
        for of in ("w2", "w11", "cost"):
            view.choose({"cost": "the cost"}.get(of, of))
            assert shown_lines(view) == expected(made(of), row)
    view.choose("w2")
    view.page.get_by_role("button", name="Reset").click()
    assert view.lines() == before
