"""What is explained, how much of it, and what is refused: large networks, own rows, bad input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import array_api_strict
import numpy as np
import pytest

import chainrule as cr
from chainrule.demo import worked_example
from chainrule.explanation.expressions import Product, Quantity, Sum, exact
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.subjects import count, key_by_number, parameters, subject
from chainrule.explanation.unit_places import Places
from chainrule.layers import LAYERS
from chainrule.optimizers import Optimizer
from chainrule.trees import tree_map

NET, START = worked_example.NET, worked_example.START
X, Y = worked_example.X[0], worked_example.Y[0]
DROPS = cr.Network(
    2, [cr.Dense(2, "tanh"), cr.Dropout(0.5), cr.Dense(2)], loss="half_squared_error"
)
LINE = cr.Network(1, [cr.Dense(1)], loss="squared_error")
T, V = TypeError, ValueError

# ---- names ---------------------------------------------------------------------------------------

SUBJECTS = {
    "w1": Key("w", 0, 0, 0),
    "w4": Key("w", 0, 1, 1),
    "w5": Key("w", 1, 0, 0),
    "w8": Key("w", 1, 1, 1),
    "b2": Key("b", 0, 1),
    "b3": Key("b", 1, 0),
    "x2": Key("x", -1, 1),
    "i2": Key("x", -1, 1),
    "h1": Key("a", 0, 0),
    "o2": Key("a", 1, 1),
    "out_h2": Key("a", 0, 1),
    "out_o1": Key("a", 1, 0),
    "net_h2": Key("z", 0, 1),
    "net_o1": Key("z", 1, 0),
    "delta_o1": Key("z", 1, 0),
    "δ_o1": Key("z", 1, 0),
    "layers[1].W[0, 1]": Key("w", 1, 0, 1),
    "layers[1].W[0,1]": Key("w", 1, 0, 1),
    " layers[0].b[1] ": Key("b", 0, 1),
    "cost": COST,
    "all": Key("all"),
}


@pytest.mark.parametrize("of", SUBJECTS)
def test_name_of_what_is_explained(of):
    assert subject(of, Places.of(NET)) == SUBJECTS[of]


def test_numbers_go_through_all_layers():
    net = cr.Network(3, [cr.Dense(2), cr.Dropout(0.1), cr.Dense(4), cr.Dense(1)], "squared_error")
    at = Places.of(net)
    assert [count(letter, at) for letter in "wbxho"] == [18, 7, 3, 6, 1]
    assert len(set(parameters(at))) == net.size
    for letter in "wb":
        for k in range(count(letter, at)):
            key = key_by_number(letter, k, at)
            place = at.weight(*key[1:4]) if letter == "w" else at.bias(*key[1:3])
            assert place == k + 1
    assert [place.path for place in at.layers] == ["0", "2", "3"]
    assert subject("layers[2].W[3, 1]", at) == subject("w14", at) == Key("w", 1, 3, 1)


# ---- large networks ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large():
    layers = [cr.Dense(60, "relu"), cr.Dense(40, "tanh"), cr.Dense(30)]
    net = cr.Network(100, layers, loss="cross_entropy", l2=0.01)
    params = net.init(0, "float64")
    return net, params, np.random.default_rng(1).random(100)


@pytest.mark.parametrize("of", ["w1", "w6001", "w9000", "b60", "x7", "h70", "o3", "cost"])
def test_of_a_large_sum_the_largest_terms_are_shown(large, of):
    net, params, x = large
    top = 5
    derived = cr.explain(net, params, x, 3, of=of, top=top).derivation
    trace = cr.forward(net, params, x[None])
    sums = [s for s in derived.steps() if s.key.kind == "z"]
    assert sums
    for step in sums:
        layer, j = step.key.layer, step.key.unit
        products = params[layer].W[j] * trace[layer].x[0]
        *shown, rest, bias = step.formula.terms
        assert bias == Quantity(Key("b", layer, j), float(params[layer].b[j]))
        assert all(isinstance(term, Product) for term in shown)
        places = [term.factors[0].key.source for term in shown]
        assert places == sorted(np.argsort(-np.abs(products), kind="stable")[:top])
        assert rest.key.text == f"the other {len(products) - top}"
        assert rest.value == math.fsum(np.delete(products, places))


@pytest.mark.parametrize("top", [1, 3, 9, 10, 200])
def test_no_sum_is_longer_than_top(large, top):
    net, params, x = large
    for of in ("w1", "x7", "cost"):
        steps = cr.explain(net, params, x, 3, of=of, top=top).derivation.steps()
        for step in steps:
            if isinstance(step.formula, Sum):
                assert len(step.formula.terms) <= top + 2  # one more term is the rest, one the bias
            if step.formula is not None:
                assert float(exact(step.formula)) == pytest.approx(step.value, rel=1e-9, abs=1e-12)


def test_one_term_more_than_top_needs_no_rest():
    net = cr.Network(4, [cr.Dense(1)], loss="squared_error")
    made = cr.explain(net, net.init(0), np.ones(4), [1.0], of="w1", top=3)
    assert "the other" not in made.text()
    assert "the other 2" in cr.explain(net, net.init(0), np.ones(4), [1.0], of="w1", top=2).text()


def test_of_a_data_set_the_largest_parts_are_shown():
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(40, 2)), rng.normal(size=(40, 2)), rng.uniform(0, 1, 40)
    made = cr.explain(NET, START, X, y, of="w5", top=4, sample_weight=w)
    deltas = cr.backward(cr.forward(NET, START, X), y)
    parts = w * deltas[1][:, 0] * cr.forward(NET, START, X)[1].x[:, 0]
    rows = sorted(np.argsort(-np.abs(parts))[:4] + 1)
    assert made.examples == (
        "The mean over 40 examples: the 4 that give most to it are worked out, and then the mean."
    )
    titles = [part.title for part in made.derivation.parts]
    assert [t for t in titles if t.startswith("Forward")] == [
        f"Forward of example {r}" for r in rows
    ]
    mean = next(s for s in made.derivation.steps() if s.key == derivative(COST, Key("w", 1, 0, 0)))
    shown = [term for term in mean.formula.above.terms if isinstance(term, Product)]
    assert [term.factors[1].key.of[0].example for term in shown] == rows


# ---- the user's own rows -------------------------------------------------------------------------

SINE = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
CUBE = cr.Loss(
    "cube",
    value=lambda a, y, xp: xp.abs(a - y) ** 3,
    grad=lambda a, y, xp: 3 * (a - y) * xp.abs(a - y),
)


@dataclass(frozen=True)
class Halved(Optimizer):
    learning_rate: float = 1.0

    def init(self, w):
        return ()

    def step(self, g, state, t):
        return self.rate(t) * g / 2, ()


def test_own_functions_are_explained_as_far_as_can_be():
    net = cr.Network(2, [cr.Dense(2, SINE), cr.Dense(2, "sigmoid")], loss=CUBE)
    made = cr.explain(net, START, X, Y, of="w1", optimizer=Halved())
    steps = {step.key: step for step in made.derivation.steps()}
    trace = cr.forward(net, START, X[None])
    for key, note in {
        Key("a", 0, 0): "by a function of your own, sine",
        derivative(Key("a", 0, 0), Key("z", 0, 0)): "by a function of your own, sine",
        Key("loss", 1, 1): "by a function of your own, cube",
        derivative(COST, Key("a", 1, 1)): "by a function of your own, cube",
        Key("new", of=(Key("w", 0, 0, 0),)): "by Halved(learning_rate=1.0), of your own",
    }.items():
        assert (steps[key].formula, steps[key].note) == (None, note)
    gradient = cr.gradient(trace, cr.backward(trace, Y[None]))[0].W[0, 0]
    assert steps[derivative(COST, Key("w", 0, 0, 0))].value == gradient
    assert steps[Key("new", of=(Key("w", 0, 0, 0),))].value == 0.15 - gradient / 2
    assert not any(k.kind == "d" and k.of[0].kind == "loss" for k in steps)  # it may not be a sum


def test_own_row_under_a_name_of_the_table_is_own():
    mine = cr.Activation("tanh", f=lambda z, xp: 2 * xp.tanh(z), df=lambda z, a, xp: 2 - a * a / 2)
    net = cr.Network(2, [cr.Dense(2, mine), cr.Dense(2)], loss="half_squared_error")
    steps = cr.explain(net, START, X, Y, of="w1").derivation.steps()
    assert next(s for s in steps if s.key == Key("a", 0, 0)).formula is None


# ---- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_of_another_library_are_taken(dtype):
    def convert(array):
        return array_api_strict.asarray(np.asarray(array, dtype))

    expected = cr.explain(NET, tree_map(lambda w: w.astype(dtype), START), X, Y, of="w1")
    params = tree_map(convert, START)
    x, y = convert(X), convert(Y)
    if dtype == "float64":
        assert cr.explain(NET, params, x, y, of="w1").text() == expected.text()
    assert cr.explain(NET, params, X, Y, of="w1").text() == expected.text()


# ---- bad input -----------------------------------------------------------------------------------


def explain(net=NET, params=START, X=X, y=Y, **given):
    return cr.explain(net, params, X, y, **{"of": "w1", **given})


def line(w):
    return {"net": LINE, "params": LINE.parameters([([[w]], [0.0])]), "X": [1.0], "y": [2.0]}


class Mine(cr.Dense):
    """A kind of layer of the user's own."""


