"""After a change in the page every line is what Python writes for the changed numbers."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import Places
from chainrule.losses import LOSSES
from pages import expected, shown_lines
from strategies import HEADS, problem
from tables import ELEMENTWISE
from test_optimizers import EXAMPLES


class Changed:
    """A network with one example, explained anew after each change."""

    def __init__(self, net, made=None, of="all", seed=1):
        self.net, self.made, self.at = net, made, Places.of(net)
        self.of = subject(of, self.at)
        own = problem(net, n=1, seed=seed)
        self.params, self.X, self.y = own.params, own.X, own.y.astype(float)
        if self.y.ndim == 1:
            self.y = self.y[:, None]

    def explained(self):
        data = Examples(self.X.copy(), self.y.copy(), None)
        return Explanation(derive(self.net, self.params, data, self.of, top=10, made=self.made))

    def change(self, view, name, value):
        """Change a number here and in the page."""
        view.change(name, repr(value))
        kind, place = name.rstrip("0123456789"), int(re.sub(r"\D", "", name)) - 1
        if kind == "i":
            self.X[0, place] = value
        elif kind == "target_o":
            row = losses.loss(self.net.loss)
            head = next(h for h in row.heads(self.net.outputs) if place < h.end)
            if head.loss.target == "class":
                head.of(self.y)[:] = 0
            self.y[0, place] = value
        else:
            key = subject(name, self.at)
            part = self.params[key.layer]
            if kind == "w":
                part.W[key.unit, key.source] = value
            else:
                part.b[key.unit] = value

    def follow(self, opened, changes):
        """Open the page, make changes one after the other, and compare."""
        view = opened(self.explained())
        before = view.lines()
        for change in changes:
            self.change(view, *change)
            assert shown_lines(view) == expected(self.explained()), change
        view.page.get_by_role("button", name="Reset").click()
        assert view.lines() == before


# Activations: of two layers, each at its kinks, on its slope and where it is flat

FAR = [0.0, 1.0, -3.0, 8.0, 1e101]
PAIRS = [*zip(ELEMENTWISE[::2], ELEMENTWISE[1::2], strict=False)]
PAIRS += [("sigmoid(4)", "bipolar_sigmoid(3)"), ("leaky_relu(0.2)", ELEMENTWISE[-1])]


@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_activations(opened, names):
    net = cr.Network(1, [*(cr.Dense(1, name) for name in names), cr.Dense(1)], "absolute_error")
    own = Changed(net, of="w1")
    own.X[:] = 0.0
    own.follow(opened, [("w2", 0.0), ("w2", 0.5), *((b, z) for z in FAR for b in ("b1", "b2"))])


# Losses: outputs equal to their targets and far from them, probabilities near 0, near 1 and 0

TARGETS = {
    "real": [0.5],
    "count": [0.0, 3.0],
    "sign": [1.0, -1.0],
    "probability": [0.3, 0.0, 1.0],
    "class": [1.0],
}
ROWS = [*LOSSES, "huber(0.5)", "quantile(0.9)", "cross_entropy(0.1)", *HEADS]


@pytest.mark.parametrize("loss", ROWS)
def test_losses(opened, loss):
    row = losses.loss(loss)
    outputs = row.group if row.parts else 2 * row.group
    own, changes = Changed(cr.Network(1, [cr.Dense(outputs)], loss), of="b1"), []
    own.params[0].W[:] = own.X[:] = 0.0
    for head in row.heads(outputs):
        j, far = head.end, [6.0, -60.0, -690.0] if head.loss.link_name else [-8.0]
        if head.loss.parameters and head.loss.link_name:
            far = [6.0, -8.0]  # where p rounds to 1 the core has lost the digits of ln p
        for b in (0.5, *far):
            changes += [(f"b{j}", b)]
            changes += [(f"target_o{j}", y) for y in TARGETS[head.loss.target]]
    own.follow(opened, changes)


# Updates: of a gradient that is longer than its bound, shorter, and 0


@pytest.mark.parametrize("kind", EXAMPLES)
def test_updates(opened, kind):
    net = cr.Network(1, [cr.Dense(1)], "half_squared_error", l1=0.01, l2=0.1)
    own = Changed(net, Update(EXAMPLES[kind][-1], clip_value=0.3, clip_norm=0.4))
    own.params[0].W[:], own.X[:], own.y[:] = 0.5, 0.5, 0.75
    own.follow(opened, [("target_o1", 9.0), ("target_o1", 0.5), ("w1", 0.0), ("b1", 0.5)])


def test_the_m_of_a_softmax_is_not_that_of_adam(opened):
    own = Changed(cr.Network(1, [cr.Dense(2)], "cross_entropy"), Update(cr.Adam(0.1)))
    own.params[0].b[:] = 55.0
    own.follow(opened, [("b1", 60.0), ("b2", 61.0)])


# Changes that are refused

TO_INFINITY = {
    "i1": ("1e308", "unit h1"),
    "w1": ("1e308", "unit h1"),
    "target_o1": ("1e200", "the cost"),
    "η": ("1e308", "an update"),
}


def test_what_is_refused_changes_nothing_and_the_next_change_works(opened):
    net = cr.Network(1, [cr.Dense(1, "tanh"), cr.Dense(1)], "half_squared_error")
    params = net.parameters([([[2.5]], [0.5]), ([[0.75]], [1.0])])
    made = {"of": "all", "optimizer": cr.SGD(0.25)}
    view = opened(cr.explain(net, params, [8.0], [-16.0], **made))
    before, numbers = view.lines(), view.numbers()
    for name, (text, what) in TO_INFINITY.items():
        field = view.change(name, text)
        said = view.page.get_by_role("alert").inner_text()
        assert said.startswith(f"with {name} = {text.replace('e', 'e+')} {what} is not finite")
        assert field.get_attribute("aria-invalid") == "true"
        assert view.lines() == before
        assert view.numbers() == numbers
        view.change(name, "0.5")
        field.blur()
        assert view.page.get_by_role("alert").inner_text() == ""
        assert field.get_attribute("aria-invalid") is None
        assert field.input_value() == field.get_attribute("data-full") == "0.5"
        assert view.lines() != before
        view.page.get_by_role("button", name="Reset").click()
        assert view.lines() == before
    view.change("i1", "1e308")
    view.change("i1", "0.5")
    assert shown_lines(view) == expected(cr.explain(net, params, [0.5], [-16.0], **made))


# Sums of which the largest terms are written


def test_the_rest_of_a_sum_is_of_zeros_while_it_is(opened):
    net = cr.Network(14, [cr.Dense(1)], "half_squared_error")
    x = np.zeros(14)
    x[[0, 2]] = 0.5
    params = net.parameters([(np.full((1, 14), 0.25), [0.5])])
    explanation = cr.explain(net, params, x, [1.0], of="w1")
    view = opened(explanation)
    assert shown_lines(view) == expected(explanation)
    for text, rest in (("2", "the other 12+"), ("0", "the other 12, each 0+")):
        view.change("i2", text)
        formula = view.page.locator("#derivation .formula", has_text="the other").first
        assert rest in formula.inner_text().replace("\n", "")
    assert shown_lines(view) == expected(explanation)


def test_an_optimizer_of_ones_own_is_shown_as_it_is(opened):
    class Own(cr.SGD):
        """An optimizer that the page has no formulas of."""

    net = cr.Network(1, [cr.Dense(1)], "half_squared_error")
    explanation = cr.explain(net, net.init(1), [0.5], [1.0], of="w1", optimizer=Own(0.1))
    view = opened(explanation)
    assert shown_lines(view) == expected(explanation)
    assert view.page.get_by_label("w1", exact=True).get_attribute("readonly") is not None
