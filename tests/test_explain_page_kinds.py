"""The page of networks with layers of any kind, in a real browser: its drawing, its numbers."""

import re

import pytest

import chainrule as cr
from chainrule.explanation.core_numbers import at_path
from chainrule.explanation.notation import Key
from chainrule.explanation.page.drawn_units import EDGES, UNITS, drawn_units
from chainrule.explanation.text import Text
from chainrule.layers import LAYERS
from chainrule.trees import named_leaves
from pages import expected, shown_lines
from strategies import problem

SCALES = cr.Residual(cr.LayerNorm(), cr.Residual(cr.Scale()), cr.Activate("relu"))


BINS = [[-1.0, 0.0, 2.0], []]


def between(layer, width=3):
    """Layers of a network, one of them the one given, or that as the last where it predicts."""
    ends = [] if layer.members > 1 else [cr.Dense(2)]
    return [cr.Dense(width, "tanh"), layer, *ends]


NETWORKS = {
    **{name: between(kind.example(3)) for name, kind in LAYERS.items()},
    "first": [cr.LayerNorm(), cr.PiecewiseLinear(BINS, 2), cr.Dense(2)],
    "within": between(SCALES),
    "softmax": between(cr.Activate("softmax")),
    "two softmaxes": [cr.Dense(3, "softmax"), cr.Activate("softmax"), cr.Dense(2)],
    "columns": [cr.PiecewiseLinear(BINS, 2), cr.Embedding([0, 0, 3], 2), cr.Dense(2)],
    "full members": between(cr.Members(2, cr.Dense(2, "relu"), cr.Dense(2), full=True)),
}


def explained(name, of="w1", n=1, **options):
    net = cr.Network(2, NETWORKS[name], "squared_error")
    p = problem(net, n=n, seed=3)
    return cr.explain(net, p.params, p.X, p.y, of=of, optimizer=cr.SGD(0.1), **options)