MINE = cr.Network(2, [Mine(2)], loss="half_squared_error")
POISSON = cr.Network(1, [cr.Dense(1)], loss="poisson")
HEAVY = cr.Network(1, [cr.Dense(1)], loss="squared_error", l2=1.0)
DEEP = cr.Network(1, [cr.Dense(2), cr.Dropout(0.5), cr.Dense(1)], loss="squared_error")
WIDE = cr.Network(30, [cr.Dense(20)], loss="squared_error")
HAS = "It has w1 to w8, b1 to b4, x1 to x2, h1 to h2, o1 to o2, layers[l].W[j, k]"

REFUSED = [
    *[
        ({"of": of}, V, (f"no quantity {of.strip()!r}; did you mean {near!r}?", HAS))
        for of, near in {
            "w9": "w8",
            "w0": "w1",
            "h0": "h1",
            "h3": "h2",
            "W5": "w5",
            "w05": "w5",
            "b5": "b4",
            "x3": "x2",
            "o7": "o2",
            "w-1": "w1",
            "w_2": "w2",
            "w": "w1",
            "All": "all",
            "csot": "cost",
            "w99999999999": "w8",
            "layers[1]": "layers[1].W[0, 0]",
            "layers[0].V[0, 0]": "layers[0].W[0, 0]",
        }.items()
    ],
    ({"of": "net_o3"}, V, "no quantity 'o3'; did you mean 'o2'?"),
    ({"of": "z1"}, V, ("the network has no quantity 'z1'. It has", "cost and all")),
    ({"of": ""}, V, "the network has no quantity ''. It has"),
    ({"of": "w²"}, V, "the network has no quantity 'w²'. It has"),
    ({"of": 5}, T, "explain: of must be a name such as 'w5', got 5"),
    ({"of": "layers[0].W[9, 9]"}, V, "'layers[0].W[9, 9]': layers[0].W has shape (2, 2)"),
    ({"of": "layers[0].W[1]"}, V, "layers[0].W has shape (2, 2), with indices from 0"),
    ({"of": "layers[0].b[0, 1]"}, V, "layers[0].b has shape (2,), with indices from 0"),
    ({"of": "layers[7].b[0]"}, V, "has no dense layer 7; its dense layers are 0, 1"),
    (
        {"net": DROPS, "params": DROPS.init(0), "of": "layers[1]"},
        V,
        "no dense layer 1; its dense layers are 0, 2",
    ),
    (
        {"net": DROPS, "params": DROPS.init(0), "of": "layers[1].W[0, 0]"},
        V,
        "no dense layer 1",
    ),
    ({"net": DROPS}, V, ("params must be made by", "0.W, 0.b, 2.W, 2.b; got 0.W, 0.b, 1.W")),
    ({"params": "w"}, V, "params must be made by net.init or net.parameters"),
    ({"X": np.zeros((0, 2)), "y": np.zeros((0, 2))}, V, "X must hold at least one example"),
    ({"X": [1.0, 2.0, 3.0]}, V, "expects inputs of width 2, got X with shape (1, 3)"),
    ({"X": [1.0, np.nan]}, V, "X must be finite, got nan at (0, 1)"),
    ({"y": [1.0]}, V, "y must have one row for each of the 1 rows of X"),
    ({"sample_weight": [1.0, 2.0]}, V, "sample_weight must hold one weight for each of the 1"),
    ({"notation": "mazr"}, V, ("unknown notation 'mazr'; did you mean 'mazur'?", "nielsen")),
    ({"digits": 0}, V, "explain: digits must be a whole number >= 1 and < 18, got 0"),
    ({"digits": 18}, V, "explain: digits must be a whole number >= 1 and < 18, got 18"),
    ({"digits": 2.5}, T, "explain: digits must be a whole number"),
    ({"top": 0}, V, "explain: top must be a whole number >= 1, got 0"),
    ({"inputs": ["a"]}, V, "inputs must hold one name for each of the network's 2 inputs, got 1"),
    ({"outputs": list("abc")}, V, "one name for each of the network's 2 outputs, got 3"),
    ({"outputs": "ab"}, T, "explain: outputs must be a list of 2 names, got 'ab'"),
    ({"inputs": 5}, T, "explain: inputs must be a list of 2 names, got 5"),
    ({"optimizer": "sgd"}, T, "explain: optimizer must be one such as cr.SGD(0.5), got 'sgd'"),
    ({"optimizer": cr.SGD(1.0), "freeze": ["5.b"]}, V, "unknown parameter to freeze '5.b'"),
    (
        {"net": MINE, "params": MINE.init(0)},
        V,
        (
            "layer 0, Dense(2, 'identity'), is of the kind 'Mine', which has no derivation",
            *(f"cr.{kind.__name__}" for kind in LAYERS.values()),
        ),
    ),
    (
        {"net": WIDE, "params": WIDE.init(0), "X": np.zeros(30), "y": np.zeros(20), "of": "all"},
        V,
        "of='all' would be 620 derivations, and 500 are the most",
    ),
    (
        {**line(800.0), "net": POISSON},
        V,
        "the loss 'poisson' of o1, unit 0 of layer 0, Dense(1, 'identity'), is inf for example 1",
    ),
    ({**line(1e200)}, V, "the loss 'squared_error' of o1"),
    (
        {**line(1e200), "net": HEAVY, "X": [0.0]},
        V,
        "the cost, with its penalty of the weights, is inf; make the weights, l1 or l2 smaller",
    ),
    (
        {**line(1e10), "optimizer": cr.SGD(1e308)},
        V,
        "0.W after the update is -inf; make the learning rate smaller",
    ),
    (
        {
            "net": DEEP,
            "params": DEEP.parameters([([[1.0], [1e200]], [0.0, 0.0]), ([[1.0, 1e200]], [0.0])]),
            "X": [[0.0], [1.0]],
            "y": [[0.0], [0.0]],
        },
        V,
        "z of o1, unit 0 of layer 2, Dense(1, 'identity'), is inf for example 2",
    ),
]


@pytest.mark.parametrize(("given", "error", "parts"), REFUSED, ids=lambda part: str(part)[:60])
def test_refusal(given, error, parts):
    with pytest.raises(error) as caught:
        explain(**given)
    assert caught.type is error
    for part in (parts,) if isinstance(parts, str) else parts:
        assert part in str(caught.value)


def test_what_is_refused_is_taken_once_it_is_mended():
    assert explain().steps
    assert explain(**line(0.5), optimizer=cr.SGD(0.5)).steps
    assert explain(net=DROPS, params=DROPS.init(0), of="layers[2].W[1, 1]").steps
    assert explain(inputs=["a", "b"], outputs=("c", "d"), digits=17, top=1).steps
