"""The softmax as an activation, worked out in full: its Jacobian, and what follows from it."""

import itertools
import re

import mpmath
import pytest

import chainrule as cr
from chainrule.explanation.expressions import exact
from chainrule.explanation.notation import COST, derivative
from chainrule.explanation.subjects import parameters, subject
from chainrule.explanation.unit_places import Places
from explained import is_near, quantities
from pages import expected, shown_lines
from reading import steps
from strategies import problem
from test_explain_derivation import check_line
from test_network_file import changed, read

W1, B1 = [[0.15, -0.2], [0.25, 0.3]], [0.1, -0.1]
W2, B2 = [[0.4, 0.45], [0.5, -0.55], [-0.3, 0.2]], [0.0, 0.2, -0.1]
X, Y = [0.05, 1.1], [1, 0, 0]
NET = cr.Network(2, [cr.Dense(2, "tanh"), cr.Dense(3, "softmax")], loss="squared_error")
PARAMS = NET.parameters([(W1, B1), (W2, B2)])


def by_hand(w):
    """The network and its cost in mpmath, from w1 to w10."""
    W, V = [w[0:2], w[2:4]], [w[4:6], w[6:8], w[8:10]]
    h = [mpmath.tanh(mpmath.fdot(row, X) + b) for row, b in zip(W, B1, strict=True)]
    z = [mpmath.fdot(row, h) + b for row, b in zip(V, B2, strict=True)]
    powers = list(map(mpmath.exp, z))
    a = [p / mpmath.fsum(powers) for p in powers]
    return {"E_total": mpmath.fsum((p - y) ** 2 for p, y in zip(a, Y, strict=True)), "a": a, "z": z}


W = [*itertools.chain(*W1, *W2)]


@pytest.mark.parametrize("k", range(10))
def test_the_gradient_of_a_squared_error_behind_a_softmax(k):
    def cost(t):
        return by_hand([*W[:k], t, *W[k + 1 :]])["E_total"]

    shown = {s.symbol: s.value for s in cr.explain(NET, PARAMS, X, Y, of=f"w{k + 1}").steps}
    with mpmath.workdps(40):
        assert shown[f"∂E_total/∂w{k + 1}"] == pytest.approx(
            float(mpmath.diff(cost, W[k])), rel=1e-12
        )


def test_each_entry_of_the_jacobian_is_a_line():
    shown = {s.symbol: s for s in cr.explain(NET, PARAMS, X, Y, of="all").steps}
    a = list(map(float, by_hand(W)["a"]))
    for j, k in itertools.product(range(3), range(3)):
        entry = shown[f"∂out_o{k + 1}/∂net_o{j + 1}"]
        assert entry.value == pytest.approx(a[k] * ((j == k) - a[j]), rel=1e-13)
        same = f"out_o{j + 1} · (1 − out_o{j + 1})"
        assert entry.formula == (same if j == k else f"−out_o{k + 1} · out_o{j + 1}")
    delta = shown["δ_o2"].formula
    assert delta == " + ".join(f"∂E_total/∂out_o{k} · ∂out_o{k}/∂net_o2" for k in (1, 2, 3))


CASES = [
    ([cr.Dense(3, "softmax")], "squared_error"),
    ([cr.Dense(4, "tanh"), cr.Dense(3, "softmax")], "half_squared_error"),
    ([cr.Dense(3, "softmax"), cr.Dense(2)], "cross_entropy"),
    ([cr.Dense(3, "softmax"), cr.Dropout(0.5), cr.Dense(2, "softmax")], "mean_squared_error"),
    ([cr.Dense(14, "softmax"), cr.Dense(13, "softmax")], "huber"),
]


@pytest.mark.parametrize("of", ["w1", "w2", "b2", "x1", "h1", "o2", "net_o1", "net_h2", "all"])
@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("n", [1, 2])
def test_lines_and_numbers_of_any_network_with_a_softmax(case, of, n):
    layers, loss = CASES[case]
    own = problem(cr.Network(2, layers, loss=loss), n=n, seed=case)
    at = Places.of(own.net)
    if (of[-2] == "h" and at.last == 0) or (of == "all" and own.net.size > 100):
        return
    made = cr.explain(own.net, own.params, own.X, own.y, of=of)
    derived = list(made.derivation.steps())
    for step in derived:
        if step.formula is not None:
            size = max([abs(q.value) for q in quantities(step)], default=0.0)
            assert is_near(float(exact(step.formula)), step.value, 10 * (1 + size)), step
    for line, step in zip(steps(made.text(10**6)), derived, strict=True):
        check_line(line, step)
    _, grads = cr.cost_and_gradient(own.net, own.params, own.X, own.y)
    found = {step.key: step.value for step in derived}
    asked = parameters(at) if of == "all" else [subject(of, at)]
    for key in asked:
        if key.kind in ("w", "b"):
            leaf = grads[int(at.layers[key.layer].path)]
            right = leaf.W[key.unit, key.source] if key.kind == "w" else leaf.b[key.unit]
            assert found[derivative(COST, key)] == pytest.approx(float(right), rel=1e-11)
    assert of == "all" or derived[-1].key == derivative(COST, asked[0])