DRAWN = {  # bands, bows, wires without a weight, weights and biases of the layer in the middle
    "activate": (0, 0, 3, set(), set()),
    "scale": (0, 0, 0, {"scale"}, set()),
    "layer_norm": (1, 0, 3, {"gamma"}, {"beta"}),
    "batch_norm": (0, 0, 0, {"gamma"}, {"beta"}),
    "residual": (0, 1, 3, set(), set()),
    "periodic": (0, 0, 9, set(), {"b"}),
    "piecewise_linear": (0, 0, 0, {"w"}, {"b"}),
    "softmax": (1, 0, 6, set(), set()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_lines_numbers_and_drawing_of_a_page(opened, name):
    explanation = explained(name)
    own = opened(explanation)
    assert shown_lines(own) == expected(explanation)
    assert_numbers(own.numbers(), explanation.derivation)
    if name in DRAWN:
        assert_drawn(own, explanation.derivation, *DRAWN[name])
    own.choose("h2")
    assert shown_lines(own) == expected(explained(name, "h2"))


FIXED = {
    name: f"what enters {kind}, which its formulas hang on, can change"
    for name, kind in {
        "embedding": "Embedding",
        "piecewise_linear": "PiecewiseLinear",
        "first": "PiecewiseLinear",
    }.items()
}
LIVE = [name for name in NETWORKS if name not in FIXED]


@pytest.mark.parametrize("name", FIXED)
def test_a_page_says_why_it_cannot_be_changed(name):
    assert f"since {FIXED[name]}, and so they cannot be changed" in explained(name).html()


@pytest.mark.parametrize("name", LIVE)
def test_every_line_follows_a_change(opened, name):
    """Of an input and of a parameter of each of the layers, for the example that is shown."""
    before = explained(name, n=2)
    d, own = before.derivation, opened(before)
    row = int(own.page.evaluate("document.getElementById('row').value"))
    d.data.X[row, 1] = 0.375
    own.change("i2", "0.375")
    shown = {found[1:] for found in own.numbers() if found[0] == found[1]}
    for k, key in enumerate(changed(d.at)):
        if (key.kind, *key[1:4]) not in shown:  # another member's
            continue
        leaf, entry = d.at.leaf(key)
        at_path(d.params, leaf)[entry] = 0.25 + k / 8
        own.change(Text().name(before.name(key)), str(0.25 + k / 8))
    assert own.page.get_by_role("alert").inner_text() == ""
    options = {"optimizer": cr.SGD(0.1), "of": "w1"}
    now = cr.explain(d.net, d.params, d.data.X, d.data.y, **options)
    assert shown_lines(own) == expected(now, row)


def test_an_input_stays_in_its_bin_and_at_its_level(opened):
    before = explained("columns")
    own = opened(before)
    bins, levels = "which hold from −5 to below 0", "which hold from −0.5 to below 0.5"
    for name, number, bounds in (("i1", "0", bins), ("i2", "1", levels)):
        own.change(name, number)
        said = f"{name} = {number} has other formulas than those of this page, {bounds}"
        assert own.page.get_by_role("alert").inner_text() == f"{said}; nothing is changed"
        own.change(name, "-0.375")
        assert own.page.get_by_role("alert").inner_text() == ""
    d = before.derivation
    now = cr.explain(d.net, d.params, [-0.375] * 2, d.data.y[0], of="w1", optimizer=cr.SGD(0.1))
    assert shown_lines(own) == expected(now)


TIES = [["w2", "w3"], ["h1.b", "h2.b"], ["o1.b", "o2.b"]]


def tied(params, of, X, y, **options):
    net = cr.Network(2, [cr.Dense(2, "tanh"), cr.Dense(2)], "squared_error", l2=0.1)
    return cr.explain(net, params, X, y, of=of, ties=TIES, optimizer=cr.Adam(0.1), **options)


def test_what_is_tied_is_one_number(opened):
    """It is changed at all of its places, and ∂C by it is the sum of theirs."""
    net = cr.Network(2, [cr.Dense(2, "tanh"), cr.Dense(2)], "squared_error")
    p = problem(net, n=2, seed=3)
    W, b = p.params[0]
    W[1, 0], b[1], p.params[1].b[1] = W[0, 1], b[0], p.params[1].b[0]
    own = opened(tied(p.params, "b1", p.X, p.y))
    row = int(own.page.evaluate("document.getElementById('row').value"))
    own.page.get_by_label("b1", exact=True).nth(1).fill("0.25")
    own.page.get_by_label("b1", exact=True).nth(1).press("Enter")
    own.page.get_by_label("w2", exact=True).nth(0).fill("-0.75")
    own.page.get_by_label("w2", exact=True).nth(0).press("Enter")
    b[:], W[1, 0], W[0, 1] = 0.25, -0.75, -0.75
    for of in ("b1", "w2", "b2", "h1"):
        own.choose(of)
        assert shown_lines(own) == expected(tied(p.params, of, p.X, p.y), row)
    own.choose("b1")
    found, now = own.numbers(), tied(p.params, "b1", p.X, p.y).derivation
    whole = next(s.value for s in now.steps() if s.key == Key("d", of=(Key("C"), Key("b"))))
    assert [found["slope", "b", 0, j, 0] for j in (0, 1)] == pytest.approx([whole] * 2, rel=1e-12)
    own.page.get_by_role("button", name="explain b1", exact=True).nth(1).click()
    assert own.page.locator("#subject option:checked").inner_text() == "b1"
    assert own.page.locator("#slider").is_hidden()


def changed(at):
    """The first parameter of each name of each layer, which a member shares."""
    return [at.key(name, (0,) * len(shape)) for name, shape in at.shapes.items()]


def assert_numbers(found, d):
    """Assert that the numbers of the tables are the core's."""
    trace = cr.forward(d.net, d.params, d.data.X)
    leaves = dict(named_leaves(d.params))
    grads = dict(named_leaves(cr.gradient(trace, cr.backward(trace, d.data.y))))
    counted = 0
    for (kind, of, layer, unit, source), value in found.items():
        if of in ("w", "b") and kind in ("w", "b", "slope"):
            leaf, entry = d.at.leaf(Key(of, layer, unit, source))
            right = (grads if kind == "slope" else leaves)[leaf][entry]
        elif kind == "x":
            right = d.data.X[0, unit]
        elif kind == "y":
            right = d.data.y[0, unit]
        elif kind == "a" and layer == d.at.last and d.net.members == 1:
            right = trace.output[0, unit]
        else:
            continue
        counted += 1
        assert value == pytest.approx(right, rel=1e-12, abs=1e-15), (kind, of, layer, unit, source)
    assert counted > 10


def assert_drawn(own, d, bands, bows, wires, weights, biases):
    drawn, k = drawn_units(d), d.at.last - 1
    edges = [edge.key for edge in drawn.edges if edge.key and edge.layer == k]
    added = [key for (layer, _), key in drawn.biases.items() if layer == k]
    found = [{d.at.leaf(key)[0].rpartition(".")[2] for key in keys} for keys in (edges, added)]
    assert found == [weights, biases]
    assert own.page.locator("#drawing .band").count() == bands
    assert own.page.locator("#drawing .bow").count() == bows
    assert own.page.locator("#drawing .wire:not(.bow)").count() == wires
    titles = own.page.locator("#drawing .title").all_text_contents()
    assert len(titles) == len(d.at.layers)


def test_the_units_of_a_member_are_its_own(opened):
    explanation = explained("members", n=2)
    d = explanation.derivation
    found = opened(explanation).numbers()
    row = int(re.search(r"of example (\d)", d.parts[0].title)[1]) - 1
    record = cr.forward(d.net, d.params, d.data.X)
    for j in range(3):
        scaled = record[0].a[row, j] * d.params[1].scales[0, j]
        assert found["a", "a", 1, j, 0] == pytest.approx(scaled, rel=1e-12)
        assert found["a", "a", 3, j, 0] == pytest.approx(record[1].a[row, j], rel=1e-12)
    scales = [at for at in found if at[:2] == ("parameter", "parameter") and at[2] == 1]
    assert len(scales) == 3


def test_a_gain_is_chosen_by_its_edge(opened):
    own = opened(explained("layer_norm"))
    edge = own.page.get_by_role("button", name=re.compile("^parameter γ2 from h2 to h5, "))
    edge.locator(".hit").dispatch_event("click")
    assert shown_lines(own) == expected(explained("layer_norm", "1.gamma[1]"))
    assert own.pressed() == ["e/1/1/1"]
    assert own.page.locator("#subject option:checked").inner_text() == "γ2"
    own.page.get_by_role("button", name="explain γ1", exact=True).click()
    assert shown_lines(own) == expected(explained("layer_norm", "1.gamma[0]"))


def test_a_parameter_that_is_not_drawn_is_in_the_tables(opened):
    own = opened(explained("periodic"))
    rows = own.page.locator("#tables table", has_text="Other parameters").locator("tbody tr")
    names = rows.locator("th").all_text_contents()
    assert sum(name.startswith("frequency") for name in names) == 9
    assert "periodic" in rows.first.inner_text()


WIDE = {
    "1.gamma[17]": [cr.LayerNorm(), cr.Residual(cr.Dense(40, "relu"), cr.Dense(30))],
    "1.w[17, 1]": [cr.PiecewiseLinear([[*range(200)]] * 30, 2)],
    "1.frequency[17, 2]": [cr.Periodic()],
    "1.scales[1, 17]": [cr.Members(3, cr.Dense(40), cr.Dense(30))],
}


@pytest.mark.parametrize("of", WIDE)
def test_layers_that_are_wide_are_condensed(of):
    ends = [] if WIDE[of][-1].members > 1 else [cr.Dense(2)]
    net = cr.Network(20, [cr.Dense(30), *WIDE[of], *ends], "squared_error")
    p = problem(net, n=2)
    drawn = drawn_units(cr.explain(net, p.params, p.X, p.y, of=of).derivation)
    subject = cr.explain(net, p.params, p.X, p.y, of=of).derivation.subject
    assert subject in drawn.subjects() or "frequency" in of
    assert {len(units) for units in drawn.units} <= {UNITS, 2, 0}
    for k in range(len(drawn.units) - 1):
        own = [edge for edge in drawn.edges if edge.layer == k]
        assert len(own) <= EDGES
        assert {edge.unit for edge in own} <= set(drawn.units[k + 1])


def test_what_is_no_derivative_of_the_cost_has_a_page(opened):
    net = cr.Network(2, NETWORKS["layer_norm"], "squared_error")
    p = problem(net, n=1)
    explanation = cr.explain(net, p.params, p.X, of="out_o1", by="1.gamma[0]")
    assert shown_lines(opened(explanation)) == expected(explanation)