@pytest.mark.parametrize("of", ["out_o1", "out_o3", "net_o2"])
@pytest.mark.parametrize("by", ["w1", "w5", "w8", "b4", "i2", "h1", "net_h2", "net_o2"])
def test_a_unit_of_a_softmax_depends_on_its_whole_layer(of, by):
    if of.startswith("net") and by in ("w5", "b3", "net_o2"):
        why = "net_o2 by itself is 1" if by == of else f"{by} does not lead to net_o2"
        with pytest.raises(ValueError, match=why):
            cr.explain(NET, PARAMS, X, of=of, by=by)
        return
    made = cr.explain(NET, PARAMS, X, of=of, by=by)
    derived = list(made.derivation.steps())
    for line, step in zip(steps(made.text(10**6)), derived, strict=True):
        check_line(line, step)
    last = derived[-1] if by != "net_o2" else next(s for s in derived[::-1] if s.key.kind == "d")
    expected = {"w": W}.get(by[0])
    if expected:
        k = int(by[1:]) - 1
        kind, unit = ("z" if of.startswith("net") else "a"), int(of[-1]) - 1

        def value(t):
            return by_hand([*W[:k], t, *W[k + 1 :]])[kind][unit]

        with mpmath.workdps(40):
            assert last.value == pytest.approx(float(mpmath.diff(value, W[k])), rel=1e-12)
    assert made.derivation.subject == last.key.of[1]


def test_a_joint_activation_of_ones_own():
    centred = cr.Activation(
        "centred",
        f=lambda z, xp: z - xp.mean(z, axis=-1, keepdims=True),
        pull=lambda z, a, da, xp: da - xp.mean(da, axis=-1, keepdims=True),
    )
    net = cr.Network(2, [cr.Dense(3, centred), cr.Dense(1)], loss="squared_error")
    own = problem(net, n=1, seed=2)
    made = cr.explain(net, own.params, own.X, own.y, of="w1")
    shown = {s.symbol: s for s in made.steps}
    assert shown["out_h1"].note == "by a function of your own, centred"
    assert shown["∂out_h2/∂net_h1"].value == pytest.approx(-1 / 3)
    _, grads = cr.cost_and_gradient(net, own.params, own.X, own.y)
    assert shown["∂E_total/∂w1"].value == pytest.approx(grads[0].W[0, 0], rel=1e-12)


def test_paths_join_in_a_softmax():
    with pytest.raises(ValueError, match="such as softmax, joins all paths through it"):
        cr.paths(NET, PARAMS, X, Y, of="w1")


def test_the_largest_is_taken_off_as_a_page_is_changed(opened):
    """Each softmax of a network has letters of its own: of a layer, and of a loss behind it."""
    net = cr.Network(2, [cr.Dense(3, "softmax"), cr.Dense(3)], "cross_entropy")
    own = problem(net, n=1, seed=2)
    view = opened(cr.explain(net, own.params, own.X, own.y, of="w5", optimizer=cr.SGD(0.5)))
    for name, value, leaf in (("b2", 60.0, 0), ("b4", -70.0, 1), ("b2", 0.5, 0)):
        own.params[leaf].b[1 - leaf] = value
        view.change(name, str(value))
        now = cr.explain(net, own.params, own.X, own.y, of="w5", optimizer=cr.SGD(0.5))
        assert shown_lines(view) == expected(now)


def test_a_softmax_in_a_file(tmp_path):
    text = changed("activation", '["tanh", "softmax"]')
    assert read(tmp_path, text).net.layers[1].activation == "softmax"
    with pytest.raises(
        ValueError, match=re.escape("network.toml:3: activation: softmax is of the")
    ):
        read(tmp_path, changed("activation", '"softmax"'))
